//! How calls are spread over the workers of a gRPC server.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use h2::client::{ResponseFuture, SendRequest};
use http::Request;
use hyper::body::Bytes;
use majordomo::GrpcServerOptions;
use majordomo::ping::{Ping, PingServer};
use support::rpc::options;
use support::{Journal, Probe, observe, within};
use tonic::{Response, Status};

/// A service whose calls keep their thread busy until so many of them are inside at once.
#[derive(Debug, Clone)]
struct Meeting {
    wanted: usize,
    inside: Arc<(Mutex<usize>, Condvar)>,
}

#[tonic::async_trait]
impl Ping for Meeting {
    async fn ping(&self, call: tonic::Request<()>) -> Result<Response<()>, Status> {
        if call.metadata().get("meet").is_none() {
            // Long enough to be known as a method that keeps its thread busy.
            std::thread::sleep(Duration::from_millis(5));
            return Ok(Response::new(()));
        }
        let (count, came) = &*self.inside;
        let mut inside = count.lock().unwrap();
        *inside += 1;
        came.notify_all();
        let waited =
            came.wait_timeout_while(inside, Duration::from_secs(10), |inside| *inside < self.wanted).unwrap();
        if waited.1.timed_out() { Err(Status::aborted("nobody else came")) } else { Ok(Response::new(())) }
    }
}

#[actix::test]
async fn calls_that_keep_a_thread_busy_use_all_workers_though_they_come_over_one_connection() {
    const WORKERS: usize = 3;
    let meeting = Meeting { wanted: WORKERS, inside: Arc::default() };
    let service = Probe::new("meeting", &Journal::default()).register_at_once(move |on, _| {
        on.server.add_service(PingServer::new(meeting));
        Ok(())
    });
    let options = options().grpc_ping_service(false).grpc_server(GrpcServerOptions::new().workers(WORKERS));
    let mut observed = observe(options, |m| m.grpc_service(service));
    let address = observed.grpc_address().await;
    let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = h2::client::handshake(tcp).await.unwrap();
    let connection = tokio::task::spawn_local(connection);

    // Its own worker learns what a call costs.
    assert_eq!(status_of(call(&mut sender, false)).await, "0");
    // Nothing of these is sent before the first is waited for: all of them come at once.
    let calls = [(); WORKERS].map(|()| call(&mut sender, true));
    for call in calls {
        assert_eq!(status_of(call).await, "0");
    }
    drop(sender);
    connection.await.unwrap().unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
}

fn call(sender: &mut SendRequest<Bytes>, meet: bool) -> ResponseFuture {
    let mut request = Request::post("http://test/pkping.Ping/Ping")
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if meet {
        request = request.header("meet", "1");
    }
    let (answer, mut body) = sender.send_request(request.body(()).unwrap(), false).unwrap();
    body.send_data(Bytes::from_static(&[0; 5]), true).unwrap();
    answer
}

async fn status_of(call: ResponseFuture) -> String {
    let answer = within("an answer", call).await.unwrap();
    let headers = answer.headers().clone();
    let mut body = answer.into_body();
    while let Some(bytes) = body.data().await {
        body.flow_control().release_capacity(bytes.unwrap().len()).unwrap();
    }
    let trailers = body.trailers().await.unwrap().unwrap_or(headers);
    trailers["grpc-status"].to_str().unwrap().to_owned()
}
