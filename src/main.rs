//! The `recall` command: parse, run, exit.

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;
use recall_worker::cli::{Cli, Command};
use recall_worker::{commands, exit, monitor};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let screen = monitor::Screen::new();
    monitor::log_to(&screen);
    let done = match cli.command {
        Command::Check(args) => commands::check::run(&args, &screen),
        Command::Run(args) => commands::run::run(&args, &screen),
        Command::Replay(args) => commands::replay::run(&args, &screen),
        Command::Export(args) => commands::export::run(&args),
        Command::Report(args) => commands::report::run(&args, &screen),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Bench(args) => commands::bench::run(&args, &screen),
        Command::Mock(args) => commands::mock::run(&args),
        Command::Usersig(command) => commands::usersig::run(&command, &screen),
        Command::Completions(args) => commands::pages::completions(&args),
        Command::Man(args) => commands::pages::man(&args),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            screen.line(&format!("error: {error}"));
            ExitCode::from(exit::of_error(error.kind()))
        }
    }
}
