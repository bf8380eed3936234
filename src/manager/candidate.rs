//! A service before it is started, whatever its type.

use std::sync::Arc;

use actix::{Addr, Recipient};

use crate::events::Name;
use crate::grpc::{GrpcService, RegisterOnServer};
use crate::lifecycle::Kind;
use crate::service::{GenericService, Run, Service, ServiceSpec, Setup, Shutdown};
use crate::supervision::{Control, Observer, Tag, Thread, launch};

/// A service that can be started.
pub(super) struct Candidate {
    pub(super) id: Name,
    pub(super) kind: Kind,
    pub(super) dedicated: bool,
    pub(super) start: Start,
}

pub(super) type Start = Box<dyn FnOnce(&Thread, Tag, Observer) -> Links + Send>;

/// How to reach a service that was started.
pub(super) struct Links {
    pub(super) control: Arc<Control>,
    pub(super) register: Option<Recipient<RegisterOnServer>>,
    pub(super) setup: Recipient<Setup>,
    pub(super) main: Option<MainLoop>,
}

/// How to reach a main loop.
#[derive(Clone)]
pub(super) struct MainLoop {
    pub(super) run: Recipient<Run>,
    pub(super) shutdown: Recipient<Shutdown>,
}

impl Candidate {
    pub(super) fn generic<A: GenericService>(spec: ServiceSpec<A>, kind: Kind) -> Self {
        Self::new(spec, kind, |_| None, main_loop)
    }

    pub(super) fn grpc<A: GrpcService>(spec: ServiceSpec<A>) -> Self {
        Self::new(spec, Kind::Grpc, registers, |_| None)
    }

    pub(super) fn both<A: GrpcService + GenericService>(spec: ServiceSpec<A>) -> Self {
        Self::new(spec, Kind::Both, registers, main_loop)
    }

    fn new<A: Service>(
        spec: ServiceSpec<A>,
        kind: Kind,
        register: fn(&Addr<A>) -> Option<Recipient<RegisterOnServer>>,
        main: fn(&Addr<A>) -> Option<MainLoop>,
    ) -> Self {
        let ServiceSpec { id, make, dedicated } = spec;
        let start: Start = Box::new(move |thread, tag, observer| {
            let (addr, control) = launch(thread, tag, make, observer);
            Links { control, register: register(&addr), main: main(&addr), setup: addr.recipient() }
        });
        Self { id, kind, dedicated, start }
    }
}

fn registers<A: GrpcService>(addr: &Addr<A>) -> Option<Recipient<RegisterOnServer>> {
    Some(addr.clone().recipient())
}

fn main_loop<A: GenericService>(addr: &Addr<A>) -> Option<MainLoop> {
    Some(MainLoop { run: addr.clone().recipient(), shutdown: addr.clone().recipient() })
}
