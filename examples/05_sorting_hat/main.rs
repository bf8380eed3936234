//! A gRPC service over a real database that answers with rich errors, and its client.
//!
//! ```text
//! cargo run --example 05_sorting_hat                                 # a demonstration of both ends
//! cargo run --example 05_sorting_hat -- serve ADDRESS [DATABASE]     # until SIGTERM or Ctrl-C
//! cargo run --example 05_sorting_hat -- sort ADDRESS NAME
//! cargo run --example 05_sorting_hat -- find ADDRESS NAME
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
mod roster;
mod rpc;
mod server;
mod service;
mod sortinghat;
mod sqlite;

use std::io::{self, IsTerminal};
use std::process::exit;

use tracing_subscriber::EnvFilter;

use self::client::Client;
use self::command::{Command, USAGE};

/// The command was used wrongly (`EX_USAGE` of sysexits.h).
const WRONG_USAGE: i32 = 64;

#[actix::main]
async fn main() {
    let command = Command::read().unwrap_or_else(|error| {
        eprintln!("{error}\n\n{USAGE}");
        exit(WRONG_USAGE)
    });
    match command {
        Command::Help => println!("{USAGE}"),
        Command::Serve { address, database } => {
            log("info");
            majordomo::exit(server::serve(&address, database).await)
        }
        Command::Sort { address, name } => answer(&name, Client::new(address).sort(&name).await),
        Command::Find { address, name } => answer(&name, Client::new(address).find(&name).await),
        Command::Demo { database_url } => {
            log("warn,majordomo::grpc=off");
            if let Err(error) = demo::play(database_url).await {
                eprintln!("{error}");
                exit(1)
            }
        }
    }
}

/// Prints what a client got, and ends with it.
fn answer(name: &str, answered: Result<sortinghat::House, tonic::Status>) -> ! {
    match answered {
        Ok(house) => {
            println!("{name}: {}", house.as_str_name());
            exit(0)
        }
        Err(status) => {
            eprintln!("{}", client::describe(&status));
            exit(1)
        }
    }
}

fn log(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let ansi = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(ansi).init();
}
