//! What the rules are told of a service before it starts, and in which order services may start.

use super::names::{Kind, ServiceIx};

/// A service, as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Spec {
    pub(crate) kind: Kind,
    pub(crate) mode: RestartMode,
    /// How many restarts its budget allows within its period; `None`: any number.
    pub(crate) most_restarts: Option<u32>,
    /// How many retries of its set-up are allowed within their period; `None`: any number.
    pub(crate) most_setup_retries: Option<u32>,
    /// Whether its actor can be started again.
    pub(crate) restartable: bool,
    /// Whether it is restarted without any delay.
    pub(crate) at_once: bool,
    /// Whether its stop within the shutdown has a limit of its own.
    pub(crate) stop_limit: bool,
    /// Whether it takes part in reloads.
    pub(crate) reloadable: bool,
    /// Whether a successor starts it only when its predecessor has released everything.
    pub(crate) after_handover: bool,
    /// Whether each of its lives needs a lease. Then it can be started again, nobody depends on it, and it answers nobody.
    pub(crate) leased: bool,
    pub(crate) depends_on: Vec<Dependency>,
}

/// That a service needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Dependency {
    pub(crate) on: ServiceIx,
    /// Whether it goes on while the other restarts.
    pub(crate) survives: bool,
}

/// When a service is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RestartMode {
    /// Never: its failure begins the manager's shutdown. OTP's `temporary` comes closest, but a failed temporary child is
    /// forgotten.
    #[default]
    Never,
    /// When it fails. OTP: `transient`; systemd: `Restart=on-failure`.
    OnFailure,
    /// When it fails, and when its main loop returns. OTP: `permanent`; systemd: `Restart=always`.
    Always,
}

impl Spec {
    /// A service that is never restarted and depends on nobody.
    #[cfg(all(test, rules_alone))]
    pub(crate) fn plain(kind: Kind) -> Self {
        Self {
            kind,
            mode: RestartMode::Never,
            most_restarts: Some(0),
            most_setup_retries: Some(0),
            restartable: false,
            at_once: false,
            stop_limit: false,
            reloadable: false,
            after_handover: false,
            leased: false,
            depends_on: Vec::new(),
        }
    }
}

/// An order in which everybody comes after those that it depends on; otherwise as handed over.
///
/// # Errors
/// A cycle: each depends on the next, the last on the first.
pub(crate) fn start_order(depends_on: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut missing: Vec<usize> = depends_on.iter().map(Vec::len).collect();
    let mut dependents = vec![Vec::new(); depends_on.len()];
    for (at, on) in depends_on.iter().enumerate() {
        for &on in on {
            dependents[on].push(at);
        }
    }
    let ready = missing.iter().enumerate().filter(|&(_, &missing)| missing == 0);
    let mut ready: std::collections::BTreeSet<usize> = ready.map(|(at, _)| at).collect();
    let mut order = Vec::with_capacity(depends_on.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for &dependent in &dependents[at] {
            missing[dependent] -= 1;
            if missing[dependent] == 0 {
                ready.insert(dependent);
            }
        }
    }
    if order.len() == depends_on.len() { Ok(order) } else { Err(cycle(depends_on, &missing)) }
}

/// A service that never starts waits for another that never does: following these leads to the cycle.
fn cycle(depends_on: &[Vec<usize>], missing: &[usize]) -> Vec<usize> {
    let stuck = |&at: &usize| missing[at] > 0;
    let mut way: Vec<usize> = (0..missing.len()).filter(stuck).take(1).collect();
    loop {
        let next = way.last().and_then(|&at| depends_on[at].iter().copied().find(stuck));
        let Some(next) = next else { return way };
        if let Some(first) = way.iter().position(|&at| at == next) {
            return way.split_off(first);
        }
        way.push(next);
    }
}

/// After how many others each stops, one after the other: those that depend on it go first. `order` is a start order.
pub(crate) fn stop_turns<N>(
    count: usize,
    order: impl DoubleEndedIterator<Item = usize>,
    needs: impl Fn(usize) -> N,
) -> Vec<u32>
where
    N: IntoIterator<Item = usize>,
{
    let mut turns = vec![0; count];
    for at in order.rev() {
        for on in needs(at) {
            turns[on] = turns[on].max(turns[at] + 1);
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_starts_after_those_that_it_depends_on_otherwise_as_handed_over() {
        assert_eq!(start_order(&[vec![], vec![], vec![]]), Ok(vec![0, 1, 2]));
        assert_eq!(start_order(&[vec![2], vec![], vec![]]), Ok(vec![1, 2, 0]));
        assert_eq!(start_order(&[vec![1, 2], vec![3], vec![3], vec![]]), Ok(vec![3, 1, 2, 0]));
    }

    #[test]
    fn a_cycle_is_spelled_out_without_those_who_merely_wait_for_it() {
        assert_eq!(start_order(&[vec![0]]), Err(vec![0]));
        assert_eq!(start_order(&[vec![1], vec![2], vec![3], vec![1]]), Err(vec![1, 2, 3]));
    }
}
