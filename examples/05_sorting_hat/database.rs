//! Which database keeps the roster.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// How long a server that does not answer is waited for, unless the URL says (`connect_timeout`, `tcp_user_timeout`).
const PATIENCE: Duration = Duration::from_secs(5);

/// A database, which need not be there yet. Its text never has the password.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// The file.
    Sqlite(PathBuf),
    /// What its URL says.
    Postgres(Box<Config>),
}

impl Database {
    /// Understands a path, and the URLs of PostgreSQL.
    ///
    /// # Errors
    /// What is wrong with it. Nothing has been opened.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("it is empty: give a path or a URL postgres://..".to_owned());
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(Box::new(config(text)?)));
        }
        match text.split_once("://") {
            // The rest may have a password.
            Some((scheme, _)) => {
                Err(format!("{scheme}:// is none that is known: give a path or postgres://.."))
            }
            None => Ok(Self::Sqlite(text.into())),
        }
    }

    /// What to do when it cannot be opened.
    pub(crate) fn mend(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => {
                "give a file of SQLite, or a new one in a folder that exists and may be written to"
            }
            Self::Postgres(_) => {
                "see that the server runs there, speaks without TLS, and lets that user make tables in that database"
            }
        }
    }
}

fn config(url: &str) -> Result<Config, String> {
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        let why = std::error::Error::source(&error).map(ToString::to_string);
        format!("{}: give postgres://USER:PASSWORD@HOST:PORT/NAME", why.unwrap_or_else(|| error.to_string()))
    })?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err("it names no host: give postgres://USER:PASSWORD@HOST:PORT/NAME".to_owned());
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(PATIENCE);
    }
    if config.get_application_name().is_none() {
        config.application_name("sorting_hat");
    }
    Ok(config)
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "the SQLite database {}", path.display()),
            Self::Postgres(config) => {
                let named = config.get_dbname().or(config.get_user()).unwrap_or("of the user's name");
                write!(f, "the PostgreSQL database {named} at ")?;
                let hosts: Vec<_> = match config.get_hosts() {
                    [] => config.get_hostaddrs().iter().map(ToString::to_string).collect(),
                    hosts => hosts.iter().map(host).collect(),
                };
                f.write_str(&hosts.join(","))?;
                let ports: Vec<_> = config.get_ports().iter().map(ToString::to_string).collect();
                if ports.is_empty() { Ok(()) } else { write!(f, " port {}", ports.join(",")) }
            }
        }
    }
}

fn host(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(folder) => folder.display().to_string(),
    }
}
