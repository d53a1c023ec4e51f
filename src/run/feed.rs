//! The reader's thread: reads and checks rows ahead of the loop, no further than a bounded channel.

use std::thread;

use tokio::sync::mpsc::{self, Receiver};

use crate::error::Result;
use crate::rows::{Read, Rows};

/// Rows handed over at once from a file.
const BATCH: usize = 256;
/// Batches on their way.
const AHEAD: usize = 8;

/// How much there is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// So many rows.
    Rows(u64),
    /// So many bytes.
    Bytes(u64),
    /// Nobody knows: stdin.
    Unknown,
}

/// Rows on their way to the loop.
#[derive(Debug)]
pub struct Feed {
    batches: Receiver<Result<Batch>>,
    extent: Extent,
}

/// Some rows, and how far into the input they reach.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) reads: Vec<Read>,
    pub(crate) bytes: u64,
}

impl Feed {
    /// Reads an input.
    pub fn of_input(rows: Rows) -> Self {
        let extent = rows.size().map_or(Extent::Unknown, Extent::Bytes);
        Self::start(rows, extent, Rows::bytes_read)
    }

    /// Feeds so many rows from anywhere else.
    pub fn of_rows(rows: impl Iterator<Item = Result<Read>> + Send + 'static, count: u64) -> Self {
        Self::start(rows, Extent::Rows(count), |_| 0)
    }

    fn start<R>(mut rows: R, extent: Extent, bytes: fn(&R) -> u64) -> Self
    where
        R: Iterator<Item = Result<Read>> + Send + 'static,
    {
        let (sender, batches) = mpsc::channel(AHEAD);
        // A pipe may pause at any row, and then those before it should be on their way.
        let size = if extent == Extent::Unknown { 1 } else { BATCH };
        thread::spawn(move || {
            loop {
                let mut broken = None;
                let read = |read: Result<Read>| read.map_err(|error| broken = Some(error)).ok();
                let mut reads = Vec::with_capacity(size);
                reads.extend(rows.by_ref().take(size).map_while(read));
                let last = reads.len() < size;
                let batch = Batch {
                    reads,
                    bytes: bytes(&rows),
                };
                // Nobody listens any more when the run has been stopped.
                if sender.blocking_send(Ok(batch)).is_err() || last {
                    // The rows before it are called first.
                    if let Some(error) = broken {
                        let _ = sender.blocking_send(Err(error));
                    }
                    return;
                }
            }
        });
        Self { batches, extent }
    }

    /// The next rows; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Batch>> {
        self.batches.recv().await
    }

    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::rows::BadRow;

    #[tokio::test]
    async fn the_rows_before_an_error_are_handed_over_first() {
        let bad = BadRow {
            input: None,
            line: 2,
            reason: "the group is empty".to_owned(),
        };
        let rows = [Ok(Read::Bad(bad)), Err(Error::input("the disk is gone"))];
        let mut feed = Feed::of_rows(rows.into_iter(), 2);
        let batch = feed.next().await.expect("a batch").expect("rows");
        assert_eq!(batch.reads.len(), 1);
        assert!(feed.next().await.expect("another").is_err());
        assert!(feed.next().await.is_none());
    }
}
