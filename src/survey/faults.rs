//! Collects rows with faults: shows the first few, and counts all by kind.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::rows::kind_of_fault;

/// The number of rows that are shown.
const SHOWN: usize = 5;
/// The maximum number of kinds; the rest are counted together, because an input can have any
/// number.
const MAX_KINDS: usize = 20;

/// Collects faults in bounded memory.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rows: u64,
    first: Vec<FaultyRow>,
    kinds: BTreeMap<String, u64>,
}

/// A row with a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultyRow {
    /// The input that the row is in, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The line of the input on which the row starts.
    pub line: u64,
    /// What is wrong, with an excerpt.
    pub reason: String,
}

/// Rows with one kind of fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultKind {
    /// What is wrong.
    pub kind: String,
    /// The number of rows.
    pub rows: u64,
}

/// The faults collected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FaultyRows {
    /// The first rows.
    pub first: Vec<FaultyRow>,
    /// All kinds, the most frequent first.
    pub kinds: Vec<FaultKind>,
}

impl Faults {
    pub(super) fn add(&mut self, input: Option<&str>, line: u64, reason: &str) {
        self.rows += 1;
        if self.first.len() < SHOWN {
            self.first.push(FaultyRow {
                input: input.map(str::to_owned),
                line,
                reason: reason.to_owned(),
            });
        }
        let kind = kind_of_fault(reason);
        if let Some(rows) = self.kinds.get_mut(kind) {
            *rows += 1;
        } else {
            let kind = if self.kinds.len() < MAX_KINDS {
                kind
            } else {
                "something else"
            };
            *self.kinds.entry(kind.to_owned()).or_default() += 1;
        }
    }

    /// Returns the number of rows.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn census(&self) -> FaultyRows {
        let kinds = self.kinds.iter().map(|(kind, rows)| FaultKind {
            kind: kind.clone(),
            rows: *rows,
        });
        let mut kinds: Vec<_> = kinds.collect();
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.rows));
        FaultyRows {
            first: self.first.clone(),
            kinds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rows_are_shown_and_all_are_counted_by_kind() {
        let mut faults = Faults::default();
        faults.add(None, 3, "the group is empty");
        for line in 4..40 {
            faults.add(None, line, &format!("the sender is not UTF-8: `{line}`"));
        }
        let found = faults.census();
        let lines: Vec<_> = found.first.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [3, 4, 5, 6, 7]);
        assert_eq!(found.first[1].reason, "the sender is not UTF-8: `4`");
        let kinds = found.kinds.iter().map(|kind| (&*kind.kind, kind.rows));
        assert_eq!(
            kinds.collect::<Vec<_>>(),
            [("the sender is not UTF-8", 36), ("the group is empty", 1)]
        );
        assert_eq!(faults.rows(), 37);
    }

    #[test]
    fn any_number_of_kinds_takes_bounded_memory() {
        let mut faults = Faults::default();
        for line in 0..10_000 {
            faults.add(None, line, &format!("{line} fields instead of 2: `x`"));
        }
        let kinds = faults.census().kinds;
        assert_eq!(kinds.len(), MAX_KINDS + 1);
        assert_eq!(kinds[0].rows, 10_000 - MAX_KINDS as u64);
        assert_eq!(kinds.iter().map(|kind| kind.rows).sum::<u64>(), 10_000);
    }
}
