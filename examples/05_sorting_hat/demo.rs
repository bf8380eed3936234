//! The demonstration: both ends in one process, over a real connection, and over a database that is gone afterwards.
//!
//! It is an error when anything is not answered as it should be.

mod place;

use std::time::Duration;

use actix::Addr;
use majordomo::api_errors::{ApiError, ERR_ALREADY_EXISTS, ERR_NOT_FOUND, ERR_VALIDATION, SentinelError};
use majordomo::clients::wait_for_grpc_server;
use majordomo::{BoxError, Manager, StartShutdown, WaitForShutdown};
use tonic::Status;

use self::place::Place;
use crate::client::{self, Client};
use crate::database::Database;
use crate::errors::ROSTER_UPDATE;
use crate::printer::say;
use crate::server;
use crate::sortinghat::{House, Pupil};

/// Plays it in SQLite, or in the PostgreSQL that `DATABASE_URL` names.
///
/// # Errors
/// The first thing that was not as it should be.
pub(crate) async fn play(database: Option<Database>) -> Result<(), BoxError> {
    let place = Place::new(database).await?;
    let played = sort_and_find(&place).await;
    let left = place.leave().await;
    played?;
    left?;
    say("over: everything was answered as it should be, nothing was left behind");
    Ok(())
}

async fn sort_and_find(place: &Place) -> Result<(), BoxError> {
    say(format!("the roster is in {}", place.database()));
    let server = Server::start(place).await?;
    let mut client = server.client()?;
    for name in ["Harry Potter", "Cedric Diggory", "Draco Malfoy"] {
        say(format!("{name}: {}", client.sort(name).await?.as_str_name()));
    }

    let twice = refused("Harry again", client.sort("Harry Potter").await, &ERR_ALREADY_EXISTS)?;
    if twice.detail_of() != Some(Pupil { name: "Harry Potter".to_owned() }) {
        return Err(format!("no pupil is with {twice:?}").into());
    }
    refused("one nobody sorted", client.find("Vernon Dursley").await, &ERR_NOT_FOUND)?;
    refused("one without a name", client.sort("").await, &ERR_VALIDATION)?;

    let (mut one, mut other) = (server.client()?, server.client()?);
    let both = tokio::join!(one.sort("Luna Lovegood"), other.sort("Luna Lovegood"));
    let (first, second) = if both.0.is_ok() { both } else { (both.1, both.0) };
    say(format!("Luna Lovegood: {}, by one of two at once", first?.as_str_name()));
    refused("the other of the two", second, &ERR_ALREADY_EXISTS)?;
    server.stop().await?;

    let server = Server::start(place).await?;
    let mut client = server.client()?;
    match client.find("Luna Lovegood").await? {
        House::Ravenclaw => say("Luna Lovegood: Ravenclaw, after a restart as before it"),
        other => return Err(format!("Luna was in Ravenclaw, and is in {other:?} after a restart").into()),
    }
    place.spoil().await?;
    let failed = refused("one whose roster was torn", client.sort("Cho Chang").await, &ROSTER_UPDATE)?;
    if failed.source_text().is_none_or(|text| !text.contains("pupils")) {
        return Err(format!("the database's error is not with {failed:?}").into());
    }
    server.stop().await
}

/// Makes sure that it is this error, that both ends are in its trace, and prints it.
fn refused(
    what: &str,
    answered: Result<House, Status>,
    sentinel: &SentinelError,
) -> Result<ApiError, BoxError> {
    let status = match answered {
        Ok(house) => return Err(format!("{what} was answered {house:?}, not {sentinel}").into()),
        Err(status) => status,
    };
    let told = client::describe(&status);
    match ApiError::from_status(&status) {
        Some(error) if error.is(sentinel) && error.trace().len() == 2 => {
            say(format!("{what}: {told}"));
            Ok(error)
        }
        _ => Err(format!("{what} was answered {told}, not {sentinel} with two in its trace").into()),
    }
}

/// The server's end.
struct Server {
    manager: Addr<Manager>,
    address: String,
}

impl Server {
    async fn start(place: &Place) -> Result<Self, BoxError> {
        let manager = server::manager("127.0.0.1:0", place.database().clone()).start();
        let address = server::addresses(&manager).await?.pop().ok_or("it serves nowhere")?;
        wait_for_grpc_server(client::endpoint(&address)?.connect_lazy(), Duration::from_secs(3)).await?;
        Ok(Self { manager, address })
    }

    /// A client with a connection of its own.
    fn client(&self) -> Result<Client, BoxError> {
        Ok(Client::new(client::endpoint(&self.address)?))
    }

    async fn stop(self) -> Result<(), BoxError> {
        self.manager.do_send(StartShutdown);
        Ok(self.manager.send(WaitForShutdown).await??)
    }
}
