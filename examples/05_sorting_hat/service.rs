//! The service: its methods, and the errors that they answer.

use std::sync::{Arc, OnceLock};

use actix::dev::ToEnvelope;
use actix::prelude::*;
use majordomo::api_errors::{
    ERR_ALREADY_EXISTS, ERR_VALIDATION, ErrorGenerator, OrNothing, SentinelError, SentinelIssuer,
};
use majordomo::{BoxError, GrpcService, RegisterOnServer, Service, Setup};
use tonic::{Code, Request, Response, Status};

use crate::database::Database;
use crate::houses::house_of;
use crate::roster::{Add, Find, Roster, RosterError};
use crate::sortinghat::sorting_hat_server::{SortingHat as Methods, SortingHatServer};
use crate::sortinghat::{Pupil, Sorted};

static HOGWARTS: SentinelIssuer = SentinelIssuer::new("Hogwarts", true);

/// The database failed.
pub static ROSTER_UPDATE: SentinelError =
    HOGWARTS.sentinel("RosterUpdate", 2000, Code::Internal, "the roster could not be read or updated");

/// Sorts pupils, and keeps the roster.
pub struct SortingHat {
    database: String,
    hat: Hat,
}

/// What answers calls.
#[derive(Clone)]
struct Hat {
    errors: ErrorGenerator,
    /// There as soon as calls are: they come when everything is set up.
    roster: Arc<OnceLock<Addr<Roster>>>,
}

impl SortingHat {
    pub fn new(database: &str, errors: ErrorGenerator) -> Self {
        Self { database: database.to_owned(), hat: Hat { errors, roster: Arc::default() } }
    }
}

impl Actor for SortingHat {
    type Context = Context<Self>;
}

impl Service for SortingHat {
    fn id(&self) -> String {
        "sorting hat".into()
    }
}

impl GrpcService for SortingHat {}

impl Handler<RegisterOnServer> for SortingHat {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, on: RegisterOnServer, _: &mut Context<Self>) -> Self::Result {
        on.server.add_service(SortingHatServer::new(self.hat.clone()));
        Ok(())
    }
}

impl Handler<Setup> for SortingHat {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        let (location, slot) = (self.database.clone(), Arc::clone(&self.hat.roster));
        Box::pin(async move {
            let opened = Database::open(&location).await;
            let database = opened.map_err(|error| format!("cannot open the roster {location:?}: {error}"))?;
            let roster = setup.resources.start("roster", Roster::new(database))?;
            let _ = slot.set(roster);
            Ok(())
        })
    }
}

impl Hat {
    /// Asks the roster.
    async fn ask<M, T>(&self, message: M) -> Result<T, Status>
    where
        M: Message<Result = Result<T, RosterError>> + Send + 'static,
        T: Send + 'static,
        Roster: Handler<M>,
        Context<Roster>: ToEnvelope<Roster, M>,
    {
        let roster = self.roster.get().ok_or_else(|| Status::unavailable("the roster is not open yet"))?;
        let answer = roster.send(message).await.unwrap_or_else(|gone| Err(gone.into()));
        Ok(answer.map_err(|error| self.errors.error(&ROSTER_UPDATE).source(error))?)
    }

    fn checked(&self, pupil: Pupil) -> Result<Pupil, Status> {
        if pupil.name.is_empty() {
            Err(self.errors.error(&ERR_VALIDATION).message("a pupil has a name"))?;
        }
        Ok(pupil)
    }
}

#[tonic::async_trait]
impl Methods for Hat {
    async fn sort(&self, request: Request<Pupil>) -> Result<Response<Sorted>, Status> {
        let pupil = self.checked(request.into_inner())?;
        let house = house_of(&pupil.name);
        if !self.ask(Add(pupil.name.clone(), house)).await? {
            Err(self.errors.error(&ERR_ALREADY_EXISTS).message("a pupil is sorted once").detail(&pupil))?;
        }
        Ok(Response::new(Sorted { house: house.into() }))
    }

    async fn find(&self, request: Request<Pupil>) -> Result<Response<Sorted>, Status> {
        let pupil = self.checked(request.into_inner())?;
        let house = self.ask(Find(pupil.name)).await?;
        house.map(|house| Sorted { house: house.into() }).or_nothing()
    }
}
