//! What systemd is still to be told of the manager's stages, in their order.

use std::collections::VecDeque;
use std::time::Duration;

/// A word that tells of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StageWord {
    /// All run; or a reload is over (`Type=notify-reload`).
    Ready,
    /// A reload begins.
    Reloading,
    Stopping,
}

impl StageWord {
    /// As it is sent at that time of the monotonic clock, by which systemd tells a reload from those before (sd_notify(3)).
    pub(super) fn text(self, monotonic: Duration) -> String {
        match self {
            Self::Ready => "READY=1".to_owned(),
            Self::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic.as_micros()),
            Self::Stopping => "STOPPING=1".to_owned(),
        }
    }
}

/// Words that wait. Bound: the first `Ready`, one reload, `Stopping`.
#[derive(Debug, Default)]
pub(super) struct Stages(VecDeque<StageWord>);

impl Stages {
    pub(super) fn push(&mut self, word: StageWord) {
        let reloaded = [StageWord::Reloading, StageWord::Ready];
        // Reloads of which nothing was told are told as one.
        if word == StageWord::Reloading && self.0.iter().rev().take(2).rev().eq(&reloaded) {
            self.0.pop_back();
        } else if self.0.back() != Some(&word) {
            self.0.push_back(word);
        }
    }

    /// One that was not sent after all.
    pub(super) fn put_back(&mut self, word: StageWord) {
        self.0.push_front(word);
    }

    pub(super) fn take(&mut self) -> Option<StageWord> {
        self.0.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StageWord::{Ready, Reloading, Stopping};

    #[test]
    fn reloads_that_could_not_be_told_are_one_and_all_else_keeps_its_order() {
        let mut stages = Stages::default();
        stages.push(Ready);
        for _ in 0..1_000 {
            stages.push(Reloading);
            stages.push(Ready);
        }
        stages.push(Stopping);
        let told: Vec<_> = std::iter::from_fn(|| stages.take()).collect();
        assert_eq!(told, [Ready, Reloading, Ready, Stopping]);
    }

    #[test]
    fn a_reload_is_begun_with_the_time_of_the_monotonic_clock() {
        assert_eq!(Reloading.text(Duration::from_millis(1_500)), "RELOADING=1\nMONOTONIC_USEC=1500000");
    }
}
