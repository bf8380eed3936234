//! A task and a channel: what there is without any actors.

use tokio::sync::{mpsc, oneshot};

use super::ask::{Amount, time_asks, time_tells};
use crate::measure::Figures;

pub(super) enum Message {
    Ask(oneshot::Sender<u64>),
    Tell,
}

pub(super) type Target = mpsc::UnboundedSender<Message>;

pub(super) async fn spawn() -> Target {
    let (sender, mut messages) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut count = 0_u64;
        while let Some(message) = messages.recv().await {
            count += 1;
            if let Message::Ask(answer) = message {
                // Whoever asked has gone, if nobody takes it.
                let _ = answer.send(count);
            }
        }
    });
    sender
}

async fn ask(target: &Target) {
    let (answer, answered) = oneshot::channel();
    assert!(target.send(Message::Ask(answer)).is_ok(), "the task runs");
    assert!(answered.await.is_ok(), "every message is answered");
}

pub(super) async fn asks(amount: Amount, target: Target) -> Figures {
    time_asks(amount.asks, async || ask(&target).await).await
}

pub(super) async fn tells(amount: Amount, target: Target) -> Figures {
    let tell = || assert!(target.send(Message::Tell).is_ok(), "the task runs");
    time_tells(amount.batch, tell, async || ask(&target).await).await
}
