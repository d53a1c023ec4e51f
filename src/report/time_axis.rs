//! Time along a chart: the sections of a timeline side by side, and the breaks between them cut.

use jiff::Timestamp;

use super::axis::{CLOCK, ticks};
use super::timeline::{Bucket, Timeline};

/// How wide a break is, as a part of all sections: enough for the names of two short ones.
const BREAK: f64 = 0.15;
/// And all breaks together.
const BREAKS: f64 = 0.5;
/// How wide a letter of a name is, as a part of the axis.
const LETTER: f64 = 0.015;

/// Where the buckets of a timeline stand, in seconds of a clock that stops in breaks.
pub(super) struct TimeAxis<'t> {
    sections: Vec<Section<'t>>,
    bucket_s: i64,
    seconds: i64,
    /// Where the axis ends.
    pub(super) end: f64,
}

struct Section<'t> {
    buckets: &'t [Bucket],
    /// Where it begins on the axis.
    at: f64,
    /// When it begins, in seconds since the epoch.
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

    /// Each bucket, and from where to where it stands.
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

    /// From where to where each break is.
    pub(super) fn breaks(&self) -> impl Iterator<Item = [f64; 2]> {
        self.sections
            .windows(2)
            .map(|pair| [pair[0].at + pair[0].seconds as f64, pair[1].at])
    }

    /// Names for places on the axis: where there are breaks, for the beginning of each section, and
    /// for round times as far as there is room.
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

    /// How days read, or years where a day could be any year's: of names there is room for short
    /// ones.
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

    /// The names on the axis of calls that went out in these seconds, as they stand along it.
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
    fn one_run_has_the_names_of_round_times() {
        assert_eq!(
            names(5..25),
            ["00:00:05", "00:00:10", "00:00:15", "00:00:20", "00:00:25"]
        );
        assert_eq!(names([]), [""; 0]);
    }

    #[test]
    fn each_of_several_runs_has_its_day_or_its_time_and_the_long_one_round_times() {
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
    fn what_lies_between_runs_takes_no_more_room_than_a_break() {
        let mut timeline = Timeline::default();
        for second in [0, 1, DAY, DAY + 1] {
            let at = Timestamp::from_second(second).expect("a time");
            timeline.at(at).failed += 1;
        }
        let axis = TimeAxis::of(&timeline);
        let begin_and_end: Vec<_> = axis.breaks().flatten().collect();
        assert_eq!(begin_and_end, [2.0, 2.0 + 4.0 * BREAK]);
        let columns: Vec<_> = axis.columns().map(|(along, _)| along).collect();
        let [[_, before], [behind, _]] = [columns[1], columns[2]];
        assert!((before - begin_and_end[0]).abs() < 1e-9, "{before}");
        assert!((behind - begin_and_end[1]).abs() < 1e-9, "{behind}");
        assert!((axis.end - (4.0 + 4.0 * BREAK)).abs() < 1e-9);
    }
}
