//! Which `UserSig` calls carry: the first, or a renewed one.

/// The maximum number of renewals that one row, or one list of groups, may cause. One is enough
/// unless there are hours between its attempts.
const MAX_RENEWALS: u32 = 3;

/// Numbers the `UserSig`s of a run, so that an answer is matched with the one its call carried.
#[derive(Debug)]
pub(crate) struct Signature {
    can_renew: bool,
    number: u32,
    /// Whether the service has accepted the current one, or it is the first.
    proven: bool,
}

/// What to do about an answer that says the `UserSig` expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Send the row again: the `UserSig` has been renewed since the call was made.
    SendAgain,
    /// Renew the `UserSig`, then send the row again.
    Renew,
    /// Stop the run: renewing is impossible or has not helped.
    Stop,
    /// Give up on this row: the service accepts the `UserSig` for others.
    GiveUp,
}

impl Signature {
    /// Starts with the first `UserSig` of a run. `can_renew`: whether another can be signed.
    pub(crate) fn first(can_renew: bool) -> Self {
        Self {
            can_renew,
            number: 0,
            proven: true,
        }
    }

    /// Returns the number of the current one.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// The service has accepted the one with this number.
    pub(crate) fn proven(&mut self, number: u32) {
        self.proven |= number == self.number;
    }

    /// From now on calls carry a new one.
    pub(crate) fn renewed(&mut self) {
        self.number += 1;
        self.proven = false;
    }

    /// The service says that the one with this number has expired. If that one was just signed,
    /// signing again would not help: a clock is wrong. `renewals`: the number of renewals that the
    /// same row has caused so far; without a limit it could cause them forever.
    pub(crate) fn expired(&self, number: u32, renewals: u32) -> Remedy {
        if number < self.number {
            Remedy::SendAgain
        } else if !self.can_renew || !self.proven {
            Remedy::Stop
        } else if renewals < MAX_RENEWALS {
            Remedy::Renew
        } else {
            Remedy::GiveUp
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_renewal_fixes_all_calls_in_flight() {
        let mut signature = Signature::first(true);
        assert_eq!(signature.expired(0, 0), Remedy::Renew);
        signature.renewed();
        assert_eq!(signature.expired(0, 0), Remedy::SendAgain);
    }

    #[test]
    fn a_renewal_that_did_not_help_is_not_repeated() {
        let mut signature = Signature::first(true);
        signature.renewed();
        assert_eq!(signature.expired(1, 0), Remedy::Stop);
        signature.proven(0);
        assert_eq!(
            signature.expired(1, 0),
            Remedy::Stop,
            "only an older one was accepted"
        );
        signature.proven(1);
        assert_eq!(signature.expired(1, 0), Remedy::Renew);
    }

    #[test]
    fn a_row_refused_with_every_usersig_is_given_up_and_others_still_renew() {
        let mut signature = Signature::first(true);
        for renewals in 0..MAX_RENEWALS {
            assert_eq!(signature.expired(renewals, renewals), Remedy::Renew);
            signature.renewed();
            signature.proven(renewals + 1);
        }
        let current = signature.number();
        assert_eq!(signature.expired(current, MAX_RENEWALS), Remedy::GiveUp);
        assert_eq!(signature.expired(current, 0), Remedy::Renew);
    }

    #[test]
    fn without_the_key_an_expired_usersig_stops_the_run() {
        assert_eq!(Signature::first(false).expired(0, 0), Remedy::Stop);
    }
}
