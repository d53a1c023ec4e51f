//! Which `UserSig` calls carry: the first, or one that was signed anew.

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
    /// was just signed, signing again would not help: a clock is wrong.
    pub(crate) fn expired(&self, number: u32) -> Remedy {
        if number < self.number {
            Remedy::SendAgain
        } else if self.can_renew && self.proven {
            Remedy::Renew
        } else {
            Remedy::Stop
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_renewal_mends_all_calls_in_flight() {
        let mut signature = Signature::first(true);
        assert_eq!(signature.expired(0), Remedy::Renew);
        signature.renewed();
        assert_eq!(signature.expired(0), Remedy::SendAgain);
    }

    #[test]
    fn a_renewal_that_did_not_help_is_not_repeated() {
        let mut signature = Signature::first(true);
        signature.renewed();
        assert_eq!(signature.expired(1), Remedy::Stop);
        signature.proven(0);
        assert_eq!(signature.expired(1), Remedy::Stop, "an older one was taken");
        signature.proven(1);
        assert_eq!(signature.expired(1), Remedy::Renew);
    }

    #[test]
    fn without_the_key_nothing_mends_it() {
        assert_eq!(Signature::first(false).expired(0), Remedy::Stop);
    }
}
