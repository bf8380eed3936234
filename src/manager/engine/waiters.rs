//! Those who wait for the manager, and are answered in any case.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::dev::{MessageResponse, OneshotSender};
use actix::{Actor, Message};

use super::askers::Askers;
use crate::report::ManagerError;

type Outcome = Result<(), ManagerError>;

/// Senders that wait for the same event.
#[derive(Default)]
pub(crate) struct Waiters(Arc<Mutex<WaitState>>);

#[derive(Default)]
struct WaitState {
    askers: Askers<Outcome>,
    outcome: Option<Outcome>,
}

impl Waiters {
    /// Answers all who wait, and whoever asks from now on; a later outcome replaces an earlier one.
    pub(crate) fn answer(&self, outcome: Outcome) {
        let mut waiting = lock(&self.0);
        for sender in waiting.askers.take() {
            // The sender may have stopped waiting.
            let _ = sender.send(outcome.clone());
        }
        waiting.outcome = Some(outcome);
    }

    /// From now on nobody is answered until there is an outcome again.
    pub(crate) fn withdraw(&self) {
        lock(&self.0).outcome = None;
    }

    /// The response to one who asks.
    pub(crate) fn join(&self) -> WaitResponse {
        WaitResponse(Arc::clone(&self.0))
    }
}

/// Answers at once where there is an outcome, else when there is one. Unlike a future it holds the very
/// sender of the answer, so that the end of the manager's thread can't lose it.
pub struct WaitResponse(Arc<Mutex<WaitState>>);

impl<A, M> MessageResponse<A, M> for WaitResponse
where
    A: Actor,
    M: Message<Result = Outcome>,
{
    fn handle(self, _: &mut A::Context, sender: Option<OneshotSender<Outcome>>) {
        let Some(sender) = sender else { return };
        let mut waiting = lock(&self.0);
        match &waiting.outcome {
            Some(outcome) => {
                let _ = sender.send(outcome.clone());
            }
            None => waiting.askers.add(sender),
        }
    }
}

fn lock(waiting: &Mutex<WaitState>) -> MutexGuard<'_, WaitState> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
