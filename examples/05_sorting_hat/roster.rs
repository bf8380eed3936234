//! The roster, as a resource: opened when the service is set up, closed when no call needs it any more.

use actix::prelude::*;
use majordomo::{BoxError, Release, Resource};

use crate::database::{Database, DatabaseError};
use crate::sortinghat::House;

/// Keeps who was sorted where.
pub struct Roster {
    /// `None`: closed.
    database: Option<Database>,
}

/// Adds a pupil; whether there was none of that name.
#[derive(Message)]
#[rtype(result = "Result<bool, RosterError>")]
pub struct Add(pub String, pub House);

/// Where a pupil was sorted to.
#[derive(Message)]
#[rtype(result = "Result<Option<House>, RosterError>")]
pub struct Find(pub String);

/// The roster cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the roster is closed")]
    Closed,
    #[error("the roster does not answer: {0}")]
    NoAnswer(#[from] MailboxError),
}

impl Roster {
    pub fn new(database: Database) -> Self {
        Self { database: Some(database) }
    }
}

impl Actor for Roster {
    type Context = Context<Self>;
}

impl Resource for Roster {}

impl Handler<Add> for Roster {
    type Result = ResponseFuture<Result<bool, RosterError>>;

    fn handle(&mut self, Add(name, house): Add, _: &mut Context<Self>) -> Self::Result {
        let database = self.database.clone();
        Box::pin(async move { Ok(database.ok_or(RosterError::Closed)?.add(name, house.into()).await?) })
    }
}

impl Handler<Find> for Roster {
    type Result = ResponseFuture<Result<Option<House>, RosterError>>;

    fn handle(&mut self, Find(name): Find, _: &mut Context<Self>) -> Self::Result {
        let database = self.database.clone();
        Box::pin(async move {
            let found = database.ok_or(RosterError::Closed)?.find(name.clone()).await?;
            let house = |number| House::try_from(number).map_err(|_| DatabaseError::House(name, number));
            Ok(found.map(house).transpose()?)
        })
    }
}

impl Handler<Release> for Roster {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Release, _: &mut Context<Self>) -> Self::Result {
        // The last one who has it closes it.
        self.database = None;
        Ok(())
    }
}
