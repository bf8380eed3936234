//! How a manager starts, and how it is waited for.

use actix::{Addr, Arbiter};
use tracing::dispatcher;

use super::inbox::{Inbox, ManagerSender};
use super::manager_loop;
use super::run_guard::RunGuard;
use super::running::{Ended, Running};
use crate::manager::Manager;
use crate::manager::api::messages::WaitForShutdown;
#[cfg(feature = "testing")]
use crate::manager::test_support::{given::GivenOptions, kit};
use crate::report::{ConfigError, ManagerError};

impl Manager {
    /// Starts the manager on a thread of its own. What cannot work (see [`ConfigError`]) is found before
    /// anything is started; [`WaitForShutdown`] and [`WaitUntilRunning`](crate::WaitUntilRunning) then answer with it.
    /// It brings its own actix system: it may be started within `#[actix::main]`, `#[tokio::main]` of both flavours, or without any
    /// runtime. Within an actix system whose end comes first it is asked to shut down.
    pub fn start(mut self) -> Addr<Self> {
        if let Some(plan) = &mut self.plan {
            // What is current here is not current on the manager's thread.
            plan.options.dispatch.get_or_insert_with(|| dispatcher::get_default(Clone::clone));
        }
        self.start_on_its_thread()
    }

    /// Starts the manager on the thread that this is called on, and there also all that it looks after: for paused time,
    /// which is one thread's.
    ///
    /// # Panics
    /// Outside of an actix system.
    pub(crate) fn start_on_this_thread(mut self) -> Addr<Self> {
        if let Some(plan) = &mut self.plan {
            plan.keep_to_one_thread();
            plan.options.dispatch.get_or_insert_with(|| dispatcher::get_default(Clone::clone));
        }
        // Not by a task of whoever calls this: one that is a service of another must outlive that service's actor.
        manager_loop::start(self, &Arbiter::current())
    }

    /// The same from a plain `fn main`, or from any thread that may block: returns at its end.
    ///
    /// ```
    /// use majordomo::{Exit, Manager, ManagerOptions, service_fn};
    ///
    /// fn main() -> Exit {
    ///     let hello = service_fn("hello", |_| async { Ok(()) });
    ///     Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(hello).run_blocking().into()
    /// }
    /// ```
    ///
    /// # Errors
    /// What [`WaitForShutdown`] answers.
    ///
    /// # Panics
    /// Within an asynchronous runtime, whose thread it would block: await [`run`](Self::run) there.
    #[track_caller]
    pub fn run_blocking(self) -> Result<(), ManagerError> {
        if tokio::runtime::Handle::try_current().is_ok() {
            panic!(
                "run_blocking was called within an asynchronous runtime, whose thread it would block: await run() there"
            );
        }
        match tokio::runtime::Builder::new_current_thread().build() {
            Ok(runtime) => runtime.block_on(self.run()),
            Err(error) => {
                let (whom, error) = ("run_blocking".to_owned(), error.to_string());
                Err(ManagerError::config(ConfigError::Thread { whom, error }))
            }
        }
    }

    /// Starts the manager and waits for its end. Where this is dropped before, the manager begins its shutdown all the same,
    /// and that nobody waits for it is logged.
    ///
    /// # Errors
    /// What [`WaitForShutdown`] answers.
    pub async fn run(self) -> Result<(), ManagerError> {
        let given = self.plan.as_ref().and_then(|plan| plan.options.dispatch.clone());
        let dispatch = given.unwrap_or_else(|| dispatcher::get_default(Clone::clone));
        let manager = self.start();
        let mut guard = RunGuard::new(manager.clone().recipient(), dispatch);
        let end = manager.send(WaitForShutdown).await;
        guard.has_ended();
        end?
    }

    /// It is on its thread; there is an inbox, unless it cannot work.
    pub(super) fn started(&mut self, addr: &Addr<Self>) -> Option<Inbox> {
        let plan = self.plan.take()?;
        #[cfg(feature = "testing")]
        {
            self.given = GivenOptions::of(&plan);
            kit::note_thread(addr);
        }
        let (sender, inbox) = ManagerSender::new(plan.pending_services.len());
        // What cannot work is found by the check.
        let sketch = plan.options.operations.as_ref().and_then(|_| plan.sketch().ok());
        match plan.check().and_then(|plan| Running::begin(plan, sketch, sender)) {
            Ok(running) => {
                self.running = Some(running);
                self.kept_alive = Some(addr.clone());
                self.begin();
                Some(inbox)
            }
            Err(error) => {
                self.end(Ended::refused(ManagerError::config(error)));
                None
            }
        }
    }
}
