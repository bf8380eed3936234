//! A service that can be started again: it crashes when it is told to, and notes what it is sent.

use actix::prelude::*;
use majordomo::{
    GenericService, GrpcService, RegisterOnServer, RestartPolicy, Run, Service, ServiceSpec, Setup, Shutdown,
    resource_fn,
};
use std::time::Duration;
use tokio::sync::oneshot;

use crate::{Answer, Gate, Journal};

/// Started again and again. What it notes: `a: setup`, `a: run`, `a: shutdown`, `a: restarting`, `a: said 7`,
/// `a: released`, `a: task dropped`.
pub struct Phoenix {
    id: String,
    journal: Journal,
    resources: Vec<&'static str>,
    /// Set-ups that fail, after those that succeed.
    setups: Vec<Answer>,
    /// Holds each set-up but the first.
    holds: Option<Gate>,
    addr: Option<oneshot::Sender<Addr<Phoenix>>>,
    ends: Option<oneshot::Sender<Answer>>,
    ignores_shutdown: bool,
    lives: usize,
}

impl Phoenix {
    pub fn new(id: &str, journal: &Journal) -> Self {
        Self {
            id: id.to_owned(),
            journal: journal.clone(),
            resources: Vec::new(),
            setups: Vec::new(),
            holds: None,
            addr: None,
            ends: None,
            ignores_shutdown: false,
            lives: 0,
        }
    }

    pub fn resources(self, resources: &[&'static str]) -> Self {
        Self { resources: resources.to_vec(), ..self }
    }

    /// Holds every set-up but the first until the gate is open.
    pub fn holds(self, gate: &Gate) -> Self {
        Self { holds: Some(gate.clone()), ..self }
    }

    pub fn ignores_shutdown(self) -> Self {
        Self { ignores_shutdown: true, ..self }
    }

    /// What its set-ups come to, the first of them first; then they succeed.
    pub fn setups(self, mut answers: Vec<Answer>) -> Self {
        answers.reverse();
        Self { setups: answers, ..self }
    }

    /// Tells its address.
    pub fn addr(mut self) -> (Self, oneshot::Receiver<Addr<Phoenix>>) {
        let (sender, receiver) = oneshot::channel();
        self.addr = Some(sender);
        (self, receiver)
    }

    /// Handed over with a policy.
    pub fn spec(self, policy: RestartPolicy) -> ServiceSpec<Phoenix> {
        ServiceSpec::new(self).restart(policy)
    }

    pub fn journal(&self) -> Journal {
        self.journal.clone()
    }

    fn note(&self, what: &str) {
        self.journal.note(format!("{}: {what}", self.id));
    }
}

/// At once, and as often as it takes.
pub fn at_once() -> RestartPolicy {
    RestartPolicy::on_failure().unlimited().backoff(Duration::ZERO, Duration::ZERO)
}

impl Actor for Phoenix {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if let Some(addr) = self.addr.take() {
            let _ = addr.send(ctx.address());
        }
    }
}

impl Supervised for Phoenix {
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.note("restarting");
        self.ends = None;
    }
}

impl Service for Phoenix {
    fn id(&self) -> String {
        self.id.clone()
    }
}

impl GenericService for Phoenix {}

impl GrpcService for Phoenix {}

impl Handler<RegisterOnServer> for Phoenix {
    type Result = Answer;

    fn handle(&mut self, on: RegisterOnServer, _: &mut Context<Self>) -> Answer {
        self.note("register");
        on.server.add_service(majordomo::ping::PingServer::new(Pings));
        Ok(())
    }
}

impl Handler<Setup> for Phoenix {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        self.note("setup");
        self.lives += 1;
        for &name in &self.resources {
            let (journal, id) = (self.journal.clone(), self.id.clone());
            let release = move || async move {
                journal.note(format!("{id}/{name}: released"));
                Ok(())
            };
            setup.resources.start(name, resource_fn(release)).expect("names are unique in each life");
        }
        let answer = self.setups.pop().unwrap_or(Ok(()));
        let held = self.holds.clone().filter(|_| self.lives > 1);
        Box::pin(async move {
            if let Some(gate) = held {
                gate.passed().await;
            }
            answer
        })
    }
}

impl Handler<Run> for Phoenix {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        self.note("run");
        let (sender, mut ends) = oneshot::channel();
        self.ends = Some(sender);
        let ignores = self.ignores_shutdown;
        let dropped = Noted(self.journal.clone(), format!("{}: task dropped", self.id));
        Box::pin(async move {
            let _dropped = dropped;
            tokio::select! {
                end = &mut ends => end.unwrap_or(Ok(())),
                () = run.shutdown.requested(), if !ignores => Ok(()),
            }
        })
    }
}

/// PanicLog its end.
struct Noted(Journal, String);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.note(self.1.clone());
    }
}

impl Handler<Shutdown> for Phoenix {
    type Result = Answer;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Answer {
        self.note("shutdown");
        Ok(())
    }
}

/// A message that is noted, and answered with how often the service was set up.
#[derive(Message)]
#[rtype(result = "usize")]
pub struct Say(pub u32);

impl Handler<Say> for Phoenix {
    type Result = usize;

    fn handle(&mut self, Say(number): Say, _: &mut Context<Self>) -> usize {
        self.note(&format!("said {number}"));
        self.lives
    }
}

/// How to fail.
#[derive(Debug, Clone, Copy, PartialEq, Message)]
#[rtype(result = "()")]
pub enum Fail {
    /// A panic in the handler of a message.
    Handler,
    /// A panic in the future of a message.
    Future,
    /// `Run` returns an error.
    Run,
    /// `Run` returns `Ok`.
    Return,
    /// The actor stops.
    Stop,
}

impl Handler<Fail> for Phoenix {
    type Result = ();

    fn handle(&mut self, how: Fail, ctx: &mut Context<Self>) {
        let end = |phoenix: &mut Self, answer| {
            phoenix.ends.take().expect("it runs").send(answer).expect("it runs");
        };
        match how {
            Fail::Handler => panic!("a handler panics, as told"),
            Fail::Future => drop(actix::spawn(async { panic!("a task panics, as told") })),
            Fail::Run => end(self, Err("the run fails, as told".into())),
            Fail::Return => end(self, Ok(())),
            Fail::Stop => ctx.stop(),
        }
    }
}

/// Answers pings whatever the service does.
struct Pings;

#[tonic::async_trait]
impl majordomo::ping::Ping for Pings {
    async fn ping(&self, _: tonic::Request<()>) -> Result<tonic::Response<()>, tonic::Status> {
        Ok(tonic::Response::new(()))
    }
}
