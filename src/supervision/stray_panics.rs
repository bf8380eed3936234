//! The panics of a life that no request accounts for: the first few are told, the rest is counted, and told at its end.

use super::notice::{Notice, Observer};
use super::panics::{FEW, PanicLog};
use crate::base::PanicError;

/// Those of one life; there is nothing of them before the first.
#[derive(Default)]
pub(super) struct StrayPanics(Option<Box<Strays>>);

#[derive(Default)]
struct Strays {
    told: usize,
    untold: usize,
    /// One of those that were not told.
    latest: Option<Box<PanicError>>,
}

impl StrayPanics {
    pub(super) fn tell(&mut self, panic_log: &PanicLog, observer: &Observer) {
        let Some(first) = panic_log.take() else { return };
        let mut next = Some(first);
        let strays = self.0.get_or_insert_default();
        while let Some(panic) = next {
            if strays.told < FEW {
                strays.told += 1;
                observer(Notice::Panicked(panic));
            } else {
                strays.untold += 1;
                strays.latest = Some(panic);
            }
            next = panic_log.take();
        }
        strays.untold += panic_log.take_dropped();
    }

    /// A life is over: what was only counted is told as one.
    pub(super) fn tell_last(&mut self, panic_log: &PanicLog, observer: &Observer) {
        self.tell(panic_log, observer);
        let Some(strays) = self.0.take() else { return };
        let Strays { untold, latest, .. } = *strays;
        if untold > 0 {
            let unseen = || Box::new(PanicError::unseen(&"one of many at once"));
            let mut panic = latest.unwrap_or_else(unseen);
            panic.message = format!("{} (one of {untold} further panics of its tasks)", panic.message);
            observer(Notice::Panicked(panic));
        }
    }
}
