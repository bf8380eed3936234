//! Walks through every state, breadth first; each is visited once.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::{Action, Both, System};

/// What was seen.
pub(super) struct Explored {
    pub(super) states: usize,
    pub(super) transitions: usize,
    pub(super) took: Duration,
    /// The first that was found broken, and the way to it.
    pub(super) broken: Option<(&'static str, Vec<Action>)>,
}

/// How each state was reached first.
struct Ways(Vec<(u32, Option<Action>)>);

impl Ways {
    fn to(&self, mut at: u32) -> Vec<Action> {
        let mut way = Vec::new();
        while let (before, Some(action)) = self.0[at as usize] {
            way.push(action);
            at = before;
        }
        way.reverse();
        way
    }
}

impl System {
    pub(super) fn explore(&self) -> Explored {
        let began = Instant::now();
        let first = self.start();
        let mut numbers = HashMap::from([(first.name(), 0_u32)]);
        let mut ways = Ways(vec![(0, None)]);
        let mut next: VecDeque<(u32, Both)> = VecDeque::from([(0, first)]);
        let (mut transitions, mut natural_steps) = (0, Vec::new());
        let mut broken = None;
        while let Some((number, both)) = next.pop_front() {
            let steps = |actions: Vec<Action>| {
                let after = actions.into_iter().map(|action| (action, self.next(&both, action)));
                // What changes nothing is no step.
                after.filter(|(_, after)| *after != both).collect::<Vec<_>>()
            };
            let natural = steps(self.natural(&both));
            let verdict = both.breaks().or_else(|| both.ends_badly().filter(|_| natural.is_empty()));
            if let Some(broke) = verdict {
                broken = Some((broke, ways.to(number)));
                break;
            }
            for (action, after) in natural.into_iter().chain(steps(self.disturbances(&both))) {
                transitions += 1;
                let fresh = numbers.len() as u32;
                let known = *numbers.entry(after.name()).or_insert(fresh);
                if known == fresh {
                    ways.0.push((number, Some(action)));
                    next.push_back((fresh, after));
                }
                if !action.is_from_outside() {
                    natural_steps.push((number, known));
                }
            }
        }
        let states = numbers.len();
        if broken.is_none()
            && let Some(at) = in_a_circle(states, &natural_steps)
        {
            broken = Some(("a path without an end", ways.to(at)));
        }
        Explored { states, transitions, took: began.elapsed(), broken }
    }
}

/// A state from which it can go on for ever: whoever is left when all that lead nowhere are taken away, again and again.
fn in_a_circle(states: usize, steps: &[(u32, u32)]) -> Option<u32> {
    let mut left = vec![0_u32; states];
    let mut into = vec![0_u32; states + 1];
    for &(from, to) in steps {
        left[from as usize] += 1;
        into[to as usize + 1] += 1;
    }
    for at in 0..states {
        into[at + 1] += into[at];
    }
    let mut place = into.clone();
    let mut from_where = vec![0_u32; steps.len()];
    for &(from, to) in steps {
        from_where[place[to as usize] as usize] = from;
        place[to as usize] += 1;
    }
    let mut ends: Vec<u32> = (0..states as u32).filter(|&at| left[at as usize] == 0).collect();
    while let Some(at) = ends.pop() {
        for &from in &from_where[into[at as usize] as usize..into[at as usize + 1] as usize] {
            left[from as usize] -= 1;
            ends.extend((left[from as usize] == 0).then_some(from));
        }
    }
    left.iter().position(|&left| left > 0).map(|at| at as u32)
}

#[test]
fn a_circle_is_found_and_nothing_else_is_taken_for_one() {
    assert_eq!(in_a_circle(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]), None);
    assert!(in_a_circle(4, &[(0, 1), (1, 2), (2, 1), (2, 3)]).is_some());
    assert_eq!(in_a_circle(2, &[(0, 0)]), Some(0));
}
