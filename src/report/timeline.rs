//! Calls over time, in as many buckets as a chart can show, however long it took.

use jiff::Timestamp;
use serde::Serialize;

/// Most buckets that a chart has room for; when there would be more, neighbours are merged and all
/// are twice as wide.
const MOST: i64 = 240;
/// A longer time without a call, in seconds, is a break between sections.
const BREAK_S: i64 = 600;
/// A break is cut short, but takes the room of so many buckets; so it is none where it has no more.
const BREAK_BUCKETS: i64 = 10;

/// The last calls of rows by when they were sent. The ledger dates no earlier attempt, so those
/// are not in it.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// How wide each bucket is, in seconds: 1, 2, 4 and so on.
    pub bucket_s: i64,
    /// Those with a call, from the first to the last.
    pub buckets: Vec<Bucket>,
}

/// The last calls of rows sent within one bucket of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// When it begins.
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

    /// All of them.
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
    /// The bucket of a moment, made when there is none yet. Moments come in any order.
    pub(super) fn at(&mut self, moment: Timestamp) -> &mut Bucket {
        if let Err(place) = self.find(moment) {
            let begins = self.begin_of(moment);
            self.buckets.insert(place, Bucket::new(begins));
            while self.width_s() > MOST * self.bucket_s {
                self.merge();
            }
        }
        let at = self.find(moment).expect("it has been made");
        &mut self.buckets[at]
    }

    fn find(&self, moment: Timestamp) -> Result<usize, usize> {
        let begins = self.begin_of(moment);
        self.buckets
            .binary_search_by_key(&begins, |bucket| bucket.begins)
    }

    /// When the bucket of a moment begins. The first of all times is in one that can't begin
    /// before it.
    fn begin_of(&self, moment: Timestamp) -> Timestamp {
        let second = moment.as_second();
        let begins = second - second.rem_euclid(self.bucket_s);
        Timestamp::from_second(begins).unwrap_or(Timestamp::MIN)
    }

    /// Seconds that a chart has to show, with each break cut.
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

    /// The buckets between breaks, which are longer than ten minutes without a call.
    pub(super) fn sections(&self) -> impl Iterator<Item = &[Bucket]> {
        let longest = BREAK_S.max(BREAK_BUCKETS * self.bucket_s);
        let goes_on = move |one: &Bucket, next: &Bucket| {
            let gap = next.begins.as_second() - one.begins.as_second() - self.bucket_s;
            gap <= longest
        };
        self.buckets.chunk_by(goes_on)
    }

    /// From the beginning of a section to its end.
    pub(super) fn seconds(&self, section: &[Bucket]) -> i64 {
        let ends = section.first().zip(section.last());
        ends.map_or(0, |(first, last)| {
            last.begins.as_second() - first.begins.as_second() + self.bucket_s
        })
    }

    /// Calls per second in a bucket.
    pub(super) fn rate(&self, bucket: &Bucket) -> f64 {
        bucket.calls() as f64 / self.bucket_s as f64
    }

    /// Calls per second in the highest bucket.
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

    /// How wide buckets are, and the sections by when they begin and how long they are.
    fn shape(timeline: &Timeline) -> (i64, Vec<(i64, i64)>) {
        let sections = timeline.sections().map(|section| {
            let begins = section[0].begins.as_second();
            (begins, timeline.seconds(section))
        });
        (timeline.bucket_s, sections.collect())
    }

    const DAY: i64 = 86_400;

    #[test]
    fn a_short_run_has_a_bucket_a_second() {
        let timeline = timeline([100, 100, 103]);
        assert_eq!(counts(&timeline), [2, 1]);
        assert_eq!(shape(&timeline), (1, vec![(100, 4)]));
        assert!((timeline.highest() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn runs_a_day_apart_are_sections_and_none_is_flattened() {
        let canary_and_rest = timeline((0..1).chain(DAY..DAY + 3));
        assert_eq!(shape(&canary_and_rest), (1, vec![(0, 1), (DAY, 3)]));
        let wrong_clock = timeline((DAY..DAY + 200).chain([0]));
        assert_eq!(shape(&wrong_clock), (1, vec![(0, 1), (DAY, 200)]));
    }

    #[test]
    fn ten_minutes_are_no_break() {
        let seconds = [0, 601];
        assert_eq!(shape(&timeline(seconds)).1.len(), 1);
        assert_eq!(shape(&timeline([0, 602])).1.len(), 2);
    }

    #[test]
    fn so_many_runs_that_breaks_take_all_the_room_are_one_section() {
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
    fn a_long_run_has_wider_buckets_and_loses_no_call() {
        let timeline = timeline(0..DAY);
        assert_eq!(timeline.bucket_s, 512);
        assert!(timeline.buckets.len() <= 240);
        assert_eq!(counts(&timeline).iter().sum::<u64>(), 86_400);
        assert!((timeline.highest() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn times_as_far_apart_as_they_can_be_fit_too() {
        let ends = [Timestamp::MIN.as_second(), Timestamp::MAX.as_second(), 0];
        let timeline = timeline(ends);
        assert_eq!(counts(&timeline), [1, 1, 1]);
        assert_eq!(shape(&timeline).1.len(), 3);
    }
}
