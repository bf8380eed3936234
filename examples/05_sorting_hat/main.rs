//! A gRPC service over a real database that answers with rich errors, and its client.
//!
//! ```text
//! cargo run -p sorting-hat                                 # a demonstration of both ends
//! cargo run -p sorting-hat -- serve ADDRESS [DATABASE]     # until SIGTERM or Ctrl-C
//! cargo run -p sorting-hat -- sort ADDRESS NAME
//! cargo run -p sorting-hat -- find ADDRESS NAME
//! ```
//!
//! `DATABASE` is the file of a SQLite database, which is made where there is none, or a URL `postgres://..`. Left out, it
//! is what `DATABASE_URL` says, or else `sorting_hat.sqlite3` in the current folder. A client prints `NAME: HOUSE` and
//! exits with 0, or prints the error with all that is known of it to stderr and exits with 1. `RUST_LOG` is what the
//! server logs to stderr: `info` unless it is set.
//!
//! ```text
//!   client.rs                          server.rs
//!   sort, find --- SortingHat (gRPC) --> rpc.rs --- Enter, LookUp --> sqlite.rs or postgres.rs
//!         ^                                |                          the roster, a resource
//!         '------- errors.rs: rich --------'                          set up by service.rs, released last
//! ```
//!
//! | asked | answered |
//! |---|---|
//! | without a name | `ERR_VALIDATION` |
//! | to sort a pupil that is sorted already | `ERR_ALREADY_EXISTS`, with the `Pupil` as a detail |
//! | to find a pupil that nobody sorted | nothing, which the not-found middleware makes `ERR_NOT_FOUND` |
//! | what the database fails at | `RosterUpdate` of `Hogwarts`, with the database's error as its source |

mod client;
mod command;
mod database;
mod demo;
mod errors;
mod house;
mod postgres;
#[path = "../printer/mod.rs"]
mod printer;
mod roster;
mod rpc;
mod server;
mod service;
mod sortinghat;
mod sqlite;

use std::io::{self, IsTerminal};
use std::process::exit;

use majordomo::{BoxError, Exit};
use tracing_subscriber::EnvFilter;

use self::client::Client;
use self::command::{Command, USAGE};
use self::printer::{complain, say};

/// The command was used wrongly (`EX_USAGE` of sysexits.h).
const WRONG_USAGE: i32 = 64;

#[actix::main]
async fn main() -> Exit {
    let command = Command::read().unwrap_or_else(|error| {
        complain(format!("{error}\n\n{USAGE}"));
        printer::finish();
        exit(WRONG_USAGE)
    });
    let result: Result<(), BoxError> = match command {
        Command::Help => {
            say(USAGE);
            Ok(())
        }
        Command::Serve { address, database } => {
            log("info");
            server::serve(&address, database).await.map_err(Into::into)
        }
        Command::Sort { address, name } => answer(&name, Client::new(address).sort(&name).await),
        Command::Find { address, name } => answer(&name, Client::new(address).find(&name).await),
        Command::Demo { database_url } => {
            log("warn,majordomo::grpc=off");
            demo::play(database_url).await
        }
    };
    printer::finish();
    result.into()
}

/// Prints what a client got, or says what was wrong.
fn answer(name: &str, answered: Result<sortinghat::House, tonic::Status>) -> Result<(), BoxError> {
    let house = answered.map_err(|status| client::describe(&status))?;
    say(format!("{name}: {}", house.as_str_name()));
    Ok(())
}

fn log(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let ansi = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(printer::stderr).with_ansi(ansi).init();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use majordomo::testing::rehearse;
    use support::Folder;

    use super::*;

    #[test]
    fn it_survives_what_can_go_wrong_in_it() {
        let folder = Folder::new();
        let database = database::Database::parse(folder.path("roster.sqlite3").to_str().unwrap()).unwrap();
        let manager = || server::manager("127.0.0.1:0", database.clone());
        rehearse(manager).shutdown_within(Duration::from_millis(500)).run();
    }
}
