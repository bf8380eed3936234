//! A service whose address and end a test can see.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use actix::prelude::*;
use majordomo::{BoxError, GenericService, ManagerOptions, Run, Service, Setup, Shutdown};

/// Options without a port and without signal handlers, so that tests may run side by side.
pub fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_ping_service(false).handle_signals(false)
}

/// Runs until it is asked to stop.
pub struct Probe {
    id: &'static str,
    addr: ProbeAddr,
    ended: Ended,
}

/// The address of a probe, once it is set up.
#[derive(Clone, Default)]
pub struct ProbeAddr(Arc<OnceLock<Addr<Probe>>>);

/// Whether a probe's main loop ended because it was asked to.
#[derive(Clone, Default)]
pub struct Ended(Arc<AtomicBool>);

impl Probe {
    pub fn new(id: &'static str) -> (Self, ProbeAddr) {
        let addr = ProbeAddr::default();
        (Self { id, addr: addr.clone(), ended: Ended::default() }, addr)
    }

    pub fn ended(&self) -> Ended {
        self.ended.clone()
    }
}

impl ProbeAddr {
    pub fn get(&self) -> &Addr<Probe> {
        self.0.get().expect("the probe is set up")
    }
}

impl Ended {
    pub fn gracefully(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Actor for Probe {
    type Context = Context<Self>;
}

impl Service for Probe {
    fn id(&self) -> String {
        self.id.into()
    }
}

impl GenericService for Probe {}

impl Handler<Setup> for Probe {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Setup, ctx: &mut Context<Self>) -> Self::Result {
        let _ = self.addr.0.set(ctx.address());
        Ok(())
    }
}

impl Handler<Run> for Probe {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        let ended = self.ended.clone();
        Box::pin(async move {
            run.shutdown.requested().await;
            ended.0.store(true, Ordering::SeqCst);
            Ok(())
        })
    }
}

impl Handler<Shutdown> for Probe {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

/// Makes a service of an actor: it is set up at once and runs until it is asked to stop.
#[macro_export]
macro_rules! service {
    ($actor:ty, $id:literal) => {
        impl majordomo::Service for $actor {
            fn id(&self) -> String {
                $id.into()
            }
        }
        impl majordomo::GenericService for $actor {}
        impl actix::Handler<majordomo::Setup> for $actor {
            type Result = Result<(), majordomo::BoxError>;
            fn handle(&mut self, _: majordomo::Setup, _: &mut Self::Context) -> Self::Result {
                Ok(())
            }
        }
        impl actix::Handler<majordomo::Run> for $actor {
            type Result = actix::ResponseFuture<Result<(), majordomo::BoxError>>;
            fn handle(&mut self, run: majordomo::Run, _: &mut Self::Context) -> Self::Result {
                Box::pin(async move {
                    run.shutdown.requested().await;
                    Ok(())
                })
            }
        }
        impl actix::Handler<majordomo::Shutdown> for $actor {
            type Result = Result<(), majordomo::BoxError>;
            fn handle(&mut self, _: majordomo::Shutdown, _: &mut Self::Context) -> Self::Result {
                Ok(())
            }
        }
    };
}

/// Asks whether a probe still answers.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Ask;

impl Handler<Ask> for Probe {
    type Result = ();

    fn handle(&mut self, _: Ask, _: &mut Context<Self>) {}
}
