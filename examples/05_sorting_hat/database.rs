//! Where the roster is kept: SQLite or PostgreSQL.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::OptionalExtension;
use tokio_postgres::NoTls;

/// A database with one table, `pupils`.
#[derive(Clone)]
pub enum Database {
    /// Its calls block: they are made on threads for that.
    Sqlite(Arc<Mutex<rusqlite::Connection>>),
    Postgres(Arc<tokio_postgres::Client>),
}

/// The database failed.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("PostgreSQL: {}", with_source(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error("{0:?} holds {1}, which is no house")]
    House(String, i32),
    #[error("the database's thread is gone: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// What the driver says is no more than where it failed.
fn with_source(error: &tokio_postgres::Error) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS pupils (name TEXT PRIMARY KEY, house INTEGER NOT NULL)";
/// Of two who add the same pupil at once one does: the key decides.
const ADD: &str = "INSERT INTO pupils (name, house) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
const FIND: &str = "SELECT house FROM pupils WHERE name = $1";

impl Database {
    /// Opens what is a URL or else the path of a file, which is made if it is not there.
    pub async fn open(location: &str) -> Result<Self, DatabaseError> {
        if location.starts_with("postgres://") || location.starts_with("postgresql://") {
            let (client, connection) = tokio_postgres::connect(location, NoTls).await?;
            // Over when the client is gone. Whoever uses the client is told if it breaks.
            tokio::spawn(connection);
            // Of two that make the table at once PostgreSQL refuses one, even if it is not there: one at a time.
            client.batch_execute("SELECT pg_advisory_lock(1)").await?;
            let made = client.batch_execute(TABLE).await;
            client.batch_execute("SELECT pg_advisory_unlock(1)").await?;
            made?;
            return Ok(Self::Postgres(Arc::new(client)));
        }
        let path = Path::new(location).to_owned();
        let connection = tokio::task::spawn_blocking(move || {
            let connection = rusqlite::Connection::open(path)?;
            connection.busy_timeout(std::time::Duration::from_secs(5))?;
            connection.execute(TABLE, [])?;
            Ok::<_, rusqlite::Error>(connection)
        });
        Ok(Self::Sqlite(Arc::new(Mutex::new(connection.await??))))
    }

    /// Adds a pupil; whether there was none of that name.
    pub async fn add(&self, name: String, house: i32) -> Result<bool, DatabaseError> {
        let added = match self {
            Self::Sqlite(connection) => {
                blocking(connection, move |own| Ok(own.execute(ADD, (&name, house))? as u64)).await?
            }
            Self::Postgres(client) => client.execute(ADD, &[&name, &house]).await?,
        };
        Ok(added > 0)
    }

    /// The house that a pupil was added with.
    pub async fn find(&self, name: String) -> Result<Option<i32>, DatabaseError> {
        match self {
            Self::Sqlite(connection) => {
                blocking(connection, move |own| own.query_row(FIND, [&name], |row| row.get(0)).optional())
                    .await
            }
            Self::Postgres(client) => {
                let row = client.query_opt(FIND, &[&name]).await?;
                Ok(row.map(|row| row.try_get(0)).transpose()?)
            }
        }
    }
}

async fn blocking<T: Send + 'static>(
    connection: &Arc<Mutex<rusqlite::Connection>>,
    run: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, DatabaseError> {
    let connection = Arc::clone(connection);
    let ran =
        tokio::task::spawn_blocking(move || run(&connection.lock().unwrap_or_else(PoisonError::into_inner)));
    Ok(ran.await??)
}
