//! What a manager has systemd told of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::Dispatch;

use super::inbox::{ManagerInput, ManagerSender};
use super::service_slot::ServiceSlot;
use super::shell::Shell;
use crate::base::{ThreadError, clock};
use crate::events::{EventSender, Name};
use crate::lifecycle::Budget;
use crate::manager::api::nested_branch::{AskForLife, NestedAddresses};
use crate::notify::{self, Liveness, Parts, Settings};

/// Has systemd told of the manager that begins here, where it wants to be told, and where no other of the process has been before. Answers with the way of
/// the events, and with what resolves when nothing more is told. One that does not `speak` yet does when it has taken over.
pub(super) fn start(
    services: Vec<Name>,
    budget: &Budget,
    sender: &ManagerSender,
    dispatch: &Dispatch,
    speaks: bool,
) -> Result<Option<(EventSender, oneshot::Receiver<()>)>, ThreadError> {
    let Some(settings) = Settings::take() else { return Ok(None) };
    let (began, sender) = (clock::now(), sender.clone());
    notify::start(Parts {
        settings,
        began,
        services,
        speaks,
        limit: budget.deadline(began).map(|deadline| deadline - began),
        ask: Box::new(move |asked| sender.send(ManagerInput::AskedForLife(asked))),
        dispatch: dispatch.clone(),
    })
}

/// The answer of all these together: `tenants/mailer` is stuck. Who does not answer is waited for, as systemd is to notice.
async fn answer_of(children: Vec<(Name, oneshot::Receiver<Liveness>)>) -> Liveness {
    for (id, answer) in children {
        if let Ok(Liveness { stuck: Some(stuck) }) = answer.await {
            return Liveness { stuck: Some(format!("{id}/{stuck}").into()) };
        }
    }
    Liveness { stuck: None }
}

impl Shell {
    /// Answers that the manager does, with all that are nested in it, and which service that matters is stuck.
    pub(super) fn show_life(&self, asked: oneshot::Sender<Liveness>) {
        let stuck = self.stuck_critical();
        let ask = |(id, child): (Name, NestedAddresses)| {
            let (asked, answer) = oneshot::channel();
            child.life.do_send(AskForLife(asked));
            (id, answer)
        };
        let children = self.addresses_of_children().filter(|_| stuck.is_none());
        let answers: Vec<_> = children.map(ask).collect();
        if answers.is_empty() {
            // It may have been asked by a thread that has ended.
            let _ = asked.send(Liveness { stuck });
        } else {
            actix_rt::spawn(async move { asked.send(answer_of(answers).await) });
        }
    }

    fn stuck_critical(&self) -> Option<Name> {
        let limit = self.watchdog.limit?;
        if self.services.iter().all(|slot| slot.longest_poll(limit).is_none()) {
            return None;
        }
        let busy = self.busy_for(limit);
        let is_held_up = |slot: &&ServiceSlot| {
            let (Some(actor), Some(longest)) = (&slot.actor, slot.longest_poll(limit)) else { return false };
            let on_its_thread = busy.iter().find(|(thread, _)| Arc::ptr_eq(thread, &actor.thread));
            on_its_thread.is_some_and(|(_, busy)| {
                let concerns_it = busy.actor == actor.tag || actor.handle.control.is_woken();
                concerns_it && busy.lasted >= longest
            })
        };
        self.services.iter().find(is_held_up).map(|slot| slot.id.clone())
    }
}

impl ServiceSlot {
    /// How long it may block its thread before systemd is to end the process; `None`: as long as it likes.
    fn longest_poll(&self, limit: Duration) -> Option<Duration> {
        match &self.replacement {
            // That is seen to within a quarter of the limit; so only where it is not.
            Some(replacement) => Some(replacement.limit.max(limit).saturating_add(limit)),
            None => self.critical.then_some(limit),
        }
    }
}
