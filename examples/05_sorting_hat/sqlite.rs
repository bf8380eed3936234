//! The roster in SQLite.
//!
//! Every message blocks its thread until the file is written, so the actor has one of its own; its mailbox is the queue.
//! Another process that has the file locked is waited for, five seconds at most.

use std::path::{Path, PathBuf};

use actix::prelude::*;
use majordomo::{BoxError, Release, Resource};
use rusqlite::{Connection, OptionalExtension};

use crate::roster::{ENTER, Enter, LOOK_UP, LookUp, Open, RosterError, TABLE, house};

/// Owns the connection.
pub(crate) struct SqliteRoster {
    file: PathBuf,
    connection: Option<Connection>,
}

impl SqliteRoster {
    pub(crate) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), connection: None }
    }

    fn connection(&mut self) -> Result<&Connection, RosterError> {
        let open = match self.connection.take() {
            Some(open) => open,
            None => {
                let new = Connection::open(&self.file)?;
                new.execute(TABLE, ())?;
                new
            }
        };
        Ok(self.connection.insert(open))
    }
}

impl Actor for SqliteRoster {
    type Context = Context<Self>;
}

impl Resource for SqliteRoster {}

impl Handler<Open> for SqliteRoster {
    type Result = Result<(), RosterError>;

    fn handle(&mut self, _: Open, _: &mut Context<Self>) -> Self::Result {
        self.connection().map(drop)
    }
}

impl Handler<Enter> for SqliteRoster {
    type Result = Result<bool, RosterError>;

    fn handle(&mut self, Enter { name, house }: Enter, _: &mut Context<Self>) -> Self::Result {
        Ok(self.connection()?.execute(ENTER, (name, house.as_str_name()))? == 1)
    }
}

impl Handler<LookUp> for SqliteRoster {
    type Result = Result<Option<crate::sortinghat::House>, RosterError>;

    fn handle(&mut self, LookUp { name }: LookUp, _: &mut Context<Self>) -> Self::Result {
        let found = self.connection()?.query_row(LOOK_UP, (&name,), |row| row.get(0)).optional()?;
        found.map(|found| house(name, found)).transpose()
    }
}

impl Handler<Release> for SqliteRoster {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Release, _: &mut Context<Self>) -> Self::Result {
        if let Some(connection) = self.connection.take() {
            connection.close().map_err(|(_, error)| {
                format!(
                    "{} could not be closed, though all that was answered is in it: {error}",
                    self.file.display()
                )
            })?;
        }
        tracing::info!("the roster is closed");
        Ok(())
    }
}
