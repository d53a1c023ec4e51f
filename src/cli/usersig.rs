//! The flags of `recall usersig`.

use clap::{Args, Subcommand};

use super::{CallerArgs, FileArgs};

/// `recall usersig`.
#[derive(Debug, Subcommand)]
pub enum UserSigCommand {
    /// Make a UserSig from RECALL_SECRET_KEY and print it
    Mint(MintArgs),
    /// Show whose a UserSig is and when it expires
    Show(ShowArgs),
}

/// `recall usersig mint`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  RECALL_USERSIG=$(recall usersig mint --identifier root)")]
pub struct MintArgs {
    /// How long the UserSig is valid
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub expire: String,
    /// The account that it is for.
    #[command(flatten)]
    pub caller: CallerArgs,
}

/// `recall usersig show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  recall usersig show                   the one in RECALL_USERSIG or the file
  recall usersig show - < usersig.txt   one from stdin

The UserSig itself is not printed. Exit codes: 0 valid, 2 can't be read, 3 expired.")]
pub struct ShowArgs {
    /// - to read it from stdin; other users could read an argument
    #[arg(value_name = "-")]
    pub stdin: Option<String>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
    /// The file that can set it.
    #[command(flatten)]
    pub file: FileArgs,
}
