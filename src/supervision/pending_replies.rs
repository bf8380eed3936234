//! Requests of the manager that an actor has not answered yet.
//!
//! An answer is often the user's own future, a main loop among them. It is polled when it was woken, and not whenever its
//! actor is, within the actor's set of tasks; and what it does when it is dropped is caught, too.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use smallvec::SmallVec;

use super::alarm::Alarm;
use super::budget::with_own_budget;
use super::control::{Answer, Answering, PassOn, Reply};
use super::panics::{PanicLog, catch};
use super::tasks::Tasks;

/// Requests that wait for their answer.
#[derive(Default)]
pub(super) struct PendingReplies {
    /// Mostly one: the main loop of a service.
    due: SmallVec<[PendingReply; 1]>,
    /// The waker of a finished reply, for the next. A late wake-up costs one extra poll.
    spare: Option<Arc<ReplyWaker>>,
}

struct PendingReply {
    answer: Answering,
    reply: PassOn,
    last: bool,
    bell: Arc<ReplyWaker>,
}

/// Wakes one answer.
struct ReplyWaker {
    alarm: Alarm,
    /// The actor that polls it.
    actor: Waker,
}

impl PendingReplies {
    /// One more, whose answer is passed on so, and the last if it is; `waker` is that of the actor.
    pub(super) fn add(&mut self, answer: Answering, reply: PassOn, last: bool, waker: &Waker) {
        let new = || Arc::new(ReplyWaker { alarm: Alarm::silent(), actor: waker.clone() });
        let bell = self.spare.take().unwrap_or_else(new);
        bell.alarm.ring();
        self.due.push(PendingReply { answer, reply, last, bell });
    }

    /// Whether any answer is to be polled.
    #[inline]
    pub(super) fn has_woken(&self) -> bool {
        self.due.iter().any(|due| due.bell.alarm.rings())
    }

    /// Passes answers on; that of the last request is handed back, to be passed on when the actor is gone.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        panic_log: &Arc<PanicLog>,
        tasks: &mut Tasks,
    ) -> Option<impl FnOnce() + use<>> {
        let mut last = None;
        let mut at = 0;
        // One answer alone needs no budget of its own.
        let shares = self.due.len() > 1;
        while let Some(due) = self.due.get_mut(at) {
            let polled = match due.bell.alarm.take() {
                true => catch(panic_log, || due.poll(cx, tasks, shares)),
                false => Some(Poll::Pending),
            };
            let reply = match polled {
                Some(Poll::Pending) => {
                    at += 1;
                    continue;
                }
                Some(Poll::Ready(Reply::Missing)) | None => {
                    panic_log.take().map_or(Reply::Missing, Reply::Panic)
                }
                Some(Poll::Ready(reply)) => reply,
            };
            // What was in the answer went with its last poll.
            let due = self.due.swap_remove(at);
            self.spare = Some(due.bell);
            if due.last {
                last = Some(move || (due.reply)(reply));
            } else {
                (due.reply)(reply);
            }
        }
        last
    }

    /// Drops all answers that were not given.
    pub(super) fn clear(&mut self, panic_log: &Arc<PanicLog>, tasks: &mut Tasks) {
        for due in std::mem::take(&mut self.due) {
            catch(panic_log, || tasks.enter(|| drop(due)));
        }
    }
}

impl PendingReply {
    /// The tasks wake their actor, not the answer.
    fn poll(&mut self, cx: &mut Context<'_>, tasks: &mut Tasks, shares: bool) -> Poll<Reply> {
        let waker = Waker::from(Arc::clone(&self.bell));
        let mut answer = self.answer.as_mut();
        let mut own = Context::from_waker(&waker);
        let mut poll = |own: &mut Context<'_>| answer.as_mut().poll(own).map(read);
        tasks.poll_with(cx, |_| if shares { with_own_budget(&mut own, poll) } else { poll(&mut own) })
    }
}

impl Wake for ReplyWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.alarm.ring();
        self.actor.wake_by_ref();
    }
}

/// Takes an answer apart on the actor's thread: an error's text is the user's code.
fn read(answer: Answer) -> Reply {
    match answer {
        Ok(Ok(())) => Reply::Ok,
        Ok(Err(error)) => {
            let text = error.to_string().into();
            Reply::Error(error.into(), text)
        }
        Err(_) => Reply::Missing,
    }
}
