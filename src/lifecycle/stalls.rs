//! Who is stuck, who is starved by that, and who waits for it: what looks at the threads, taken one after the other, add up to.
//!
//! A look shows only what is so at that moment. Here it becomes a story: each stall is told once when it begins and once
//! when it is over.

use std::collections::BTreeMap;
use std::time::Duration;

/// A poll that has been going on for a while, as one look shows it.
#[derive(Debug, Clone)]
pub(crate) struct LongPoll<W> {
    pub(crate) who: W,
    /// Since when; with `who`, it tells one poll from another.
    pub(crate) began: Duration,
    /// Actors on the same thread that wait for their poll.
    pub(crate) behind: Vec<W>,
    /// Services that cannot start or stop before this one goes on.
    pub(crate) awaited_by: Vec<W>,
}

/// Why somebody doesn't get on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StallKind<W> {
    /// Its poll doesn't return.
    Stuck,
    /// It has something to do, but its thread is that one's.
    Starved(W),
    /// It can neither start nor stop before that one has.
    Waiting(W),
}

/// A stall that begins, or is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StallChange<W> {
    pub(crate) who: W,
    pub(crate) kind: StallKind<W>,
    pub(crate) lasted: Duration,
    pub(crate) over: bool,
}

/// The stalls that are going on.
#[derive(Debug)]
pub(crate) struct Stalls<W> {
    limit: Duration,
    open: BTreeMap<(StallKind<W>, W), Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    since: Duration,
    told: bool,
}

impl<W: Clone + Ord> Stalls<W> {
    /// What lasts for less than the limit is none.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, open: BTreeMap::new() }
    }

    /// Actors whose polls are known to be too long.
    pub(crate) fn stuck(&self) -> impl Iterator<Item = &W> {
        self.open.keys().filter(|(kind, _)| *kind == StallKind::Stuck).map(|(_, who)| who)
    }

    /// What has changed since the last look: first what is over, culprits before victims.
    pub(crate) fn look(&mut self, now: Duration, polls: &[LongPoll<W>]) -> Vec<StallChange<W>> {
        let mut seen = BTreeMap::new();
        for poll in polls {
            let stuck = now.saturating_sub(poll.began) >= self.limit;
            seen.insert((StallKind::Stuck, poll.who.clone()), Open { since: poll.began, told: stuck });
            for victim in &poll.behind {
                let key = (StallKind::Starved(poll.who.clone()), victim.clone());
                let since = self.since(&key, poll.began).unwrap_or(now);
                seen.insert(key, Open { since, told: stuck && now - since >= self.limit });
            }
            for waiter in poll.awaited_by.iter().filter(|_| stuck) {
                let key = (StallKind::Waiting(poll.who.clone()), waiter.clone());
                let since = self.since(&key, poll.began).unwrap_or(now);
                seen.insert(key, Open { since, told: true });
            }
        }
        let before = std::mem::replace(&mut self.open, seen);
        let same =
            |one: Option<&Open>, other: &Open| one.is_some_and(|one| one.told && one.since == other.since);
        let change = |(key, open): (&(StallKind<W>, W), &Open), over| StallChange {
            who: key.1.clone(),
            kind: key.0.clone(),
            lasted: now.saturating_sub(open.since),
            over,
        };
        let over = before.iter().filter(|(key, open)| open.told && !same(self.open.get(key), open));
        let begun = self.open.iter().filter(|(key, open)| open.told && !same(before.get(key), open));
        over.map(|stall| change(stall, true)).chain(begun.map(|stall| change(stall, false))).collect()
    }

    /// The watchdog ends: every open stall is closed.
    pub(crate) fn close(&mut self, now: Duration) -> Vec<StallChange<W>> {
        self.look(now, &[])
    }

    /// Since when that has been so, if it was within the poll that began then.
    fn since(&self, key: &(StallKind<W>, W), began: Duration) -> Option<Duration> {
        self.open.get(key).map(|open| open.since).filter(|since| *since >= began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn poll(who: &'static str, began: u32, behind: &[&'static str]) -> LongPoll<&'static str> {
        LongPoll { who, began: began * MS, behind: behind.to_vec(), awaited_by: Vec::new() }
    }

    /// `+ stuck a 100`: it begins, and has lasted for so many milliseconds.
    fn told(stalls: &mut Stalls<&'static str>, now: u32, polls: &[LongPoll<&'static str>]) -> Vec<String> {
        let text = |change: StallChange<&str>| {
            let kind = match change.kind {
                StallKind::Stuck => "stuck".to_owned(),
                StallKind::Starved(by) => format!("starved by {by}"),
                StallKind::Waiting(on) => format!("waiting on {on}"),
            };
            let sign = if change.over { '-' } else { '+' };
            format!("{sign} {} {kind} {}", change.who, change.lasted.as_millis())
        };
        stalls.look(now * MS, polls).into_iter().map(text).collect()
    }

    #[test]
    fn g09_a_long_poll_is_told_once_when_it_begins_and_once_when_it_is_over() {
        let mut stalls = Stalls::new(100 * MS);
        assert!(told(&mut stalls, 60, &[poll("a", 0, &[])]).is_empty());
        assert_eq!(told(&mut stalls, 110, &[poll("a", 0, &[])]), ["+ a stuck 110"]);
        assert!(told(&mut stalls, 160, &[poll("a", 0, &[])]).is_empty());
        assert_eq!(told(&mut stalls, 210, &[]), ["- a stuck 210"]);
        assert!(told(&mut stalls, 260, &[]).is_empty());
    }

    #[test]
    fn g09_one_long_poll_after_another_is_told_as_two() {
        let mut stalls = Stalls::new(100 * MS);
        assert_eq!(told(&mut stalls, 110, &[poll("a", 0, &[])]), ["+ a stuck 110"]);
        let next = poll("a", 120, &[]);
        assert_eq!(told(&mut stalls, 230, &[next]), ["- a stuck 230", "+ a stuck 110"]);
    }

    #[test]
    fn g09_many_short_polls_are_no_stall() {
        let mut stalls = Stalls::new(100 * MS);
        for now in (0..2000).step_by(25) {
            assert!(told(&mut stalls, now, &[poll("a", now.saturating_sub(99), &[])]).is_empty());
        }
    }

    #[test]
    fn g09_who_waits_for_a_stuck_thread_is_starved_once_that_has_lasted() {
        let mut stalls = Stalls::new(100 * MS);
        assert!(told(&mut stalls, 60, &[poll("a", 0, &[])]).is_empty());
        let both = [poll("a", 0, &["b"])];
        assert_eq!(told(&mut stalls, 110, &both), ["+ a stuck 110"]);
        assert!(told(&mut stalls, 160, &both).is_empty());
        assert_eq!(told(&mut stalls, 210, &both), ["+ b starved by a 100"]);
        assert_eq!(told(&mut stalls, 260, &[]), ["- a stuck 260", "- b starved by a 150"]);
    }

    #[test]
    fn g09_who_waits_behind_one_poll_and_then_behind_another_starts_anew() {
        let mut stalls = Stalls::new(100 * MS);
        assert!(told(&mut stalls, 90, &[poll("a", 0, &["b"])]).is_empty());
        let second = [poll("a", 95, &["b"])];
        assert_eq!(told(&mut stalls, 196, &second), ["+ a stuck 101"]);
        assert_eq!(told(&mut stalls, 296, &second), ["+ b starved by a 100"]);
    }

    #[test]
    fn g09_who_needs_a_stuck_one_is_told_with_it() {
        let mut stalls = Stalls::new(100 * MS);
        let waits = |awaited_by| LongPoll { awaited_by, ..poll("a", 0, &[]) };
        assert!(told(&mut stalls, 90, &[waits(vec!["b"])]).is_empty());
        assert_eq!(told(&mut stalls, 110, &[waits(vec!["b"])]), ["+ a stuck 110", "+ b waiting on a 0"]);
        assert_eq!(told(&mut stalls, 150, &[waits(vec![])]), ["- b waiting on a 40"]);
        assert_eq!(stalls.stuck().collect::<Vec<_>>(), [&"a"]);
    }
}
