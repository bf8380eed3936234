//! What the manager does with each message.

use actix::{AsyncContext, Context, Handler, MessageResult, Response};

use super::super::Manager;
use super::super::account::Detail;
use super::super::messages::{
    AddService, ForceShutdown, GetStatus, RemoveService, RestartService, StartShutdown, StopService,
    Subscribe, WaitForShutdown, WaitUntilRunning,
};
use super::super::orders::{Order, OrderError, Promise};
use super::super::shell::Shell;
use super::super::status::{self, ManagerStatus};
use super::super::told::{Tick, Told};
use super::super::waiting::Join;
use crate::events;
use crate::lifecycle::{Input, Stage};

impl Manager {
    /// Something that is told by others than its users.
    pub(in crate::manager) fn hear(&mut self, told: Told, ctx: &mut Context<Self>) {
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
            Told::Signal(signal) => shell.feed(Input::Signal(signal), Detail::None),
            Told::PrintStatus => {
                let status = status::with_children(work.status(), work.shell.children());
                actix_rt::spawn(async {
                    let status = status.await;
                    // Printing may block, and must not do so here.
                    std::thread::spawn(move || eprintln!("{status}"));
                });
            }
            Told::Tick(Tick::Input(input)) => shell.feed(input, Detail::None),
            Told::Tick(Tick::Service(ix, life, input)) => shell.service_tick(ix, life, input),
            Told::Tick(Tick::ForceOver) => shell.force_over(),
            Told::Tick(Tick::Look) => shell.look(),
            Told::Tick(Tick::Progress) => work.progress(),
            Told::Tick(Tick::Stopped) => work.stop_threads(),
            Told::Tick(Tick::Finished) => {
                self.conclude();
                // What is told from now on is told nobody, and keeps nobody alive.
                if let Some(inbox) = self.inbox.take() {
                    ctx.cancel_future(inbox);
                }
            }
        }
        self.answer_running();
    }
}

impl Handler<StartShutdown> for Manager {
    type Result = ();

    fn handle(&mut self, _: StartShutdown, _: &mut Context<Self>) {
        self.feed(Input::ShutdownAsked);
    }
}

impl Handler<ForceShutdown> for Manager {
    type Result = ();

    fn handle(&mut self, _: ForceShutdown, _: &mut Context<Self>) {
        self.feed(Input::ForceAsked);
    }
}

impl Handler<GetStatus> for Manager {
    type Result = Response<ManagerStatus>;

    fn handle(&mut self, _: GetStatus, _: &mut Context<Self>) -> Self::Result {
        let status = self.status();
        let children = self.work.as_ref().map(|work| work.shell.children()).unwrap_or_default();
        if children.is_empty() {
            return Response::reply(status);
        }
        Response::fut(status::with_children(status, children))
    }
}

impl Handler<Subscribe> for Manager {
    type Result = MessageResult<Subscribe>;

    fn handle(&mut self, _: Subscribe, _: &mut Context<Self>) -> Self::Result {
        let (sender, stream) = events::channel();
        if let Some(work) = &mut self.work {
            work.observe(sender);
        }
        MessageResult(stream)
    }
}

impl Handler<WaitForShutdown> for Manager {
    type Result = Join;

    fn handle(&mut self, _: WaitForShutdown, _: &mut Context<Self>) -> Join {
        self.stopped.join()
    }
}

impl Handler<WaitUntilRunning> for Manager {
    type Result = Join;

    fn handle(&mut self, _: WaitUntilRunning, _: &mut Context<Self>) -> Join {
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

    fn handle(&mut self, add: AddService, _: &mut Context<Self>) -> Promise {
        self.order(|shell| shell.add(add.0))
    }
}

/// Orders that name a service.
macro_rules! order {
    ($message:ident, $order:ident) => {
        impl Handler<$message> for Manager {
            type Result = Promise;

            fn handle(&mut self, $message(id): $message, _: &mut Context<Self>) -> Promise {
                self.order(|shell| shell.order(&id, Order::$order))
            }
        }
    };
}
order!(StopService, Stop);
order!(RestartService, Restart);
order!(RemoveService, Remove);
