//! The span that an actor is polled in: what it and its tasks log carries its name.
//!
//! A subscriber is the user's code. So the span is made where the actor lives, at its first poll; and where the subscriber panics
//! over it, the actor goes on without. Where nobody listens there is no span, and a poll does nothing for it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::dispatcher::{self, Dispatch};
use tracing::{Id, Span};

use super::dispatch::listens;
use super::panics::drop_quietly;

/// Makes the span of an actor.
pub(crate) type MakeSpan = Box<dyn FnOnce() -> Span + Send>;

/// How a span is made there, if anybody listens.
pub(super) fn made_by(dispatch: &Dispatch, make: impl FnOnce() -> Span + Send + 'static) -> Option<MakeSpan> {
    listens(dispatch).then(|| -> MakeSpan {
        let dispatch = dispatch.clone();
        Box::new(move || dispatcher::with_default(&dispatch, make))
    })
}

/// The span of one actor, on its thread.
pub(super) enum ActorSpan {
    None,
    /// Taken as it is made.
    NotMade(Option<MakeSpan>),
    Made(Span),
}

impl ActorSpan {
    pub(super) fn new(make: Option<MakeSpan>) -> Self {
        make.map_or(Self::None, |make| Self::NotMade(Some(make)))
    }

    /// A poll begins.
    pub(super) fn enter(&mut self) {
        if let Self::NotMade(make) = self
            && let Some(make) = make.take()
        {
            self.make(make);
        }
        if let Self::Made(span) = self
            && !tell(span, Dispatch::enter)
        {
            // Part of the subscriber may have taken it as entered.
            tell(span, Dispatch::exit);
            *self = Self::None;
        }
    }

    /// The poll is over.
    pub(super) fn leave(&mut self) {
        if let Self::Made(span) = self
            && !tell(span, Dispatch::exit)
        {
            *self = Self::None;
        }
    }

    fn make(&mut self, make: MakeSpan) {
        let made = catch_unwind(AssertUnwindSafe(make)).ok().filter(|span| !span.is_disabled());
        *self = made.map_or(Self::None, Self::Made);
    }
}

impl Drop for ActorSpan {
    fn drop(&mut self) {
        if let Self::Made(span) = self {
            drop_quietly(std::mem::replace(span, Span::none()));
        }
    }
}

/// Tells the subscriber; whether it took that without a panic.
fn tell(span: &Span, what: fn(&Dispatch, &Id)) -> bool {
    let tells = || span.with_subscriber(|(id, dispatch)| what(dispatch, id));
    catch_unwind(AssertUnwindSafe(tells)).is_ok()
}
