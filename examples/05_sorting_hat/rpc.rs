//! The calls. They run on the server's threads, side by side, and wait there for the roster's answers.

use std::sync::{Arc, OnceLock};

use majordomo::api_errors::{ERR_ALREADY_EXISTS, ERR_VALIDATION, ErrorGenerator, OrNothing};
use tonic::{Request, Response, Status};

use crate::errors::ROSTER_UPDATE;
use crate::house;
use crate::roster::{Roster, RosterError};
use crate::sortinghat::sorting_hat_server::SortingHat;
use crate::sortinghat::{Pupil, Sorted};

/// The longest name, in bytes. Keys of PostgreSQL end at about 2,700.
const LONGEST_NAME: usize = 1_000;

pub(crate) struct Rpc {
    roster: Arc<OnceLock<Roster>>,
    errors: ErrorGenerator,
}

impl Rpc {
    pub(crate) fn new(roster: Arc<OnceLock<Roster>>, errors: ErrorGenerator) -> Self {
        Self { roster, errors }
    }

    fn roster(&self) -> Result<&Roster, Status> {
        self.roster.get().ok_or_else(|| Status::unavailable("the roster is not open yet: try again"))
    }

    /// Refuses a pupil that no roster can keep.
    fn checked(&self, pupil: Pupil) -> Result<Pupil, Status> {
        let name = &pupil.name;
        let wrong = if name.trim().is_empty() {
            "a pupil has a name".to_owned()
        } else if name.len() > LONGEST_NAME {
            format!("a name of {} bytes is too long: {LONGEST_NAME} are allowed", name.len())
        } else if name.chars().any(char::is_control) {
            "a name has no control characters".to_owned()
        } else {
            return Ok(pupil);
        };
        Err(self.errors.error(&ERR_VALIDATION).message(wrong).into())
    }

    fn failed(&self, error: RosterError) -> Status {
        self.errors.error(&ROSTER_UPDATE).source(error).into()
    }
}

#[tonic::async_trait]
impl SortingHat for Rpc {
    async fn sort(&self, request: Request<Pupil>) -> Result<Response<Sorted>, Status> {
        let pupil = self.checked(request.into_inner())?;
        let house = house::of(&pupil.name);
        let entered = self.roster()?.enter(pupil.name.clone(), house).await;
        if !entered.map_err(|error| self.failed(error))? {
            Err(self.errors.error(&ERR_ALREADY_EXISTS).message("a pupil is sorted once").detail(&pupil))?;
        }
        Ok(Response::new(Sorted { house: house.into() }))
    }

    async fn find(&self, request: Request<Pupil>) -> Result<Response<Sorted>, Status> {
        let pupil = self.checked(request.into_inner())?;
        let house = self.roster()?.look_up(pupil.name).await.map_err(|error| self.failed(error))?;
        house.map(|house| Sorted { house: house.into() }).or_nothing()
    }
}
