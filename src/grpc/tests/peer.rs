//! A bare HTTP/2 peer and the server's end of its connection, in memory, so that time can be paused.

use std::sync::Arc;

use http::Request;
use hyper::body::Bytes;
use tokio::task::JoinHandle;
use tonic::Code;

use crate::grpc::GrpcServerOptions;
use crate::grpc::application::GrpcApplication;
use crate::grpc::call::connect_info::addresses;
use crate::grpc::logging::Logger;
use crate::grpc::register::router::{Router, Table};
use crate::grpc::tests::probe::Probe;
use crate::server::application::Application;
use crate::server::connection::protocol::Protocol;
use crate::server::connection::serve::serve;
use crate::server::connection::state::Connection;
use crate::server::options::EngineOptions;
use crate::server::state::WorkerState;
use crate::server::worker::stream_executor::{StreamExecutor, WorkerSet};

pub(crate) struct Peer {
    pub(crate) sender: h2::client::SendRequest<Bytes>,
    /// Ends with the connection, as the peer sees it.
    pub(crate) drive: JoinHandle<Result<(), h2::Error>>,
    /// Ends when the server is done with it.
    pub(crate) served: JoinHandle<()>,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// How many bytes came before.
    pub(crate) bytes: usize,
    /// Whether nothing came but headers.
    pub(crate) headers_only: bool,
}

/// HTTP/2 on a worker that hands nothing over.
pub(crate) fn alone(options: &EngineOptions) -> Protocol {
    Protocol::new(options, StreamExecutor::new(Arc::default(), WorkerSet::default()))
}

/// gRPC with these options, on one worker.
pub(crate) fn serving(router: Router, options: &GrpcServerOptions) -> GrpcApplication {
    GrpcApplication::new(router, options, Logger::default(), Default::default()).for_worker()
}

/// The same where nothing is registered.
pub(crate) fn nothing_served() -> GrpcApplication {
    serving(Router::new(Table::default(), &[]), &GrpcServerOptions::new())
}

impl Peer {
    pub(crate) async fn connect(options: &GrpcServerOptions, probe: &Probe) -> Self {
        let worker = WorkerState::new(options.engine.clone(), Arc::default());
        Self::connect_by(worker, serving(probe.router(), options)).await
    }

    pub(crate) async fn connect_to(worker: impl Into<Arc<WorkerState>>, probe: &Probe) -> Self {
        Self::connect_by(worker, serving(probe.router(), &GrpcServerOptions::new())).await
    }

    pub(crate) async fn connect_by(
        worker: impl Into<Arc<WorkerState>>,
        application: GrpcApplication,
    ) -> Self {
        let worker = worker.into();
        let (near, far) = tokio::io::duplex(1 << 20);
        let http = alone(&worker.options);
        let connection = Connection::new(worker);
        let served = tokio::spawn(serve(far, addresses(None, None), http, application, connection));
        let (sender, connection) = h2::client::handshake(near).await.unwrap();
        Self { sender, drive: tokio::spawn(connection), served }
    }

    /// Begins a call; its request is left open.
    pub(crate) async fn open(
        &mut self,
        method: &str,
        headers: &[(&str, &str)],
    ) -> (h2::client::ResponseFuture, h2::SendStream<Bytes>) {
        let mut request = Request::post(format!("http://test/test.Probe/{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut sender = self.sender.clone().ready().await.unwrap();
        sender.send_request(request.body(()).unwrap(), false).unwrap()
    }

    /// Calls with a message that is empty.
    pub(crate) async fn call(
        &mut self,
        method: &str,
        headers: &[(&str, &str)],
    ) -> h2::client::ResponseFuture {
        let (response, mut request) = self.open(method, headers).await;
        request.send_data(Bytes::from_static(&[0; 5]), true).unwrap();
        response
    }
}

/// Reads an answer to its end.
pub(crate) async fn told(response: h2::client::ResponseFuture) -> Told {
    let response = response.await.unwrap();
    let (mut head, mut body) = (response.headers().clone(), response.into_body());
    let mut bytes = 0;
    while let Some(data) = body.data().await {
        let length = data.unwrap().len();
        bytes += length;
        body.flow_control().release_capacity(length).unwrap();
    }
    let trailers = body.trailers().await.unwrap();
    let headers_only = trailers.is_none();
    head.extend(trailers.unwrap_or_default());
    let text = |name| head.get(name).map_or("", |value| value.to_str().unwrap());
    let message = text("grpc-message").replace("%20", " ");
    Told { code: Code::from_bytes(text("grpc-status").as_bytes()), message, bytes, headers_only }
}
