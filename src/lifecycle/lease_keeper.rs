//! One lease of one process: when it is asked for, renewed, lost and given back. No clock, no store: times and answers come in.
//!
//! ```text
//!   Idle --seek--> Seeking --granted--> Held ---------- give ----------> Returning --> Idle
//!                    |  ^                | too late for another renewal:     ^
//!                    |  '- taken, away   |   lost, then expired, then        |
//!                    '------- give ------|------ the process ends            |
//!                                        '- leave --> Lapsing: the process ends before the lease does
//! ```
//!
//! A store that is away is no loss: only time is. One that says that somebody else has the lease is believed at once. Each stay from `seek` on is a
//! tenure: to the store each has a holder of its own, so that what comes late of one cannot touch another.

#[cfg(test)]
mod tests;
#[cfg(all(test, rules_alone))]
mod ticks;

use std::time::Duration;

use super::lease_terms::Terms;

/// A request to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Acquire,
    Renew,
    Release,
}

impl Call {
    /// Whether it may be told late that it was done, with whatever happens next. A renewal is waited for until the next is due, and counts from when it was sent.
    pub(crate) fn done_may_wait(self) -> bool {
        self == Call::Renew
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reply {
    /// Done; for `Acquire`, with this epoch.
    Done(u64),
    /// Somebody else has it, for as long as that at most, where the store says so.
    Taken(Option<Duration>),
    /// Nobody knows whether the store did it.
    Away,
    /// It will never be done.
    Refused,
}

/// Why a lease was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Loss {
    /// Somebody else has it.
    Taken,
    /// It could not be renewed in time.
    Late,
}

/// Something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    /// Ask the store; what is still open of another request is dropped.
    Send(Call),
    Acquired(u64),
    Lost(Loss),
    /// What still runs is to be cut.
    Expired,
    Refused,
    Returned,
    /// Something still runs, and others may: the process ends now.
    EndProcess,
}

/// How soon a lease is asked for again, however often a store says that it may be free.
const HINTS: Duration = Duration::from_millis(100);

/// How often the giving back is tried. Whoever waits for it is kept no longer.
const RETURNS: u8 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Told {
    Nothing,
    Lost,
    /// And when the process is to end at the latest.
    Expired(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Idle,
    Seeking {
        next: Duration,
    },
    Held {
        until: Duration,
        /// When it is renewed next; `None`: it is not renewed any more.
        next: Option<Duration>,
        told: Told,
    },
    Returning {
        tries: u8,
    },
    Lapsing {
        over: Duration,
    },
}

/// One lease, as one process keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Keeper {
    terms: Terms,
    phase: Phase,
    /// The request that is open, and when it was sent.
    open: Option<(Call, Duration)>,
    /// When the lease was asked for last.
    asked: Option<Duration>,
}

impl Keeper {
    pub(crate) fn new(terms: Terms) -> Self {
        Self { terms, phase: Phase::Idle, open: None, asked: None }
    }

    /// A tenure begins.
    pub(crate) fn seek(&mut self, now: Duration) {
        if self.phase == Phase::Idle {
            self.phase = Phase::Seeking { next: now };
        }
    }

    /// Nothing needs it any more.
    pub(crate) fn give(&mut self, out: &mut Vec<Act>) {
        match self.phase {
            Phase::Seeking { .. } if self.open.is_none() && self.asked.is_none() => self.returned(out),
            // What is on its way may be granted: that is waited for, so that it is not granted to nobody.
            Phase::Seeking { .. } => {
                self.phase = Phase::Returning { tries: RETURNS };
                self.release_unless_open(out);
            }
            Phase::Held { .. } => {
                self.phase = Phase::Returning { tries: RETURNS };
                self.open = None;
                self.release_unless_open(out);
            }
            Phase::Idle | Phase::Returning { .. } | Phase::Lapsing { .. } => {}
        }
    }

    /// Something that needed it may still run.
    pub(crate) fn leave(&mut self) {
        if let Phase::Held { until, told, .. } = self.phase {
            let over = match told {
                Told::Expired(over) => over,
                Told::Nothing | Told::Lost => self.terms.over_at(until),
            };
            (self.phase, self.open) = (Phase::Lapsing { over }, None);
        }
    }

    /// The lease may be free: it is asked for soon.
    pub(crate) fn hint(&mut self, now: Duration) {
        if let Phase::Seeking { next } = &mut self.phase {
            let soonest = self.asked.map_or(now, |asked| asked + HINTS.min(self.terms.renew / 8));
            *next = (*next).min(soonest.max(now));
        }
    }

    /// Whether it may ask now, before it is due.
    pub(crate) fn may_accompany(&self, now: Duration) -> bool {
        let (next, early) = match self.phase {
            // What chance adds to its pause, and half as much again, since not all are answered at once: those that asked together do so again.
            Phase::Seeking { next } => (next, self.terms.early * 3 / 2),
            Phase::Held { next: Some(next), .. } => (next, self.terms.early),
            _ => return false,
        };
        self.open.is_none() && next > now && next <= now + early
    }

    /// Another lease of this process asks: what this one would ask soon goes with it, so that many leases wake their thread as often as one does.
    pub(crate) fn accompany(&mut self, now: Duration, out: &mut Vec<Act>) {
        if self.may_accompany(now)
            && let Phase::Seeking { next } | Phase::Held { next: Some(next), .. } = &mut self.phase
        {
            *next = now;
        }
        self.due_now(now, out);
    }

    /// The store answered the request that is open. `jitter`: from 0 to 1, so that replicas do not all ask in the same moment.
    pub(crate) fn answered(
        &mut self,
        call: Call,
        reply: Reply,
        now: Duration,
        jitter: f64,
        out: &mut Vec<Act>,
    ) {
        let Some((_, sent)) = self.open.take_if(|(open, _)| *open == call) else { return };
        match (self.phase, call, reply) {
            (Phase::Seeking { .. }, Call::Acquire, Reply::Done(epoch)) => {
                self.acquired(sent, epoch, now, out)
            }
            (Phase::Seeking { .. }, Call::Acquire, Reply::Refused) => {
                self.phase = Phase::Idle;
                self.asked = None;
                out.push(Act::Refused);
            }
            (Phase::Seeking { .. }, Call::Acquire, reply) => {
                let most = self.terms.renew;
                let pause = if let Reply::Taken(Some(left)) = reply { left.min(most) } else { most };
                self.phase = Phase::Seeking { next: now + pause + most.mul_f64(jitter / 4.0) };
            }
            (
                Phase::Held { until, told: told @ (Told::Nothing | Told::Lost), .. },
                Call::Renew,
                Reply::Done(_),
            ) => {
                let until = until.max(sent + self.terms.ttl);
                self.phase = Phase::Held { until, next: Some(sent + self.terms.renew), told };
            }
            (Phase::Held { told: Told::Expired(_), .. }, ..) => {}
            (Phase::Held { told, .. }, Call::Renew, Reply::Taken(_)) => {
                // Others may run already.
                let over = now + self.terms.cut;
                let until = over + self.terms.margin + self.terms.end;
                self.phase = Phase::Held { until, next: None, told: Told::Expired(over) };
                out.extend((told == Told::Nothing).then_some(Act::Lost(Loss::Taken)));
                out.push(Act::Expired);
            }
            (Phase::Held { until, told, .. }, Call::Renew, _) => {
                let again = now + (self.terms.renew / 4).mul_f64(0.75 + jitter / 2.0);
                self.phase = Phase::Held { until, next: Some(again), told };
            }
            (Phase::Returning { .. }, Call::Acquire, Reply::Taken(_) | Reply::Refused) => self.returned(out),
            (Phase::Returning { .. }, Call::Acquire, _) => self.release_unless_open(out),
            (Phase::Returning { tries }, Call::Release, Reply::Away) if tries > 1 => {
                self.phase = Phase::Returning { tries: tries - 1 };
                self.release_unless_open(out);
            }
            (Phase::Returning { .. }, Call::Release, _) => self.returned(out),
            _ => {}
        }
        self.due_now(now, out);
    }

    /// Until when it has the lease, if it does: unless it is renewed, or the store says otherwise.
    pub(crate) fn held_until(&self) -> Option<Duration> {
        match self.phase {
            Phase::Held { until, told: Told::Nothing | Told::Lost, .. } => Some(until),
            _ => None,
        }
    }

    /// When it wants to be woken.
    pub(crate) fn wakes_at(&self) -> Option<Duration> {
        match self.phase {
            Phase::Idle | Phase::Returning { .. } => None,
            Phase::Seeking { next } => self.open.is_none().then_some(next),
            Phase::Held { until, next, told } => {
                let renews = next.filter(|_| self.open.is_none());
                let must = match told {
                    Told::Nothing => self.terms.stop_at(until),
                    Told::Lost => self.terms.cut_at(until),
                    Told::Expired(over) => over,
                };
                Some(renews.map_or(must, |renews| renews.min(must)))
            }
            Phase::Lapsing { over } => Some(over),
        }
    }

    /// It is woken, or may be due.
    pub(crate) fn due_now(&mut self, now: Duration, out: &mut Vec<Act>) {
        while self.wakes_at().is_some_and(|at| at <= now) {
            match self.phase {
                Phase::Held { until, next, told } if !self.is_due(until, told, now) => {
                    self.phase = Phase::Held { until, next, told };
                    self.send(Call::Renew, now, out);
                }
                Phase::Held { until, next, told: Told::Nothing } => {
                    self.phase = Phase::Held { until, next, told: Told::Lost };
                    out.push(Act::Lost(Loss::Late));
                }
                Phase::Held { until, told: Told::Lost, .. } => {
                    let over = self.terms.over_at(until);
                    // Whoever notices too late still has the time that it takes to cut.
                    let over = if now < over { over } else { now + self.terms.cut };
                    self.phase = Phase::Held { until, next: None, told: Told::Expired(over) };
                    out.push(Act::Expired);
                }
                Phase::Held { .. } | Phase::Lapsing { .. } => {
                    self.phase = Phase::Idle;
                    out.push(Act::EndProcess);
                }
                Phase::Seeking { .. } => self.send(Call::Acquire, now, out),
                Phase::Idle | Phase::Returning { .. } => return,
            }
        }
    }

    /// Whether the service must be told something.
    fn is_due(&self, until: Duration, told: Told, now: Duration) -> bool {
        now >= match told {
            Told::Nothing => self.terms.stop_at(until),
            Told::Lost => self.terms.cut_at(until),
            Told::Expired(over) => over,
        }
    }

    fn acquired(&mut self, sent: Duration, epoch: u64, now: Duration, out: &mut Vec<Act>) {
        let until = sent + self.terms.ttl;
        if now >= self.terms.stop_at(until) {
            // It came too late to begin anything with.
            self.phase = Phase::Seeking { next: now };
            return;
        }
        self.phase = Phase::Held { until, next: Some(sent + self.terms.renew), told: Told::Nothing };
        out.push(Act::Acquired(epoch));
    }

    fn send(&mut self, call: Call, now: Duration, out: &mut Vec<Act>) {
        self.open = Some((call, now));
        self.asked = Some(now);
        out.push(Act::Send(call));
    }

    fn release_unless_open(&mut self, out: &mut Vec<Act>) {
        if self.open.is_none() {
            self.open = Some((Call::Release, Duration::ZERO));
            out.push(Act::Send(Call::Release));
        }
    }

    fn returned(&mut self, out: &mut Vec<Act>) {
        (self.phase, self.open, self.asked) = (Phase::Idle, None, None);
        out.push(Act::Returned);
    }
}
