//! What is logged of calls that the server ends, in paused time.

use std::io;
use std::sync::{Arc, Mutex};

use tonic::Code;
use tracing::Level;
use tracing::dispatcher::DefaultGuard;

use super::peer::{Peer, told};
use super::probe::Probed;
use crate::grpc::logging::{GrpcLogging, Logger};
use crate::grpc::worker::Shared;

/// What was logged on this thread, as text.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn begin() -> (Self, DefaultGuard) {
        let written = Self::default();
        let writer = written.clone();
        let format = tracing_subscriber::fmt().without_time().with_ansi(false).with_max_level(Level::DEBUG);
        let subscriber = format.with_writer(move || writer.clone()).finish();
        (written, tracing::dispatcher::set_default(&subscriber.into()))
    }

    /// The only line about a call that ended.
    fn finished(&self) -> String {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| line.contains("gRPC call finished")).collect();
        assert_eq!(lines.len(), 1, "{text}");
        lines[0].to_owned()
    }
}

fn logged() -> Shared {
    let logger = Logger::new(Some(GrpcLogging::new()), &[]);
    Shared::new(Default::default(), Arc::default()).logged_by(&Arc::new(logger))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_drain_calls_off_is_logged_as_such() {
    let (written, _guard) = Written::begin();
    let (mut probed, worker) = (Probed::new(), logged());
    let called_off = worker.called_off.clone();
    let mut peer = Peer::connect_to(worker, &probed.probe).await;
    let held = peer.call("Hold", &[]).await;
    probed.entered.recv().await.unwrap();
    called_off.cancel();
    assert_eq!(told(held).await.code, Code::Unavailable);
    let line = written.finished();
    for part in [
        "DEBUG majordomo::grpc: gRPC call finished method=\"/test.Probe/Hold\"",
        "status=\"UNAVAILABLE\"",
        "ended_by=drain error=\"server is shutting down\"",
    ] {
        assert!(line.contains(part), "no {part} in {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_peer_does_not_read_is_logged_as_past_its_deadline() {
    let (written, _guard) = Written::begin();
    let probed = Probed::new();
    let mut peer = Peer::connect_to(logged(), &probed.probe).await;
    let response = peer.call("Flood", &[("grpc-timeout", "3S")]).await;
    let mut body = response.await.unwrap().into_body();
    while let Some(Ok(_)) = body.data().await {}
    let line = written.finished();
    assert!(line.contains("status=\"DEADLINE_EXCEEDED\"") && line.contains("ended_by=deadline"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_connection_is_cut_is_logged_as_such() {
    let (written, _guard) = Written::begin();
    let (mut probed, worker) = (Probed::new(), logged());
    let (draining, cutting) = (worker.draining.clone(), worker.cutting.clone());
    let mut peer = Peer::connect_to(worker, &probed.probe).await;
    let held = peer.call("Hold", &[]).await;
    probed.entered.recv().await.unwrap();
    draining.cancel();
    cutting.cancel();
    peer.served.await.unwrap();
    assert!(held.await.is_err());
    // The task of the call is dropped by the runtime, after that of the connection.
    probed.probe.dropped.cancelled().await;
    tokio::task::yield_now().await;
    let line = written.finished();
    assert!(line.contains("status=\"UNAVAILABLE\"") && line.contains("ended_by=cut"), "{line}");
}
