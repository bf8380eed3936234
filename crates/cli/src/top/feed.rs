//! What comes from the endpoint.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio::time::{sleep, timeout};

use super::view::News;
use crate::client::{Client, JSON};
use crate::commands::Order;
use crate::error::CliError;
use crate::status::model::Status;

/// Between two looks, where nothing happens.
const PAUSE: Duration = Duration::from_secs(1);

/// Between two looks at least, however much happens.
const LEAST: Duration = Duration::from_millis(100);

/// Asks for the status, once in a while and when something has happened.
pub(super) async fn look(client: Client, news: Sender<News>, happened: Arc<Notify>) {
    loop {
        let looked = client.get("/status", JSON).await.map(|text| Status::parse(&text));
        let told = match looked {
            Ok(Ok(status)) => News::Status(Box::new(status)),
            Ok(Err(error)) => News::NoStatus(format!("its answer is no status: {error}")),
            Err(CliError::Unreachable { why, .. }) => News::NoStatus(why),
            Err(other) => News::NoStatus(other.to_string()),
        };
        if news.send(told).await.is_err() {
            return;
        }
        sleep(LEAST).await;
        let _ = timeout(PAUSE, happened.notified()).await;
    }
}

/// Follows the events, again and again.
pub(super) async fn follow(client: Client, news: Sender<News>, happened: Arc<Notify>) {
    loop {
        if let Ok(mut events) = client.events().await {
            if news.send(News::EventsBegin).await.is_err() {
                return;
            }
            while let Ok(Some(line)) = events.next().await {
                let Ok(event) = serde_json::from_str(&line) else { continue };
                if news.send(News::Event(event)).await.is_err() {
                    return;
                }
                happened.notify_one();
            }
            happened.notify_one();
        }
        sleep(PAUSE).await;
    }
}

/// Gives an order, and tells what has come of it.
pub(super) async fn order(client: Client, order: Order, news: Sender<News>) {
    let told =
        match client.order(&order.path(), order.body()).await.and_then(crate::client::Answer::expect_ok) {
            Ok(_) => order.done(),
            Err(error) => match error.hint() {
                Some(hint) => format!("not done: {error} -> {hint}"),
                None => format!("not done: {error}"),
            },
        };
    // The view may be gone.
    let _ = news.send(News::Ordered(told)).await;
}
