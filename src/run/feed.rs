//! The reader's thread: reads and checks rows ahead of who takes them, no further
//! than a bounded channel.

use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc::{self, Receiver};

use crate::error::{Error, Result};
use crate::rows::{Batch, Row, Rows};

/// Rows handed over at once, where so many are at hand.
const ROWS: usize = 512;
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
    /// Where batches go whose rows have been taken, for their memory.
    used: Sender<Batch>,
    extent: Extent,
    /// Until its end has been heard of.
    reader: Option<JoinHandle<()>>,
}

impl Feed {
    /// Reads an input.
    pub fn of_input(mut rows: Rows) -> Self {
        let extent = rows.size().map_or(Extent::Unknown, Extent::Bytes);
        match extent {
            // A pipe may pause at any row, and then those before it should be on their way.
            Extent::Unknown => {
                Self::start(extent, move |batch, most| rows.read_at_hand(batch, most))
            }
            _ => Self::start(extent, move |batch, most| rows.read(batch, most)),
        }
    }

    /// Feeds so many rows from anywhere else.
    pub fn of_rows(
        mut rows: impl Iterator<Item = Result<Row>> + Send + 'static,
        count: u64,
    ) -> Self {
        Self::start(Extent::Rows(count), move |batch, most| {
            while batch.len() < most {
                match rows.next().transpose()? {
                    Some(row) => batch.push(row.input.as_ref(), row.line, row.ids()),
                    None => return Ok(false),
                }
            }
            Ok(true)
        })
    }

    /// With what adds at most so many rows to a batch; false where none are left.
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
                // Nobody listens any more when the run has been stopped.
                if sender.blocking_send(Ok(batch)).is_err() {
                    return;
                }
            }
            // The rows before it are called first.
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

    /// The next rows; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Batch>> {
        let next = self.batches.recv().await;
        next.or_else(|| self.end())
    }

    /// The same on a thread that may wait for them.
    pub(crate) fn wait_for_next(&mut self) -> Option<Result<Batch>> {
        let next = self.batches.blocking_recv();
        next.or_else(|| self.end())
    }

    /// None where the reader has come to its end, and not by a panic: rows that it never got to
    /// must not pass for rows that are not there.
    fn end(&mut self) -> Option<Result<Batch>> {
        // It has let go of the channel, so there is nothing to wait for.
        self.reader.take()?.join().err()?;
        Some(Err(Error::input(
            "reading the input broke off by a fault of recall's own, told above",
        )))
    }

    /// Gives a batch back whose rows have been taken.
    pub(crate) fn give_back(&self, batch: Batch) {
        // Nobody wants it once everything has been read.
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

    /// Gives these pieces, and tells how many have been asked for.
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
    fn rows_from_a_pipe_go_on_together_and_none_waits_for_one_that_has_not_come() {
        for (pieces, asked) in [
            // The first row comes in two halves, and the last without its line end.
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
    async fn a_panic_of_the_reader_is_not_the_end_of_the_input() {
        let rows = std::iter::from_fn(|| panic!("a row that nobody thought of"));
        let mut feed = Feed::of_rows(rows, 2);
        let error = feed.next().await.expect("more than an end");
        let error = error.expect_err("no rows");
        assert!(error.to_string().contains("broke off"), "{error}");
        assert!(feed.next().await.is_none());
    }
}
