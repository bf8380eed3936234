//! The span that an actor is polled in: what it and its tasks log carries its name.
//!
//! A subscriber is the user's code. So the span is made where the actor lives, at its first poll; and where the subscriber panics
//! over it, the actor goes on without. Where nobody listens there is no span, and a poll does nothing for it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::dispatcher::{self, Dispatch};
use tracing::{Id, Span};

use super::dispatch::listens;
use crate::base::drop_quietly;

/// Makes the span of an actor.
pub(crate) type MakeSpan = Box<dyn FnOnce() -> Span + Send>;

/// How a span is made there, if anybody listens.
pub(super) fn made_by(dispatch: &Dispatch, make: impl FnOnce() -> Span + Send + 'static) -> Option<MakeSpan> {
    listens(dispatch).then(|| -> MakeSpan {
        let dispatch = dispatch.clone();
        Box::new(move || dispatcher::with_default(&dispatch, make))
    })
}

/// The span of one actor, on its thread. Small, since most actors have none.
pub(super) struct ActorSpan(Option<Box<Kept>>);

enum Kept {
    ToMake(MakeSpan),
    Made(Span),
}

impl ActorSpan {
    pub(super) fn new(make: Option<MakeSpan>) -> Self {
        Self(make.map(|make| Box::new(Kept::ToMake(make))))
    }

    /// A poll begins.
    #[inline]
    pub(super) fn enter(&mut self) {
        if let Some(kept) = self.0.take() {
            self.enter_kept(kept);
        }
    }

    fn enter_kept(&mut self, kept: Box<Kept>) {
        match *kept {
            Kept::ToMake(make) => {
                let made = catch_unwind(AssertUnwindSafe(make)).ok().filter(|span| !span.is_disabled());
                self.0 = made.map(|span| Box::new(Kept::Made(span)));
            }
            Kept::Made(_) => self.0 = Some(kept),
        }
        if !self.tell(Dispatch::enter) {
            // Part of the subscriber may have taken it as entered.
            self.tell(Dispatch::exit);
            *self = Self(None);
        }
    }

    /// The poll is over.
    #[inline]
    pub(super) fn leave(&mut self) {
        if self.0.is_some() && !self.tell(Dispatch::exit) {
            *self = Self(None);
        }
    }

    /// Tells the subscriber, if there is a span; whether it took that without a panic.
    fn tell(&self, what: fn(&Dispatch, &Id)) -> bool {
        let Some(Kept::Made(span)) = self.0.as_deref() else { return true };
        let tells = || span.with_subscriber(|(id, dispatch)| what(dispatch, id));
        catch_unwind(AssertUnwindSafe(tells)).is_ok()
    }
}

impl Drop for ActorSpan {
    fn drop(&mut self) {
        if let Some(kept) = self.0.take() {
            drop_quietly(kept);
        }
    }
}
