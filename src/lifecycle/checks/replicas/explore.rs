//! Walking through every state of replicas, breadth first.

use foldhash::{HashSet, HashSetExt};

use super::replica::Run;
use super::{Action, State, System};

/// What a walk has found.
pub(super) struct Explored {
    pub(super) states: usize,
    pub(super) broken: Option<(&'static str, Vec<Action>)>,
}

impl System {
    /// Walks through every state, breadth first.
    pub(super) fn explore(&self) -> Explored {
        let mut seen: HashSet<u64> = HashSet::new();
        let mut all: Vec<(Option<(usize, Action)>, State)> = vec![(None, self.start())];
        seen.insert(all[0].1.name());
        let way = |all: &[(Option<(usize, Action)>, State)], mut at: usize| {
            let mut way = Vec::new();
            while let Some((before, action)) = all[at].0 {
                way.push(action);
                at = before;
            }
            way.reverse();
            way
        };
        let mut at = 0;
        while at < all.len() {
            let verdict = all[at].1.judge().and_then(|()| self.comes_to_run(&all[at].1));
            if let Err(broken) = verdict {
                return Explored { states: all.len(), broken: Some((broken, way(&all, at))) };
            }
            for action in self.actions(&all[at].1) {
                let next = self.next(&all[at].1, action);
                if seen.insert(next.name()) {
                    all.push((Some((at, action)), next));
                }
            }
            at += 1;
        }
        Explored { states: all.len(), broken: None }
    }

    /// When nothing more goes wrong, somebody runs again.
    fn comes_to_run(&self, state: &State) -> Result<(), &'static str> {
        if state.tenures == 0 || self.fault.is_some() {
            return Ok(());
        }
        let mut calm = State { troubles: 0, tenures: u8::MAX, ..state.clone() };
        for _ in 0..150 {
            if calm.replicas.iter().any(|replica| replica.run == Run::Running && !replica.paused) {
                return Ok(());
            }
            // Time passes, and nothing goes early.
            let waits = |action: &Action| matches!(action, Action::Tick(_) | Action::Accompany(_));
            let first = self.actions(&calm).into_iter().find(|action| !waits(action));
            calm = self.next(&calm, first.unwrap_or(Action::Tick(None)));
        }
        Err("somebody runs again when nothing more goes wrong")
    }
}
