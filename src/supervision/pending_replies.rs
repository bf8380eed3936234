//! Requests of the manager that an actor has not answered yet.
//!
//! An answer is often the user's own future, a main loop among them. It is polled when it was woken, and not whenever its
//! actor is, within the actor's set of tasks; and what it does when it is dropped is caught, too.

use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use smallvec::SmallVec;

use super::alarm::Alarm;
use super::budget::with_own_budget;
use super::control::{Answer, Answering, Control, PassOn, Reply};
use super::panics::{PanicLog, catch};
use super::tasks::Tasks;

/// Requests that wait for their answer. Nothing before the first: a resource has none until its release.
#[derive(Default)]
pub(super) struct PendingReplies(Option<Box<Replies>>);

#[derive(Default)]
struct Replies {
    /// Mostly one: the main loop of a service.
    due: SmallVec<[PendingReply; 1]>,
    /// The bell of a finished reply, for the next. A late wake-up costs one extra poll.
    spare: Option<Bell>,
}

struct PendingReply {
    answer: Answering,
    reply: PassOn,
    last: bool,
    bell: Bell,
}

/// Wakes one answer.
struct ReplyWaker {
    alarm: Alarm,
    /// Of the actor that polls it. What wakes an answer alone has nothing for the actor.
    control: Arc<Control>,
}

/// Both ends of it.
struct Bell {
    rung: Arc<ReplyWaker>,
    waker: Waker,
}

impl PendingReplies {
    /// One more, whose answer is passed on so, and the last if it is, of the actor that is controlled by this.
    pub(super) fn add(&mut self, answer: Answering, reply: PassOn, last: bool, control: &Arc<Control>) {
        let new = || {
            let rung = Arc::new(ReplyWaker { alarm: Alarm::silent(), control: Arc::clone(control) });
            Bell { waker: Waker::from(Arc::clone(&rung)), rung }
        };
        let replies = self.0.get_or_insert_default();
        let bell = replies.spare.take().unwrap_or_else(new);
        bell.rung.alarm.ring();
        replies.due.push(PendingReply { answer, reply, last, bell });
    }

    /// Whether any answer is to be polled.
    #[inline]
    pub(super) fn has_woken(&self) -> bool {
        self.0.as_ref().is_some_and(|replies| replies.due.iter().any(|due| due.bell.rung.alarm.rings()))
    }

    /// Passes answers on; that of the last request is handed back, to be passed on when the actor is gone.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        panic_log: &Rc<PanicLog>,
        tasks: &mut Tasks,
    ) -> Option<impl FnOnce() + use<>> {
        let replies = self.0.as_mut()?;
        let mut last = None;
        let mut at = 0;
        // One answer alone needs no budget of its own.
        let shares = replies.due.len() > 1;
        while let Some(due) = replies.due.get_mut(at) {
            if !due.bell.rung.alarm.take() {
                at += 1;
                continue;
            }
            match catch(panic_log, || due.poll(cx, tasks, shares)) {
                Some(Poll::Pending) => at += 1,
                Some(Poll::Ready(reply)) => last = replies.pass_on(at, reply, panic_log).or(last),
                None => last = replies.pass_on(at, Reply::Missing, panic_log).or(last),
            }
        }
        last.map(|(pass_on, reply): (PassOn, Reply)| move || pass_on(reply))
    }

    /// Drops all answers that were not given.
    pub(super) fn clear(&mut self, panic_log: &Rc<PanicLog>, tasks: &mut Tasks) {
        let due = self.0.as_mut().map(|replies| std::mem::take(&mut replies.due));
        for due in due.into_iter().flatten() {
            catch(panic_log, || tasks.enter(|| drop(due)));
        }
    }
}

impl Replies {
    /// An answer has come, or will not; that of the last request is handed back.
    fn pass_on(&mut self, at: usize, reply: Reply, panic_log: &PanicLog) -> Option<(PassOn, Reply)> {
        let reply = match reply {
            Reply::Missing => panic_log.take().map_or(Reply::Missing, Reply::Panic),
            reply => reply,
        };
        // What was in the answer went with its last poll.
        let due = self.due.swap_remove(at);
        self.spare = Some(due.bell);
        if due.last {
            return Some((due.reply, reply));
        }
        (due.reply)(reply);
        None
    }
}

impl PendingReply {
    /// The tasks wake their actor, not the answer.
    fn poll(&mut self, cx: &mut Context<'_>, tasks: &mut Tasks, shares: bool) -> Poll<Reply> {
        let mut answer = self.answer.as_mut();
        let mut own = Context::from_waker(&self.bell.waker);
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
        self.control.wake_actor();
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
