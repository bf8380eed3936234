//! Managers that are seen from outside, and those who look.

use std::net::SocketAddr;

use majordomo::{Manager, ManagerOptions, Operations};
use serde_json::Value;
pub use support::Client;
use support::{Came, Observed, observe, options, within};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, BufReader};

pub const TOKEN: &str = "a-token-of-the-tests";

/// An endpoint that takes orders.
pub fn operations() -> Operations {
    Operations::new("0").token(TOKEN)
}

/// A manager that is seen at this address.
pub async fn show(services: impl FnOnce(Manager) -> Manager) -> (Observed, SocketAddr) {
    show_with(options().operations(operations()), services).await
}

pub async fn show_with(
    options: ManagerOptions,
    services: impl FnOnce(Manager) -> Manager,
) -> (Observed, SocketAddr) {
    let mut observed = observe(options, services);
    observed.seen("operations").await;
    let status = observed.status().await;
    let at = status.operations_addresses.first().and_then(|address| address.as_tcp());
    (observed, at.expect("it is one of TCP"))
}

/// A request without a body.
pub fn request(line: &str, fields: &[&str]) -> String {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    format!("{line} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

/// What comes of a request on a connection of its own.
pub async fn ask(at: SocketAddr, request: &str) -> Came {
    let mut client = Client::connect(at).await;
    client.send(request).await;
    client.answer().await
}

pub async fn get(at: SocketAddr, path: &str) -> Came {
    ask(at, &request(&format!("GET {path}"), &[])).await
}

pub async fn get_json(at: SocketAddr, path: &str) -> Value {
    let came = get(at, path).await;
    assert_eq!(came.status, 200, "{came:?}");
    assert!(came.head.contains("content-type: application/json\r\n"), "{}", came.head);
    serde_json::from_str(&came.body).unwrap()
}

/// The fields that an order over TCP needs.
pub fn rightful() -> [String; 2] {
    [format!("Authorization: Bearer {TOKEN}"), "Content-Type: application/json".to_owned()]
}

/// Gives an order, with every right.
pub async fn order(at: SocketAddr, path: &str) -> Came {
    let fields = rightful();
    ask(at, &request(&format!("POST {path}"), &fields.each_ref().map(String::as_str))).await
}

/// The same with a body.
pub async fn order_with(at: SocketAddr, path: &str, body: &str) -> Came {
    let [right, kind] = rightful();
    let length = format!("Content-Length: {}", body.len());
    ask(at, &(request(&format!("POST {path}"), &[&right, &kind, &length]) + body)).await
}

/// A refusal says what went wrong, and what to do.
#[track_caller]
pub fn assert_refused(came: &Came, status: u16, words: &[&str]) {
    assert_eq!(came.status, status, "{came:?}");
    assert!(came.head.contains("content-type: application/json\r\n"), "{}", came.head);
    let refusal: Value = serde_json::from_str(&came.body).expect(&came.body);
    let keys: Vec<_> = refusal.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["error", "hint"]);
    for word in words {
        assert!(came.body.contains(word), "expected {word:?} in {}", came.body);
    }
}

/// One who follows the events.
pub struct Follower<S>(BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Follower<S> {
    pub async fn of(mut client: Client<S>) -> Self {
        client.send(&request("GET /events", &[])).await;
        let (status, head) = client.head().await;
        assert_eq!(status, 200);
        assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
        Self(BufReader::new(client.0))
    }

    /// The next event; `None` at the end of the stream, in order.
    pub async fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        loop {
            line.clear();
            let count = within("an event", self.0.read_line(&mut line)).await.unwrap();
            assert_ne!(count, 0, "the stream was cut off");
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).expect(data));
            }
            // The last chunk.
            if line == "0\r\n" {
                return None;
            }
        }
    }

    /// All until the end.
    pub async fn rest(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        // The connection is closed with it.
        let mut rest = Vec::new();
        within("the end of the connection", self.0.read_to_end(&mut rest)).await.unwrap();
        all
    }

    /// Until one of this name has come.
    pub async fn until(&mut self, name: &str) -> Value {
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("the end, without {name}"));
            if event["event"] == name {
                return event;
            }
        }
    }
}

/// What an observer has recorded, as it is written on the wire.
pub fn written(events: &support::Events) -> Vec<Value> {
    events.events().iter().map(|event| serde_json::to_value(&**event).unwrap()).collect()
}
