//! Decides which of the rows read are this run's work.

use std::num::NonZeroU64;

use super::entry;
use super::groups::{GroupFate, KnownGroups};
use super::seen::{Met, Seen};
use super::steps::Stop;
use super::tally::Tally;
use crate::outcome::Entry;
use crate::rows::{Batch, Read, Row};

/// Filters out duplicates, settled rows, bad rows and rows of groups in which a call would do
/// nothing. Closes once enough rows have been taken.
#[derive(Debug)]
pub(super) struct Intake {
    seen: Seen,
    state: State,
    to_take: Option<u64>,
    groups: Option<KnownGroups>,
    agreed: Option<u64>,
}

/// Whether rows are taken.
#[derive(Debug)]
enum State {
    Open,
    Closed,
    /// Closed by a row that must not be called, and why.
    ClosedBefore(Stop),
}

/// What to do with a row.
#[derive(Debug)]
pub(super) enum Taken {
    /// Call it.
    Row(Row),
    /// Record its final entry without a call.
    Entry(Entry<'static>),
}

impl Intake {
    /// Returns an open intake. `limit`: the maximum number of rows to take; skipped rows count, so
    /// that it is known beforehand how far the run gets. `agreed`: the number of rows that may be
    /// called; one more shows that the input has grown.
    pub(super) fn new(
        limit: Option<NonZeroU64>,
        groups: Option<KnownGroups>,
        agreed: Option<u64>,
    ) -> Self {
        Self {
            seen: Seen::new(),
            state: State::Open,
            to_take: limit.map(NonZeroU64::get),
            groups,
            agreed,
        }
    }

    /// Returns the known rows, to add those that earlier runs settled.
    pub(super) fn seen(&mut self) -> &mut Seen {
        &mut self.seen
    }

    /// Whether more rows are wanted. A closed intake stays closed.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Returns why a row that must not be called closed the intake, if the input has grown.
    pub(super) fn closed_before(&self) -> Option<&Stop> {
        match &self.state {
            State::ClosedBefore(stop) => Some(stop),
            State::Open | State::Closed => None,
        }
    }

    /// Returns how many more rows may be taken, if there is a limit.
    pub(super) fn to_take(&self) -> Option<u64> {
        self.to_take
    }

    /// Returns how many rows settled by earlier runs have not appeared in the input yet.
    pub(super) fn settled_unmet(&self) -> u64 {
        self.seen.unmet()
    }

    /// Stops taking rows.
    pub(super) fn close(&mut self) {
        if self.is_open() {
            self.state = State::Closed;
        }
    }

    /// Counts the rows of a batch, and returns what to do with them.
    pub(super) fn take(&mut self, batch: &Batch, tally: &mut Tally) -> Vec<Taken> {
        let met = self.seen.meet(batch);
        let reads = batch.iter().zip(met);
        reads
            .filter_map(|(read, met)| self.take_one(read, met, tally))
            .collect()
    }

    fn take_one(&mut self, read: Read<'_>, met: Met, tally: &mut Tally) -> Option<Taken> {
        if !self.is_open() {
            return None;
        }
        tally.rows += 1;
        match read {
            Read::Row(row) => match met {
                Met::New => {
                    tally.taken += 1;
                    self.count_down();
                    let groups = self.groups.as_ref();
                    match groups.map_or(GroupFate::Call, |groups| groups.of(row.group())) {
                        GroupFate::Call if self.agreed == Some(0) => {
                            self.state = State::ClosedBefore(Stop::NotAgreed);
                        }
                        GroupFate::Call => {
                            self.agreed = self.agreed.map(|rows| rows - 1);
                            return Some(Taken::Row(row.to_row()));
                        }
                        GroupFate::Skip(skip) => {
                            tally.skipped += 1;
                            return Some(Taken::Entry(entry::skipped(row.to_row(), skip)));
                        }
                        GroupFate::NotLookedUp => {
                            self.state = State::ClosedBefore(Stop::UnknownGroup);
                        }
                    }
                }
                Met::Duplicate => tally.duplicates += 1,
                Met::Settled => tally.resumed += 1,
            },
            Read::Bad(bad) => {
                tally.invalid += 1;
                // On a resume it is in the ledger already.
                if met == Met::New {
                    return Some(Taken::Entry(entry::invalid(bad.clone())));
                }
            }
        }
        None
    }

    fn count_down(&mut self) {
        if let Some(to_take) = &mut self.to_take {
            *to_take -= 1;
            if *to_take == 0 {
                self.close();
            }
        }
    }
}
