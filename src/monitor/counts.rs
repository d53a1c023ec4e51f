//! What became of the rows so far, as shown in the bar and the plain lines.

use std::fmt;

use super::Progress;
use crate::display::thousands;

/// The number of rows with the same fate.
#[derive(Debug)]
pub(super) struct Count {
    rows: u64,
    what: Fate,
}

/// What became of a row so far.
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
    /// Returns whether the operator should look into them.
    pub(super) fn is_bad(&self) -> bool {
        self.rows > 0 && self.what == Fate::Failed
    }

    /// Returns whether the count is shown. The first three always are, even if they are zero.
    fn is_shown(&self) -> bool {
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

/// Returns what became of the rows, most important first.
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
    .filter(Count::is_shown)
}
