//! The time axis of a chart: the sections of a timeline side by side, with shortened breaks between
//! them.

use jiff::Timestamp;

use super::axis::{CLOCK, ticks};
use super::timeline::{Bucket, Timeline};

/// The width of a break relative to all sections together: enough for the labels of two short ones.
const BREAK: f64 = 0.15;
/// The maximum width of all breaks, relative to all sections together.
const BREAKS: f64 = 0.5;
/// The width of a letter in a label, relative to the axis.
const LETTER: f64 = 0.015;

/// The positions of a timeline's buckets, in seconds of a clock that stops during breaks.
pub(super) struct TimeAxis<'t> {
    sections: Vec<Section<'t>>,
    bucket_s: i64,
    seconds: i64,
    /// The end of the axis.
    pub(super) end: f64,
}

struct Section<'t> {
    buckets: &'t [Bucket],
    /// The position on the axis at which the section starts.
    at: f64,
    /// When the section starts, in seconds since the epoch.
    begins: i64,
    seconds: i64,
}

impl<'t> TimeAxis<'t> {
    pub(super) fn of(timeline: &'t Timeline) -> Self {
        let seconds: i64 = timeline.sections().map(|part| timeline.seconds(part)).sum();
        let breaks = timeline.sections().count().saturating_sub(1);
        let gap = seconds as f64 * BREAK.min(BREAKS / breaks.max(1) as f64);
        let mut end = -gap;
        let sections = timeline.sections().map(|buckets| {
            let at = end + gap;
            let seconds = timeline.seconds(buckets);
            end = at + seconds as f64;
            Section {
                buckets,
                at,
                begins: buckets[0].begins.as_second(),
                seconds,
            }
        });
        Self {
            sections: sections.collect(),
            bucket_s: timeline.bucket_s,
            seconds,
            end: end.max(0.0),
        }
    }

    /// Returns each bucket with its start and end on the axis.
    pub(super) fn columns(&self) -> impl Iterator<Item = ([f64; 2], &'t Bucket)> {
        let bucket_s = self.bucket_s;
        self.sections.iter().flat_map(move |section| {
            section.buckets.iter().map(move |bucket| {
                let since = bucket.begins.as_second() - section.begins;
                let from = section.at + since as f64;
                ([from, from + bucket_s as f64], bucket)
            })
        })
    }

    /// Returns the start and end of each break on the axis.
    pub(super) fn breaks(&self) -> impl Iterator<Item = [f64; 2]> {
        self.sections
            .windows(2)
            .map(|pair| [pair[0].at + pair[0].seconds as f64, pair[1].at])
    }

    /// Returns labels for positions on the axis: the start of each section if there are breaks, and
    /// round times, as far as there is room.
    pub(super) fn names(&self) -> Vec<(f64, String)> {
        let form = match self.seconds {
            ..600 => "%H:%M:%S",
            600..86_400 => "%H:%M",
            86_400..432_000 => "%b %-d %H:%M",
            432_000..100_000_000 => "%b %-d",
            _ => "%Y",
        };
        let mut names: Vec<(f64, String)> = Vec::new();
        let mut name = |at: f64, second: i64, form: &str| {
            let name = moment(second, form);
            let has_room = |(other_at, other): &(f64, String)| {
                let letters = (name.len() + other.len()) as f64 / 2.0 + 1.0;
                (other_at - at).abs() >= letters * LETTER * self.end
            };
            if names.iter().all(has_room) {
                names.push((at, name));
            }
        };
        if self.sections.len() > 1 {
            let day = self.form_of_days();
            let mut before = String::new();
            for section in &self.sections {
                let begins = moment(section.begins, day);
                let form = if begins == before { "%H:%M" } else { day };
                name(section.at, section.begins, form);
                before = begins;
            }
        }
        for section in &self.sections {
            let begins = section.begins as f64;
            for tick in ticks(begins..begins + section.seconds as f64, &CLOCK) {
                #[expect(clippy::cast_possible_truncation, reason = "ticks are whole seconds")]
                name(section.at + tick - begins, tick as i64, form);
            }
        }
        names
    }

    /// Returns the format of the sections' days, or of their years if they span more than one year,
    /// because there is only room for short labels.
    fn form_of_days(&self) -> &'static str {
        const YEAR: i64 = 365 * 86_400;
        let ends = self.sections.first().zip(self.sections.last());
        let spans_years = ends.is_some_and(|(first, last)| last.begins - first.begins >= YEAR);
        if spans_years { "%Y" } else { "%b %-d" }
    }
}

fn moment(second: i64, form: &str) -> String {
    Timestamp::from_second(second)
        .map_or_else(|_| String::new(), |at| at.strftime(form).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the labels for calls sent in these seconds, in order of their position.
    fn names(seconds: impl IntoIterator<Item = i64>) -> Vec<String> {
        let mut timeline = Timeline::default();
        for second in seconds {
            let at = Timestamp::from_second(second).expect("a time");
            timeline.at(at).at_once += 1;
        }
        let mut names = TimeAxis::of(&timeline).names();
        names.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        names.into_iter().map(|(_, name)| name).collect()
    }

    const DAY: i64 = 86_400;

    #[test]
    fn a_single_run_is_labelled_with_round_times() {
        assert_eq!(
            names(5..25),
            ["00:00:05", "00:00:10", "00:00:15", "00:00:20", "00:00:25"]
        );
        assert_eq!(names([]), [""; 0]);
    }

    #[test]
    fn several_runs_are_labelled_with_their_day_or_time_and_a_long_one_with_round_times_too() {
        let rest = DAY + 7..DAY + 207;
        let later = [2 * DAY, 2 * DAY + 3_600];
        let read = names([0].into_iter().chain(rest.clone()).chain(later));
        assert_eq!(read[..2], ["Jan 1", "Jan 2"]);
        assert_eq!(read[read.len() - 2..], ["Jan 3", "01:00"]);
        assert!(read.iter().any(|name| name == "00:02:00"), "{read:?}");
        let years = names(rest.chain([20_000 * DAY]));
        assert_eq!(
            (&*years[0], years.last().map(|name| &**name)),
            ("1970", Some("2024"))
        );
    }

    #[test]
    fn the_time_between_runs_is_as_wide_as_a_break() {
        let mut timeline = Timeline::default();
        for second in [0, 1, DAY, DAY + 1] {
            let at = Timestamp::from_second(second).expect("a time");
            timeline.at(at).failed += 1;
        }
        let axis = TimeAxis::of(&timeline);
        let begin_and_end: Vec<_> = axis.breaks().flatten().collect();
        assert_eq!(begin_and_end, [2.0, 2.0 + 4.0 * BREAK]);
        let columns: Vec<_> = axis.columns().map(|(along, _)| along).collect();
        let [[_, before], [after, _]] = [columns[1], columns[2]];
        assert!((before - begin_and_end[0]).abs() < 1e-9, "{before}");
        assert!((after - begin_and_end[1]).abs() < 1e-9, "{after}");
        assert!((axis.end - (4.0 + 4.0 * BREAK)).abs() < 1e-9);
    }
}
