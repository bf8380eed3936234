//! Requests of many leases in one statement: those that are asked in the same turn of a runtime, or while a statement of their kind is under way.
//!
//! ```text
//!   asked ---alone---> is asked by itself
//!     '---with others--> one statement: answered
//!                             '--------> said nothing of: is asked by itself
//! ```
//!
//! The statement waits for no row: of one that is locked, or not there yet, it says nothing.

use std::convert::Infallible;
use std::sync::Arc;

use majordomo::{LeaseError, LeaseRequest, PerRuntime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, yield_now};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

use crate::connection::Parameter;
use crate::database::Database;
use crate::error::PostgresLeasesError;
use crate::statements::{Statements, Verb};

/// How many go in one statement at most.
const MOST: usize = 500;

/// What a statement says of a lease: nothing, or what a statement for it alone would answer.
pub(crate) type Said = Option<Row>;

struct Asked {
    request: LeaseRequest,
    answer: oneshot::Sender<Result<Said, PostgresLeasesError>>,
}

/// The lanes of one runtime. Bound: of each request that is waited for one stands in a lane.
pub(crate) struct Lanes {
    lanes: [mpsc::UnboundedSender<Asked>; 3],
    task: AbortHandle,
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Lanes {
    fn start(database: Database, statements: Arc<Statements>) -> Self {
        let [acquire, renew, release] = [(); 3].map(|()| mpsc::unbounded_channel());
        let lanes = [acquire.0, renew.0, release.0];
        let kept = async move {
            let lane = |verb, asked| keep(&database, &statements, verb, asked);
            tokio::join!(
                lane(Verb::Acquire, acquire.1),
                lane(Verb::Renew, renew.1),
                lane(Verb::Release, release.1)
            );
        };
        Self { lanes, task: tokio::spawn(kept).abort_handle() }
    }
}

/// Asks for a lease along with others.
pub(crate) async fn ask(
    lanes: &PerRuntime<Lanes>,
    database: &Database,
    statements: &Arc<Statements>,
    verb: Verb,
    request: &LeaseRequest,
) -> Result<Said, LeaseError> {
    let start = async { Ok::<_, Infallible>(Lanes::start(database.clone(), Arc::clone(statements))) };
    let here = lanes.get(|lanes| !lanes.task.is_finished(), start).await;
    let (here, _) = here.unwrap_or_else(|never| match never {});
    let (answer, said) = oneshot::channel();
    let _ = here.lanes[verb as usize].send(Asked { request: request.clone(), answer });
    match said.await {
        Ok(said) => Ok(said?),
        Err(_) => Err(LeaseError::away("the runtime in which the store is asked ends")),
    }
}

async fn keep(
    database: &Database,
    statements: &Statements,
    verb: Verb,
    mut asked: mpsc::UnboundedReceiver<Asked>,
) {
    while let Some(first) = asked.recv().await {
        // So that who asks in the same turn comes along.
        yield_now().await;
        let mut batch = vec![first];
        while batch.len() < MOST
            && let Ok(next) = asked.try_recv()
        {
            batch.push(next);
        }
        batch.retain(|asked| !asked.answer.is_closed());
        answer(database, statements, verb, batch).await;
    }
}

async fn answer(database: &Database, statements: &Statements, verb: Verb, mut batch: Vec<Asked>) {
    let requests: Vec<_> = batch.iter().map(|asked| asked.request.clone()).collect();
    let said = tokio::select! {
        biased;
        said = execute(database, statements, verb, &requests) => said,
        // Nobody waits for it any more: so nobody would find out that the connection is of no use.
        () = all_gone(&mut batch) => return,
    };
    match said {
        Ok(said) => {
            for (asked, said) in batch.into_iter().zip(said) {
                let _ = asked.answer.send(Ok(said));
            }
        }
        Err(error) => {
            for asked in batch {
                let _ = asked.answer.send(Err(error.clone()));
            }
        }
    }
}

async fn all_gone(batch: &mut [Asked]) {
    for asked in batch {
        asked.answer.closed().await;
    }
}

/// What is said of each.
async fn execute(
    database: &Database,
    statements: &Statements,
    verb: Verb,
    requests: &[LeaseRequest],
) -> Result<Vec<Said>, PostgresLeasesError> {
    let mut said: Vec<Said> = requests.iter().map(|_| None).collect();
    if requests.len() < 2 {
        return Ok(said);
    }
    let names: Vec<_> = requests.iter().map(|request| &*request.name).collect();
    let holders: Vec<_> = requests.iter().map(|request| &*request.holder).collect();
    let ttls: Vec<_> = requests.iter().map(|request| request.ttl.as_secs_f64()).collect();
    let parameters: [Parameter<'_>; 3] =
        [(&names, Type::TEXT_ARRAY), (&holders, Type::TEXT_ARRAY), (&ttls, Type::FLOAT8_ARRAY)];
    for row in database.ask(statements.of_many(verb), &parameters).await? {
        let at = at(&row).map_err(|error| database.unreadable(error))?;
        if let Some(place) = at.and_then(|at| said.get_mut(at)) {
            *place = Some(row);
        }
    }
    Ok(said)
}

/// The place among the requests, which the server counts from 1.
fn at(row: &Row) -> Result<Option<usize>, Error> {
    let at: i64 = row.try_get("at")?;
    Ok(usize::try_from(at).ok().and_then(|at| at.checked_sub(1)))
}
