//! What a manager does next. The end has the right of way:
//!
//! ```text
//!   1. what it is told    signals, then what its actors tell; then whose time has come    all of it, before each
//!   2. messages           of its users, in their order                                    one, however much it is told
//!   3. questions          a piece, for at most half of the time (`status_requests.rs`)          when there is no message, or in the end
//!   after a good hundred of these all other tasks of the thread have their turn, and timers and sockets are looked at
//! ```
//!
//! actix handles an actor's mailbox until it is empty, and polls nothing of it until then; so who asked often enough kept a manager
//! from its signals and timers. Here nobody does, however many ask. That a message does not wait for too many others is seen to by
//! `backpressure.rs`.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix::Addr;
use actix::dev::EnvelopeProxy;
use actix::dev::channel::{AddressReceiver, channel};
use actix_rt::ArbiterHandle;
use futures_util::Stream;
use tokio::time::Sleep;

use super::backpressure;
use super::inbox::{Inbox, ManagerInput};
use super::mailbox::ManagerContext;
use crate::manager::Manager;
use crate::supervision::batched;

/// How many messages wait before `send` waits for room, but for one of each address: actix's own default.
const CAPACITY: usize = 16;

/// How much is done before others have their turn.
const TURN: usize = 128;

/// A piece of what questions want counts as so many messages.
const QUESTION: usize = 32;

/// How many chunks of what it is told are taken in before times are looked at. Who answered in time is not to be blamed, though
/// much stands before the answer.
const CHUNKS: usize = 16;

/// A manager that lives on this thread.
pub(crate) struct ManagerLoop {
    manager: Manager,
    context: ManagerContext,
    messages: AddressReceiver<Manager>,
    has_started: bool,
    /// What it is told, until it has ended.
    inbox: Option<Inbox>,
    /// Wakes it when something is due.
    sleep: Option<Pin<Box<Sleep>>>,
}

/// The address of a manager, and its messages, which wait until it lives.
pub(crate) fn mailbox() -> (Addr<Manager>, AddressReceiver<Manager>) {
    let (sender, messages) = channel(CAPACITY);
    (Addr::new(sender), messages)
}

/// Has a manager live on this thread.
pub(crate) fn live_here(manager: Manager, messages: AddressReceiver<Manager>) {
    let actor = ManagerLoop {
        manager,
        context: ManagerContext::new(),
        messages,
        has_started: false,
        inbox: None,
        sleep: None,
    };
    // It gives way by itself; tokio's own way would hide messages from it that are there.
    actix_rt::spawn(tokio::task::unconstrained(actor));
}

/// Has a manager live on the thread of an arbiter. What is sent to it before it has begun waits.
pub(crate) fn start(manager: Manager, arbiter: &ArbiterHandle) -> Addr<Manager> {
    let (addr, messages) = mailbox();
    arbiter.spawn_fn(move || live_here(manager, messages));
    addr
}

impl Future for ManagerLoop {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if !this.has_started {
            this.has_started = true;
            backpressure::receives_here();
            this.inbox = this.manager.started(&Addr::new(this.messages.sender()));
        }
        let mut done = 0;
        loop {
            done += this.take_in(cx, false);
            if let Poll::Ready(message) = Pin::new(&mut this.messages).poll_next(cx) {
                let Some(mut message) = message else { return this.end() };
                message.handle(&mut this.manager, &mut this.context);
                done += 1;
            } else if let told @ 1.. = this.take_in(cx, true) {
                done += told;
            } else if this.manager.answer_status_requests(true, cx) {
                done += QUESTION;
            } else if this.is_over() {
                return this.end();
            } else if this.sleep(cx).is_pending() {
                return Poll::Pending;
            }
            if done >= TURN {
                this.manager.answer_status_requests(false, cx);
                give_way(cx);
                return Poll::Pending;
            }
        }
    }
}

impl ManagerLoop {
    /// Takes in what it was told and what is due; answers how much that was. When there is nothing, and it is to be woken by what
    /// comes, the waker is kept.
    fn take_in(&mut self, cx: &mut Context<'_>, is_idle: bool) -> usize {
        let mut taken = 0;
        for _ in 0..CHUNKS {
            let Some(inbox) = self.inbox.as_mut().filter(|inbox| is_idle || !inbox.is_empty()) else { break };
            let Poll::Ready(told) = inbox.poll_take(cx) else { break };
            taken += told.len();
            batched(|| told.for_each(|told| self.manager.handle_input(told)));
            if self.manager.is_over() {
                // What is told from now on is told nobody.
                self.inbox = None;
            }
        }
        while let Some(tick) = self.manager.take_due() {
            self.manager.handle_input(ManagerInput::Timer(tick));
            taken += 1;
        }
        taken
    }

    /// Waits for the next time at which something is due; ready when that has come.
    fn sleep(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.manager.next_due().map(tokio::time::Instant::from_std) else {
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }

    /// Whether it has ended, and nobody can ask it anything any more, nor waits for an answer.
    fn is_over(&self) -> bool {
        self.manager.is_over() && !self.messages.connected() && !self.manager.status_requests.are_open()
    }

    fn end(&mut self) -> Poll<()> {
        if let Some(thread) = self.manager.thread.take() {
            thread.stop();
        }
        Poll::Ready(())
    }
}

/// Has it polled again, after everything else on this thread.
fn give_way(cx: &mut Context<'_>) {
    // Unlike by a plain wake, timers and sockets are looked at before that, too.
    let mut others = std::pin::pin!(tokio::task::yield_now());
    if others.as_mut().poll(cx).is_ready() {
        cx.waker().wake_by_ref();
    }
}

impl Manager {
    /// What is due, if anything is.
    fn take_due(&mut self) -> Option<super::inbox::TimerEvent> {
        self.running.as_mut()?.take_due()
    }

    /// When something is due next.
    fn next_due(&self) -> Option<Instant> {
        let due = self.running.as_ref().and_then(super::running::Running::next_due);
        due.into_iter().chain(self.status_requests.due()).min()
    }

    fn is_over(&self) -> bool {
        self.running.is_none()
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;
    use crate::lifecycle::{Input, ResourceIx, ServiceIx, SignalKind, Stage};
    use crate::manager::RunOnManager;
    use crate::manager::engine::inbox::{Generation, TimerEvent};
    use crate::service::ResourceEvent;
    use crate::testing::{paused, start_paused};
    use crate::{GetStatus, ManagerOptions, WaitForShutdown, WaitUntilRunning, service_fn};

    /// Does something in the middle of thousands of messages, and tells at which of them the manager's stage was another.
    async fn stage_after(something: impl FnOnce(&mut Manager) + Send + 'static) -> Option<(usize, Stage)> {
        let manager = running().await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        manager.do_send(RunOnManager::new(something));
        for _ in 0..3 * TURN {
            let seen = Arc::clone(&seen);
            manager.do_send(GetStatus);
            manager.do_send(RunOnManager::new(move |manager| {
                let stage = manager.running.as_ref().map_or(Stage::Stopped, |running| running.stage());
                seen.lock().expect("nobody panicked").push(stage);
            }));
        }
        let _ = manager.send(WaitForShutdown).await;
        let seen = seen.lock().expect("nobody panicked");
        seen.iter().copied().enumerate().find(|(_, stage)| *stage != Stage::Running)
    }

    #[test]
    fn g16_what_a_manager_is_told_comes_before_the_next_message() {
        paused(|| async {
            let signal = stage_after(|manager| {
                let running = manager.running.as_ref().expect("it works");
                running.sender().send(ManagerInput::Signal(SignalKind::Terminate));
            });
            assert_eq!(signal.await, Some((0, Stage::Stopping)));
            let told = stage_after(|manager| {
                let running = manager.running.as_ref().expect("it works");
                running.sender().send(ManagerInput::Timer(TimerEvent::Input(Input::ShutdownAsked)));
            });
            assert_eq!(told.await, Some((0, Stage::Stopping)));
        });
    }

    #[test]
    fn g16_what_is_due_comes_before_the_next_message() {
        paused(|| async {
            let due = stage_after(|manager| {
                let running = manager.running.as_mut().expect("it works");
                running.do_after(Duration::ZERO, TimerEvent::Input(Input::ShutdownAsked));
            });
            assert_eq!(due.await, Some((0, Stage::Stopping)));
        });
    }

    /// One that runs a service until it is told to stop.
    async fn running() -> Addr<Manager> {
        let options = ManagerOptions::new().grpc_ping_service(false);
        let manager =
            start_paused(Manager::new(options).service(service_fn("a", |run: crate::Run| async move {
                run.shutdown.requested().await;
                Ok(())
            })));
        manager.send(WaitUntilRunning).await.expect("it is there").expect("it runs");
        manager
    }

    #[test]
    fn g16_questions_are_answered_though_messages_never_end() {
        paused(|| async {
            let manager = running().await;
            let over = Arc::new(Mutex::new(false));
            again(&manager, Arc::clone(&over));
            let status = manager.send(GetStatus).await.expect("it is answered");
            assert_eq!(status.stage, Stage::Running);
            *over.lock().expect("nobody panicked") = true;
            manager.do_send(crate::StartShutdown);
            manager.send(WaitForShutdown).await.expect("it is there").expect("nothing fails");
        });
    }

    #[test]
    fn g16_a_message_is_handled_though_what_it_is_told_never_ends() {
        paused(|| async {
            let manager = running().await;
            let (tell, told) = tokio::sync::oneshot::channel();
            manager.do_send(RunOnManager::new(move |manager| {
                let _ = tell.send(manager.running.as_ref().expect("it works").sender());
            }));
            let sender = told.await.expect("it is told");
            let (tell, handled) = tokio::sync::oneshot::channel();
            let mut message = Some(RunOnManager::new(move |_| {
                let _ = tell.send(());
            }));
            let flooded = manager.clone();
            let flood = actix_rt::spawn(async move {
                for _ in 0..1_000 {
                    // Of a life that is over: nothing comes of it.
                    let of = ResourceIx { service: ServiceIx(0), index: 0 };
                    for _ in 0..2 * TURN {
                        let event = ResourceEvent::Started;
                        sender.send(ManagerInput::Resource(of, Generation::default(), event));
                    }
                    if let Some(message) = message.take() {
                        flooded.do_send(message);
                    }
                    // Before whoever gives way has its turn.
                    let mut has_waited = false;
                    std::future::poll_fn(|cx| {
                        cx.waker().wake_by_ref();
                        if std::mem::replace(&mut has_waited, true) { Poll::Ready(()) } else { Poll::Pending }
                    })
                    .await;
                }
            });
            handled.await.expect("it is handled");
            assert!(!flood.is_finished(), "it stood behind all of it");
        });
    }

    /// A message that is followed by another of its kind.
    fn again(manager: &Addr<Manager>, over: Arc<Mutex<bool>>) {
        let next = manager.clone();
        manager.do_send(RunOnManager::new(move |_| {
            if !*over.lock().expect("nobody panicked") {
                again(&next, over);
            }
        }));
    }
}
