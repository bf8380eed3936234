//! Who is up, and who is waited for: a fold over the events of a manager.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use crate::base::seconds;
use crate::events::{Failure, LifecycleEvent, Name, Phase, TimedEvent};
use crate::lifecycle::{Activity, Outcome, Step, WaitsFor};

/// How many of those who are waited for are named.
const NAMED: usize = 3;

/// What a service is while all run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Not set up, or not any more.
    Down,
    Up,
    /// Its main loop has ended, as it was to.
    Done,
    /// It waits for its lease, which another replica has.
    Standby,
}

type Key = (Name, Option<Name>, Activity);

/// Something that has begun and not ended.
#[derive(Debug)]
struct Open {
    key: Key,
    since: Duration,
    /// Which try of a set-up it is, from 1 where it is not the first.
    retry: u32,
    /// Whether the next try is still to begin.
    rests: bool,
}

/// The services of a manager, and what is open.
#[derive(Debug)]
pub(super) struct Services {
    standing: HashMap<Name, Standing>,
    /// In the order in which they began.
    open: BTreeMap<u64, Open>,
    places: HashMap<Key, u64>,
    next: u64,
    /// Those that were told to stop.
    asked: HashSet<Name>,
}

impl Services {
    pub(super) fn new(ids: impl IntoIterator<Item = Name>) -> Self {
        Self {
            standing: ids.into_iter().map(|id| (id, Standing::Down)).collect(),
            open: BTreeMap::new(),
            places: HashMap::new(),
            next: 0,
            asked: HashSet::new(),
        }
    }

    /// Takes note of an event.
    pub(super) fn observe(&mut self, timed: &TimedEvent) {
        use LifecycleEvent as E;
        self.stand(&timed.event);
        match &timed.event {
            E::SetupRetried { service, retry, .. } => {
                if let Some(open) = self.entry(&(service.clone(), None, Activity::Step(Step::Setup))) {
                    open.retry = *retry;
                }
            }
            E::ShutdownRequested { .. } => self.give_up_retries(),
            event => self.begin_or_end(event, timed.at),
        }
    }

    /// What becomes of a service by it.
    fn stand(&mut self, event: &LifecycleEvent) {
        use LifecycleEvent as E;
        let Some(service) = event.service() else { return };
        let standing = match event {
            E::ServiceRemoved { .. } => {
                self.standing.remove(service);
                return;
            }
            E::Standby { waits_for: WaitsFor::Lease, .. } => Standing::Standby,
            E::SetupFinished { end, .. } if end.outcome == Outcome::Ok => Standing::Up,
            E::RunFinished { end, .. } if end.outcome == Outcome::Ok && end.error.is_none() => Standing::Done,
            E::RunFinished { .. }
            | E::SetupStarted { .. }
            | E::RestartStarted { .. }
            | E::StopStarted { .. }
            | E::ServiceAdded { .. }
            | E::ServiceLost { .. } => Standing::Down,
            _ => return,
        };
        self.standing.insert(service.clone(), standing);
    }

    fn begin_or_end(&mut self, event: &LifecycleEvent, at: Duration) {
        let about = event.about();
        let (Some(service), Some(activity), Some(phase)) = (about.service, about.activity, about.phase)
        else {
            return;
        };
        if !matches!(activity, Activity::Step(_) | Activity::Release) {
            return;
        }
        let key = (service.clone(), about.resource.cloned(), activity);
        match phase {
            Phase::Started => {
                match activity {
                    Activity::Step(Step::Shutdown) => drop(self.asked.insert(service.clone())),
                    Activity::Step(Step::Setup) => drop(self.asked.remove(service)),
                    _ => {}
                }
                self.begin(key, at);
            }
            Phase::Finished(end) if end.error.as_ref().is_some_and(Failure::is_retried) => {
                if let Some(open) = self.entry(&key) {
                    open.rests = true;
                }
            }
            Phase::Finished(_) | Phase::Failed(..) => self.end(&key),
        }
    }

    fn entry(&mut self, key: &Key) -> Option<&mut Open> {
        self.open.get_mut(self.places.get(key)?)
    }

    fn begin(&mut self, key: Key, since: Duration) {
        if let Some(tried_again) = self.entry(&key) {
            tried_again.rests = false;
            return;
        }
        self.places.insert(key.clone(), self.next);
        self.open.insert(self.next, Open { key, since, retry: 0, rests: false });
        self.next += 1;
    }

    fn end(&mut self, key: &Key) {
        if let Some(place) = self.places.remove(key) {
            self.open.remove(&place);
        }
    }

    /// Once the manager stops, no set-up is tried again.
    fn give_up_retries(&mut self) {
        let resting: Vec<Key> =
            self.open.values().filter(|open| open.rests).map(|open| open.key.clone()).collect();
        resting.iter().for_each(|key| self.end(key));
    }

    /// `12 of 14 up, 1 done, 1 standing by`
    pub(super) fn up(&self) -> String {
        let count = |standing| self.standing.values().filter(|is| **is == standing).count();
        let more = [(Standing::Done, "done"), (Standing::Standby, "standing by")];
        let more = more.map(|(standing, word)| match count(standing) {
            0 => String::new(),
            count => format!(", {count} {word}"),
        });
        format!("{} of {} up{}", count(Standing::Up), self.standing.len(), more.concat())
    }

    /// Whether somebody is waited for who comes up, or goes down alone.
    pub(super) fn are_changing(&self) -> bool {
        self.changing().next().is_some()
    }

    fn changing(&self) -> impl Iterator<Item = &Open> {
        self.open.values().filter(|open| open.key.2 != Activity::Step(Step::Run))
    }

    /// Those, the longest first, and for how long: `database (setup) for 3.2 s and 4 more`.
    pub(super) fn changing_for(&self, now: Duration) -> String {
        let text = |open: &Open| format!("{} for {}", open.text(), seconds(now.saturating_sub(open.since)));
        list(self.changing(), text)
    }

    /// Who was told to stop and has not: `mailer (run), database (release of pool)`.
    pub(super) fn stopping(&self) -> String {
        let run = Activity::Step(Step::Run);
        let mut named = HashSet::new();
        let waited_for = self.open.values().filter(|open| {
            let (service, resource, activity) = &open.key;
            (*activity != run || self.asked.contains(service)) && named.insert((service, resource))
        });
        list(waited_for, Open::text)
    }
}

impl Open {
    fn text(&self) -> String {
        let (service, resource, activity) = &self.key;
        let doing = activity.name();
        match (resource, self.retry) {
            (Some(resource), _) => format!("{service} ({doing} of {resource})"),
            (None, 0) => format!("{service} ({doing})"),
            (None, retry) => format!("{service} ({doing}, retry {retry})"),
        }
    }
}

/// The first few, and how many there are beside them.
fn list<'a>(mut all: impl Iterator<Item = &'a Open>, text: impl Fn(&Open) -> String) -> String {
    let named: Vec<String> = all.by_ref().take(NAMED).map(text).collect();
    let more = all.count();
    let named = named.join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::End;

    #[test]
    fn g25_who_stands_by_is_told_as_that_until_it_is_set_up() {
        let mut services = Services::new(["web".into(), "reports".into()]);
        let mut up = |event| {
            services.observe(&TimedEvent { at: Duration::ZERO, event });
            services.up()
        };
        let ok = || End { took: Duration::ZERO, outcome: Outcome::Ok, error: None, cancelled: false };
        let set_up = |id: &str| LifecycleEvent::SetupFinished { service: id.into(), end: ok() };
        assert_eq!(up(set_up("web")), "1 of 2 up");
        let standby = LifecycleEvent::Standby { service: "reports".into(), waits_for: WaitsFor::Lease };
        assert_eq!(up(standby), "1 of 2 up, 1 standing by");
        assert_eq!(up(LifecycleEvent::SetupStarted { service: "reports".into() }), "1 of 2 up");
        assert_eq!(up(set_up("reports")), "2 of 2 up");
    }
}
