//! The service: opens the roster when it is set up, and gives it to its calls.

use std::sync::{Arc, OnceLock};

use actix::prelude::*;
use majordomo::api_errors::ErrorGenerator;
use majordomo::{BoxError, GrpcService, RegisterOnServer, Service, Setup};

use crate::database::Database;
use crate::roster::Roster;
use crate::rpc::Rpc;
use crate::sortinghat::FILE_DESCRIPTOR_SET;
use crate::sortinghat::sorting_hat_server::SortingHatServer;

/// The hat.
pub(crate) struct Hat {
    database: Database,
    errors: ErrorGenerator,
    /// Empty until it is set up, which is before the first call.
    roster: Arc<OnceLock<Roster>>,
}

impl Hat {
    pub(crate) fn new(database: Database, errors: ErrorGenerator) -> Self {
        Self { database, errors, roster: Arc::default() }
    }
}

impl Actor for Hat {
    type Context = Context<Self>;
}

impl Service for Hat {
    fn id(&self) -> String {
        "sorting hat".into()
    }
}

impl GrpcService for Hat {}

impl Handler<RegisterOnServer> for Hat {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, on: RegisterOnServer, _: &mut Context<Self>) -> Self::Result {
        let calls = Rpc::new(Arc::clone(&self.roster), self.errors.clone());
        on.server.add_service(SortingHatServer::new(calls));
        on.server.add_file_descriptor_set(FILE_DESCRIPTOR_SET);
        Ok(())
    }
}

impl Handler<Setup> for Hat {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        let (database, place) = (self.database.clone(), Arc::clone(&self.roster));
        Box::pin(async move {
            let roster = Roster::start(&setup.resources, &database)?;
            // The resource opens it, so that the connection is where it will be used and closed.
            if let Err(error) = roster.open().await {
                let mend = database.mend();
                return Err(format!("the roster cannot be opened in {database}: {error}: {mend}").into());
            }
            place.set(roster).map_err(|_| "it is set up already")?;
            Ok(())
        })
    }
}
