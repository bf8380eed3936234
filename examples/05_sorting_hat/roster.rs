//! The roster: who is sorted to which house. Kept by a resource, an actor that owns the connection to the database.
//!
//! ```text
//!            Open            from the service's set-up: the first connection, and the table
//!   Roster   Enter, LookUp   from calls, on any of the server's threads: they wait for answers, never for a lock
//!            Release         from the manager, after the last call
//! ```
//!
//! The name is the table's key: where two clients sort the same pupil at the same time, the database decides who was
//! first, also when they talk to two servers.

use std::error::Error;
use std::sync::Arc;

use actix::dev::ToEnvelope;
use actix::prelude::*;
use majordomo::{Resource, ResourceError, ResourceSpec, Resources};

use crate::database::Database;
use crate::postgres::PostgresRoster;
use crate::sortinghat::House;
use crate::sqlite::SqliteRoster;

/// SQL that both databases understand.
pub(crate) const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS pupils (name TEXT NOT NULL PRIMARY KEY, house TEXT NOT NULL)";
pub(crate) const ENTER: &str =
    "INSERT INTO pupils (name, house) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
pub(crate) const LOOK_UP: &str = "SELECT house FROM pupils WHERE name = $1";

/// Opens the database, if it is not open, and makes the table where there is none.
#[derive(Message)]
#[rtype(result = "Result<(), RosterError>")]
pub(crate) struct Open;

/// Enters a pupil. `false`: one of that name was there, and stays as it was.
#[derive(Message)]
#[rtype(result = "Result<bool, RosterError>")]
pub(crate) struct Enter {
    pub(crate) name: String,
    pub(crate) house: House,
}

/// Looks a pupil up. `None`: there is none of that name.
#[derive(Message)]
#[rtype(result = "Result<Option<House>, RosterError>")]
pub(crate) struct LookUp {
    pub(crate) name: String,
}

/// Why the roster could not do what it was asked. It goes on all the same.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RosterError {
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("PostgreSQL: {}", whole(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error("the connection to PostgreSQL was lost: {}", whole(.0))]
    Lost(#[source] Arc<tokio_postgres::Error>),
    #[error("{name:?} is in a house {house:?}, which is none: somebody else has changed the table `pupils`")]
    House { name: String, house: String },
    #[error("whoever keeps the roster is gone: {0}")]
    Gone(#[from] MailboxError),
}

/// An error with all that led to it: that of PostgreSQL says of itself no more than "db error".
fn whole(error: &tokio_postgres::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A house as it is written in the table.
pub(crate) fn house(name: String, house: String) -> Result<House, RosterError> {
    House::from_str_name(&house).ok_or(RosterError::House { name, house })
}

/// The address of the roster, whichever database keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Roster {
    open: Recipient<Open>,
    enter: Recipient<Enter>,
    look_up: Recipient<LookUp>,
}

impl Roster {
    /// Starts the resource. It opens nothing yet.
    pub(crate) fn start(resources: &Resources, database: &Database) -> Result<Self, ResourceError> {
        const NAME: &str = "roster";
        match database {
            Database::Sqlite(path) => {
                // SQLite blocks its caller while the disk is busy: nobody else shall be on that thread.
                let keeper = ResourceSpec::new(SqliteRoster::new(path)).dedicated_thread();
                resources.start(NAME, keeper).map(Self::of)
            }
            Database::Postgres(config) => resources.start(NAME, PostgresRoster::new(config)).map(Self::of),
        }
    }

    fn of<K>(keeper: Addr<K>) -> Self
    where
        K: Resource + Handler<Open> + Handler<Enter> + Handler<LookUp>,
        Context<K>: ToEnvelope<K, Open> + ToEnvelope<K, Enter> + ToEnvelope<K, LookUp>,
    {
        Self {
            open: keeper.clone().recipient(),
            enter: keeper.clone().recipient(),
            look_up: keeper.recipient(),
        }
    }

    pub(crate) async fn open(&self) -> Result<(), RosterError> {
        self.open.send(Open).await?
    }

    pub(crate) async fn enter(&self, name: String, house: House) -> Result<bool, RosterError> {
        self.enter.send(Enter { name, house }).await?
    }

    pub(crate) async fn look_up(&self, name: String) -> Result<Option<House>, RosterError> {
        self.look_up.send(LookUp { name }).await?
    }
}
