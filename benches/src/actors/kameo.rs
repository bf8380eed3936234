//! kameo.

use std::time::Duration;

use kameo::actor::{Actor, ActorRef, Spawn, WeakActorRef};
use kameo::error::{ActorStopReason, Infallible};
use kameo::mailbox;
use kameo::message::{Context, Message};
use kameo::supervision::RestartPolicy;

use super::ask::{Amount, time_asks, time_tells};
use super::lifecycle::{Life, Stopwatch};
use super::restart::time_restarts;
use super::{many_threads, panic_in_silence};
use crate::cell::Cell;
use crate::measure::{Failure, Figures};

pub(super) const SETTINGS: &str = "an actor for each service supervised by another, one for each resource linked to its service; multi-thread runtime";

#[derive(Clone)]
pub(super) struct Target(u64);

impl Actor for Target {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(state: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(state)
    }
}

struct Ask;

impl Message<Ask> for Target {
    type Reply = u64;

    async fn handle(&mut self, _: Ask, _: &mut Context<Self, u64>) -> u64 {
        self.0 += 1;
        self.0
    }
}

struct Tell;

impl Message<Tell> for Target {
    type Reply = ();

    async fn handle(&mut self, _: Tell, _: &mut Context<Self, ()>) {
        self.0 += 1;
    }
}

struct Crash;

impl Message<Crash> for Target {
    type Reply = ();

    async fn handle(&mut self, _: Crash, _: &mut Context<Self, ()>) {
        panic!("as told")
    }
}

pub(super) async fn spawn_target() -> ActorRef<Target> {
    Target::spawn_with_mailbox(Target(0), mailbox::unbounded())
}

async fn ask(target: &ActorRef<Target>) {
    assert!(target.ask(Ask).await.is_ok(), "it answers");
}

pub(super) async fn asks(amount: Amount, target: ActorRef<Target>) -> Figures {
    time_asks(amount.asks, async || ask(&target).await).await
}

pub(super) async fn tells(amount: Amount, target: ActorRef<Target>) -> Figures {
    let tell = || assert!(target.tell(Tell).try_send().is_ok(), "it runs");
    time_tells(amount.batch, tell, async || ask(&target).await).await
}

struct Supervisor;

impl Actor for Supervisor {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

async fn supervised(supervisor: &ActorRef<Supervisor>) -> ActorRef<Target> {
    let spec = Target::supervise(supervisor, Target(0)).restart_policy(RestartPolicy::Transient);
    spec.restart_limit(u32::MAX, Duration::from_secs(1)).spawn().await
}

pub(super) fn restarts(cell: &Cell) -> Result<Figures, Failure> {
    panic_in_silence();
    let neighbours = cell.count("neighbours");
    many_threads()?.block_on(async move {
        let supervisor = Supervisor::spawn(());
        let mut others = Vec::with_capacity(neighbours);
        for _ in 0..neighbours {
            others.push(supervised(&supervisor).await);
        }
        let target = supervised(&supervisor).await;
        ask(&target).await;
        let figures = time_restarts(async || {
            target.tell(Crash).await.expect("it runs");
            // What is asked before it runs again may be lost.
            while target.ask(Ask).await.is_err() {
                tokio::task::yield_now().await;
            }
        });
        let figures = figures.await;
        drop(others);
        figures
    })
}

#[derive(Clone)]
struct Service(Option<ActorRef<Resource>>);

impl Actor for Service {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(_: Self, own: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self(Some(Resource::spawn_link(&own, Resource).await)))
    }

    async fn on_stop(&mut self, _: WeakActorRef<Self>, _: ActorStopReason) -> Result<(), Infallible> {
        if let Some(resource) = self.0.take() {
            // One that is gone needs no word.
            let _ = resource.stop_gracefully().await;
            resource.wait_for_shutdown().await;
        }
        Ok(())
    }
}

struct Resource;

impl Actor for Resource {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(state: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(state)
    }
}

pub(super) fn lifecycle(cell: &Cell) -> Result<Life, Failure> {
    let count = cell.count("services");
    many_threads()?.block_on(async move {
        let mut watch = Stopwatch::start()?;
        let supervisor = Supervisor::spawn(());
        let mut services = Vec::with_capacity(count);
        for _ in 0..count {
            let spec =
                Service::supervise(&supervisor, Service(None)).restart_policy(RestartPolicy::Transient);
            services.push(spec.spawn().await);
        }
        for service in &services {
            service.wait_for_startup().await;
        }
        watch.running()?;
        for service in &services {
            service.stop_gracefully().await?;
        }
        for service in &services {
            service.wait_for_shutdown().await;
        }
        supervisor.stop_gracefully().await?;
        supervisor.wait_for_shutdown().await;
        watch.over(count)
    })
}
