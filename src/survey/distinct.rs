//! Counts distinct texts in bounded memory, by keeping their smallest hashes.
//!
//! Hashes are spread evenly between 0 and 2^64, so the value of the k-th smallest gives an estimate
//! of their number. As long as all hashes are kept, the count is exact.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

use crate::display::thousands;

/// The number of hashes for an estimate: to within 0.4 %, two times out of three.
const KEPT: usize = 1 << 16;
/// The number of hashes at which the larger ones are dropped: a full table of 2^17 slots.
const MAX_KEPT: usize = (1 << 17) / 8 * 7;

/// Counts distinct texts.
#[derive(Debug)]
pub(super) struct Distinct {
    /// Random in every process, because spammers choose their IDs.
    key: RandomState,
    smallest: HashTable<u64>,
    /// Hashes above it are dropped.
    limit: u64,
}

/// A number of distinct texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// The exact number.
    Exactly(u64),
    /// An estimate, within about 1 %.
    About(u64),
}

impl Count {
    /// Returns the number, exact or estimated.
    pub fn number(self) -> u64 {
        match self {
            Self::Exactly(number) | Self::About(number) => number,
        }
    }

    /// Whether it is an estimate.
    pub fn is_estimate(self) -> bool {
        matches!(self, Self::About(_))
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exactly(number) => f.pad(&thousands(number)),
            Self::About(number @ 0..999_500) => {
                f.pad(&format!("about {},000", (number + 500) / 1_000))
            }
            Self::About(number) => {
                let tenths = (number + 50_000) / 100_000;
                let (millions, tenths) = (thousands(tenths / 10), tenths % 10);
                f.pad(&format!("about {millions}.{tenths} M"))
            }
        }
    }
}

impl Distinct {
    pub(super) fn new() -> Self {
        Self {
            key: RandomState::new(),
            smallest: HashTable::new(),
            limit: u64::MAX,
        }
    }

    pub(super) fn meet(&mut self, text: &str) {
        self.meet_hash(self.key.hash_one(text));
    }

    fn meet_hash(&mut self, hash: u64) {
        if hash > self.limit {
            return;
        }
        self.smallest
            .entry(hash, |other| *other == hash, |hash| *hash)
            .or_insert(hash);
        if self.smallest.len() == MAX_KEPT {
            self.drop_larger();
        }
    }

    /// Refills the cleared table; one from which hashes are removed would grow.
    fn drop_larger(&mut self) {
        let hashes = self.by_size();
        self.limit = hashes[KEPT - 1];
        self.smallest.clear();
        for hash in &hashes[..KEPT] {
            self.smallest.insert_unique(*hash, *hash, |hash| *hash);
        }
    }

    pub(super) fn count(&self) -> Count {
        if self.limit == u64::MAX {
            return Count::Exactly(self.smallest.len() as u64);
        }
        // With k - 1 the estimate is unbiased, unlike with k.
        let all = (KEPT as u128 - 1) << 64;
        let estimate = all / u128::from(self.by_size()[KEPT - 1].max(1));
        Count::About(u64::try_from(estimate).unwrap_or(u64::MAX))
    }

    /// Returns the hashes, with the `KEPT` smallest first.
    fn by_size(&self) -> Vec<u64> {
        let mut hashes: Vec<u64> = self.smallest.iter().copied().collect();
        hashes.select_nth_unstable(KEPT - 1);
        hashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a count of this many distinct hashes, the same in every test run.
    fn hashes(count: u64) -> Distinct {
        let mut distinct = Distinct::new();
        let mut random = fastrand::Rng::with_seed(7);
        let hashes: Vec<u64> = (0..count).map(|_| random.u64(..)).collect();
        // Each twice, the second time after others have been dropped.
        for hash in hashes.iter().chain(&hashes) {
            distinct.meet_hash(*hash);
        }
        distinct
    }

    #[test]
    fn few_texts_are_counted_exactly_however_often_they_occur() {
        let mut distinct = Distinct::new();
        assert_eq!(distinct.count(), Count::Exactly(0));
        for text in ["a", "b", "a", "", "b"] {
            distinct.meet(text);
        }
        assert_eq!(distinct.count(), Count::Exactly(3));
        let most = MAX_KEPT as u64 - 1;
        assert_eq!(hashes(most).count(), Count::Exactly(most));
    }

    #[test]
    fn many_texts_are_estimated_within_one_percent_in_bounded_memory() {
        for count in [MAX_KEPT as u64, 300_000, 5_000_000] {
            let distinct = hashes(count);
            let Count::About(estimate) = distinct.count() else {
                panic!("{count} are too many to count")
            };
            let off = estimate.abs_diff(count) as f64 / count as f64;
            assert!(off < 0.01, "{estimate} of {count}");
            assert!(distinct.smallest.capacity() <= MAX_KEPT);
        }
    }

    #[test]
    fn an_estimate_is_shown_as_one() {
        let shown = [
            Count::Exactly(1_234_567),
            Count::About(999_500),
            Count::About(114_688),
            Count::About(9_949_999),
            Count::About(12_345_678_901),
        ]
        .map(|count| count.to_string());
        assert_eq!(
            shown,
            [
                "1,234,567",
                "about 1.0 M",
                "about 115,000",
                "about 9.9 M",
                "about 12,345.7 M"
            ]
        );
    }
}
