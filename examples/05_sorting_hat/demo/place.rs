//! A roster for the demonstration alone: a temporary folder with a file of SQLite, or a schema of its own in PostgreSQL.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use majordomo::BoxError;
use tokio_postgres::{Client, NoTls};

use crate::database::Database;

pub(super) struct Place {
    database: Database,
    kept: Kept,
}

enum Kept {
    Folder(PathBuf),
    Schema { name: String, client: Client },
}

impl Place {
    /// Makes it. Without a database it is a temporary one.
    pub(super) async fn new(database: Option<Database>) -> Result<Self, BoxError> {
        let name = format!("sorting_hat_demo_{:016x}", fastrand::u64(..));
        match database {
            // A file that is named keeps what is in it.
            None | Some(Database::Sqlite(_)) => {
                let folder = std::env::temp_dir().join(name);
                DirBuilder::new()
                    .mode(0o700)
                    .create(&folder)
                    .map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
                Ok(Self { database: Database::Sqlite(file(&folder)), kept: Kept::Folder(folder) })
            }
            Some(Database::Postgres(mut config)) => {
                let cannot = |error| {
                    let error = crate::roster::RosterError::Postgres(error);
                    format!("DATABASE_URL: no place for a demonstration could be made: {error}")
                };
                let (client, connection) = config.connect(NoTls).await.map_err(cannot)?;
                actix::spawn(connection);
                client.batch_execute(&format!("CREATE SCHEMA {name}")).await.map_err(cannot)?;
                let others = config.get_options().unwrap_or_default().to_owned();
                config.options(format!("{others} -c search_path={name}"));
                Ok(Self { database: Database::Postgres(config), kept: Kept::Schema { name, client } })
            }
        }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Takes the table away from under the server.
    pub(super) async fn spoil(&self) -> Result<(), BoxError> {
        match &self.kept {
            Kept::Folder(folder) => {
                rusqlite::Connection::open(file(folder))?.execute("DROP TABLE pupils", ())?;
            }
            Kept::Schema { name, client } => {
                client.batch_execute(&format!("DROP TABLE {name}.pupils")).await?;
            }
        }
        Ok(())
    }

    /// Leaves nothing behind.
    pub(super) async fn leave(self) -> Result<(), BoxError> {
        match self.kept {
            Kept::Folder(folder) => fs::remove_dir_all(folder)?,
            Kept::Schema { name, client } => {
                client.batch_execute(&format!("DROP SCHEMA {name} CASCADE")).await?;
            }
        }
        Ok(())
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("roster.sqlite3")
}
