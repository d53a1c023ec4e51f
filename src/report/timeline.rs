//! Calls over time, in no more buckets than a chart can show, however long the time is.

use jiff::Timestamp;
use serde::Serialize;

/// The maximum number of buckets in a chart. If there would be more, neighbours are merged and all
/// buckets become twice as wide.
const MAX_BUCKETS: i64 = 240;
/// A longer time without calls is a break between sections, in seconds.
const BREAK_S: i64 = 600;
/// The width of a break in a chart, in buckets. A gap that is not wider than this is not a break.
const BREAK_BUCKETS: i64 = 10;

/// The last calls of rows by when they were sent. Earlier attempts are not included, because the
/// ledger doesn't say when they were sent.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// The width of each bucket, in seconds: 1, 2, 4 and so on.
    pub bucket_s: i64,
    /// The buckets with calls, in order of time.
    pub buckets: Vec<Bucket>,
}

/// The last calls of rows sent within one bucket of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// The start of the bucket.
    pub begins: Timestamp,
    /// Rows recalled by their first call.
    pub at_once: u64,
    /// Rows recalled by a retry.
    pub by_retry: u64,
    /// Rows that failed.
    pub failed: u64,
}

impl Bucket {
    fn new(begins: Timestamp) -> Self {
        Self {
            begins,
            at_once: 0,
            by_retry: 0,
            failed: 0,
        }
    }

    /// Returns the number of calls.
    pub fn calls(&self) -> u64 {
        self.at_once + self.by_retry + self.failed
    }

    fn take(&mut self, other: &Self) {
        self.at_once += other.at_once;
        self.by_retry += other.by_retry;
        self.failed += other.failed;
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            bucket_s: 1,
            buckets: Vec::new(),
        }
    }
}

impl Timeline {
    /// Returns the bucket of a moment, creating it if necessary. Moments may come in any order.
    pub(super) fn at(&mut self, moment: Timestamp) -> &mut Bucket {
        if let Err(place) = self.find(moment) {
            let begins = self.begin_of(moment);
            self.buckets.insert(place, Bucket::new(begins));
            while self.width_s() > MAX_BUCKETS * self.bucket_s {
                self.merge();
            }
        }
        let at = self.find(moment).expect("it has been created");
        &mut self.buckets[at]
    }

    fn find(&self, moment: Timestamp) -> Result<usize, usize> {
        let begins = self.begin_of(moment);
        self.buckets
            .binary_search_by_key(&begins, |bucket| bucket.begins)
    }

    /// Returns the start of the bucket of a moment. The first bucket of all starts at the minimum
    /// timestamp, because nothing earlier can be represented.
    fn begin_of(&self, moment: Timestamp) -> Timestamp {
        let second = moment.as_second();
        let begins = second - second.rem_euclid(self.bucket_s);
        Timestamp::from_second(begins).unwrap_or(Timestamp::MIN)
    }

    /// Returns the number of seconds that a chart shows, with breaks shortened.
    fn width_s(&self) -> i64 {
        let mut sections = 0;
        let shown: i64 = self
            .sections()
            .inspect(|_| sections += 1)
            .map(|section| self.seconds(section))
            .sum();
        shown + (sections - 1) * BREAK_BUCKETS * self.bucket_s
    }

    fn merge(&mut self) {
        self.bucket_s *= 2;
        let narrow = std::mem::take(&mut self.buckets);
        for bucket in narrow {
            let begins = self.begin_of(bucket.begins);
            match self.buckets.last_mut() {
                Some(last) if last.begins == begins => last.take(&bucket),
                _ => self.buckets.push(Bucket { begins, ..bucket }),
            }
        }
    }

    /// Returns the runs of buckets between breaks. A break is more than ten minutes without calls.
    pub(super) fn sections(&self) -> impl Iterator<Item = &[Bucket]> {
        let longest = BREAK_S.max(BREAK_BUCKETS * self.bucket_s);
        let goes_on = move |one: &Bucket, next: &Bucket| {
            let gap = next.begins.as_second() - one.begins.as_second() - self.bucket_s;
            gap <= longest
        };
        self.buckets.chunk_by(goes_on)
    }

    /// Returns the length of a section, in seconds.
    pub(super) fn seconds(&self, section: &[Bucket]) -> i64 {
        let ends = section.first().zip(section.last());
        ends.map_or(0, |(first, last)| {
            last.begins.as_second() - first.begins.as_second() + self.bucket_s
        })
    }

    /// Returns the calls per second in a bucket.
    pub(super) fn rate(&self, bucket: &Bucket) -> f64 {
        bucket.calls() as f64 / self.bucket_s as f64
    }

    /// Returns the calls per second in the busiest bucket.
    pub(super) fn highest(&self) -> f64 {
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

    /// Returns the bucket width, and the start and length of each section.
    fn shape(timeline: &Timeline) -> (i64, Vec<(i64, i64)>) {
        let sections = timeline.sections().map(|section| {
            let begins = section[0].begins.as_second();
            (begins, timeline.seconds(section))
        });
        (timeline.bucket_s, sections.collect())
    }

    const DAY: i64 = 86_400;

    #[test]
    fn a_short_run_has_one_bucket_per_second() {
        let timeline = timeline([100, 100, 103]);
        assert_eq!(counts(&timeline), [2, 1]);
        assert_eq!(shape(&timeline), (1, vec![(100, 4)]));
        assert!((timeline.highest() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn runs_a_day_apart_are_separate_sections_and_keep_their_resolution() {
        let canary_and_rest = timeline((0..1).chain(DAY..DAY + 3));
        assert_eq!(shape(&canary_and_rest), (1, vec![(0, 1), (DAY, 3)]));
        let wrong_clock = timeline((DAY..DAY + 200).chain([0]));
        assert_eq!(shape(&wrong_clock), (1, vec![(0, 1), (DAY, 200)]));
    }

    #[test]
    fn a_gap_of_ten_minutes_is_not_a_break() {
        let seconds = [0, 601];
        assert_eq!(shape(&timeline(seconds)).1.len(), 1);
        assert_eq!(shape(&timeline([0, 602])).1.len(), 2);
    }

    #[test]
    fn runs_whose_breaks_would_not_fit_are_merged_into_one_section() {
        let daily = timeline((0..1_000).map(|day| day * DAY));
        let (_, sections) = shape(&daily);
        assert_eq!(sections.len(), 1);
        assert!(daily.buckets.len() <= 240);
        assert_eq!(counts(&daily).iter().sum::<u64>(), 1_000);
    }

    #[test]
    fn the_order_of_entries_makes_no_difference() {
        let run: Vec<i64> = (0..1_000).map(|n| -200 + n * 7 % 3_000).collect();
        let runs: Vec<i64> = (0..500).map(|n| n * n * 37 % 90_000).collect();
        for seconds in [run, runs] {
            let forwards = timeline(seconds.iter().copied());
            let backwards = timeline(seconds.iter().rev().copied());
            let mut sorted = seconds;
            sorted.sort_unstable();
            let sorted = timeline(sorted);
            assert_eq!(forwards.bucket_s, backwards.bucket_s);
            assert_eq!(forwards.buckets, backwards.buckets);
            assert_eq!(forwards.buckets, sorted.buckets);
        }
    }

    #[test]
    fn a_long_run_has_wider_buckets_and_loses_no_calls() {
        let timeline = timeline(0..DAY);
        assert_eq!(timeline.bucket_s, 512);
        assert!(timeline.buckets.len() <= 240);
        assert_eq!(counts(&timeline).iter().sum::<u64>(), 86_400);
        assert!((timeline.highest() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_earliest_and_latest_possible_times_fit() {
        let ends = [Timestamp::MIN.as_second(), Timestamp::MAX.as_second(), 0];
        let timeline = timeline(ends);
        assert_eq!(counts(&timeline), [1, 1, 1]);
        assert_eq!(shape(&timeline).1.len(), 3);
    }
}
