//! Generated rows.

use std::time::{Duration, Instant};

use crate::error::Result;
use crate::rows::Row;

/// The number of groups that the rows are spread over.
const GROUPS: u64 = 977;

/// Generates distinct rows, until `count` or until `at_most` has passed since the first.
pub(super) fn rows(count: u64, at_most: Duration) -> impl Iterator<Item = Result<Row>> + Send {
    let mut end = None;
    (0..count)
        .take_while(move |_| {
            let now = Instant::now();
            end.get_or_insert_with(|| now.checked_add(at_most))
                .is_none_or(|end| now < end)
        })
        .map(|number| Ok(row(number)))
}

fn row(number: u64) -> Row {
    Row {
        input: None,
        line: number + 1,
        group: format!("@TGS#2C5S{:04}EAEF", number % GROUPS),
        sender: format!("user_{number:08}"),
        topic: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_end_after_their_count_or_their_time() {
        assert_eq!(rows(5_000, Duration::MAX).count(), 5_000);
        assert_eq!(rows(u64::MAX, Duration::ZERO).count(), 0);
    }

    #[test]
    fn all_rows_are_distinct() {
        let all = rows(5_000, Duration::MAX).filter_map(Result::ok);
        let mut texts: Vec<_> = all.map(|row| (row.group, row.sender)).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), 5_000);
    }
}
