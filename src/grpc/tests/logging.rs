//! What is logged of calls that the server ends, in paused time, and what a log costs that shows no messages.

use std::io;
use std::sync::{Arc, Mutex};

use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use tonic::Code;
use tracing::Level;
use tracing::dispatcher::DefaultGuard;

use crate::grpc::GrpcServerOptions;
use crate::grpc::application::GrpcApplication;
use crate::grpc::builtin::reflection::DescriptorSet;
use crate::grpc::logging::{GrpcLogging, Logger};
use crate::grpc::tests::peer::{Peer, told};
use crate::grpc::tests::probe::{Probe, Probed};
use crate::server::application::Application;
use crate::server::state::WorkerState;

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

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The only line about a call that ended.
    fn finished(&self) -> String {
        let text = self.text();
        let lines: Vec<_> = text.lines().filter(|line| line.contains("gRPC call finished")).collect();
        assert_eq!(lines.len(), 1, "{text}");
        lines[0].to_owned()
    }
}

/// A peer of a worker that logs.
async fn connect(worker: impl Into<Arc<WorkerState>>, probe: &Probe) -> Peer {
    let logger = Logger::new(Some(GrpcLogging::new()), Vec::new);
    let application =
        GrpcApplication::new(probe.router(), &GrpcServerOptions::new(), logger, Default::default());
    Peer::connect_by(worker, application.for_worker()).await
}

/// A set of one file, which cannot be used: it lacks what it imports.
fn lacking() -> Vec<DescriptorSet> {
    let file = FileDescriptorProto {
        name: Some("lacking.proto".to_owned()),
        dependency: vec!["nowhere.proto".to_owned()],
        ..FileDescriptorProto::default()
    };
    vec![DescriptorSet::decode(&FileDescriptorSet { file: vec![file] }.encode_to_vec()).unwrap()]
}

#[test]
fn the_types_of_messages_are_looked_at_only_where_messages_are_shown() {
    let new = GrpcLogging::new;
    for off in
        [None, Some(new()), Some(new().requests(Level::INFO).responses(Level::INFO).max_json_length(0))]
    {
        let (written, _guard) = Written::begin();
        drop(Logger::new(off, || panic!("nobody needs the descriptor sets")));
        assert_eq!(written.text(), "");
    }
    for on in [new().requests(Level::INFO), new().responses(Level::INFO).calls(None)] {
        let (written, _guard) = Written::begin();
        drop(Logger::new(Some(on), lacking));
        let text = written.text();
        assert!(text.contains("logged by their size alone") && text.contains("lacking.proto"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_drain_calls_off_is_logged_as_such() {
    let (written, _guard) = Written::begin();
    let (mut probed, worker) = (Probed::new(), WorkerState::default());
    let called_off = worker.called_off.clone();
    let mut peer = connect(worker, &probed.probe).await;
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
    let mut peer = connect(WorkerState::default(), &probed.probe).await;
    let response = peer.call("Flood", &[("grpc-timeout", "3S")]).await;
    let mut body = response.await.unwrap().into_body();
    while let Some(Ok(_)) = body.data().await {}
    let line = written.finished();
    assert!(line.contains("status=\"DEADLINE_EXCEEDED\"") && line.contains("ended_by=deadline"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_connection_is_cut_is_logged_as_such() {
    let (written, _guard) = Written::begin();
    let (mut probed, worker) = (Probed::new(), Arc::new(WorkerState::default()));
    let mut peer = connect(Arc::clone(&worker), &probed.probe).await;
    let held = peer.call("Hold", &[]).await;
    probed.entered.recv().await.unwrap();
    worker.drain(None);
    worker.cutting.cancel();
    peer.served.await.unwrap();
    assert!(held.await.is_err());
    // The task of the call is dropped by the runtime, after that of the connection.
    probed.probe.dropped.cancelled().await;
    tokio::task::yield_now().await;
    let line = written.finished();
    assert!(line.contains("status=\"UNAVAILABLE\"") && line.contains("ended_by=cut"), "{line}");
}
