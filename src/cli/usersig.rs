//! The flags of `recall usersig`.

use clap::{Args, Subcommand};

use super::CallerArgs;

/// `recall usersig`.
#[derive(Debug, Subcommand)]
pub enum UserSigCommand {
    /// Make a UserSig from RECALL_SECRET_KEY and print it
    Mint(MintArgs),
    /// Tell what a UserSig says of itself: whose it is and when it ends
    Show(ShowArgs),
}

/// `recall usersig mint`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  RECALL_USERSIG=$(recall usersig mint --identifier root)")]
pub struct MintArgs {
    /// How long it holds
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub expire: String,
    /// Whom it is for.
    #[command(flatten)]
    pub caller: CallerArgs,
}

/// `recall usersig show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  recall usersig show                   the one of RECALL_USERSIG or the file
  recall usersig show - < usersig.txt   one from stdin

The UserSig itself is not printed. Exit codes: 0 it holds, 2 it can't be read, 3 it has run out.")]
pub struct ShowArgs {
    /// - to read it from stdin; it is never taken from the arguments, where others could read it
    #[arg(value_name = "-")]
    pub stdin: Option<String>,
    /// Print it as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerArgs,
}
