//! Why there are no leases to be had of a database, and whether that may pass.

use std::error::Error;
use std::time::Duration;

use majordomo::LeaseError;
use tokio_postgres::error::SqlState;

use crate::tls_fault;
pub(crate) use crate::tls_fault::TlsFault;

/// Why leases cannot be kept, or not now: each names the database, what happened, and the way out.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresLeasesError {
    /// The URL says nothing that can be connected to.
    #[error(
        "the URL of the database for leases cannot be used ({reason}): give one such as postgres://user:password@host:5432/database"
    )]
    Url {
        /// What is wrong with it.
        reason: String,
    },
    /// A setting that cannot work.
    #[error("{setting} of the leases in PostgreSQL is {value}: {mend}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        mend: &'static str,
    },
    /// The server does not let this program in, or does not let it do what leases need.
    #[error("{at} refuses ({reason}): see to the user, its password and its rights")]
    Refused {
        /// The database.
        at: String,
        /// What it said.
        reason: String,
    },
    /// The tables are of a version that this program does not know.
    #[error(
        "{table} has version {found} ({name}), and this program knows {known}: a newer one made it; update this program, or give it another schema"
    )]
    Version {
        /// The table.
        table: String,
        /// Its version.
        found: i32,
        /// How that is called.
        name: String,
        /// The latest version that is known here.
        known: usize,
    },
    /// There is a table of that name, which somebody else has made.
    #[error(
        "{table} is there already, and is no table of leases of this program ({reason}): give the leases another schema"
    )]
    Foreign {
        /// The table.
        table: String,
        /// What the server said.
        reason: String,
    },
    /// What the server notifies of is not heard.
    #[error(
        "{at} takes LISTEN, and what it notifies of has not come within {within:?}: a pooler of transactions is in between, or it is another server; have the leases listen at the server itself (PostgresLeases::listening_at)"
    )]
    Unheard {
        /// The database that is listened to.
        at: String,
        /// How long was waited.
        within: Duration,
    },
    /// No TLS connection comes about: the server's certificate, or this program's, will not do, or one of them has no TLS. A store that runs asks again, since certificates
    /// are renewed; at the start of a manager it is refused.
    #[error("{at} cannot be reached over TLS ({reason}): {mend}")]
    Tls {
        /// The database.
        at: String,
        /// What happened.
        reason: String,
        /// What would work.
        mend: &'static str,
    },
    /// The server could not be reached, or broke off, or cannot do it now.
    #[error("{at} cannot be asked now ({reason}): see that it is up, and can be reached from here")]
    Away {
        /// The database.
        at: String,
        /// What happened.
        reason: String,
    },
    /// The server did not answer in time.
    #[error(
        "{at} has not answered within {within:?}: see whether it hangs, or something locks the table of leases"
    )]
    Silent {
        /// The database.
        at: String,
        /// How long was waited.
        within: Duration,
    },
}

/// What the client told, before it is known of which database.
#[derive(Debug)]
pub(crate) enum Cause {
    Known(PostgresLeasesError),
    Client(tokio_postgres::Error),
    Tls(TlsFault),
}

impl From<tokio_postgres::Error> for Cause {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Client(error)
    }
}

impl From<TlsFault> for Cause {
    fn from(fault: TlsFault) -> Self {
        Self::Tls(fault)
    }
}

impl Cause {
    pub(crate) fn of(self, at: &str) -> PostgresLeasesError {
        let error = match self {
            Self::Known(known) => return known,
            Self::Tls(TlsFault { reason, mend }) => {
                return PostgresLeasesError::Tls { at: at.to_owned(), reason, mend };
            }
            Self::Client(error) => error,
        };
        let (at, reason) = (at.to_owned(), text(&error));
        if let Some(mend) = tls_fault::mend(&error) {
            return PostgresLeasesError::Tls { at, reason, mend };
        }
        if is_final(&error) {
            return PostgresLeasesError::Refused { at, reason };
        }
        PostgresLeasesError::Away { at, reason }
    }
}

impl From<PostgresLeasesError> for LeaseError {
    fn from(error: PostgresLeasesError) -> Self {
        match error {
            // Certificates are renewed while programs run, and stand by.
            PostgresLeasesError::Away { .. }
            | PostgresLeasesError::Silent { .. }
            | PostgresLeasesError::Tls { .. } => Self::away(error),
            _ => Self::refused(error),
        }
    }
}

impl PostgresLeasesError {
    /// What it is before anything runs: then nobody renews a certificate that will not do.
    pub(crate) fn at_start(self) -> LeaseError {
        match self {
            Self::Tls { .. } => LeaseError::refused(self),
            error => error.into(),
        }
    }
}

/// An error with its causes, in one line.
pub(crate) fn text(error: &tokio_postgres::Error) -> String {
    if let Some(database) = error.as_db_error() {
        return format!("{}, SQLSTATE {}", database.message(), database.code().code());
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Whether to ask again is of no use.
fn is_final(error: &tokio_postgres::Error) -> bool {
    let Some(database) = error.as_db_error() else {
        // The kinds of errors have no other names. What has no password to give has none the next time either.
        return ["invalid configuration", "authentication error"].contains(&error.to_string().as_str());
    };
    let code = database.code();
    // No right to be here; no such database, or schema; what the statements name is not there, or may not be changed.
    let finals = [SqlState::INVALID_CATALOG_NAME, SqlState::INVALID_SCHEMA_NAME];
    let classes = ["28", "42"];
    let is_refused = finals.contains(code) || classes.iter().any(|class| code.code().starts_with(class));
    // PgBouncer has one code for all that it refuses at the door.
    let is_pooler = *code == SqlState::PROTOCOL_VIOLATION
        && ["authentication failed", "no such user", "no such database"]
            .iter()
            .any(|said| database.message().contains(said));
    is_refused || is_pooler
}

/// Whether the connection is of no use any more.
pub(crate) fn is_broken(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        // The server shuts down, or has no more patience.
        Some(code) => ["57P", "08"].iter().any(|class| code.code().starts_with(class)),
        None => true,
    }
}
