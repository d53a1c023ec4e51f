//! The reader's thread: reads and checks rows ahead of the run, as far as a bounded channel allows.

use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc::{self, Receiver};

use crate::error::{Error, Result};
use crate::rows::{Batch, Row, Rows};

/// The maximum number of rows in a batch.
const ROWS: usize = 512;
/// Batches read ahead.
const AHEAD: usize = 8;

/// How much there is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// This many rows.
    Rows(u64),
    /// This many bytes.
    Bytes(u64),
    /// Unknown, as for a pipe.
    Unknown,
}

/// Rows on their way to the loop.
#[derive(Debug)]
pub struct Feed {
    batches: Receiver<Result<Batch>>,
    /// Returns used batches to the reader, which reuses their memory.
    used: Sender<Batch>,
    extent: Extent,
    /// `None` once it has been joined.
    reader: Option<JoinHandle<()>>,
}

impl Feed {
    /// Reads an input.
    pub fn of_input(mut rows: Rows) -> Self {
        let extent = rows.size().map_or(Extent::Unknown, Extent::Bytes);
        match extent {
            // A pipe may pause at any row; the rows before it must not wait for it.
            Extent::Unknown => Self::start(extent, move |batch, max| rows.read_at_hand(batch, max)),
            _ => Self::start(extent, move |batch, max| rows.read(batch, max)),
        }
    }

    /// Feeds `count` rows from another source.
    pub fn of_rows(
        mut rows: impl Iterator<Item = Result<Row>> + Send + 'static,
        count: u64,
    ) -> Self {
        Self::start(Extent::Rows(count), move |batch, max| {
            while batch.len() < max {
                match rows.next().transpose()? {
                    Some(row) => batch.push(row.input.as_ref(), row.line, row.ids()),
                    None => return Ok(false),
                }
            }
            Ok(true)
        })
    }

    /// Starts the reader. `read` adds at most this many rows to a batch, and returns false when
    /// none are left.
    fn start(
        extent: Extent,
        mut read: impl FnMut(&mut Batch, usize) -> Result<bool> + Send + 'static,
    ) -> Self {
        let (sender, batches) = mpsc::channel(AHEAD);
        let (used, again) = channel::<Batch>();
        let reader = thread::spawn(move || {
            let mut more = Ok(true);
            while let Ok(true) = more {
                let mut batch = again.try_recv().unwrap_or_default();
                batch.clear();
                more = read(&mut batch, ROWS);
                // The receiver is gone once the run has been stopped.
                if sender.blocking_send(Ok(batch)).is_err() {
                    return;
                }
            }
            // After the rows before it, so that they are called.
            if let Err(error) = more {
                let _ = sender.blocking_send(Err(error));
            }
        });
        Self {
            batches,
            used,
            extent,
            reader: Some(reader),
        }
    }

    /// Returns the next rows; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Batch>> {
        let next = self.batches.recv().await;
        next.or_else(|| self.end())
    }

    /// Like [`next`](Self::next), but blocks the thread.
    pub(crate) fn wait_for_next(&mut self) -> Option<Result<Batch>> {
        let next = self.batches.blocking_recv();
        next.or_else(|| self.end())
    }

    /// Returns `None` if the reader has finished, and an error if it panicked: rows that it never
    /// reached must not pass for the end of the input.
    fn end(&mut self) -> Option<Result<Batch>> {
        // The reader has dropped its sender, so `join` doesn't block.
        self.reader.take()?.join().err()?;
        Some(Err(Error::input(
            "reading the input stopped because of a bug in recall; the panic message is above",
        )))
    }

    /// Returns a used batch to the reader.
    pub(crate) fn give_back(&self, batch: Batch) {
        // The reader is gone once everything has been read.
        let _ = self.used.send(batch);
    }

    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::error::Error;
    use crate::rows::Options;

    #[tokio::test]
    async fn the_rows_before_an_error_are_handed_over_first() {
        let row = Row {
            input: None,
            line: 2,
            group: "g".to_owned(),
            sender: "s".to_owned(),
            topic: String::new(),
        };
        let rows = [Ok(row), Err(Error::input("the disk is gone"))];
        let mut feed = Feed::of_rows(rows.into_iter(), 2);
        let batch = feed.next().await.expect("a batch").expect("rows");
        assert_eq!(batch.len(), 1);
        assert!(feed.next().await.expect("another").is_err());
        assert!(feed.next().await.is_none());
    }

    /// Returns one of these pieces per read, and counts the reads.
    struct Pieces(Vec<&'static str>, Arc<AtomicUsize>);

    impl io::Read for Pieces {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.1.fetch_add(1, Ordering::SeqCst);
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            out[..piece.len()].copy_from_slice(piece.as_bytes());
            Ok(piece.len())
        }
    }

    #[test]
    fn rows_from_a_pipe_are_batched_without_waiting_for_rows_that_have_not_arrived() {
        for (pieces, asked) in [
            // The first row arrives in two halves, the last without a line end.
            (
                [
                    "group,sender\ng,an",
                    "n\ng,bob\ng,\"carol\"\ng,d",
                    "an\n\"g\" ,x",
                ],
                [2, 3, 4],
            ),
            (
                [
                    "{\"group\":1,\"user\":1}\n{\"grou",
                    "p\":1,\"user\":2}\n{",
                    "\"group\":1}",
                ],
                [1, 2, 4],
            ),
            (
                [
                    "{\n\"group\":1,\"user\":1}\n{\"grou",
                    "p\":1,\n\"user\":2}\n{",
                    "\"group\":1}",
                ],
                [1, 2, 3],
            ),
        ] {
            let reads = Arc::new(AtomicUsize::new(0));
            let input = Pieces(pieces.to_vec(), Arc::clone(&reads));
            let mut rows = Rows::new(input, "rows", None, &Options::default()).expect("an input");
            let (mut batches, mut more) = (Vec::new(), true);
            while more {
                let mut batch = Batch::default();
                more = rows.read_at_hand(&mut batch, ROWS).expect("rows");
                batches.push((batch.len(), reads.load(Ordering::SeqCst)));
            }
            batches.retain(|(rows, _)| *rows > 0);
            let found: Vec<_> = batches.iter().map(|(_, asked)| *asked).collect();
            assert_eq!(found, asked, "{batches:?}");
        }
    }

    #[tokio::test]
    async fn a_reader_panic_does_not_pass_for_the_end_of_the_input() {
        let rows = std::iter::from_fn(|| panic!("an unexpected row"));
        let mut feed = Feed::of_rows(rows, 2);
        let error = feed.next().await.expect("an error, not the end");
        let error = error.expect_err("no rows");
        assert!(error.to_string().contains("a bug in recall"), "{error}");
        assert!(feed.next().await.is_none());
    }
}
