//! Which of the rows that are read are this run's work.

use std::num::NonZeroU64;

use super::entry;
use super::groups::{GroupFate, KnownGroups};
use super::seen::{Met, Seen};
use super::steps::Stop;
use super::tally::Tally;
use crate::outcome::Entry;
use crate::rows::{Batch, Read, Row};

/// Sorts out duplicates, rows that are settled already, bad rows and those of groups in which a
/// call would do nothing, and closes when enough have been taken.
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
    /// Closed by a row that is not to be called, and why it is not.
    ClosedBefore(Stop),
}

/// Something to do about what was read.
#[derive(Debug)]
pub(super) enum Taken {
    /// A row to call.
    Row(Row),
    /// The last word on a row that is not called.
    Entry(Entry<'static>),
}

impl Intake {
    /// An open intake, for so many rows at most, those of the groups to skip included: else nobody
    /// could tell beforehand how far it reaches. `agreed`: rows to call, of which one more shows that
    /// the input has grown.
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

    /// What earlier runs have settled.
    pub(super) fn seen(&mut self) -> &mut Seen {
        &mut self.seen
    }

    /// Whether more rows are wanted. Closed once, it stays so.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Why it was closed by a row that is not to be called, where the input has grown.
    pub(super) fn closed_before(&self) -> Option<&Stop> {
        match &self.state {
            State::ClosedBefore(stop) => Some(stop),
            State::Open | State::Closed => None,
        }
    }

    /// How many more rows may be taken, where that is limited.
    pub(super) fn to_take(&self) -> Option<u64> {
        self.to_take
    }

    /// How many rows that an earlier run settled have not been met in the input yet.
    pub(super) fn settled_unmet(&self) -> u64 {
        self.seen.unmet()
    }

    /// Takes no more rows.
    pub(super) fn close(&mut self) {
        if self.is_open() {
            self.state = State::Closed;
        }
    }

    /// Counts what was read, and says what is to be done about it.
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
                // On a resume it stands in the ledger already.
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
