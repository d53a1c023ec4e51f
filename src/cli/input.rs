//! The flags that say what the rows are.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// What the rows are and how to read them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rows")]
pub struct InputArgs {
    /// Rows: .csv, .tsv, .jsonl, .json, also .gz or .zst; - for stdin
    #[arg(required = true, value_name = "INPUT", help_heading = None, value_hint = ValueHint::FilePath)]
    pub inputs: Vec<PathBuf>,
    /// Columns by other names: group=room,sender=uid
    ///
    /// Without it they are group, sender, topic and their usual variants.
    #[arg(long, value_name = "NAMES")]
    pub columns: Option<String>,
    /// The first line is a row, not a header
    ///
    /// Its columns are group, sender, topic, unless --columns gives positions: group=2,sender=1.
    #[arg(long)]
    pub no_header: bool,
    /// How the text is encoded: gb18030, big5, utf-16le [default: utf-8]
    ///
    /// Any encoding name known on the web will do: gb18030 (also for gbk and gb2312), big5,
    /// shift-jis, euc-kr, windows-1252. A file with a byte order mark needs none.
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Treat suspicious rows as invalid
    ///
    /// Suspicious rows have IDs that are too long, cut or rounded, topics of other groups, or
    /// swapped columns.
    #[arg(long)]
    pub strict: bool,
}
