//! The life that an actor begins by itself, where whoever launched it has made it ready in advance.
//!
//! ```text
//!   told to its observer: Suspended --> nothing: it rests until it is restarted
//!                                   '-> NextLife: it starts again, with this as the first that it is asked
//! ```

use super::control::{Ask, Reply, Request};

/// What an actor is asked first in its next life.
pub(crate) struct NextLife(pub(super) Ask);

impl NextLife {
    /// One that begins with this request; `reply` is called as for any other.
    pub(crate) fn new(request: Request, reply: impl FnOnce(Reply) + Send + 'static) -> Self {
        Self(Ask { request, reply: Box::new(reply), last: false })
    }
}
