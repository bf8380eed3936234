//! Actix as it is.

use actix::prelude::*;
use tokio_util::sync::CancellationToken;

use super::ask::{Amount, time_asks, time_tells};
use super::lifecycle::{Life, Stopwatch};
use super::worker::{Ask, Tell};
use crate::cell::Cell;
use crate::measure::{Failure, Figures};

pub(super) const SETTINGS: &str =
    "actors on the system's thread; where there are several, on an arbiter for each core";

#[derive(Default)]
pub(super) struct Target(u64);

impl Actor for Target {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        // Its mailbox is as those of services are, where nobody waits for room.
        ctx.set_mailbox_capacity(16);
    }
}

impl Handler<Ask> for Target {
    type Result = u64;

    fn handle(&mut self, _: Ask, _: &mut Context<Self>) -> u64 {
        self.0 += 1;
        self.0
    }
}

impl Handler<Tell> for Target {
    type Result = ();

    fn handle(&mut self, _: Tell, _: &mut Context<Self>) {
        self.0 += 1;
    }
}

/// Somebody to send to, on the thread that the cell wants.
fn target(cell: &Cell) -> Addr<Target> {
    if cell.get("threads") == 1 {
        return Target::default().start();
    }
    Target::start_in_arbiter(&Arbiter::new().handle(), |_| Target::default())
}

pub(super) fn asks(cell: &Cell) -> Result<Figures, Failure> {
    Ok(System::new().block_on(async {
        let target = target(cell);
        time_asks(Amount::of(cell).asks, async || {
            target.send(Ask).await.expect("it answers");
        })
        .await
    }))
}

pub(super) fn tells(cell: &Cell) -> Result<Figures, Failure> {
    Ok(System::new().block_on(async {
        let target = target(cell);
        let handled = async || {
            target.send(Ask).await.expect("it answers");
        };
        time_tells(Amount::of(cell).batch, || target.do_send(Tell), handled).await
    }))
}

struct Service {
    home: ArbiterHandle,
    stop: CancellationToken,
    resource: Option<Addr<Resource>>,
}

impl Actor for Service {
    type Context = Context<Self>;
}

pub(super) struct Resource;

impl Actor for Resource {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Setup;

#[derive(Message)]
#[rtype(result = "()")]
struct Run;

#[derive(Message)]
#[rtype(result = "()")]
struct Shutdown;

#[derive(Message)]
#[rtype(result = "()")]
struct Release;

#[derive(Message)]
#[rtype(result = "Option<Addr<Resource>>")]
struct GetResource;

impl Handler<Setup> for Service {
    type Result = ();

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) {
        self.resource = Some(Resource::start_in_arbiter(&self.home, |_| Resource));
    }
}

impl Handler<Run> for Service {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Run, _: &mut Context<Self>) -> ResponseFuture<()> {
        Box::pin(self.stop.clone().cancelled_owned())
    }
}

impl Handler<Shutdown> for Service {
    type Result = ();

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) {
        self.stop.cancel();
    }
}

impl Handler<GetResource> for Service {
    type Result = Option<Addr<Resource>>;

    fn handle(&mut self, _: GetResource, ctx: &mut Context<Self>) -> Self::Result {
        ctx.stop();
        self.resource.take()
    }
}

impl Handler<Release> for Resource {
    type Result = ();

    fn handle(&mut self, _: Release, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

/// The same messages in the same order as majordomo's, by hand.
pub(super) fn lifecycle(cell: &Cell) -> Result<Life, Failure> {
    let count = cell.count("services");
    System::new().block_on(async move {
        let mut watch = Stopwatch::start()?;
        let arbiters: Vec<_> = (0..2).map(|_| Arbiter::new()).collect();
        let services: Vec<_> = (0..count)
            .map(|n| {
                let home = arbiters[(n + 1) % 2].handle();
                Service::start_in_arbiter(&arbiters[n % 2].handle(), move |_| Service {
                    home,
                    stop: CancellationToken::new(),
                    resource: None,
                })
            })
            .collect();
        let set_up: Vec<_> = services.iter().map(|service| service.send(Setup)).collect();
        for answer in set_up {
            answer.await?;
        }
        let runs: Vec<_> = services.iter().map(|service| service.send(Run)).collect();
        watch.running()?;
        let asked: Vec<_> = services.iter().map(|service| service.send(Shutdown)).collect();
        for answer in asked {
            answer.await?;
        }
        for run in runs {
            run.await?;
        }
        let resources: Vec<_> = services.iter().map(|service| service.send(GetResource)).collect();
        let mut releases = Vec::with_capacity(count);
        for resource in resources {
            let resource = resource.await?.ok_or("it has a resource")?;
            releases.push(resource.send(Release));
        }
        for release in releases {
            release.await?;
        }
        watch.over(count)
    })
}

pub(super) fn idle(cell: &Cell) -> Result<Figures, Failure> {
    System::new().block_on(async move {
        let actors: Vec<_> = (0..cell.count("services")).map(|_| Target::default().start()).collect();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let told = super::idle::watch(cell, listener.local_addr()?, None);
        actix::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                actix::spawn(async move { tokio::io::copy(&mut stream, &mut tokio::io::sink()).await });
            }
        });
        let figures = super::idle::watched(told).await;
        drop(actors);
        figures
    })
}
