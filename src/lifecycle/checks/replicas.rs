//! G25, replicas in one model: three production keepers, a store, and all that may go wrong between them.
//!
//! ```text
//!   replica   <-- request, answer: lost, late, doubled; or cut off -->   store: who has the lease, and for how long by its own clock
//!   replica       a clock that falls behind within the margin, a process that is paused, killed, or told to stop
//!   replica       a service that stops, or does not
//! ```
//!
//! Time passes in ticks. Whoever is not paused does what is due in the tick in which it is, and hears the store at once, unless something happens to the
//! request. The clock of a replica falls behind by the margin in each of its tenures. Held in every state: two run at once only where one of them was paused beyond the end of its lease, and that one has an old
//! epoch. From every state in which nothing more goes wrong, somebody runs again.

mod explore;
mod replica;
mod store;
mod systems;

use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use super::super::lease_keeper::{Act, Call, Reply};
use replica::{Fate, Message, Replica, Run};
use store::Store;

/// All times move, and this stays.
const NOW: Duration = Duration::from_secs(100);
const TICK: Duration = Duration::from_secs(1);

/// A rule that is broken deliberately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The lease is counted from the answer.
    CountsFromTheAnswer,
    /// Nothing is kept for clocks that differ.
    IgnoresTheMargin,
    /// A late message of one tenure counts for another.
    ConfusesTenures,
    /// What did not stop goes on.
    ForgetsToCut,
    /// The lease is given back while its service stops.
    ReturnsTooEarly,
    /// A store that is away keeps the lease alive.
    TrustsInSilence,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// The clock of one of them may fall behind.
    Tick(Option<usize>),
    /// The store takes a request; a replica hears the answer; the store takes one that is late or doubled.
    Handle(usize),
    Hear(usize),
    HandleLate(usize),
    /// A service that was told to stop has, or was cut.
    Stopped(usize),
    Resume(usize),
    Reconnect(usize),
    /// Another lease of its process asks.
    Accompany(usize),
    // From outside:
    Disturb(usize, Fate),
    CutOff(usize),
    Pause(usize),
    Kill(usize),
    GiveUp(usize),
}

/// What is walked through.
#[derive(Debug, Clone, Copy)]
struct System {
    replicas: usize,
    /// How much may go wrong.
    troubles: u8,
    /// How many tenures may begin.
    tenures: u8,
    fault: Option<Fault>,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    replicas: Vec<Replica>,
    store: Store,
    troubles: u8,
    tenures: u8,
}

impl System {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn start(&self) -> State {
        let margin = if self.has(Fault::IgnoresTheMargin) { 0 } else { 1 };
        let replicas = (0..self.replicas).map(|_| Replica::new(margin)).collect();
        let mut state =
            State { replicas, store: Store::default(), troubles: self.troubles, tenures: self.tenures };
        (0..self.replicas).for_each(|at| state.seek(at));
        self.do_what_is_due(&mut state);
        state
    }

    fn actions(&self, state: &State) -> Vec<Action> {
        let trouble = state.troubles > 0;
        let mut to = vec![Action::Tick(None)];
        for (at, replica) in state.replicas.iter().enumerate() {
            let awake = !replica.paused;
            let message = replica.message.as_ref();
            let asked = message.is_some_and(|message| message.reply.is_none());
            to.extend(
                (replica.may_fall_behind() && replica.run != Run::None).then_some(Action::Tick(Some(at))),
            );
            to.extend(asked.then_some(Action::Handle(at)));
            to.extend((awake && message.is_some() && !asked).then_some(Action::Hear(at)));
            let stops = matches!(replica.run, Run::Stopping | Run::Cut);
            to.extend((awake && stops).then_some(Action::Stopped(at)));
            to.extend(replica.paused.then_some(Action::Resume(at)));
            to.extend(replica.cut_off.then_some(Action::Reconnect(at)));
            to.extend((trouble && !replica.cut_off).then_some(Action::CutOff(at)));
            let disturbable = trouble && awake && replica.fate.is_none();
            to.extend(Fate::ALL.into_iter().filter(|_| disturbable).map(|fate| Action::Disturb(at, fate)));
            let runs = replica.run != Run::None;
            to.extend((trouble && awake && runs).then_some(Action::Pause(at)));
            to.extend((trouble && awake && runs).then_some(Action::Kill(at)));
            to.extend((trouble && awake && replica.run == Run::Running).then_some(Action::GiveUp(at)));
        }
        to.extend((0..state.store.late.len()).map(Action::HandleLate));
        let accompanies = |replica: &Replica| !replica.paused && replica.keeper.may_accompany(NOW);
        let all = state.replicas.iter().enumerate().filter(|(_, replica)| accompanies(replica));
        to.extend(all.map(|(at, _)| Action::Accompany(at)));
        to
    }

    fn next(&self, state: &State, action: Action) -> State {
        let mut next = state.clone();
        let mut acts = Vec::new();
        match action {
            Action::Tick(behind) => self.tick(&mut next, behind),
            Action::Handle(at) => self.handle_message(&mut next, at),
            Action::HandleLate(which) => {
                let late = next.store.late.remove(which);
                self.handle(&mut next, late);
            }
            Action::Hear(at) => self.hear(&mut next, at),
            Action::Stopped(at) => {
                next.replicas[at].stop_running();
                next.replicas[at].keeper.give(&mut acts);
                self.obey(&mut next, at, acts);
            }
            Action::Resume(at) => next.replicas[at].paused = false,
            Action::Reconnect(at) => next.replicas[at].cut_off = false,
            Action::Accompany(at) => {
                next.replicas[at].keeper.accompany(NOW, &mut acts);
                self.obey(&mut next, at, acts);
            }
            Action::CutOff(at) => next.replicas[at].cut_off = true,
            Action::Disturb(at, fate) => next.replicas[at].fate = Some(fate),
            Action::Pause(at) => next.replicas[at].paused = true,
            Action::Kill(at) => next.begin_anew(at),
            Action::GiveUp(at) => next.replicas[at].run = Run::Stopping,
        }
        let from_outside = matches!(
            action,
            Action::Disturb(..) | Action::CutOff(_) | Action::Pause(_) | Action::Kill(_) | Action::GiveUp(_)
        );
        next.troubles -= u8::from(from_outside);
        self.do_what_is_due(&mut next);
        next
    }

    fn tick(&self, state: &mut State, behind: Option<usize>) {
        for (at, replica) in state.replicas.iter_mut().enumerate() {
            replica.tick(behind == Some(at));
        }
        state.store.tick();
        // Its holder, if it is awake, has done what is due when the store lets go what is over.
        if let Some(at) = state.store.holder() {
            self.do_what_is_due_of(state, at);
        }
        state.store.let_go();
    }

    /// Whoever is not paused does what is due.
    fn do_what_is_due(&self, state: &mut State) {
        (0..state.replicas.len()).for_each(|at| self.do_what_is_due_of(state, at));
    }

    fn do_what_is_due_of(&self, state: &mut State, at: usize) {
        while let Some(call) = state.replicas[at].overdue() {
            // Nobody waits for it any more; it may arrive all the same.
            state.give_message_up(at);
            self.answer(state, at, call, Reply::Away);
        }
        let mut acts = Vec::new();
        if !state.replicas[at].paused {
            state.replicas[at].keeper.due_now(NOW, &mut acts);
        }
        self.obey(state, at, acts);
    }

    /// Unless something happens to it, it is answered at once.
    fn send(&self, state: &mut State, at: usize, call: Call) {
        state.give_message_up(at);
        let tenure = state.replicas[at].tenure;
        let message = Message { tenure, call, reply: None, newest: false };
        state.replicas[at].message = Some(message);
        if state.replicas[at].cut_off {
            state.replicas[at].message = None;
            return;
        }
        match state.replicas[at].fate.take() {
            None => {
                self.handle_message(state, at);
                self.hear(state, at);
            }
            Some(Fate::Slow) => {}
            Some(Fate::RequestLost) => state.replicas[at].message = None,
            Some(Fate::AnswerLost) => {
                self.handle_message(state, at);
                state.replicas[at].message = None;
            }
            Some(Fate::Doubled) => {
                state.store.send_late((at, tenure, call));
                self.handle_message(state, at);
                self.hear(state, at);
            }
        }
    }

    fn handle_message(&self, state: &mut State, at: usize) {
        let Some(message) = state.replicas[at].message else { return };
        let reply = self.handle(state, (at, message.tenure, message.call));
        state.replicas[at].message.iter_mut().for_each(|message| message.reply = Some(reply));
    }

    fn handle(&self, state: &mut State, request: (usize, u8, Call)) -> Reply {
        let (reply, granted) = state.store.handle(request, self.has(Fault::ConfusesTenures));
        if granted {
            state.replicas.iter_mut().for_each(Replica::grow_old);
            let (at, tenure, _) = request;
            let message = state.replicas[at].message.as_mut().filter(|message| message.tenure == tenure);
            message.into_iter().for_each(|message| message.newest = true);
        }
        reply
    }

    fn hear(&self, state: &mut State, at: usize) {
        let Some(message) = state.replicas[at].message.take() else { return };
        let Some(reply) = message.reply else { return };
        if self.has(Fault::CountsFromTheAnswer) {
            state.replicas[at].keeper.count_from(NOW);
        }
        if message.call == Call::Acquire {
            state.replicas[at].newest = message.newest;
        }
        self.answer(state, at, message.call, reply);
    }

    fn answer(&self, state: &mut State, at: usize, call: Call, reply: Reply) {
        let trusts = call == Call::Renew && reply == Reply::Away && self.has(Fault::TrustsInSilence);
        let reply = if trusts { Reply::Done(0) } else { reply };
        let mut acts = Vec::new();
        state.replicas[at].keeper.answered(call, reply, NOW, 0.0, &mut acts);
        self.obey(state, at, acts);
    }

    fn obey(&self, state: &mut State, at: usize, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Send(call) => self.send(state, at, call),
                Act::Acquired(_) => state.replicas[at].run = Run::Running,
                Act::Lost(_) => {
                    state.replicas[at].run = Run::Stopping;
                    if self.has(Fault::ReturnsTooEarly) {
                        let mut acts = Vec::new();
                        state.replicas[at].keeper.give(&mut acts);
                        self.obey(state, at, acts);
                    }
                }
                Act::Expired => state.replicas[at].run = Run::Cut,
                Act::Returned => state.seek(at),
                Act::EndProcess if self.has(Fault::ForgetsToCut) => {}
                Act::EndProcess => state.begin_anew(at),
                Act::Refused => {}
            }
        }
    }
}

impl State {
    fn judge(&self) -> Result<(), &'static str> {
        let running = || self.replicas.iter().filter(|replica| replica.run != Run::None);
        if running().filter(|replica| !replica.late).count() > 1 {
            return Err("two run at once");
        }
        if running().filter(|replica| replica.newest).count() > 1 {
            return Err("whoever is overtaken has an old epoch");
        }
        Ok(())
    }

    fn name(&self) -> u64 {
        foldhash::fast::FixedState::default().hash_one(self)
    }
}
