//! `majordomo`: a manager that runs, seen and ordered from a terminal, by its operations endpoint.
//!
//! ```text
//!   args.rs       the command line          commands/   what each command does
//!   status/       what a status says        top/        the live view
//!   client.rs     HTTP with the endpoint    text.rs, address.rs, token.rs, error.rs
//! ```
//!
//! It knows the endpoint by what that answers, and nothing of the crate: any version's is read, as far as it goes.

mod address;
mod args;
mod client;
mod commands;
mod error;
mod event_lines;
mod status;
mod text;
mod token;
mod top;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::Args;
use error::{CliError, DONE, USAGE};

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(shown) => {
            // Whoever asked for it may have gone.
            let _ = shown.print();
            let is_help = matches!(shown.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(if is_help { DONE } else { USAGE });
        }
    };
    let json = args.json;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::Output);
    let ran = runtime.and_then(|runtime| {
        let ran = runtime.block_on(commands::run(args));
        // What still looks a name up is not waited for.
        runtime.shutdown_background();
        ran
    });
    ran.map_or_else(|error| complain(&error, json), ExitCode::from)
}

/// Programs read it where they read all else; people beside it.
fn complain(error: &CliError, json: bool) -> ExitCode {
    let _ = match json {
        true => writeln!(std::io::stdout(), "{}", error.json()),
        false => write!(std::io::stderr(), "{}", error.text()),
    };
    ExitCode::from(error.exit_code())
}
