//! Which `UserSig` calls carry: the first, or one that was signed anew.

/// The number of renewals that one row, or one list of groups, may cause. One is enough, unless it
/// waits for hours between its attempts.
const MOST_RENEWALS: u32 = 3;

/// Numbers the `UserSig`s of a run, so that an answer is held against the one that its call carried.
#[derive(Debug)]
pub(crate) struct Signature {
    can_renew: bool,
    number: u32,
    /// Whether the service has taken the present one, or it is the first.
    proven: bool,
}

/// What mends an answer that says `UserSig` expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// It has been signed anew since the call was made: the row is sent again.
    SendAgain,
    /// A new one, and then the row is sent again.
    Renew,
    /// Nothing here.
    Stop,
    /// Nothing for this row: the service accepts the `UserSig` from others.
    GiveUp,
}

impl Signature {
    /// The `UserSig` that a run begins with. `can_renew`: whether another can be signed.
    pub(crate) fn first(can_renew: bool) -> Self {
        Self {
            can_renew,
            number: 0,
            proven: true,
        }
    }

    /// The number of the present one.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// The service has taken the one with this number.
    pub(crate) fn proven(&mut self, number: u32) {
        self.proven |= number == self.number;
    }

    /// From now on calls carry a new one.
    pub(crate) fn renewed(&mut self) {
        self.number += 1;
        self.proven = false;
    }

    /// The service says that the one with this number has expired. When it says so of one that
    /// was just signed, signing again would not help: a clock is wrong. `renewals`: the number of
    /// renewals that the same row has caused so far; without a bound it could cause them forever.
    pub(crate) fn expired(&self, number: u32, renewals: u32) -> Remedy {
        if number < self.number {
            Remedy::SendAgain
        } else if !self.can_renew || !self.proven {
            Remedy::Stop
        } else if renewals < MOST_RENEWALS {
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
    fn one_renewal_mends_all_calls_in_flight() {
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
            "an older one was taken"
        );
        signature.proven(1);
        assert_eq!(signature.expired(1, 0), Remedy::Renew);
    }

    #[test]
    fn a_row_that_is_refused_with_every_usersig_is_given_up_and_others_still_renew() {
        let mut signature = Signature::first(true);
        for renewals in 0..MOST_RENEWALS {
            assert_eq!(signature.expired(renewals, renewals), Remedy::Renew);
            signature.renewed();
            signature.proven(renewals + 1);
        }
        let present = signature.number();
        assert_eq!(signature.expired(present, MOST_RENEWALS), Remedy::GiveUp);
        assert_eq!(signature.expired(present, 0), Remedy::Renew);
    }

    #[test]
    fn without_the_key_nothing_mends_it() {
        assert_eq!(Signature::first(false).expired(0, 0), Remedy::Stop);
    }
}
