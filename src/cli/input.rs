//! The flags that describe the input.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// The input and how to read it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rows")]
pub struct InputArgs {
    /// Rows: .csv, .tsv, .jsonl, .json, also .gz or .zst; - for stdin
    #[arg(required = true, value_name = "INPUT", help_heading = None, value_hint = ValueHint::FilePath)]
    pub inputs: Vec<PathBuf>,
    /// Names of the columns: group=room,sender=uid
    ///
    /// By default: group, sender, topic and their usual variants.
    #[arg(long, value_name = "NAMES")]
    pub columns: Option<String>,
    /// The first line is a row, not a header
    ///
    /// Its columns are group, sender, topic, unless --columns gives positions: group=2,sender=1.
    #[arg(long)]
    pub no_header: bool,
    /// Text encoding: gb18030, big5, utf-16le [default: utf-8]
    ///
    /// Any name from the web's Encoding Standard: gb18030 (covers gbk and gb2312), big5, shift-jis,
    /// euc-kr, windows-1252. A file with a byte order mark doesn't need this flag.
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Treat suspicious rows as invalid
    ///
    /// A row is suspicious if an ID is too long, truncated or rounded, if its topic belongs to
    /// another group, or if its columns look swapped.
    #[arg(long)]
    pub strict: bool,
}
