//! The command line.

use tonic::transport::Endpoint;

use crate::client;
use crate::database::Database;

pub(crate) const USAGE: &str = "\
usage: 05_sorting_hat                            a demonstration of both ends
       05_sorting_hat serve ADDRESS [DATABASE]   serves until SIGTERM; port 0 is any that is free
       05_sorting_hat sort ADDRESS NAME          prints NAME: HOUSE
       05_sorting_hat find ADDRESS NAME          the same for a pupil that is sorted already

ADDRESS   HOST:PORT or unix:PATH
DATABASE  the file of a SQLite database, made where there is none, or postgres://USER:PASSWORD@HOST:PORT/NAME.
          Left out: what DATABASE_URL says, or else sorting_hat.sqlite3 in the current folder

exit codes: 0, 1 for an error, which is told on stderr, 64 for a command that cannot be meant";

/// Where the roster is when nobody says.
const DEFAULT_DATABASE: &str = "sorting_hat.sqlite3";

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Demo { database_url: Option<Database> },
    Serve { address: String, database: Database },
    Sort { address: Endpoint, name: String },
    Find { address: Endpoint, name: String },
}

impl Command {
    /// Reads arguments and environment.
    ///
    /// # Errors
    /// What cannot be meant, before anything has been done.
    pub(crate) fn read() -> Result<Self, String> {
        let text = |text: std::ffi::OsString| {
            text.into_string().map_err(|text| format!("{} is no UTF-8", text.display()))
        };
        let args = std::env::args_os().skip(1).map(text).collect::<Result<Vec<_>, _>>()?;
        let url = std::env::var_os("DATABASE_URL").map(text).transpose()?.filter(|url| !url.is_empty());
        Self::parse(&args.iter().map(String::as_str).collect::<Vec<_>>(), url.as_deref())
    }

    fn parse(args: &[&str], url: Option<&str>) -> Result<Self, String> {
        let of_url =
            || url.map(Database::parse).transpose().map_err(|error| format!("DATABASE_URL: {error}"));
        match *args {
            ["-h" | "--help" | "help"] => Ok(Self::Help),
            [] => Ok(Self::Demo { database_url: of_url()? }),
            ["serve", address] => {
                let database = of_url()?.map_or_else(|| Database::parse(DEFAULT_DATABASE), Ok)?;
                Ok(Self::Serve { address: address.into(), database })
            }
            ["serve", address, database] => {
                let database = Database::parse(database).map_err(|error| format!("DATABASE: {error}"))?;
                Ok(Self::Serve { address: address.into(), database })
            }
            ["sort", address, name] => {
                Ok(Self::Sort { address: client::endpoint(address)?, name: name.into() })
            }
            ["find", address, name] => {
                Ok(Self::Find { address: client::endpoint(address)?, name: name.into() })
            }
            [command @ ("serve" | "sort" | "find"), ..] => {
                Err(format!("{command} takes other arguments than {:?}", &args[1..]))
            }
            [command, ..] => Err(format!("{command:?} is no command")),
        }
    }
}
