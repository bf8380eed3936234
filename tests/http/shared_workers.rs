//! G17, G19: servers share the workers of their manager, and nothing else.

use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use h2::client::SendRequest;
use hyper::body::Bytes;
use majordomo::http::{HttpServer, HttpServerOptions};
use majordomo::{
    GrpcServerOptions, ManagerOptions, RestartPolicy, RestartService, ServiceSpec, StopService, http_service,
};
use support::rpc::{connect, ping};
use support::{Gate, Observed, ms, observe, options, within};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::peers::{Client, address};

fn web(id: &str, workers: usize, router: Router) -> ServiceSpec<HttpServer> {
    http_service(id, "127.0.0.1:0", router).options(HttpServerOptions::new().workers(workers))
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

/// A router whose `/block` blocks its worker until the sender is dropped, and tells when it does.
fn blocking() -> (Router, Sender<()>, Gate) {
    let (unblock, blocked) = channel::<()>();
    let (blocked, entered) = (Arc::new(Mutex::new(blocked)), Gate::new());
    let enters = entered.clone();
    let block = move || async move {
        enters.open();
        let _ = blocked.lock().unwrap().recv();
        "unblocked"
    };
    (hello().route("/block", get(block)), unblock, entered)
}

/// One connection of HTTP/2.
#[derive(Clone)]
struct Http2(SendRequest<Bytes>);

impl Http2 {
    async fn connect(at: SocketAddr) -> Self {
        let tcp = TcpStream::connect(at).await.unwrap();
        let (sender, connection) = h2::client::handshake(tcp).await.unwrap();
        actix_rt::spawn(connection);
        Self(sender)
    }

    /// Sends a request at once; the answer is waited for.
    fn begin(&mut self, path: &str) -> impl Future<Output = Result<u16, h2::Error>> + use<> {
        let request = http::Request::get(format!("http://test{path}")).body(()).unwrap();
        let sent = self.0.send_request(request, true).map(|(answer, _)| answer);
        async move { Ok(sent?.await?.status().as_u16()) }
    }

    async fn get(&mut self, path: &str) -> Result<u16, h2::Error> {
        self.0 = self.0.clone().ready().await?;
        within(path, self.begin(path)).await
    }
}

/// Calls a server on one connection for as long as the test goes on, and counts.
struct Load(watch::Receiver<usize>);

impl Load {
    fn of<F: Future<Output = Result<(), String>> + 'static>(mut call: impl FnMut() -> F + 'static) -> Self {
        let (count, answered) = watch::channel(0);
        actix_rt::spawn(async move {
            while !count.is_closed() {
                call().await.expect("a connection of a server that goes on was touched");
                count.send_modify(|count| *count += 1);
            }
        });
        Self(answered)
    }

    /// Waits until so many calls more were answered.
    async fn goes_on(&mut self) {
        let until = *self.0.borrow() + 25;
        let answered = within("answers under load", self.0.wait_for(|count| *count >= until)).await;
        answered.expect("the load met an error");
    }
}

fn with_grpc(workers: usize) -> ManagerOptions {
    options()
        .grpc_ping_service(true)
        .grpc_server_address("127.0.0.1:0")
        .grpc_server(GrpcServerOptions::new().workers(workers).addresses(["127.0.0.1:0"]))
}

async fn stop(observed: &Observed, id: &str) {
    within("the stop", observed.manager.send(StopService(id.into()))).await.unwrap().unwrap();
}

#[actix::test]
async fn g19_a_server_that_restarts_or_is_stopped_touches_no_connection_of_another() {
    let gate = Gate::new();
    let passes = gate.clone();
    let slow = get(move || async move {
        passes.passed().await;
        "late"
    });
    let one = web("one", 1, hello().route("/slow", slow)).restart(RestartPolicy::on_failure());
    let two = web("two", 1, hello());
    let mut observed = observe(with_grpc(1), |manager| manager.service(one).service(two));
    observed.running().await;
    let (at, beside) = (address(&observed, "one").await, address(&observed, "two").await);
    let client = Http2::connect(beside).await;
    let mut http = Load::of(move || {
        let mut client = client.clone();
        async move { client.get("/").await.map(drop).map_err(|error| error.to_string()) }
    });
    let channel = connect(observed.status().await.grpc_address.unwrap()).await;
    let mut grpc = Load::of(move || {
        let channel = channel.clone();
        async move { ping(channel).await.map_err(|error| error.to_string()) }
    });
    for _ in 0..3 {
        let mut own = Http2::connect(at).await;
        assert_eq!(own.get("/").await.unwrap(), 200);
        within("the restart", observed.manager.send(RestartService("one".into()))).await.unwrap().unwrap();
        own.get("/").await.unwrap_err();
        http.goes_on().await;
        grpc.goes_on().await;
    }
    // Nor does a stop that waits for what is open.
    let held = Http2::connect(at).await.begin("/slow");
    gate.arrived().await;
    let stop = observed.manager.send(StopService("one".into()));
    observed.seen("stop_started one").await;
    http.goes_on().await;
    grpc.goes_on().await;
    gate.open();
    assert_eq!(within("the end of what was held", held).await.unwrap(), 200);
    within("the stop", stop).await.unwrap().unwrap();
    http.goes_on().await;
    grpc.goes_on().await;
    assert!(TcpStream::connect(at).await.is_err());
    drop((http, grpc));
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g17_a_handler_that_blocks_a_worker_is_told_and_other_servers_go_on() {
    let (router, unblock, entered) = blocking();
    let stuck_after = options().stuck_after(ms(100));
    let mut observed = observe(stuck_after, |manager| {
        manager.service(web("one", 2, router).stop_timeout(ms(200))).service(web("two", 2, hello()))
    });
    observed.running().await;
    let (at, beside) = (address(&observed, "one").await, address(&observed, "two").await);
    let mut blocked = Client::connect(at).await;
    blocked.send("GET /block HTTP/1.1\r\nHost: test\r\n\r\n").await;
    entered.passed().await;
    observed.seen("stall_started one: stuck").await;
    let line = observed.events().to_string();
    let line = line.lines().find(|line| line.contains("stall_started one")).unwrap().to_owned();
    assert!(line.contains("GET /block") && line.contains("server-worker-"), "{line}");
    let stuck = observed.status().await;
    assert_eq!(stuck.services[0].http.as_ref().unwrap().stuck[0].method, "GET /block");
    for _ in 0..6 {
        assert_eq!(Client::connect(beside).await.get("/").await.status, 200);
    }
    // A server that has nothing on the worker comes to its end as ever.
    within("the end of its connections", async {
        while observed.status().await.services[1].http.as_ref().unwrap().connections > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    stop(&observed, "two").await;
    drop(unblock);
    assert_eq!(blocked.answer().await.body, "unblocked");
    observed.seen("stall_finished one: stuck").await;
    drop(blocked);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g17_a_worker_that_a_stopped_server_still_blocks_is_replaced() {
    let (router, unblock, entered) = blocking();
    let one = web("one", 1, router).stop_timeout(ms(100));
    let mut observed = observe(options(), |manager| manager.service(one).service(web("two", 1, hello())));
    observed.running().await;
    let (at, beside) = (address(&observed, "one").await, address(&observed, "two").await);
    let mut before = Client::connect(beside).await;
    assert_eq!(before.get("/").await.status, 200);
    let mut blocked = Client::connect(at).await;
    blocked.send("GET /block HTTP/1.1\r\nHost: test\r\n\r\n").await;
    entered.passed().await;
    // It has the only worker there is.
    let stopped = within("the stop", observed.manager.send(StopService("one".into()))).await.unwrap();
    assert!(stopped.is_err() || observed.events().to_string().contains("stop_finished one"), "{stopped:?}");
    for _ in 0..3 {
        assert_eq!(Client::connect(beside).await.get("/").await.status, 200, "by the worker in its place");
    }
    // Those that the blocked worker has are served when it comes back.
    before.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    drop(unblock);
    assert_eq!(before.answer().await.body, "hello");
    assert_eq!(before.get("/").await.body, "hello");
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    let report = format!("{:?}", ended.service("one"));
    assert!(report.contains("GET /block"), "{report}");
}

/// Requests that keep their thread busy until so many of them are inside at once.
fn meeting(wanted: usize) -> Router {
    let inside = Arc::<(Mutex<usize>, Condvar)>::default();
    let meet = move || async move {
        let (count, came) = &*inside;
        let mut inside = count.lock().unwrap();
        *inside += 1;
        came.notify_all();
        if *inside == 1 {
            // The first alone: long enough to be known as a route that keeps its thread busy.
            drop(inside);
            std::thread::sleep(Duration::from_millis(5));
            return "1";
        }
        let wait = Duration::from_secs(10);
        let (_inside, waited) = came.wait_timeout_while(inside, wait, |inside| *inside <= wanted).unwrap();
        if waited.timed_out() { panic!("nobody else came") } else { "met" }
    };
    Router::new().route("/meet", get(meet))
}

#[actix::test]
async fn g17_requests_that_keep_a_thread_busy_use_all_workers_though_they_come_over_one_connection() {
    const WORKERS: usize = 3;
    let mut observed = observe(options(), |manager| manager.service(web("web", WORKERS, meeting(WORKERS))));
    observed.running().await;
    let mut client = Http2::connect(address(&observed, "web").await).await;
    // Its own worker learns what the route costs.
    assert_eq!(client.get("/meet").await.unwrap(), 200);
    client.0 = client.0.clone().ready().await.unwrap();
    // Nothing of these is sent before the first is waited for: all of them come at once.
    let calls = [(); WORKERS].map(|()| client.begin("/meet"));
    for call in calls {
        assert_eq!(within("an answer", call).await.unwrap(), 200);
    }
    drop(client);
    observed.shut_down();
    observed.ended().await.assert_ok();
}
