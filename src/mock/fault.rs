//! What can go wrong with a call, by chance.

use std::str::FromStr;

use crate::error::{Error, Result};

/// Something that goes wrong with a share of the calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub what: What,
    /// The share of the calls that it strikes, 0 to 1.
    pub chance: f64,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is answered with this error code.
    Code(i32),
}

impl FromStr for Fault {
    type Err = Error;

    /// `10002=5%`: the code 10002 for every twentieth call.
    fn from_str(text: &str) -> Result<Self> {
        let (what, chance) = text
            .split_once('=')
            .ok_or_else(|| Error::usage(format!("fault {text:?} has no =")).hint(EXAMPLE))?;
        Ok(Self {
            what: what.parse()?,
            chance: share(chance)?,
        })
    }
}

impl FromStr for What {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.parse() {
            Ok(code) if code > 0 => Ok(Self::Code(code)),
            _ => Err(Error::usage(format!("{text:?} is no fault")).hint(EXAMPLE)),
        }
    }
}

const EXAMPLE: &str = "write a code and its chance, as in 10002=5%";

/// `5%` as 0.05.
fn share(text: &str) -> Result<f64> {
    text.strip_suffix('%')
        .and_then(|percent| percent.parse::<f64>().ok())
        .filter(|percent| (0.0..=100.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| Error::usage(format!("{text:?} is no chance from 0% to 100%")).hint(EXAMPLE))
}

/// The fault that strikes the call whose chance is `rng`, if one does.
pub(crate) fn draw(faults: &[Fault], rng: &mut fastrand::Rng) -> Option<What> {
    if faults.is_empty() {
        return None;
    }
    let mut left = rng.f64();
    for fault in faults {
        if left < fault.chance {
            return Some(fault.what);
        }
        left -= fault.chance;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_as_a_code_and_its_chance() {
        let fault: Fault = "10002=5%".parse().expect("a fault");
        assert_eq!(fault.what, What::Code(10002));
        assert!((fault.chance - 0.05).abs() < 1e-12);
        assert!("60008=0.01%".parse::<Fault>().is_ok());
    }

    #[test]
    fn what_is_no_fault_is_refused() {
        for text in ["", "10002", "10002=5", "=5%", "0=5%", "-1=5%", "x=5%"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
        for text in ["10002=101%", "10002=-1%", "10002=NaN%"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }

    #[test]
    fn faults_strike_as_often_as_they_should() {
        let faults = ["10002=5%", "60008=1%"].map(|text| text.parse().expect("a fault"));
        let mut rng = fastrand::Rng::with_seed(7);
        let mut struck = [0, 0, 0];
        for _ in 0..100_000 {
            match draw(&faults, &mut rng) {
                Some(What::Code(10002)) => struck[0] += 1,
                Some(_) => struck[1] += 1,
                None => struck[2] += 1,
            }
        }
        assert!((4_500..5_500).contains(&struck[0]), "{struck:?}");
        assert!((800..1_200).contains(&struck[1]), "{struck:?}");
    }

    #[test]
    fn a_fault_of_100_percent_strikes_every_call() {
        let faults = ["10010=100%".parse().expect("a fault")];
        let mut rng = fastrand::Rng::with_seed(0);
        assert!((0..1_000).all(|_| draw(&faults, &mut rng).is_some()));
    }
}
