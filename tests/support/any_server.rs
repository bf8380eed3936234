//! What holds for every HTTP server that is a service, `web`, whoever serves there.

use std::net::SocketAddr;

use majordomo::{GenericService, ServiceSpec};
use tokio::net::TcpStream;

use super::rpc::Reserved;
use super::{Client, Gate, Journal, Observed, Probe, ms, observe, options};

/// G2: connecting is refused until all run. `make` makes the server for an address; it answers `/`.
pub async fn refuses_until_all_run<A: GenericService>(make: impl FnOnce(String) -> ServiceSpec<A>) {
    let gate = Gate::new();
    let passed = gate.clone();
    let slow = Probe::new("slow", &Journal::default()).setup(move |_| async move {
        passed.passed().await;
        Ok(())
    });
    let port = Reserved::new();
    let at = port.address;
    let web = make(at.to_string());
    let mut observed = observe(options(), |manager| manager.service(web).service(slow));
    observed.seen("setup_finished web: ok").await;
    assert!(TcpStream::connect(at).await.is_err(), "it accepts before all are set up");
    gate.open();
    observed.running().await;
    assert_eq!(Client::connect(at).await.get("/").await.status, 200);
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert!(TcpStream::connect(at).await.is_err(), "it accepts after the end");
}

/// G19: a request that is open when the drain begins finishes. `/slow` is answered `late` when the gate opens.
pub async fn finishes_its_requests((mut observed, at): (Observed, SocketAddr), gate: &Gate) {
    let mut client = Client::connect(at).await;
    client.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n").await;
    gate.arrived().await;
    observed.shut_down();
    observed.seen("shutdown_started web").await;
    gate.open();
    let came = client.answer().await;
    assert_eq!((came.status, &*came.body), (200, "late"));
    assert!(came.head.contains("connection: close"), "{}", came.head);
    assert_eq!(client.rest().await, "");
    observed.ended().await.assert_ok();
}

/// G19: within the drain delay, of which there must be some, answers say that their connection ends.
pub async fn says_that_connections_end((mut observed, at): (Observed, SocketAddr)) {
    let mut client = Client::connect(at).await;
    assert!(!client.get("/").await.head.contains("connection: close"));
    observed.shut_down();
    observed.seen("shutdown_requested").await;
    let mut other = Client::connect(at).await;
    let came = client.get("/").await;
    assert!(came.status == 200 && came.head.contains("connection: close"), "{came:?}");
    assert!(other.get("/").await.head.contains("connection: close"), "new connections are served, too");
    observed.ended().await.assert_ok();
}

/// How long that delay is in tests: what happens in it is over by then on a busy machine, too.
pub const DELAY: std::time::Duration = ms(2000);
