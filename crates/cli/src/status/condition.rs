//! What the state of a service comes to.

use super::model::Service;

/// The kinds of states that a reader tells apart. A status has them as text alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It has not been asked for anything yet.
    Waiting,
    SettingUp,
    /// It is set up, and has nothing to run, or not yet.
    Ready,
    RetryingSetup,
    Running,
    Restarting,
    /// On its way to its end.
    Stopping,
    /// Down by an order.
    Stopped,
    /// Its main loop has returned.
    Finished,
    /// It failed, panicked, ended or was cut off.
    Failed,
    Cancelled,
    /// A newer manager says what this program does not know.
    Other,
}

impl Condition {
    pub(crate) fn of(state: &str) -> Self {
        let begins = |word: &str| state.starts_with(word);
        let is_word =
            |word: &str| state.split_once(' ').is_some_and(|(_, rest)| rest.split(':').next() == Some(word));
        if begins("restarting: ") {
            Self::Restarting
        } else if begins("to be set up again") {
            Self::RetryingSetup
        } else if begins("running") {
            Self::Running
        } else if begins("setting up") || begins("registering") {
            Self::SettingUp
        } else if begins("shutting down") {
            Self::Stopping
        } else if state == "waiting" {
            Self::Waiting
        } else if state == "stopped" {
            Self::Stopped
        } else if matches!(state, "setup ok" | "register ok") {
            Self::Ready
        } else if state == "run ok" {
            Self::Finished
        } else if is_word("cancelled") {
            Self::Cancelled
        } else if ["error", "panic", "ended", "forced"].into_iter().any(is_word) {
            Self::Failed
        } else {
            Self::Other
        }
    }

    /// Whether a service that is so lacks nothing, while its manager runs.
    pub(crate) fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Ready | Self::Finished | Self::Other)
    }

    /// Whether it is over.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Stopped | Self::Cancelled | Self::Waiting)
    }
}

impl Service {
    pub(crate) fn condition(&self) -> Condition {
        Condition::of(&self.state)
    }
}

/// A state without the failure that it tells, and that failure: what stands after the outcome.
pub(crate) fn split(state: &str) -> (&str, Option<&str>) {
    let outcomes = [" error: ", " panic: ", " ended: ", " forced: ", " cancelled: ", "over: "];
    let end = |word: &str| state.find(word).map(|at| at + word.len());
    match outcomes.into_iter().filter_map(end).min() {
        Some(at) => (&state[..at - 2], Some(&state[at..])),
        None => (state, None),
    }
}

/// The failure that a state tells; all of it, where it tells none.
pub(crate) fn failure(state: &str) -> &str {
    split(state).1.unwrap_or(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_status_is_known() {
        use Condition as C;
        for (state, wanted) in [
            ("waiting", C::Waiting),
            ("setting up for 1.0 s", C::SettingUp),
            ("registering for 1.0 s", C::SettingUp),
            ("register ok", C::Ready),
            ("setup ok", C::Ready),
            ("to be set up again in 2.0 s: setup error: no route", C::RetryingSetup),
            ("running for 3 min", C::Running),
            ("restarting: run error: no", C::Restarting),
            ("restarting: setting up for 1.0 s", C::Restarting),
            ("shutting down for 1.0 s", C::Stopping),
            ("stopped", C::Stopped),
            ("run ok", C::Finished),
            ("run error: a: b", C::Failed),
            ("run panic: ok", C::Failed),
            ("setup ended: x", C::Failed),
            ("run forced", C::Failed),
            ("setup cancelled: it was told to stop", C::Cancelled),
            ("dreaming", C::Other),
        ] {
            assert_eq!(Condition::of(state), wanted, "{state}");
        }
        assert_eq!(split("restarting: run error: a: b"), ("restarting: run error", Some("a: b")));
        assert_eq!(split("running for 1.0 s"), ("running for 1.0 s", None));
        assert_eq!(failure("run forced"), "run forced");
    }
}
