//! A manager that answers as a test has it.

use std::future::{pending, ready};
use std::sync::Arc;

use super::hosts::Hosts;
use super::managed::{Document, Follower, Later, Managed, Order};
use super::refusal::Refusal;
use super::responder::Responder;
use super::rights::Rights;
use super::token::Token;
use crate::events::{self, Name, TimedEvent};

pub(super) const TOKEN: &str = "0123456789abcdef";

/// Answers at once, or never.
pub(super) struct Fake {
    pub(super) answers: bool,
}

impl Fake {
    fn answer<T: Send + 'static>(&self, answer: T) -> Later<T> {
        if self.answers { Box::pin(ready(Some(answer))) } else { Box::pin(pending()) }
    }

    /// What answers for it.
    pub(super) fn responder(answers: bool) -> Arc<Responder> {
        let rights = Rights { token: Token::new(TOKEN).ok(), hosts: Hosts::default(), user: 1000 };
        Arc::new(Responder::new(Arc::new(Self { answers }), Default::default(), Default::default(), rights))
    }
}

impl Managed for Fake {
    fn presence(&self) -> Later<()> {
        self.answer(())
    }

    fn status(&self) -> Later<Arc<dyn Document>> {
        self.answer(Arc::new("status"))
    }

    fn states(&self) -> Later<Vec<(Name, String)>> {
        self.answer(vec![("a".into(), "setup for 1.0 s".to_owned())])
    }

    fn report(&self) -> Later<Arc<dyn Document>> {
        self.answer(Arc::new("report"))
    }

    fn plan(&self) -> Arc<dyn Document> {
        Arc::new("plan")
    }

    fn follow(&self, capacity: usize) -> Later<Follower> {
        let (_, stream) = events::channel_of(capacity);
        self.answer(Follower { remembered: Vec::new(), stream })
    }

    fn line(&self, event: &TimedEvent) -> String {
        event.json()
    }

    fn order(&self, _: Order) -> Later<Result<(), Refusal>> {
        self.answer(Ok(()))
    }
}
