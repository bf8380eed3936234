//! What a server carries in one life of its service.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_http::Request;
use majordomo::ShutdownSignal;
use majordomo::events::{InFlight, OldestCall};
use majordomo::sockets::ServerSocket;
use tokio::sync::Notify;

use crate::workers::{Open, Worker, Workers};

/// How many bytes of a method, and of the first segment of a path, are shown.
const LONGEST_SHOWN: usize = 64;

/// How many kinds of requests are told apart.
const MOST_KINDS: usize = 1000;

/// A poll that has lasted for so long blocks its worker.
const BLOCKED: Duration = Duration::from_secs(1);

/// One life of a server: what its workers, its connections and its drain share.
#[derive(Debug)]
pub(crate) struct Activity {
    pub(crate) socket: ServerSocket,
    pub(crate) shutdown: ShutdownSignal,
    pub(crate) stream_grace: Option<Duration>,
    pub(crate) workers: Arc<Workers>,
    /// What a panic in the factory said.
    pub(crate) factory_panic: Mutex<Option<String>>,
    pub(crate) streams_ended: AtomicUsize,
    connections: AtomicUsize,
    none_connected: Notify,
}

/// A connection. It is among what actix keeps with it, and dropped with that.
#[derive(Debug)]
pub(crate) struct Connected(Arc<Activity>);

impl Activity {
    pub(crate) fn new(
        socket: ServerSocket,
        shutdown: ShutdownSignal,
        stream_grace: Option<Duration>,
    ) -> Arc<Self> {
        let (workers, factory_panic, streams_ended, connections, none_connected) = Default::default();
        Arc::new(Self {
            socket,
            shutdown,
            stream_grace,
            workers,
            factory_panic,
            streams_ended,
            connections,
            none_connected,
        })
    }

    /// Whether clients are told to come back by another connection.
    pub(crate) fn is_closing(&self) -> bool {
        self.socket.is_closing() || self.shutdown.is_requested()
    }

    /// Notes that the factory panicked.
    pub(crate) fn note_panic(&self, text: String) {
        self.factory_panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
    }

    /// What a panic in the factory said, if there was one.
    pub(crate) fn take_panic(&self) -> Option<String> {
        self.factory_panic.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A connection begins.
    pub(crate) fn connect(self: &Arc<Self>) -> Connected {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Connected(Arc::clone(self))
    }

    /// Resolves when no connection is open.
    pub(crate) async fn none_connected(&self) {
        loop {
            let changed = self.none_connected.notified();
            if self.connections.load(Ordering::Acquire) == 0 {
                return;
            }
            changed.await;
        }
    }

    /// What it carries.
    pub(crate) fn in_flight(&self) -> InFlight {
        let mut carried = InFlight::default();
        carried.connections = self.connections.load(Ordering::Relaxed);
        for worker in self.workers.there() {
            let state = worker.lock();
            carried.arrived += state.arrived;
            for (_, open) in &state.open {
                count(&mut carried, &open.label, open.began.elapsed());
            }
            if let Some((label, age)) = state.polled().filter(|(_, lasted)| *lasted >= BLOCKED) {
                carried.stuck.push(OldestCall { method: label.to_owned(), age });
            }
        }
        // HTTP/1.1 has one a connection.
        carried.carrying = carried.open().min(carried.connections);
        carried
    }
}

fn count(carried: &mut InFlight, label: &str, age: Duration) {
    let known = carried.calls.len() < MOST_KINDS || carried.calls.contains_key(label);
    *carried.calls.entry(if known { label } else { "_OTHER" }.to_owned()).or_default() += 1;
    if carried.oldest.as_ref().is_none_or(|oldest| oldest.age < age) {
        carried.oldest = Some(OldestCall { method: label.to_owned(), age });
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        if self.0.connections.fetch_sub(1, Ordering::Release) == 1 {
            self.0.none_connected.notify_waiters();
        }
    }
}

/// A request begins on this worker: it is shown by its method and the first segment of its path, `GET /users/..`.
pub(crate) fn begin(worker: &Arc<Worker>, request: &Request) -> Open {
    let path = request.uri().path().trim_start_matches('/');
    let (first, more) = match path.split_once('/') {
        Some((first, _)) => (first, "/.."),
        None => (path, ""),
    };
    worker.begin(format!("{} /{}{more}", shown(request.method().as_str()), shown(first)))
}

/// Text of a peer: cut, and without what a terminal would act on.
fn shown(text: &str) -> String {
    let mut shown: String = text.escape_debug().take(LONGEST_SHOWN).collect();
    if text.len() > LONGEST_SHOWN {
        shown.push_str("..");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g17_a_request_is_shown_by_its_method_and_the_first_segment_cut_and_escaped() {
        let worker = Arc::<Workers>::default().enter();
        for (path, wanted) in
            [("/", "GET /"), ("/users?secret=1", "GET /users"), ("/users/7/orders", "GET /users/..")]
        {
            let request: Request = actix_web::test::TestRequest::with_uri(path).to_request();
            let _open = begin(&worker, &request);
            assert_eq!(worker.lock().open.iter().next().unwrap().1.label, wanted);
        }
        let long = format!("/{}/b", "x".repeat(14_000));
        let _open = begin(&worker, &actix_web::test::TestRequest::with_uri(&long).to_request());
        assert!(worker.lock().open.iter().next().unwrap().1.label.len() < 80);
        assert_eq!(shown("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
    }

    #[test]
    fn g17_no_more_than_so_many_kinds_are_told_apart() {
        let mut carried = InFlight::default();
        for at in 0..MOST_KINDS + 500 {
            count(&mut carried, &format!("GET /{at}"), Duration::ZERO);
        }
        assert_eq!((carried.calls.len(), carried.calls["_OTHER"]), (MOST_KINDS + 1, 500));
    }
}
