//! Rich errors, seen from both ends: a service that sorts pupils into houses, keeps them in a database by a resource, and
//! tells its callers exactly what went wrong.
//!
//! ```text
//! 05_sorting_hat                            both ends, in one process
//! 05_sorting_hat serve ADDRESS [DATABASE]   the service; ends by Ctrl-C or SIGTERM
//! 05_sorting_hat sort ADDRESS NAME          sorts a pupil
//! 05_sorting_hat find ADDRESS NAME          tells where a pupil was sorted to
//! ```
//!
//! DATABASE is the path of an SQLite file or a URL `postgres://..`. Without it the variable `DATABASE_URL` is used, and
//! without that `sorting_hat.sqlite3` in the current directory; without arguments, a file that is gone afterwards.

mod client;
mod database;
mod demonstration;
mod houses;
mod roster;
mod service;

use std::env;
use std::process::ExitCode;

use majordomo::api_errors::ErrorGenerator;
use majordomo::{BoxError, GetStatus, Manager, ManagerOptions, WaitForShutdown, WaitUntilRunning};

use service::SortingHat;

/// What is generated of `proto/sorting_hat.proto`.
#[allow(missing_docs, clippy::all)]
mod sortinghat {
    tonic::include_proto!("sortinghat");
}

/// As `sysexits.h` has it for a command line that cannot be meant.
const USAGE: u8 = 64;

#[actix::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => demonstration::run().await,
        ["serve", address] => serve(address, &database(None)).await,
        ["serve", address, file] => serve(address, &database(Some(file))).await,
        ["sort", address, name] => client::sort(address, name).await,
        ["find", address, name] => client::find(address, name).await,
        _ => {
            eprintln!(
                "usage: 05_sorting_hat [serve ADDRESS [DATABASE] | sort ADDRESS NAME | find ADDRESS NAME]"
            );
            return ExitCode::from(USAGE);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn database(given: Option<&str>) -> String {
    let from_environment = || env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    given.map(str::to_owned).or_else(from_environment).unwrap_or_else(|| "sorting_hat.sqlite3".to_owned())
}

/// A manager of the service at this address.
fn manager(address: &str, database: &str) -> Manager {
    // A castle's own network: callers may see everything but stacks.
    let errors = ErrorGenerator::new("SortingHat").add_host(true).send_context(true).send_source(true);
    let options = ManagerOptions::new()
        .grpc_server_address(address)
        .error_generator(errors.clone())
        .err_not_found_middleware();
    Manager::new(options).grpc_service(SortingHat::new(database, errors))
}

async fn serve(address: &str, database: &str) -> Result<(), BoxError> {
    let manager = manager(address, database).start();
    if manager.send(WaitUntilRunning).await?.is_ok()
        && let Some(address) = manager.send(GetStatus).await?.grpc_address
    {
        println!("serving at {address}");
    }
    majordomo::exit(manager.send(WaitForShutdown).await?)
}
