//! The services that are measured.

use std::sync::mpsc as blocking;

use actix::prelude::*;
use majordomo::{BoxError, GenericService, Release, Resource, Run, Service, Setup, Shutdown};
use tokio::sync::oneshot;

pub(crate) type Answer = Result<(), BoxError>;

/// A service that answers, hangs, blocks or crashes as it is told to.
pub(crate) struct Worker {
    pub(crate) id: String,
    pub(crate) has_resource: bool,
    pub(crate) hangs: bool,
    pub(crate) blocks: Option<blocking::Receiver<()>>,
    pub(crate) addr: Option<oneshot::Sender<Addr<Worker>>>,
    pub(crate) count: u64,
}

impl Worker {
    pub(crate) fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), has_resource: false, hangs: false, blocks: None, addr: None, count: 0 }
    }

    pub(crate) fn known() -> (Self, oneshot::Receiver<Addr<Self>>) {
        let (tell, told) = oneshot::channel();
        (Self { addr: Some(tell), ..Self::new("target") }, told)
    }
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if let Some(addr) = self.addr.take() {
            // Nobody wants to know, if it is not taken.
            let _ = addr.send(ctx.address());
        }
    }
}

impl Supervised for Worker {}

impl Service for Worker {
    fn id(&self) -> String {
        self.id.clone()
    }
}

impl GenericService for Worker {}

impl Handler<Setup> for Worker {
    type Result = Answer;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Answer {
        if self.has_resource {
            setup.resources.start("r", Held)?;
        }
        Ok(())
    }
}

impl Handler<Run> for Worker {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        if let Some(lock) = self.blocks.take() {
            // Until the measurement is over.
            let _ = lock.recv();
        }
        let hangs = self.hangs;
        Box::pin(async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            run.shutdown.requested().await;
            Ok(())
        })
    }
}

impl Handler<Shutdown> for Worker {
    type Result = Answer;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Answer {
        Ok(())
    }
}

/// Asks for an answer.
#[derive(Message)]
#[rtype(result = "u64")]
pub(crate) struct Ask;

impl Handler<Ask> for Worker {
    type Result = u64;

    fn handle(&mut self, _: Ask, _: &mut Context<Self>) -> u64 {
        self.count += 1;
        self.count
    }
}

/// Wants none.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Tell;

impl Handler<Tell> for Worker {
    type Result = ();

    fn handle(&mut self, _: Tell, _: &mut Context<Self>) {
        self.count += 1;
    }
}

#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Crash;

impl Handler<Crash> for Worker {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        panic!("as told")
    }
}

struct Held;

impl Actor for Held {
    type Context = Context<Self>;
}

impl Resource for Held {}

impl Handler<Release> for Held {
    type Result = Answer;

    fn handle(&mut self, _: Release, _: &mut Context<Self>) -> Answer {
        Ok(())
    }
}
