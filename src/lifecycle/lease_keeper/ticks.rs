//! For checks, in which time has no beginning: all times move, and `now` stays.

use std::time::Duration;

use super::super::lease_terms::Terms;
use super::{Call, Keeper, Phase, Told};

impl Keeper {
    /// With times that come from a model.
    pub(in super::super) fn of_ticks(ttl: u32, margin: u32, stop: u32, cut: u32, renew: u32) -> Self {
        let [ttl, margin, stop, cut, renew] =
            [ttl, margin, stop, cut, renew].map(|ticks| Duration::from_secs(ticks.into()));
        Self::new(Terms { ttl, margin, stop, cut, end: Duration::ZERO, renew, early: renew })
    }

    /// A tick has passed.
    pub(in super::super) fn age(&mut self, tick: Duration) {
        let older = |at: &mut Duration| *at = at.saturating_sub(tick);
        match &mut self.phase {
            Phase::Seeking { next } => older(next),
            Phase::Held { until, next, told } => {
                older(until);
                next.iter_mut().for_each(older);
                if let Told::Expired(over) = told {
                    older(over);
                }
            }
            Phase::Lapsing { over } => older(over),
            Phase::Idle | Phase::Returning { .. } => {}
        }
        self.open.iter_mut().for_each(|(call, sent)| {
            if *call != Call::Release {
                older(sent);
            }
        });
        // Only that it was asked matters here.
        self.asked = self.asked.map(|_| Duration::ZERO);
    }

    /// How long the open request has lasted.
    pub(in super::super) fn open_for(&self, now: Duration) -> Option<(Call, Duration)> {
        self.open.map(|(call, sent)| (call, now.saturating_sub(sent)))
    }

    pub(in super::super) fn terms(&self) -> Terms {
        self.terms
    }

    /// The same, but counted from now on.
    pub(in super::super) fn count_from(&mut self, now: Duration) {
        self.open.iter_mut().for_each(|(_, sent)| *sent = now);
    }

    /// Whether the lease that it has is over, by its own clock.
    pub(in super::super) fn is_over(&self, now: Duration) -> bool {
        matches!(self.phase, Phase::Held { until, .. } if self.terms.over_at(until) <= now)
    }
}
