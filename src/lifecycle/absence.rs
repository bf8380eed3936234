//! When the manager itself did not run: its process was stopped by a signal, or its machine was.
//!
//! ```text
//!   a timer is due       it goes off, much too late
//!        |--- absence ------------|-- moment --|
//!                                 all the others wake up, too; nobody is forced
//! ```
//!
//! Whoever was stopped with the manager has had no chance to do what was asked of it. So what is due by then is put off for a
//! moment, and a little longer while the machine has not let everybody on.

use std::time::{Duration, Instant};

/// A timer that is late by less is only the machine's usual pace.
const NOTICED: Duration = Duration::from_millis(250);
/// What everybody gets before anybody is forced.
const MOMENT: Duration = Duration::from_millis(40);
/// How long resources have after that.
const RESOURCES: Duration = Duration::from_millis(20);
/// For how long it is looked whether everybody has been let on.
const AT_MOST: Duration = Duration::from_secs(1);

/// The times at which a manager did not run, as far as it noticed.
#[derive(Debug, Default)]
pub(crate) struct Absence {
    total: Duration,
    latest: Option<(Instant, Instant)>,
    /// When somebody had not been let on yet.
    behind: Option<Instant>,
}

impl Absence {
    /// A timer that was due then goes off now. Tells whether that is an absence, or more of one, that was not known.
    pub(crate) fn late(&mut self, due: Instant, now: Instant) -> bool {
        if now.saturating_duration_since(due) < NOTICED {
            return false;
        }
        match &mut self.latest {
            // Of the timers that were due in the meantime the first tells most.
            Some((from, until)) if due <= *until => {
                let more = from.saturating_duration_since(due);
                *from = due.min(*from);
                self.total += more;
                !more.is_zero()
            }
            latest => {
                *latest = Some((due, now));
                self.total += now - due;
                true
            }
        }
    }

    /// For how long in all.
    pub(crate) fn total(&self) -> Duration {
        self.total
    }

    /// How much of a time that has lasted until now was the latest absence.
    pub(crate) fn within(&self, lasted: Duration, now: Instant) -> Duration {
        match self.latest {
            Some((from, until)) if now.saturating_duration_since(until) < lasted => {
                (until - from).min(lasted - now.saturating_duration_since(until))
            }
            _ => Duration::ZERO,
        }
    }

    /// For how long the force that is due now is put off, if it is. `behind`: the machine has not let everybody on yet.
    pub(crate) fn put_off(&mut self, now: Instant, deadline: bool, behind: bool) -> Option<Duration> {
        let (_, until) = self.latest?;
        if behind && now.saturating_duration_since(until) < AT_MOST {
            self.behind = Some(now);
        }
        let from = self.behind.map_or(until, |behind| behind.max(until));
        let moment = if deadline { MOMENT + RESOURCES } else { MOMENT };
        moment.checked_sub(now.saturating_duration_since(from)).filter(|left| !left.is_zero())
    }

    /// Whether a force that is due now may have to be put off at all.
    pub(crate) fn is_recent(&self, now: Instant) -> bool {
        let longest = AT_MOST + MOMENT + RESOURCES;
        self.latest.is_some_and(|(_, until)| now.saturating_duration_since(until) <= longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn g08_a_timer_that_is_a_little_late_is_no_absence() {
        let (mut absence, due) = (Absence::default(), Instant::now());
        assert!(!absence.late(due, due) && !absence.late(due, due + 249 * MS));
        assert_eq!(absence.put_off(due + 249 * MS, false, true), None);
        assert_eq!(absence.total(), Duration::ZERO);
    }

    #[test]
    fn g08_an_absence_counts_once_from_the_first_timer_that_was_due() {
        let (mut absence, due) = (Absence::default(), Instant::now());
        let woken = due + 5 * SECOND;
        assert!(absence.late(due + SECOND, woken));
        assert!(!absence.late(due + 2 * SECOND, woken + MS), "it is known");
        assert!(absence.late(due, woken + 2 * MS), "it was longer than known");
        assert_eq!(absence.total(), 5 * SECOND);
        assert!(absence.late(woken + SECOND, woken + 3 * SECOND), "it is another");
        assert_eq!(absence.total(), 7 * SECOND);
    }

    #[test]
    fn g08_after_an_absence_force_is_put_off_for_a_moment_and_longer_only_while_somebody_is_behind() {
        let (mut absence, due) = (Absence::default(), Instant::now());
        let woken = due + SECOND;
        absence.late(due, woken);
        assert_eq!(absence.put_off(woken, false, true), Some(40 * MS));
        assert_eq!(absence.put_off(woken, true, false), Some(60 * MS));
        assert_eq!(absence.put_off(woken + 40 * MS, false, false), None);
        assert_eq!(absence.put_off(woken + 40 * MS, true, false), Some(20 * MS));
        // The moment begins when all have been let on.
        assert_eq!(absence.put_off(woken + 40 * MS, false, true), Some(40 * MS));
        assert_eq!(absence.put_off(woken + 70 * MS, false, false), Some(10 * MS));
        assert_eq!(absence.put_off(woken + SECOND, true, true), None);
        assert!(absence.is_recent(woken + SECOND) && !absence.is_recent(woken + 2 * SECOND));
    }

    #[test]
    fn g09_nobody_has_lasted_for_the_time_of_an_absence() {
        let (mut absence, due) = (Absence::default(), Instant::now());
        let woken = due + 5 * SECOND;
        absence.late(due, woken);
        assert_eq!(absence.within(6 * SECOND, woken), 5 * SECOND);
        assert_eq!(absence.within(2 * SECOND, woken), 2 * SECOND);
        assert_eq!(absence.within(SECOND, woken + SECOND), Duration::ZERO);
    }
}
