//! The timetable of a drain, and what did not end in it by itself.
//!
//! ```text
//!   asked                                            call off       cut   give up  deadline
//!     |--- calls in flight finish -----------------------|------------|------|--------|
//!                                                        |<-- a tenth, at most 150 ms ->|
//! ```
//!
//! What only a peer holds up ends earlier: [`Patience`].

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::events::OldestCall;

/// A tenth of a drain, though not more than this, is kept for ending it in order.
const LONGEST_LEAD: Duration = Duration::from_millis(150);

/// A client hears of a GOAWAY long before, wherever it is, and what it was sent has arrived.
const LONGEST_IN_TRANSIT: Duration = Duration::from_secs(1);

/// When what is left is ended, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timetable {
    /// How much time there is in all.
    pub(crate) whole: Duration,
    /// Calls that are left are called off: the application answers them.
    pub(crate) call_off: Instant,
    /// Connections that are left are cut.
    pub(crate) cut: Instant,
    /// Workers that are left are not waited for any longer. What they hold is reported from here on, which must
    /// be done before the server is forced itself.
    pub(crate) give_up: Instant,
}

impl Timetable {
    pub(crate) fn new(asked: Instant, deadline: Instant) -> Self {
        let whole = deadline.saturating_duration_since(asked);
        let lead = (whole / 10).min(LONGEST_LEAD);
        let before = |margin| deadline.checked_sub(margin).unwrap_or(asked);
        Self { whole, call_off: before(lead), cut: before(lead / 2), give_up: before(lead / 3) }
    }
}

/// How long a drain bears with peers that do not go along with it. Neither is a failure of the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// New calls on connections that were told to go away are accepted for so long: their peers may not have read the GOAWAY yet.
    pub(crate) new_calls: Duration,
    /// So long an answer may take to arrive: its socket is not closed before, unless the peer has closed it.
    pub(crate) in_transit: Duration,
    /// So long peers may take next to nothing of answers that are ready; as long as they like, where that is `None`.
    pub(crate) unread: Option<Duration>,
}

impl Patience {
    /// For a drain that may take so long, if it has a limit, where a write may take so long.
    pub(crate) fn new(whole: Option<Duration>, write_timeout: Option<Duration>) -> Self {
        let share = whole.map(|whole| whole / 4);
        let new_calls = share.map_or(LONGEST_IN_TRANSIT, |share| share.min(LONGEST_IN_TRANSIT));
        let in_transit = share.map_or(LONGEST_IN_TRANSIT, |share| (share / 2).min(LONGEST_IN_TRANSIT));
        Self { new_calls, in_transit, unread: share.into_iter().chain(write_timeout).min() }
    }
}

/// Resolves at that time; never, where there is no time.
pub(crate) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// What did not end by itself in a drain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Undrained {
    /// Connections that still carried calls shortly before the deadline.
    pub(crate) connections: usize,
    /// Calls that were called off then.
    pub(crate) called_off: usize,
    /// Connections that were cut in the end: their peer did not read, or their handler did not yield.
    pub(crate) cut: usize,
    /// How many calls of each method did not end by themselves, but were called off, cut, or did not end at all.
    pub(crate) methods: BTreeMap<String, usize>,
    /// The longest running of them.
    pub(crate) oldest: Option<OldestCall>,
    /// The threads that could not be ended, since a handler blocks them. Their connections stay open for as
    /// long as it does.
    pub(crate) blocked_workers: Vec<String>,
}

impl Undrained {
    /// Whether there is nothing to tell.
    pub(crate) fn is_clean(&self) -> bool {
        self.called_off == 0 && self.cut == 0 && self.blocked_workers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g08_a_drain_ends_in_order_within_its_last_tenth() {
        let asked = Instant::now();
        let ms = Duration::from_millis;
        let long = Timetable::new(asked, asked + ms(30_000));
        assert_eq!(long.call_off, asked + ms(29_850));
        assert_eq!(long.cut, asked + ms(29_925));
        assert_eq!(long.give_up, asked + ms(29_950));
        let short = Timetable::new(asked, asked + ms(600));
        assert_eq!(short.call_off, asked + ms(540));
        assert_eq!(short.cut, asked + ms(570));
        assert_eq!(short.give_up, asked + ms(580));
    }

    #[test]
    fn g17_a_drain_bears_with_a_peer_for_a_quarter_of_its_time_at_most() {
        let seconds = Duration::from_secs;
        let patience = |whole, write| Patience::new(whole, write);
        let millis = Duration::from_millis;
        let short = Patience { new_calls: millis(250), in_transit: millis(125), unread: Some(millis(250)) };
        assert_eq!(patience(Some(seconds(1)), Some(seconds(30))), short);
        let long = Patience { new_calls: seconds(1), in_transit: seconds(1), unread: Some(seconds(30)) };
        assert_eq!(patience(Some(seconds(600)), Some(seconds(30))), long);
        assert_eq!(patience(None, Some(seconds(30))), long);
        assert_eq!(patience(None, None), Patience { unread: None, ..long });
    }

    #[test]
    fn g08_a_drain_whose_deadline_has_passed_ends_everything_at_once() {
        let deadline = Instant::now();
        let times = Timetable::new(deadline + Duration::from_secs(1), deadline);
        assert_eq!((times.call_off, times.cut, times.give_up), (deadline, deadline, deadline));
    }
}
