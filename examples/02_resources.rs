//! Resources as actors: a database and a cache on top of it, released in reverse order when no service uses
//! them any more.
//!
//! ```text
//! cargo run --example 02_resources   # runs no gRPC server, so it needs no port
//! ```

mod printer;

use std::time::{Duration, Instant};

use actix::prelude::*;
use majordomo::{
    BoxError, Exit, GenericService, Manager, ManagerOptions, Release, Resource, Run, Service, Setup, Shutdown,
};
use printer::say;

/// A connection that takes a moment to close.
struct Connection {
    name: &'static str,
    closes_in: Duration,
}

impl Actor for Connection {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        say(format!("{}: opened", self.name));
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        say(format!("{}: gone", self.name));
    }
}

impl Resource for Connection {}

impl Handler<Release> for Connection {
    type Result = ResponseActFuture<Self, Result<(), BoxError>>;

    /// The answer is the acknowledgement: nobody goes on before it, and nobody waits for it beyond the
    /// deadline.
    fn handle(&mut self, release: Release, _: &mut Context<Self>) -> Self::Result {
        match release.shutdown.deadline() {
            Some(at) => say(format!("{}: closing, at most {:?}", self.name, at - Instant::now())),
            None => say(format!("{}: closing", self.name)),
        }
        let close = actix::clock::sleep(self.closes_in).into_actor(self);
        Box::pin(close.map(|(), connection, _| {
            say(format!("{}: closed", connection.name));
            Ok(())
        }))
    }
}

/// Asks the cache for an entry.
#[derive(Message)]
#[rtype(String)]
struct Get(&'static str);

impl Handler<Get> for Connection {
    type Result = String;

    fn handle(&mut self, get: Get, _: &mut Context<Self>) -> String {
        format!("{} from {}", get.0, self.name)
    }
}

/// A service that uses both.
#[derive(Default)]
struct Shop {
    cache: Option<Addr<Connection>>,
}

impl Actor for Shop {
    type Context = Context<Self>;
}

impl Service for Shop {
    fn id(&self) -> String {
        "shop".into()
    }
}

impl GenericService for Shop {}

impl Handler<Setup> for Shop {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        let millis = Duration::from_millis;
        let database = Connection { name: "database", closes_in: millis(20) };
        setup.resources.start("database", database)?;
        // Started later, so released earlier: the cache may still need the database.
        let cache = Connection { name: "cache", closes_in: millis(50) };
        self.cache = Some(setup.resources.start("cache", cache)?);
        Ok(())
    }
}

impl Handler<Run> for Shop {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, _: Run, _: &mut Context<Self>) -> Self::Result {
        let cache = self.cache.clone();
        Box::pin(async move {
            let cache = cache.ok_or("set up before it runs")?;
            say(format!("shop: got {}", cache.send(Get("a book")).await?));
            // The last main loop that ends ends the manager; a gRPC server would keep it up.
            Ok(())
        })
    }
}

impl Handler<Shutdown> for Shop {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

/// The manager, not yet started.
pub(crate) fn manager() -> Manager {
    Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(Shop::default())
}

#[actix::main]
async fn main() -> Exit {
    let result = manager().run().await;
    say(format!("over: {}", if result.is_ok() { "everything was given back" } else { "something was not" }));
    printer::finish();
    result.into()
}
