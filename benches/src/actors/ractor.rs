//! ractor.

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use tokio::sync::mpsc;

use super::ask::{Amount, time_asks, time_tells};
use super::lifecycle::{Life, Stopwatch};
use super::restart::time_restarts;
use super::{many_threads, panic_in_silence};
use crate::cell::Cell;
use crate::measure::{Failure, Figures};

pub(super) const SETTINGS: &str = "an actor for each service linked to a supervisor, one for each resource linked to its service; multi-thread runtime";

type Result<T, E = ActorProcessingErr> = std::result::Result<T, E>;

pub(super) struct Target;

pub(super) enum Message {
    Ask(RpcReplyPort<u64>),
    Tell,
    Crash,
}

impl Actor for Target {
    type Msg = Message;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<u64> {
        Ok(0)
    }

    async fn handle(&self, _: ActorRef<Message>, message: Message, count: &mut u64) -> Result<()> {
        *count += 1;
        match message {
            Message::Ask(answer) => answer.send(*count)?,
            Message::Tell => {}
            Message::Crash => panic!("as told"),
        }
        Ok(())
    }
}

pub(super) async fn spawn() -> ActorRef<Message> {
    Actor::spawn(None, Target, ()).await.expect("it starts").0
}

async fn ask(target: &ActorRef<Message>) {
    let answer = target.call(Message::Ask, None).await;
    assert!(answer.is_ok_and(|answer| answer.is_success()), "it answers");
}

pub(super) async fn asks(amount: Amount, target: ActorRef<Message>) -> Figures {
    time_asks(amount.asks, async || ask(&target).await).await
}

pub(super) async fn tells(amount: Amount, target: ActorRef<Message>) -> Figures {
    let tell = || target.cast(Message::Tell).expect("it runs");
    time_tells(amount.batch, tell, async || ask(&target).await).await
}

/// Starts others, and starts those that crash again.
struct Supervisor {
    started: mpsc::UnboundedSender<ActorRef<Message>>,
}

impl Actor for Supervisor {
    type Msg = ();
    type State = ();
    type Arguments = usize;

    async fn pre_start(&self, myself: ActorRef<()>, children: usize) -> Result<()> {
        for _ in 0..children {
            self.start(&myself).await?;
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<()>,
        event: SupervisionEvent,
        (): &mut (),
    ) -> Result<()> {
        if matches!(event, SupervisionEvent::ActorFailed(..)) {
            self.start(&myself).await?;
        }
        Ok(())
    }
}

impl Supervisor {
    async fn start(&self, myself: &ActorRef<()>) -> Result<()> {
        let (child, _) = Actor::spawn_linked(None, Target, (), myself.get_cell()).await?;
        Ok(self.started.send(child)?)
    }
}

pub(super) fn restarts(cell: &Cell) -> Result<Figures, Failure> {
    panic_in_silence();
    let neighbours = cell.count("neighbours");
    many_threads()?.block_on(async move {
        let (started, mut startings) = mpsc::unbounded_channel();
        let _supervisor = Actor::spawn(None, Supervisor { started }, neighbours + 1).await?;
        let mut target = startings.recv().await.ok_or("it was not started")?;
        for _ in 0..neighbours {
            startings.recv().await.ok_or("a neighbour was not started")?;
        }
        let (crash, ask) = (|target: &ActorRef<Message>| target.cast(Message::Crash), ask);
        time_restarts(async || {
            crash(&target).expect("it runs");
            target = startings.recv().await.expect("it is started again");
            ask(&target).await;
        })
        .await
    })
}

struct Service(mpsc::UnboundedSender<()>);

impl Actor for Service {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<()>, (): ()) -> Result<()> {
        Actor::spawn_linked(None, Resource, (), myself.get_cell()).await?;
        Ok(self.0.send(())?)
    }

    async fn post_stop(&self, myself: ActorRef<()>, (): &mut ()) -> Result<()> {
        myself.stop_children_and_wait(None, None).await;
        Ok(())
    }
}

struct Resource;

impl Actor for Resource {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<()> {
        Ok(())
    }
}

struct Root;

impl Actor for Root {
    type Msg = ();
    type State = ();
    type Arguments = (usize, mpsc::UnboundedSender<()>);

    async fn pre_start(&self, myself: ActorRef<()>, (count, up): Self::Arguments) -> Result<()> {
        for _ in 0..count {
            // None waits for the one before.
            ractor::ActorRuntime::spawn_linked_instant(None, Service(up.clone()), (), myself.get_cell())?;
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        event: SupervisionEvent,
        (): &mut (),
    ) -> Result<()> {
        assert!(!matches!(event, SupervisionEvent::ActorFailed(..)), "none fails");
        Ok(())
    }
}

pub(super) fn lifecycle(cell: &Cell) -> Result<Life, Failure> {
    let count = cell.count("services");
    many_threads()?.block_on(async move {
        let mut watch = Stopwatch::start()?;
        let (up, mut ups) = mpsc::unbounded_channel();
        let (root, over) = Actor::spawn(None, Root, (count, up)).await?;
        for _ in 0..count {
            ups.recv().await.ok_or("a service is lost")?;
        }
        watch.running()?;
        root.stop_children_and_wait(None, None).await;
        root.stop(None);
        over.await?;
        watch.over(count)
    })
}
