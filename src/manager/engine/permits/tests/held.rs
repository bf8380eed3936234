//! A manager that can be held up, and a service of its that fails when it is told to.

use std::future::{pending, ready};
use std::sync::mpsc;
use std::time::Duration;

use actix::prelude::*;
use actix_rt::ArbiterHandle;
use tokio::sync::oneshot;

use crate::base::BoxError;
use crate::events::{self, EventStream};
use crate::manager::RunOnManager;
use crate::manager::engine::shell::Shell;
use crate::{
    CommitReload, GenericService, Manager, ManagerError, ManagerOptions, PrepareReload, RestartPolicy, Run,
    Service, ServiceSpec, Setup, Shutdown, WaitForShutdown, WaitUntilRunning, resource_fn,
};

type Answer = Result<(), BoxError>;

/// Answers how often it was set up. It fails when it is told to.
#[derive(Default)]
pub(super) struct Failing {
    id: &'static str,
    lives: usize,
    has_resource: bool,
    prepares_for_ever: bool,
    begun: Option<oneshot::Sender<(Addr<Failing>, ArbiterHandle)>>,
}

impl Failing {
    pub(super) fn named(id: &'static str) -> Self {
        Self { id, ..Self::default() }
    }

    pub(super) fn with_resource(self) -> Self {
        Self { has_resource: true, ..self }
    }

    pub(super) fn that_prepares_for_ever(self) -> Self {
        Self { prepares_for_ever: true, ..self }
    }
}

impl Actor for Failing {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if let Some(begun) = self.begun.take() {
            let _ = begun.send((ctx.address(), Arbiter::current()));
        }
    }
}

impl Supervised for Failing {}

impl Service for Failing {
    fn id(&self) -> String {
        self.id.to_owned()
    }
}

impl GenericService for Failing {}

impl Handler<Setup> for Failing {
    type Result = Answer;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Answer {
        self.lives += 1;
        if self.has_resource {
            setup.resources.start("r", resource_fn(|| async { Ok(()) }))?;
        }
        Ok(())
    }
}

impl Handler<Run> for Failing {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        Box::pin(async move {
            run.shutdown.requested().await;
            Ok(())
        })
    }
}

impl Handler<Shutdown> for Failing {
    type Result = Answer;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Answer {
        Ok(())
    }
}

impl Handler<PrepareReload> for Failing {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, _: PrepareReload, _: &mut Context<Self>) -> Self::Result {
        match self.prepares_for_ever {
            true => Box::pin(pending()),
            false => Box::pin(ready(Ok(()))),
        }
    }
}

impl Handler<CommitReload> for Failing {
    type Result = Answer;

    fn handle(&mut self, _: CommitReload, _: &mut Context<Self>) -> Answer {
        Ok(())
    }
}

#[derive(Message)]
#[rtype(result = "usize")]
pub(super) struct Lives;

impl Handler<Lives> for Failing {
    type Result = usize;

    fn handle(&mut self, _: Lives, _: &mut Context<Self>) -> usize {
        self.lives
    }
}

#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum Fail {
    /// The actor panics.
    Panic,
    /// It stops itself.
    Stop,
    /// A task of its panics.
    Task,
}

impl Handler<Fail> for Failing {
    type Result = ();

    fn handle(&mut self, fail: Fail, ctx: &mut Context<Self>) {
        match fail {
            Fail::Panic => panic!("as told"),
            Fail::Stop => ctx.stop(),
            Fail::Task => drop(actix::spawn(async { panic!("in a task") })),
        }
    }
}

/// A manager with one thread for its services, one of which fails.
pub(super) struct Held {
    pub(super) manager: Addr<Manager>,
    pub(super) failing: Addr<Failing>,
    /// Of the thread that it lives on.
    thread: ArbiterHandle,
    events: EventStream,
    /// What was told so far.
    told: Vec<String>,
    release: Option<mpsc::Sender<()>>,
}

pub(super) fn at_once() -> RestartPolicy {
    RestartPolicy::on_failure().unlimited().backoff(Duration::ZERO, Duration::ZERO)
}

impl Held {
    pub(super) async fn begin(failing: Failing, policy: RestartPolicy) -> Self {
        Self::begin_with(failing, policy, |manager| manager).await
    }

    pub(super) async fn begin_with(
        failing: Failing,
        policy: RestartPolicy,
        more: impl FnOnce(Manager) -> Manager,
    ) -> Self {
        let (observer, events) = events::channel();
        let options = ManagerOptions::new().without_grpc().handle_signals(false).service_threads(1);
        let (begun, told) = oneshot::channel();
        let failing = Failing { id: "a", begun: Some(begun), ..failing };
        let manager = Manager::new(options.observe(observer));
        let manager = manager.service(ServiceSpec::new(failing).restart(policy).reloadable());
        let manager = more(manager).start();
        manager.send(WaitUntilRunning).await.expect("it is there").expect("it runs");
        let (failing, thread) = told.await.expect("it lives");
        Self { manager, failing, thread, events, told: Vec::new(), release: None }
    }

    /// The manager does nothing from now on.
    pub(super) async fn hold(&mut self) {
        self.hold_and(|_| {}).await;
    }

    /// The manager does nothing from now on; then this, before it takes in anything.
    pub(super) async fn hold_and(&mut self, then: impl FnOnce(&mut Shell) + Send + 'static) {
        let (release, released) = mpsc::channel();
        let (held, is_held) = oneshot::channel();
        self.manager.do_send(RunOnManager::new(move |manager| {
            let _ = held.send(());
            let _ = released.recv();
            then(&mut manager.running.as_mut().expect("it works").shell);
        }));
        is_held.await.expect("the manager takes messages");
        self.release = Some(release);
    }

    pub(super) fn release(&mut self) {
        self.release.take();
    }

    /// Has it fail, and begin its next life by itself.
    pub(super) async fn start_over(&mut self) {
        let before = self.failing.send(Lives).await.expect("it lives");
        self.failing.do_send(Fail::Panic);
        assert_eq!(self.failing.send(Lives).await.expect("it lives again"), before + 1);
    }

    /// Whoever was woken on its thread before this has been polled. What is sent to an actor meanwhile may be handled in the poll that
    /// goes on; a task waits for its turn. Two of them, since the first may be taken in by a poll that was due before.
    pub(super) async fn its_thread_is_idle(&self) {
        for _ in 0..2 {
            let (reached, is_reached) = oneshot::channel();
            self.thread.spawn(async {
                let _ = reached.send(());
            });
            is_reached.await.expect("its thread goes on");
        }
    }

    /// Waits until this has been told so often.
    pub(super) async fn told(&mut self, what: &str, times: usize) {
        while self.told.iter().filter(|told| *told == what).count() < times {
            let event = self.events.recv().await.expect("it will be told");
            let text = event.event.to_string();
            // With how it went, if it went.
            let parts = if text.contains("_finished") { 2 } else { 1 };
            self.told.push(text.split(':').take(parts).collect::<Vec<_>>().join(":"));
        }
    }

    /// Waits for the end; what was told of the failing service, and of the end, from its first failure on.
    pub(super) async fn end(mut self) -> (Result<(), ManagerError>, Vec<String>) {
        self.release();
        let result = self.manager.send(WaitForShutdown).await.expect("it is there");
        self.told("stopped", 1).await;
        let mut told = self.told;
        let begins =
            told.iter().position(|told| told.starts_with("panicked a") || told.starts_with("run_finished a"));
        let told = told.split_off(begins.expect("it failed"));
        let concerns = |told: &String| !told.contains("drain");
        (result, told.into_iter().filter(concerns).collect())
    }
}
