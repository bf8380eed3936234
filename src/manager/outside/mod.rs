//! A manager as the operations endpoint sees it: by questions that go to its inbox.
//!
//! What comes back is made into JSON and text on the endpoint's thread, and there texts of failures are redacted, too.

mod order_reply;
mod redacted;

use std::sync::Arc;

use tokio::sync::oneshot::{self, Sender as OneshotSender};

use crate::events::{Name, TimedEvent};
use crate::manager::api::order_error::OrderError;
use crate::manager::api::plan::ManagerPlan;
use crate::manager::api::status::ManagerStatus;
use crate::manager::engine::inbox::{ManagerInput, ManagerSender};
use crate::manager::engine::open_orders;
use crate::manager::engine::question::Question;
use crate::metrics::Meter;
use crate::operations::{
    CheckedOperations, Document, Endpoint, Follower, Health, Later, Managed, Order, Refusal,
};
use crate::report::ConfigError;
use redacted::Redacted;

/// Shows a manager of this plan, to whoever connects where it `opens` at once. The health is told of every event from the first on.
pub(super) fn show(
    operations: CheckedOperations,
    plan: Option<ManagerPlan>,
    sender: &ManagerSender,
    meter: &Meter,
    opens: bool,
) -> Result<(Endpoint, Health), ConfigError> {
    let health = Health::default();
    let redacted = Redacted::new(operations.redact.clone());
    let plan: Arc<dyn Document> = match plan {
        Some(plan) => Arc::new(plan),
        None => Arc::new("there is none"),
    };
    let view = Arc::new(View { sender: sender.clone(), plan, redacted });
    Ok((Endpoint::start(operations, view, health.clone(), meter.clone(), opens)?, health))
}

struct View {
    sender: ManagerSender,
    plan: Arc<dyn Document>,
    redacted: Redacted,
}

impl View {
    /// Asks; what is answered becomes of it what is made of it here.
    fn ask<T: Send + 'static, U>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
        then: impl FnOnce(T, Redacted) -> U + Send + 'static,
    ) -> Later<U> {
        let (asker, answer) = oneshot::channel();
        self.sender.send(ManagerInput::Asked(question(asker)));
        let redacted = self.redacted.clone();
        Box::pin(async move { Some(then(answer.await.ok()?, redacted)) })
    }
}

impl Managed for View {
    fn presence(&self) -> Later<()> {
        self.ask(Question::Presence, |(), _| ())
    }

    fn status(&self) -> Later<Arc<dyn Document>> {
        self.ask(Question::Status, |status, redacted| Arc::new(redacted.status(status)) as Arc<dyn Document>)
    }

    fn states(&self) -> Later<Vec<(Name, String)>> {
        let states =
            |status: ManagerStatus| status.services.into_iter().map(|one| (one.id, one.state)).collect();
        self.ask(Question::Status, move |status, redacted| states(redacted.status(status)))
    }

    fn report(&self) -> Later<Arc<dyn Document>> {
        self.ask(Question::Report, |report, redacted| {
            Arc::new(redacted.report(Arc::unwrap_or_clone(report))) as Arc<dyn Document>
        })
    }

    fn plan(&self) -> Arc<dyn Document> {
        Arc::clone(&self.plan)
    }

    fn follow(&self, capacity: usize) -> Later<Follower> {
        let question = move |asker| Question::Follow(capacity, asker);
        self.ask(question, |(remembered, stream), _| Follower { remembered, stream })
    }

    fn line(&self, event: &TimedEvent) -> String {
        let redacted = self.redacted.event(event);
        redacted.as_ref().unwrap_or(event).json()
    }

    fn order(&self, order: Order) -> Later<Result<(), Refusal>> {
        let service = |order, id: String| {
            self.ask(
                move |asker| Question::Order(order, id, asker),
                |answer, redacted| answer.map_err(|error| order_reply::refusal(error, &redacted)),
            )
        };
        let whole = |question: fn(OneshotSender<Result<(), OrderError>>) -> Question| {
            self.ask(question, |answer, redacted| {
                answer.map_err(|error| order_reply::refusal(error, &redacted))
            })
        };
        match order {
            Order::Restart(id) => service(open_orders::Order::Restart, id),
            Order::Stop(id) => service(open_orders::Order::Stop, id),
            Order::StepDown(id, stay_out) => service(open_orders::Order::StepDown(stay_out), id),
            Order::Reload => whole(Question::Reload),
            Order::Handover => whole(Question::Handover),
            Order::Shutdown => self.ask(Question::Shutdown, |(), _| Ok(())),
            Order::Force => self.ask(Question::Force, |(), _| Ok(())),
        }
    }
}
