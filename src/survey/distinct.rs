//! How many different texts there are, in little memory: of their hashes the smallest are kept.
//!
//! Hashes lie evenly between nothing and 2^64, so where the k-th smallest lies tells how many there
//! are. While they are few all are kept, and the count is exact.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

use crate::display::thousands;

/// So many hashes tell how many there are: to within 0.4 %, two times out of three.
const KEPT: usize = 1 << 16;
/// So many are kept before the larger go: what fills a table of 2^17 places.
const MOST: usize = (1 << 17) / 8 * 7;

/// Counts different texts.
#[derive(Debug)]
pub(super) struct Distinct {
    /// Fresh in every process, for spammers choose their IDs.
    key: RandomState,
    smallest: HashTable<u64>,
    /// No hash above it is kept.
    limit: u64,
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Exactly(u64),
    /// So many, give or take a hundredth.
    About(u64),
}

impl Count {
    /// The number, known or estimated.
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
        if self.smallest.len() == MOST {
            self.drop_larger();
        }
    }

    /// Into a table that was cleared: one from which hashes are taken out would grow.
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
        // Without bias, unlike k times.
        let all = (KEPT as u128 - 1) << 64;
        let estimate = all / u128::from(self.by_size()[KEPT - 1].max(1));
        Count::About(u64::try_from(estimate).unwrap_or(u64::MAX))
    }

    /// The hashes, those that tell how many there are before the larger.
    fn by_size(&self) -> Vec<u64> {
        let mut hashes: Vec<u64> = self.smallest.iter().copied().collect();
        hashes.select_nth_unstable(KEPT - 1);
        hashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many different hashes, the same in every test run.
    fn hashes(count: u64) -> Distinct {
        let mut distinct = Distinct::new();
        let mut random = fastrand::Rng::with_seed(7);
        let hashes: Vec<u64> = (0..count).map(|_| random.u64(..)).collect();
        // Each twice, and the second time after others have come and gone.
        for hash in hashes.iter().chain(&hashes) {
            distinct.meet_hash(*hash);
        }
        distinct
    }

    #[test]
    fn few_are_counted_exactly_however_often_they_come() {
        let mut distinct = Distinct::new();
        assert_eq!(distinct.count(), Count::Exactly(0));
        for text in ["a", "b", "a", "", "b"] {
            distinct.meet(text);
        }
        assert_eq!(distinct.count(), Count::Exactly(3));
        let most = MOST as u64 - 1;
        assert_eq!(hashes(most).count(), Count::Exactly(most));
    }

    #[test]
    fn many_are_estimated_within_a_hundredth_in_the_same_memory() {
        for count in [MOST as u64, 300_000, 5_000_000] {
            let distinct = hashes(count);
            let Count::About(estimate) = distinct.count() else {
                panic!("{count} are too many to count")
            };
            let off = estimate.abs_diff(count) as f64 / count as f64;
            assert!(off < 0.01, "{estimate} of {count}");
            assert!(distinct.smallest.capacity() <= MOST);
        }
    }

    #[test]
    fn an_estimate_says_that_it_is_one() {
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
