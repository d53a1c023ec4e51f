//! How long a row waits before it is tried again. The only user of `backoff`.

use std::iter;
use std::time::Duration;

use backoff::ExponentialBackoffBuilder;
use backoff::backoff::Backoff as _;

/// The ceiling of the first wait.
const FIRST_CEILING: Duration = Duration::from_millis(500);
/// The highest ceiling.
const MAX_CEILING: Duration = Duration::from_secs(30);

/// Exponential backoff with full jitter: a wait is drawn evenly from nothing up to a ceiling that
/// doubles with every attempt, so that rows that failed together don't come back together.
#[derive(Debug)]
pub(crate) struct Retry {
    max_attempts: u32,
    /// Up to the highest, which all later attempts share.
    ceilings: Vec<Duration>,
    jitter: fastrand::Rng,
}

impl Retry {
    /// Returns a policy of at most `max_attempts` attempts per row.
    pub(crate) fn new(max_attempts: u32, seed: u64) -> Self {
        let mut policy = ExponentialBackoffBuilder::new()
            .with_initial_interval(FIRST_CEILING)
            .with_multiplier(2.0)
            .with_max_interval(MAX_CEILING)
            .with_max_elapsed_time(None)
            // Jitter is added below, so that a seed reproduces it.
            .with_randomization_factor(0.0)
            .build();
        let ceilings = iter::from_fn(|| policy.next_backoff());
        let shorter = ceilings.take_while(|ceiling| *ceiling < MAX_CEILING);
        Self {
            max_attempts,
            ceilings: shorter.chain([MAX_CEILING]).collect(),
            jitter: fastrand::Rng::with_seed(seed),
        }
    }

    /// Returns the wait after this many counted attempts; `None` after the last.
    pub(crate) fn wait_after(&mut self, attempts: u32) -> Option<Duration> {
        if attempts >= self.max_attempts {
            return None;
        }
        let at = attempts.saturating_sub(1) as usize;
        let ceiling = self.ceilings.get(at).unwrap_or(&MAX_CEILING);
        Some(ceiling.mul_f64(self.jitter.f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_double_up_to_half_a_minute() {
        let millis: Vec<_> = Retry::new(9, 0)
            .ceilings
            .iter()
            .map(Duration::as_millis)
            .collect();
        assert_eq!(millis, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
    }

    #[test]
    fn waits_are_spread_evenly_below_the_ceiling() {
        let mut retry = Retry::new(8, 1);
        let waits: Vec<_> = (0..1_000).filter_map(|_| retry.wait_after(3)).collect();
        assert_eq!(waits.len(), 1_000);
        assert!(waits.iter().all(|wait| wait.as_millis() <= 2_000));
        let mean = waits.iter().sum::<Duration>() / 1_000;
        assert!((900..1_100).contains(&mean.as_millis()), "{mean:?}");
    }

    #[test]
    fn there_is_no_wait_after_the_last_attempt() {
        let mut retry = Retry::new(8, 1);
        assert!(retry.wait_after(7).is_some());
        assert_eq!(retry.wait_after(8), None);
        assert_eq!(Retry::new(1, 1).wait_after(1), None);
    }

    #[test]
    fn any_number_of_attempts_needs_only_a_few_ceilings() {
        let mut retry = Retry::new(u32::MAX, 1);
        assert_eq!(retry.ceilings.len(), 7);
        let wait = retry.wait_after(u32::MAX - 1).expect("one is left");
        assert!(wait <= MAX_CEILING);
        assert_eq!(retry.wait_after(u32::MAX), None);
    }
}
