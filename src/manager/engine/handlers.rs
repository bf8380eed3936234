//! What the manager does with each message.

use actix::{Handler, MessageResult};

use super::inbox::{Tick, Told};
use super::mailbox::ManagerContext;
use super::orders::{Order, OrderError, Promise};
use super::running::Work;
use super::shell::Shell;
use super::status_requests::Asked;
use super::waiters::Join;
use crate::events;
use crate::lifecycle::{Input, Stage};
use crate::manager::Manager;
use crate::manager::api::messages::{
    AddService, ForceShutdown, GetStatus, RemoveService, RestartService, StartShutdown, StopService,
    Subscribe, WaitForShutdown, WaitUntilRunning,
};
use crate::manager::api::status::ManagerStatus;
use crate::manager::observe::event_log::Detail;
use crate::process::print_status;

impl Manager {
    /// Something that is told by others than its users.
    pub(crate) fn hear(&mut self, told: Told) {
        let Some(work) = &mut self.work else { return };
        let shell = &mut work.shell;
        match told {
            Told::Service(ix, actor, notice) => shell.told_by_service(ix, actor, notice),
            Told::Answered(ix, actor, step, reply) => shell.answered(ix, actor, step, reply),
            Told::Resource(resource, life, told) => shell.told_of_resource(resource, life, told),
            Told::Released(resource, life, reply) => shell.released(resource, life, reply),
            Told::Serving(addresses) => {
                work.grpc_addresses.clone_from(&addresses);
                shell.serving(addresses);
            }
            Told::Worker(stall) => shell.told_of_worker(stall),
            Told::Signal(signal) => shell.feed(Input::Signal(signal), Detail::None),
            Told::PrintStatus => self.questions.print(),
            Told::ForeignStop(stop) => shell.stopped_by_others(stop),
            Told::Tick(Tick::Input(input)) => shell.due_input(input),
            Told::Tick(Tick::Service(ix, life, input)) => shell.service_tick(ix, life, input),
            Told::Tick(Tick::ForceOver) => shell.force_over(),
            Told::Tick(Tick::Look) => shell.look(),
            Told::Tick(Tick::Progress) => work.progress(),
            Told::Tick(Tick::Stopped) => work.stop_threads(),
            Told::Tick(Tick::Finished) => self.conclude(),
        }
        self.answer_running();
    }

    /// Prints the status for whoever asked by a signal.
    pub(crate) fn print(status: ManagerStatus) {
        // Printing may block, and must not do so here.
        print_status(status);
    }
}

impl Handler<StartShutdown> for Manager {
    type Result = ();

    fn handle(&mut self, _: StartShutdown, _: &mut ManagerContext) {
        self.feed(Input::ShutdownAsked);
    }
}

impl Handler<ForceShutdown> for Manager {
    type Result = ();

    fn handle(&mut self, _: ForceShutdown, _: &mut ManagerContext) {
        self.feed(Input::ForceAsked);
    }
}

impl Handler<GetStatus> for Manager {
    type Result = Asked;

    fn handle(&mut self, _: GetStatus, _: &mut ManagerContext) -> Asked {
        self.questions.take_down()
    }
}

impl Handler<Subscribe> for Manager {
    type Result = MessageResult<Subscribe>;

    fn handle(&mut self, _: Subscribe, _: &mut ManagerContext) -> Self::Result {
        // One that is over tells nobody: a stream that has ended.
        MessageResult(self.work.as_mut().map_or_else(|| events::channel().1, Work::subscribe))
    }
}

impl Handler<WaitForShutdown> for Manager {
    type Result = Join;

    fn handle(&mut self, _: WaitForShutdown, _: &mut ManagerContext) -> Join {
        self.stopped.join()
    }
}

impl Handler<WaitUntilRunning> for Manager {
    type Result = Join;

    fn handle(&mut self, _: WaitUntilRunning, _: &mut ManagerContext) -> Join {
        self.running.join()
    }
}

impl Manager {
    /// Has the shell see to an order; a manager that does not work refuses it.
    fn order(&mut self, order: impl FnOnce(&mut Shell) -> Promise) -> Promise {
        let stage = self.status_stage();
        let promise = match &mut self.work {
            Some(work) => order(&mut work.shell),
            None => Err(OrderError::NotRunning(stage)).into(),
        };
        self.answer_running();
        promise
    }

    fn status_stage(&self) -> Stage {
        match (&self.work, &self.ended) {
            (Some(work), _) => work.stage(),
            (None, Some(_)) => Stage::Stopped,
            (None, None) => Stage::Created,
        }
    }
}

impl Handler<AddService> for Manager {
    type Result = Promise;

    fn handle(&mut self, add: AddService, _: &mut ManagerContext) -> Promise {
        self.order(|shell| shell.add(add.0))
    }
}

/// Orders that name a service.
macro_rules! order {
    ($message:ident, $order:ident) => {
        impl Handler<$message> for Manager {
            type Result = Promise;

            fn handle(&mut self, $message(id): $message, _: &mut ManagerContext) -> Promise {
                self.order(|shell| shell.order(&id, Order::$order))
            }
        }
    };
}
order!(StopService, Stop);
order!(RestartService, Restart);
order!(RemoveService, Remove);
