//! What became of the rows so far, as the bar and the plain lines count it.

use std::fmt;

use super::Progress;
use crate::display::thousands;

/// So many rows of which the same became.
#[derive(Debug)]
pub(super) struct Count {
    rows: u64,
    what: Fate,
}

/// What became of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Recalled,
    Failed,
    Retrying,
    Skipped,
    Duplicate,
    Invalid,
    DoneBefore,
}

impl Count {
    /// Whether somebody has to look after them.
    pub(super) fn is_bad(&self) -> bool {
        self.rows > 0 && self.what == Fate::Failed
    }

    /// Whether it is told: the first three always, for they are what a run is about.
    fn is_told(&self) -> bool {
        self.rows > 0 || matches!(self.what, Fate::Recalled | Fate::Failed | Fate::Retrying)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Fate::Recalled => "recalled",
            Fate::Failed => "failed",
            Fate::Retrying => "retrying",
            Fate::Skipped => "skipped",
            Fate::Duplicate if self.rows == 1 => "duplicate",
            Fate::Duplicate => "duplicates",
            Fate::Invalid => "invalid",
            Fate::DoneBefore => "done before",
        };
        write!(f, "{} {what}", thousands(self.rows))
    }
}

/// What became of the rows, the most important first.
pub(super) fn of_rows(progress: &Progress<'_>) -> impl Iterator<Item = Count> {
    let tally = progress.tally;
    [
        (Fate::Recalled, tally.recalled),
        (Fate::Failed, tally.failed),
        (Fate::Retrying, progress.retrying as u64),
        (Fate::Skipped, tally.skipped),
        (Fate::Duplicate, tally.duplicates),
        (Fate::Invalid, tally.invalid),
        (Fate::DoneBefore, tally.resumed),
    ]
    .into_iter()
    .map(|(what, rows)| Count { rows, what })
    .filter(Count::is_told)
}
