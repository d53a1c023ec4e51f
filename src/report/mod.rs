//! 5. What came of it: the summary of a run.

mod summary;

pub use summary::Summary;
