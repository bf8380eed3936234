//! What the manager does with each message.

use actix::{Handler, MessageResult};

use super::inbox::{ManagerInput, TimerEvent};
use super::mailbox::ManagerContext;
use super::open_orders::{Order, OrderReply};
use super::running::Running;
use super::shell::Shell;
use super::status_requests::StatusResponse;
use super::waiters::WaitResponse;
use crate::events;
use crate::lifecycle::{Input, Stage};
use crate::manager::Manager;
use crate::manager::api::add_service::AddService;
use crate::manager::api::messages::{
    ForceShutdown, GetStatus, Reload, RemoveService, RestartService, StartHandover, StartShutdown, StepDown,
    StopService, Subscribe, WaitForShutdown, WaitUntilRunning,
};
use crate::manager::api::nested_branch::AskForLife;
use crate::manager::api::order_error::OrderError;
use crate::manager::api::status::ManagerStatus;
use crate::manager::observe::event_log::Detail;
use crate::process::print_status;

impl Manager {
    /// Something that is told by others than its users.
    pub(crate) fn handle_input(&mut self, told: ManagerInput) {
        let Some(running) = &mut self.running else { return };
        let shell = &mut running.shell;
        match told {
            ManagerInput::Service(ix, actor, notice) => shell.on_actor_notice(ix, actor, notice),
            ManagerInput::Answered(ix, actor, step, reply) => shell.on_answer(ix, actor, step, reply),
            ManagerInput::StartedOver => shell.hear_permits(),
            ManagerInput::Reloaded { ix, generation, number, step, reply } => {
                shell.on_reload_answer(ix, generation, number, step, reply);
            }
            ManagerInput::ReloadSignal => shell.reload_by_signal(),
            ManagerInput::HandoverSignal => shell.hand_over_by_signal(),
            ManagerInput::Successor(told) => shell.on_successor(told),
            ManagerInput::Predecessor(told) => shell.on_predecessor(told),
            ManagerInput::Lease(ix, news) => shell.on_lease_news(ix, news),
            ManagerInput::Resource(resource, life, told) => shell.on_resource_event(resource, life, told),
            ManagerInput::Released(resource, life, reply) => shell.on_released(resource, life, reply),
            ManagerInput::Server(ix, notice) => shell.on_server_notice(ix, notice),
            ManagerInput::Signal(signal) => shell.feed(Input::Signal(signal), Detail::None),
            ManagerInput::PrintStatus => self.status_requests.print(),
            ManagerInput::Asked(question) => self.handle_question(question),
            ManagerInput::AskedForLife(asked) => shell.show_life(asked),
            ManagerInput::ForeignStop(stop) => shell.on_foreign_stop(stop),
            ManagerInput::Timer(TimerEvent::Input(input)) => shell.on_due_input(input),
            ManagerInput::Timer(TimerEvent::Service(ix, life, input)) => {
                shell.on_service_timer(ix, life, input)
            }
            ManagerInput::Timer(TimerEvent::ForceWaitOver) => shell.on_force_wait_over(),
            ManagerInput::Timer(TimerEvent::LookAtThreads) => shell.look_at_threads(),
            ManagerInput::Timer(TimerEvent::Progress) => running.progress(),
            ManagerInput::Timer(TimerEvent::TellPredecessor) => shell.tell_predecessor(),
            ManagerInput::Timer(TimerEvent::Stopped) => running.stop_threads(),
            ManagerInput::Timer(TimerEvent::Finished) => self.conclude(),
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
    type Result = StatusResponse;

    fn handle(&mut self, _: GetStatus, _: &mut ManagerContext) -> StatusResponse {
        self.status_requests.take_down()
    }
}

impl Handler<AskForLife> for Manager {
    type Result = ();

    fn handle(&mut self, AskForLife(asked): AskForLife, _: &mut ManagerContext) {
        // In one that is over nobody is stuck; whoever asks notices that nothing comes.
        if let Some(running) = &self.running {
            running.shell.show_life(asked);
        }
    }
}

impl Handler<Subscribe> for Manager {
    type Result = MessageResult<Subscribe>;

    fn handle(&mut self, _: Subscribe, _: &mut ManagerContext) -> Self::Result {
        // One that is over tells nobody: a stream that has ended.
        MessageResult(self.running.as_mut().map_or_else(|| events::channel().1, Running::subscribe))
    }
}

impl Handler<WaitForShutdown> for Manager {
    type Result = WaitResponse;

    fn handle(&mut self, _: WaitForShutdown, _: &mut ManagerContext) -> WaitResponse {
        self.stopped_waiters.join()
    }
}

impl Handler<WaitUntilRunning> for Manager {
    type Result = WaitResponse;

    fn handle(&mut self, _: WaitUntilRunning, _: &mut ManagerContext) -> WaitResponse {
        self.running_waiters.join()
    }
}

impl Manager {
    /// Has the shell see to an order; a manager that does not work refuses it.
    fn order(&mut self, order: impl FnOnce(&mut Shell) -> OrderReply) -> OrderReply {
        let stage = self.status_stage();
        let promise = match &mut self.running {
            Some(running) => order(&mut running.shell),
            None => Err(OrderError::NotRunning(stage)).into(),
        };
        self.answer_running();
        promise
    }

    fn status_stage(&self) -> Stage {
        match (&self.running, &self.ended) {
            (Some(running), _) => running.stage(),
            (None, Some(_)) => Stage::Stopped,
            (None, None) => Stage::Created,
        }
    }
}

impl Handler<Reload> for Manager {
    type Result = OrderReply;

    fn handle(&mut self, _: Reload, _: &mut ManagerContext) -> OrderReply {
        self.order(Shell::reload)
    }
}

impl Handler<StartHandover> for Manager {
    type Result = OrderReply;

    fn handle(&mut self, _: StartHandover, _: &mut ManagerContext) -> OrderReply {
        self.order(Shell::hand_over)
    }
}

impl Handler<AddService> for Manager {
    type Result = OrderReply;

    fn handle(&mut self, add: AddService, _: &mut ManagerContext) -> OrderReply {
        self.order(|shell| shell.add(add.0))
    }
}

impl Handler<StepDown> for Manager {
    type Result = OrderReply;

    fn handle(&mut self, StepDown { id, stay_out }: StepDown, _: &mut ManagerContext) -> OrderReply {
        self.order(|shell| shell.order(&id, Order::StepDown(stay_out)))
    }
}

/// Orders that name a service, and nothing else.
macro_rules! order {
    ($message:ident, $order:ident) => {
        impl Handler<$message> for Manager {
            type Result = OrderReply;

            fn handle(&mut self, $message(id): $message, _: &mut ManagerContext) -> OrderReply {
                self.order(|shell| shell.order(&id, Order::$order))
            }
        }
    };
}
order!(StopService, Stop);
order!(RestartService, Restart);
order!(RemoveService, Remove);
