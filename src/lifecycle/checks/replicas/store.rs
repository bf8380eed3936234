//! The store: who has the lease, and for how long.

use super::super::super::lease_keeper::{Call, Reply};

/// How long a lease lasts, in ticks of the store.
pub(super) const TTL: u8 = 7;

/// How many requests may be late at once.
const LATE: usize = 2;

/// A request: whose, of which tenure, for what.
pub(super) type Request = (usize, u8, Call);

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Store {
    holder: Option<(usize, u8)>,
    left: u8,
    /// Requests that arrive when nobody waits for their answer.
    pub(super) late: Vec<Request>,
}

impl Store {
    pub(super) fn has_room(&self) -> bool {
        self.late.len() < LATE
    }

    pub(super) fn send_late(&mut self, request: Request) {
        if self.has_room() {
            self.late.push(request);
            self.late.sort_unstable_by_key(|&(at, tenure, call)| (at, tenure, call as u8));
        }
    }

    pub(super) fn holder(&self) -> Option<usize> {
        self.holder.map(|(at, _)| at)
    }

    pub(super) fn tick(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    pub(super) fn let_go(&mut self) {
        if self.left == 0 {
            self.holder = None;
        }
    }

    /// What it answers, and whether somebody has the lease now who had not.
    pub(super) fn handle(&mut self, (at, tenure, call): Request, confuses_tenures: bool) -> (Reply, bool) {
        let same = |(who, which): (usize, u8)| who == at && (which == tenure || confuses_tenures);
        let own = self.holder.is_some_and(same);
        match call {
            Call::Acquire if own || self.holder.is_none() => {
                (self.holder, self.left) = (Some((at, tenure)), TTL);
                (Reply::Done(0), !own)
            }
            Call::Renew if own => {
                self.left = TTL;
                (Reply::Done(0), false)
            }
            Call::Acquire | Call::Renew => (Reply::Taken(None), false),
            Call::Release => {
                if own {
                    (self.holder, self.left) = (None, 0);
                }
                (Reply::Done(0), false)
            }
        }
    }
}
