//! Calls over time, in as many buckets as a chart can show, however long it took.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

/// Most buckets; when there would be more, neighbours are merged and all are twice as wide.
const MOST: i64 = 240;

/// The last calls of rows by when they were sent. The ledger dates no earlier attempt, so those
/// are not in it.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// How wide each bucket is, in seconds: 1, 2, 4 and so on.
    pub bucket_s: i64,
    /// When the first bucket begins, in buckets since the epoch.
    #[serde(skip)]
    first: i64,
    /// From the first call to the last, without gaps.
    pub buckets: VecDeque<Bucket>,
}

/// The last calls of rows sent within one bucket of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// Rows recalled by their first call.
    pub at_once: u64,
    /// Rows recalled by a retry.
    pub by_retry: u64,
    /// Rows that failed.
    pub failed: u64,
}

impl Bucket {
    /// All of them.
    pub fn calls(&self) -> u64 {
        self.at_once + self.by_retry + self.failed
    }

    fn take(&mut self, other: Self) {
        self.at_once += other.at_once;
        self.by_retry += other.by_retry;
        self.failed += other.failed;
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            bucket_s: 1,
            first: 0,
            buckets: VecDeque::new(),
        }
    }
}

impl Timeline {
    /// The bucket of a moment, made when there is none yet. Moments come in any order.
    pub(super) fn at(&mut self, moment: Timestamp) -> &mut Bucket {
        let second = moment.as_second();
        loop {
            let wanted = second.div_euclid(self.bucket_s);
            if self.buckets.is_empty() {
                self.first = wanted;
            }
            let last = self.first + self.len() - 1;
            let from = self.first.min(wanted);
            if last.max(wanted) - from >= MOST {
                self.merge();
                continue;
            }
            while self.first > wanted {
                self.buckets.push_front(Bucket::default());
                self.first -= 1;
            }
            let at = usize::try_from(wanted - self.first).expect("it is not before the first");
            if at >= self.buckets.len() {
                self.buckets.resize(at + 1, Bucket::default());
            }
            return &mut self.buckets[at];
        }
    }

    /// How many buckets there are; few enough for every kind of number.
    pub(super) fn len(&self) -> i64 {
        self.buckets
            .len()
            .try_into()
            .expect("there are few buckets")
    }

    fn merge(&mut self) {
        let first = self.first.div_euclid(2);
        let mut merged: VecDeque<Bucket> = VecDeque::new();
        for (index, bucket) in (self.first..).zip(&self.buckets) {
            let at = usize::try_from(index.div_euclid(2) - first).expect("indices ascend");
            if at >= merged.len() {
                merged.push_back(Bucket::default());
            }
            merged[at].take(*bucket);
        }
        self.bucket_s *= 2;
        self.first = first;
        self.buckets = merged;
    }

    /// When the bucket begins, in seconds since the epoch.
    pub(super) fn begins(&self, bucket: i64) -> i64 {
        (self.first + bucket) * self.bucket_s
    }

    /// Calls per second in a bucket.
    pub(super) fn rate(&self, bucket: &Bucket) -> f64 {
        bucket.calls() as f64 / self.bucket_s as f64
    }

    /// Calls per second in the busiest bucket.
    pub(super) fn peak(&self) -> f64 {
        self.buckets
            .iter()
            .map(|bucket| self.rate(bucket))
            .fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(seconds: impl IntoIterator<Item = i64>) -> Timeline {
        let mut timeline = Timeline::default();
        for second in seconds {
            let at = Timestamp::from_second(second).expect("a time");
            timeline.at(at).at_once += 1;
        }
        timeline
    }

    fn counts(timeline: &Timeline) -> Vec<u64> {
        timeline.buckets.iter().map(Bucket::calls).collect()
    }

    #[test]
    fn a_short_run_has_a_bucket_a_second_and_none_is_left_out() {
        let timeline = timeline([100, 100, 103]);
        assert_eq!(counts(&timeline), [2, 0, 0, 1]);
        assert_eq!((timeline.bucket_s, timeline.first), (1, 100));
        assert!((timeline.peak() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn the_order_of_entries_makes_no_difference() {
        let seconds: Vec<i64> = (0..1_000).map(|n| -200 + n * 7 % 3_000).collect();
        let forwards = timeline(seconds.iter().copied());
        let backwards = timeline(seconds.iter().rev().copied());
        assert_eq!(forwards.buckets, backwards.buckets);
        assert_eq!(forwards.first, backwards.first);
    }

    #[test]
    fn a_long_run_has_wider_buckets_and_loses_no_call() {
        let timeline = timeline(0..86_400);
        assert_eq!(timeline.bucket_s, 512);
        assert!(timeline.len() <= MOST);
        assert_eq!(counts(&timeline).iter().sum::<u64>(), 86_400);
        assert!((timeline.peak() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn times_as_far_apart_as_they_can_be_fit_too() {
        let ends = [Timestamp::MIN.as_second(), Timestamp::MAX.as_second(), 0];
        let timeline = timeline(ends);
        assert!(timeline.len() <= MOST);
        assert_eq!(counts(&timeline).iter().sum::<u64>(), 3);
    }
}
