//! The roster in PostgreSQL.
//!
//! ```text
//!   Open, Enter, LookUp --link()--> connected? --yes--> asks, beside those that wait for their answers
//!                                        |no
//!                                        '--> connects: one of them does, the others wait for it
//! ```
//!
//! Nothing blocks, so it shares its thread with other resources. A connection that is lost fails the calls that wait for
//! its answers; the next call connects again. Nothing is asked twice by itself: nobody knows whether it was done.

use std::sync::{Arc, OnceLock};

use actix::prelude::*;
use majordomo::{BoxError, Release, Resource};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls};

use crate::roster::{ENTER, Enter, LOOK_UP, LookUp, Open, RosterError, TABLE, house};
use crate::sortinghat::House;

/// Two servers that start at once would both make the table; the second waits for the first.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext('sorting_hat'))";

/// Owns the connection.
pub(crate) struct PostgresRoster(Arc<Keeper>);

struct Keeper {
    config: Config,
    open: Mutex<Option<Connected>>,
}

struct Connected {
    link: Arc<Link>,
    /// Ends when the connection has been closed.
    ended: JoinHandle<()>,
}

struct Link {
    client: Client,
    /// Why the connection ended, if it did by itself.
    lost: Arc<OnceLock<Arc<Error>>>,
}

impl PostgresRoster {
    pub(crate) fn new(config: &Config) -> Self {
        Self(Arc::new(Keeper { config: config.clone(), open: Mutex::default() }))
    }
}

impl Keeper {
    /// The connection, made if there is none.
    async fn link(&self) -> Result<Arc<Link>, RosterError> {
        let mut open = self.open.lock().await;
        if let Some(Connected { link, .. }) = &*open
            && !link.client.is_closed()
        {
            return Ok(Arc::clone(link));
        }
        let connected = connect(&self.config).await?;
        let link = Arc::clone(&connected.link);
        let table = link.client.batch_execute(&format!("BEGIN; {LOCK}; {TABLE}; COMMIT")).await;
        table.map_err(|error| link.explain(error))?;
        *open = Some(connected);
        Ok(link)
    }
}

async fn connect(config: &Config) -> Result<Connected, RosterError> {
    let (client, mut connection) = config.connect(NoTls).await?;
    let lost = Arc::new(OnceLock::new());
    let link = Arc::new(Link { client, lost: Arc::clone(&lost) });
    let ended = actix::spawn(async move {
        if let Err(error) = (&mut connection).await {
            let error = Arc::new(error);
            let _ = lost.set(Arc::clone(&error));
            tracing::warn!(error = %RosterError::Lost(error), "the next call connects again");
        }
        // Not before: calls that fail by this find out why.
        drop(connection);
    });
    Ok(Connected { link, ended })
}

impl Link {
    /// The same error, or why the connection ended where that is what it says.
    fn explain(&self, error: Error) -> RosterError {
        match self.lost.get() {
            Some(lost) if error.is_closed() => RosterError::Lost(Arc::clone(lost)),
            _ => error.into(),
        }
    }
}

impl Actor for PostgresRoster {
    type Context = Context<Self>;
}

impl Resource for PostgresRoster {}

impl Handler<Open> for PostgresRoster {
    type Result = ResponseFuture<Result<(), RosterError>>;

    fn handle(&mut self, _: Open, _: &mut Context<Self>) -> Self::Result {
        let keeper = Arc::clone(&self.0);
        Box::pin(async move { keeper.link().await.map(drop) })
    }
}

impl Handler<Enter> for PostgresRoster {
    type Result = ResponseFuture<Result<bool, RosterError>>;

    fn handle(&mut self, Enter { name, house }: Enter, _: &mut Context<Self>) -> Self::Result {
        let keeper = Arc::clone(&self.0);
        Box::pin(async move {
            let link = keeper.link().await?;
            let entered = link.client.execute(ENTER, &[&name, &house.as_str_name()]).await;
            entered.map(|rows| rows == 1).map_err(|error| link.explain(error))
        })
    }
}

impl Handler<LookUp> for PostgresRoster {
    type Result = ResponseFuture<Result<Option<House>, RosterError>>;

    fn handle(&mut self, LookUp { name }: LookUp, _: &mut Context<Self>) -> Self::Result {
        let keeper = Arc::clone(&self.0);
        Box::pin(async move {
            let link = keeper.link().await?;
            let found =
                link.client.query_opt(LOOK_UP, &[&name]).await.map_err(|error| link.explain(error))?;
            found.map(|row| house(name, row.try_get(0)?)).transpose()
        })
    }
}

impl Handler<Release> for PostgresRoster {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, _: Release, _: &mut Context<Self>) -> Self::Result {
        let keeper = Arc::clone(&self.0);
        Box::pin(async move {
            if let Some(Connected { link, ended }) = keeper.open.lock().await.take() {
                // It says goodbye when nobody can ask any more.
                drop(link);
                ended.await?;
            }
            tracing::info!("the roster is closed");
            Ok(())
        })
    }
}
