//! One replica: its keeper, its service, and the request that it waits for.

use super::super::super::lease_keeper::{Call, Keeper, Reply};
use super::store::TTL;
use super::{NOW, State, TICK};

/// Its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Run {
    None,
    Running,
    Stopping,
    /// It is being cut, and has not gone.
    Cut,
}

/// What happens to the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    /// The request, or its answer, takes any time.
    Slow,
    RequestLost,
    AnswerLost,
    /// It arrives a second time, whenever.
    Doubled,
}

impl Fate {
    pub(super) const ALL: [Self; 4] = [Self::Slow, Self::RequestLost, Self::AnswerLost, Self::Doubled];
}

/// A request, or its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Message {
    pub(super) tenure: u8,
    pub(super) call: Call,
    pub(super) reply: Option<Reply>,
    /// Whether its answer grants the newest epoch.
    pub(super) newest: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Replica {
    pub(super) keeper: Keeper,
    pub(super) run: Run,
    pub(super) message: Option<Message>,
    pub(super) tenure: u8,
    pub(super) paused: bool,
    /// None of its requests arrives.
    pub(super) cut_off: bool,
    /// Whether it was paused beyond the end of its lease, and has not stopped.
    pub(super) late: bool,
    /// Whether its epoch is the newest.
    pub(super) newest: bool,
    /// What happens to its next request.
    pub(super) fate: Option<Fate>,
    /// In this tenure its clock has fallen behind.
    is_behind: bool,
    margin: u32,
}

impl Replica {
    pub(super) fn new(margin: u32) -> Self {
        Self {
            keeper: Keeper::of_ticks(TTL.into(), margin, 1, 1, 1),
            run: Run::None,
            message: None,
            tenure: 0,
            paused: false,
            cut_off: false,
            late: false,
            newest: false,
            fate: None,
            is_behind: false,
            margin,
        }
    }

    pub(super) fn may_fall_behind(&self) -> bool {
        !self.is_behind
    }

    pub(super) fn tick(&mut self, falls_behind: bool) {
        if falls_behind {
            self.is_behind = true;
        } else {
            self.keeper.age(TICK);
        }
        self.late |= self.paused && self.run != Run::None && self.keeper.is_over(NOW);
    }

    /// The request that has lasted too long.
    pub(super) fn overdue(&self) -> Option<Call> {
        let (call, lasted) = self.keeper.open_for(NOW)?;
        let lost = call == Call::Release && self.message.is_none();
        let over = lost || (call != Call::Release && lasted > self.keeper.terms().call());
        (over && !self.paused).then_some(call)
    }

    pub(super) fn stop_running(&mut self) {
        (self.run, self.late, self.newest) = (Run::None, false, false);
    }

    /// Somebody else has a newer epoch.
    pub(super) fn grow_old(&mut self) {
        self.newest = false;
        self.message.iter_mut().for_each(|message| message.newest = false);
    }
}

impl State {
    /// A tenure begins, if any may.
    pub(super) fn seek(&mut self, at: usize) {
        if self.tenures > 0 {
            self.tenures -= 1;
            self.replicas[at].tenure += 1;
            self.replicas[at].is_behind = false;
            self.replicas[at].keeper.seek(NOW);
        }
    }

    /// Nobody waits for an answer any more; the request may still arrive.
    pub(super) fn give_message_up(&mut self, at: usize) {
        if let Some(message) = self.replicas[at].message.take()
            && message.reply.is_none()
        {
            self.store.send_late((at, message.tenure, message.call));
        }
    }

    /// Its process is gone, and another starts in its place.
    pub(super) fn begin_anew(&mut self, at: usize) {
        self.give_message_up(at);
        let Replica { margin, tenure, .. } = self.replicas[at];
        self.replicas[at] = Replica { tenure, ..Replica::new(margin) };
        self.seek(at);
    }
}
