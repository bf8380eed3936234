//! What the predecessor says to a successor and hears of it, until one of them has nothing to say any more.
//!
//! ```text
//!   Started --asks--> sockets --> Doing, Doing, .. --> Ready --in charge--> released     it lives on
//!      |                |                  |             |        |
//!      +----------------+------------------+-------------+--------+--> Gone, killed and reaped
//! ```

use std::os::fd::AsFd;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use super::channel::{Next, Watched};
use super::program::Program;
use super::protocol::{MOST_SOCKETS, ToPredecessor, ToSuccessor, Unreadable, VERSION};
use super::steps::{HandoverStep, reached};
use crate::report::{HandoverError, SuccessorEnd};
use crate::server::listen::passing::{self, Lent};

/// How long a program may take to end by itself once it has closed the channel, or does not understand it.
const CLOSED: Duration = Duration::from_secs(1);

/// The same once it has said that it failed: it has what it opened to release.
const FAILED: Duration = Duration::from_secs(5);

/// How long a message that is not there to be answered may take to go.
const SEND: Duration = Duration::from_secs(1);

/// What is heard of a successor. It is told on the hand-over's thread, and must not block that.
#[derive(Debug)]
pub(crate) enum FromSuccessor {
    /// It was started.
    Started { pid: u32 },
    /// What it is doing, escaped and short.
    Doing(String),
    /// All of it runs.
    Ready,
    /// It is gone: ended, or killed, and reaped. The last that is told, and told once, unless it was let go.
    Gone { why: HandoverError },
}

/// What the manager wants.
#[derive(Debug)]
pub(super) enum Order {
    InCharge,
    /// Nothing can be taken back any more: whatever becomes of it, it is the one that serves.
    Alone,
    Released,
    End(HandoverError),
}

/// What was heard so far.
#[derive(Debug, Default)]
struct Heard {
    asked: bool,
    ready: bool,
    in_charge: bool,
    alone: bool,
    doing: Option<String>,
    last_words: Option<String>,
}

/// Why nothing more is to be said.
#[derive(Debug)]
enum End {
    /// It ended by itself.
    Exited(ExitStatus),
    /// It closed the channel.
    Closed,
    /// It said that it failed.
    Failed,
    /// It is not understood.
    Broken(HandoverError),
    /// This process does not want it any more.
    Ordered(HandoverError),
    /// It lives on.
    LetGo,
}

/// With a successor, until its end.
pub(super) struct Conversation<T> {
    program: Program,
    channel: Watched,
    orders: UnboundedReceiver<Order>,
    heard: Heard,
    /// As long as this process may serve again at what it has sent.
    lent: Option<Lent>,
    tell: T,
    generation: u64,
}

impl<T: Fn(FromSuccessor)> Conversation<T> {
    pub(super) fn new(
        program: Program,
        channel: Watched,
        orders: UnboundedReceiver<Order>,
        tell: T,
        generation: u64,
    ) -> Self {
        Self { program, channel, orders, heard: Heard::default(), lent: None, tell, generation }
    }

    pub(super) async fn conduct(mut self) {
        let end = match self.pass_on().await {
            Ok(()) => self.listen().await,
            Err(end) => end,
        };
        let end = if self.heard.alone { End::LetGo } else { end };
        let Some(why) = self.finish(end).await else { return };
        // Whatever it was to have is this process's again. An order that comes from here on finds that nobody is in charge.
        self.orders.close();
        passing::take_back();
        self.lent = None;
        (self.tell)(FromSuccessor::Gone { why });
        self.program.reap();
    }

    /// Waits until it asks for the sockets, and sends all.
    async fn pass_on(&mut self) -> Result<(), End> {
        let Self { program, channel, orders, heard, lent, generation, .. } = self;
        tokio::select! {
            biased;
            passed = async {
                let first = next(channel).await?;
                match first {
                    ToPredecessor::Hello { .. } => heard.asked = true,
                    other => return Err(nonsense(format!("{other:?} before it had asked"))),
                }
                reached(HandoverStep::Asked);
                send_all(channel, *generation, lent).await
            } => passed,
            end = interrupted(program, orders) => Err(end),
        }
    }

    /// Listens until its end.
    async fn listen(&mut self) -> End {
        loop {
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::End(why)) => return End::Ordered(why),
                    Some(Order::InCharge) => {
                        self.heard.in_charge = true;
                        self.say(&ToSuccessor::InCharge {}).await;
                        reached(HandoverStep::InChargeSaid);
                    }
                    Some(Order::Alone) => self.heard.alone = true,
                    Some(Order::Released) => {
                        self.say(&ToSuccessor::Released {}).await;
                        reached(HandoverStep::ReleasedSaid);
                    }
                    None => return if self.heard.in_charge { End::LetGo } else { End::Ordered(unwanted()) },
                },
                message = next(&self.channel) => match message.and_then(|message| self.hear(message)) {
                    Ok(()) => {}
                    Err(end) => return end,
                },
                status = self.program.ended() => return End::Exited(status),
            }
        }
    }

    fn hear(&mut self, message: ToPredecessor) -> Result<(), End> {
        match message {
            ToPredecessor::Doing { text } => {
                self.heard.doing = Some(text.clone());
                (self.tell)(FromSuccessor::Doing(text));
            }
            ToPredecessor::Ready {} if !self.heard.ready => {
                // Its word may have outlived it.
                if let Some(status) = self.program.status() {
                    return Err(End::Exited(status));
                }
                self.heard.ready = true;
                reached(HandoverStep::ReadyHeard);
                (self.tell)(FromSuccessor::Ready);
            }
            ToPredecessor::Failed { text } => {
                self.heard.last_words = Some(text);
                return Err(End::Failed);
            }
            ToPredecessor::Ready {} => return Err(nonsense("that it is ready, twice".to_owned())),
            ToPredecessor::Hello { .. } => return Err(nonsense("a second hello".to_owned())),
        }
        Ok(())
    }

    /// One that is gone, or does not read, shows by that.
    async fn say(&self, message: &ToSuccessor) {
        let _ = tokio::time::timeout(SEND, self.channel.send(&message.encode(), None)).await;
    }

    /// Has it end, where it is not to live on. Why it is gone then.
    async fn finish(&mut self, end: End) -> Option<HandoverError> {
        let (limit, why) = match end {
            End::LetGo => {
                self.program.let_go();
                return None;
            }
            End::Exited(status) => {
                self.hear_last_words();
                return Some(self.heard.ended(SuccessorEnd::Exited(status)));
            }
            End::Closed => (CLOSED, None),
            End::Failed => (FAILED, None),
            End::Broken(why) => (CLOSED, Some(why)),
            End::Ordered(why) => {
                // A program that was started by the program is not killed with it.
                let _ = self.channel.try_send(&ToSuccessor::called_off(&why.to_string()).encode());
                (Duration::ZERO, Some(why))
            }
        };
        let end = match self.program.ended_within(limit).await {
            Some(status) => SuccessorEnd::Exited(status),
            None => {
                self.program.kill().await;
                SuccessorEnd::Closed
            }
        };
        self.hear_last_words();
        Some(match why {
            None => self.heard.ended(end),
            Some(why) => self.heard.explain(why),
        })
    }

    /// What it said and nobody has read.
    fn hear_last_words(&mut self) {
        while let Ok(Next::Message(bytes, _)) = self.channel.try_receive() {
            if let Ok(ToPredecessor::Failed { text }) = ToPredecessor::decode(&bytes) {
                self.heard.last_words = Some(text);
            }
        }
    }
}

impl Heard {
    fn ended(&mut self, end: SuccessorEnd) -> HandoverError {
        match self.last_words.take() {
            Some(text) => HandoverError::Failed { text },
            None if self.asked => HandoverError::Ended { end, in_charge: self.in_charge },
            None => HandoverError::NeverAsked { end },
        }
    }

    /// With what this thread knows of it.
    fn explain(&mut self, why: HandoverError) -> HandoverError {
        match why {
            HandoverError::TimedOut { .. } if !self.asked => {
                HandoverError::NeverAsked { end: SuccessorEnd::Hung }
            }
            HandoverError::TimedOut { limit, doing: None } => {
                HandoverError::TimedOut { limit, doing: self.doing.take() }
            }
            other => other,
        }
    }
}

/// What ends the passing on of sockets before its time.
async fn interrupted(program: &mut Program, orders: &mut UnboundedReceiver<Order>) -> End {
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::End(why)) => return End::Ordered(why),
                // Nobody is in charge who has no sockets.
                Some(Order::InCharge | Order::Alone | Order::Released) => {}
                None => return End::Ordered(unwanted()),
            },
            status = program.ended() => return End::Exited(status),
        }
    }
}

async fn next(channel: &Watched) -> Result<ToPredecessor, End> {
    match channel.receive().await {
        Ok(Next::Message(bytes, None)) => {
            ToPredecessor::decode(&bytes).map_err(|unreadable| match unreadable {
                Unreadable::Version(successor) => {
                    // So that it can name both.
                    let _ = channel.try_send(&hello(0).encode());
                    End::Broken(HandoverError::Version { successor, predecessor: VERSION })
                }
                Unreadable::Nonsense(what) => nonsense(what),
            })
        }
        Ok(Next::Message(..)) => Err(nonsense("a descriptor".to_owned())),
        Ok(Next::End) => Err(End::Closed),
        Err(error) => Err(nonsense(error.to_string())),
    }
}

async fn send_all(channel: &Watched, generation: u64, lent: &mut Option<Lent>) -> Result<(), End> {
    let refused = |what: &str| {
        let what = what.to_owned();
        move |source| End::Broken(HandoverError::Refused { what, source: Arc::new(source) })
    };
    let all = passing::to_pass_on().map_err(refused("the sockets could not be duplicated"))?;
    if all.len() > MOST_SOCKETS {
        return Err(End::Broken(HandoverError::TooManySockets { count: all.len(), most: MOST_SOCKETS }));
    }
    *lent = Some(passing::lend(&all).map_err(refused("the sockets could not be duplicated"))?);
    let send = async {
        channel.send(&hello(generation).encode(), None).await?;
        for one in &all {
            channel.send(&ToSuccessor::socket(&one.name).encode(), Some(one.as_fd())).await?;
            reached(HandoverStep::SocketSent);
        }
        channel.send(&ToSuccessor::Complete { count: all.len() }.encode(), None).await
    };
    send.await.map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset => End::Closed,
        _ => refused("a socket could not be sent")(error),
    })?;
    reached(HandoverStep::AllSent);
    Ok(())
}

fn hello(generation: u64) -> ToSuccessor {
    ToSuccessor::Hello { version: VERSION, generation, process: std::process::id() }
}

fn nonsense(what: String) -> End {
    End::Broken(HandoverError::Protocol { from: "successor", what })
}

fn unwanted() -> HandoverError {
    HandoverError::CalledOff { reason: "its manager is gone".to_owned() }
}
