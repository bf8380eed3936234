//! The life that an actor begins by itself, where whoever launched it has made it ready in advance.
//!
//! ```text
//!   told to its observer: Suspended --> nothing: it rests until it is restarted
//!                                   '-> NextLife: it starts again, with this as the first that it is asked
//! ```

use super::control::{Ask, Order, Reply, Request};
use smallvec::SmallVec;

/// What an actor is asked first in its next life.
pub(crate) struct NextLife(pub(super) Ask);

/// What was still on its way to an actor whose life is over. It may only be dropped.
pub(crate) struct LateOrders(
    #[expect(dead_code, reason = "kept to be dropped")] pub(super) SmallVec<[Order; 1]>,
);

impl NextLife {
    /// One that begins with this request; `reply` is called as for any other.
    pub(crate) fn new(request: Request, reply: impl FnOnce(Reply) + Send + 'static) -> Self {
        Self(Ask { request, reply: Box::new(reply), last: false })
    }
}
