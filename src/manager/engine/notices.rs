//! What actors, resources and the server report becomes inputs of the rules.

use std::error::Error;

use super::forced_actors::Forced;
use super::inbox::Generation;
use super::shell::Shell;
use crate::grpc::ServerError;
use crate::lifecycle::{Answer, Departure, Input, ResourceIx, ServiceIx, Step};
use crate::manager::observe::event_log::Detail;
use crate::report::ManagerError;
use crate::server::sockets;
use crate::service::ResourceEvent;
use crate::supervision::{Gone, Notice, Reply};

impl Shell {
    /// Something that an actor, a resource or the server told.
    pub(crate) fn on_actor_notice(&mut self, ix: ServiceIx, generation: Generation, notice: Notice) {
        if !self.service(ix).is_actor(generation) {
            return;
        }
        self.forget_restarts(ix);
        match notice {
            Notice::Panicked(panic) => self.feed(Input::Panicked(ix), Detail::Panic(panic)),
            Notice::Suspended(gone) => {
                let (departure, detail) = departure(gone);
                self.feed(Input::Suspended(ix, departure), detail);
            }
            Notice::Gone(gone) => {
                self.forcing.is_gone(Forced::Service(ix));
                let (departure, detail) = departure(gone);
                self.service(ix).actor = None;
                self.feed(Input::Gone(ix, departure), detail);
            }
        }
        self.has_heard(ix);
    }

    fn has_heard(&self, ix: ServiceIx) {
        let actor = self.services[ix.0 as usize].actor.as_ref();
        if let Some(notices) = actor.and_then(|actor| actor.notices.as_ref()) {
            notices.note_heard();
        }
    }

    pub(crate) fn on_answer(&mut self, ix: ServiceIx, generation: Generation, step: Step, reply: Reply) {
        if self.service(ix).is_actor(generation) {
            self.forget_restarts(ix);
            let (answer, detail) = answer(reply);
            self.feed(Input::Answered(ix, step, answer), detail);
            self.has_heard(ix);
        }
    }

    pub(crate) fn on_resource_event(
        &mut self,
        resource: ResourceIx,
        generation: Generation,
        told: ResourceEvent,
    ) {
        let ix = resource.service;
        if self.service(ix).life != generation {
            return;
        }
        self.forget_restarts(ix);
        self.learn_of_resources(ix);
        match told {
            ResourceEvent::Started => self.feed_queued(),
            ResourceEvent::Notice(Notice::Panicked(panic)) => {
                self.feed(Input::ResourcePanicked(resource), Detail::Panic(panic));
            }
            ResourceEvent::Notice(Notice::Gone(gone) | Notice::Suspended(gone)) => {
                self.forcing.is_gone(Forced::Resource(resource));
                let (departure, detail) = departure(gone);
                self.feed(Input::ResourceGone(resource, departure), detail);
            }
        }
    }

    pub(crate) fn on_released(&mut self, resource: ResourceIx, generation: Generation, reply: Reply) {
        if self.service(resource.service).life == generation {
            let (answer, detail) = answer(reply);
            self.feed(Input::Released(resource, answer), detail);
        }
    }
}

pub(super) fn answer(reply: Reply) -> (Answer, Detail) {
    match reply {
        Reply::Ok => (Answer::Ok, Detail::None),
        Reply::Error(error, text) if failed_of_itself(&*error) => {
            (Answer::OwnError, Detail::Error(error, text))
        }
        Reply::Error(error, text) => (Answer::Error, Detail::Error(error, text)),
        Reply::Panic(panic) => (Answer::Panic, Detail::Panic(panic)),
        Reply::Missing => (Answer::Missing, Detail::None),
    }
}

/// G21: whether a request to stop is no reason for it. What failed in a nested manager has failed, whoever told that to stop; and
/// an address that was in use would have been so without the request (G14).
fn failed_of_itself(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    let in_use = error.downcast_ref().is_some_and(|error| matches!(error, ServerError::InUse { .. }));
    in_use || crate::http::is_in_use(error) || sockets::is_in_use(error) || error.is::<ManagerError>()
}

pub(super) fn departure(gone: Gone) -> (Departure, Detail) {
    match gone {
        Gone::Ended => (Departure::Ended, Detail::None),
        Gone::Panicked(panic) => (Departure::Panicked, Detail::Panic(panic)),
        Gone::Dismissed => (Departure::Dismissed, Detail::None),
    }
}
