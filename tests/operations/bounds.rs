//! G17: what anybody may cost the endpoint.

use std::net::SocketAddr;

use support::{Client, Journal, Observed, Probe};
use tokio::io::AsyncWriteExt;

use crate::outside::{Follower, assert_refused, get, request, rightful, show};

async fn probed() -> (Observed, SocketAddr) {
    let (observed, at) = show(|manager| manager.service(Probe::new("a", &Journal::default()))).await;
    observed.running().await;
    (observed, at)
}

async fn end(mut observed: Observed) {
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g17_of_65_connections_the_one_that_has_asked_for_nothing_longest_makes_room() {
    let (observed, at) = probed().await;
    let mut silent = Client::connect(at).await;
    let mut idle = Vec::new();
    for _ in 0..63 {
        let mut client = Client::connect(at).await;
        client.send(&request("GET /livez", &[])).await;
        assert_eq!(client.answer().await.status, 200);
        idle.push(client);
    }
    // Whoever comes is served, as often as it comes.
    for _ in 0..2 {
        let mut client = Client::connect(at).await;
        client.send(&request("GET /livez", &[])).await;
        assert_eq!(client.answer().await.status, 200);
        idle.push(client);
    }
    assert_eq!(silent.rest().await, "", "it was first to go");
    assert_eq!(idle[0].rest().await, "", "and then the one that was answered first");
    for client in &mut idle[1..] {
        client.send(&request("GET /livez", &[])).await;
        assert_eq!(client.answer().await.status, 200);
    }
    drop(idle);
    end(observed).await;
}

#[actix::test]
async fn g17_of_65_connections_one_is_refused_while_all_others_are_busy() {
    let (observed, at) = probed().await;
    let mut followers = Vec::new();
    for _ in 0..32 {
        followers.push(Follower::of(Client::connect(at).await).await);
    }
    // Orders whose bodies do not come.
    let mut waiting = Vec::new();
    let [bearer, json] = rightful();
    for _ in 0..32 {
        let mut client = Client::connect(at).await;
        let head = ["Expect: 100-continue", "Content-Length: 2", &bearer, &json];
        client.send(&request("POST /orders/stop/nobody", &head)).await;
        assert_eq!(client.head().await.0, 100, "it waits for the body");
        waiting.push(client);
    }
    let mut refused = Client::connect(at).await;
    assert_refused(&refused.answer().await, 503, &["64 connections"]);
    assert_eq!(refused.rest().await, "", "it is closed");
    let mut answered = waiting.pop().unwrap();
    answered.send("{}").await;
    assert_eq!(answered.answer().await.status, 404);
    // Its answer is written, and so it makes room.
    assert_eq!(get(at, "/livez").await.status, 200);
    drop((followers, waiting));
    end(observed).await;
}

#[actix::test]
async fn g17_of_33_followers_one_is_refused_and_probes_are_answered() {
    let (observed, at) = probed().await;
    let mut followers = Vec::new();
    for _ in 0..32 {
        followers.push(Follower::of(Client::connect(at).await).await);
    }
    assert_refused(&get(at, "/events").await, 503, &["32 connections follow"]);
    assert_eq!(get(at, "/livez").await.status, 200);
    let mut observed = observed;
    observed.shut_down();
    for follower in &mut followers {
        assert_eq!(follower.rest().await.last().unwrap()["event"], "stopped");
    }
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g17_a_body_of_a_mebibyte_is_answered_413_and_not_kept() {
    let (observed, at) = probed().await;
    let [bearer, json] = rightful();
    let long = "x".repeat(1 << 20);
    let length = format!("Content-Length: {}", long.len());
    let chunked = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    for (framing, body) in [(length.as_str(), &long), ("Transfer-Encoding: chunked", &chunked)] {
        let mut client = Client::connect(at).await;
        let head = request("POST /orders/shutdown", &[&bearer, &json, framing]);
        let (mut reading, mut writing) = client.0.split();
        // It may be closed before all is sent.
        let send = async {
            let _ = writing.write_all(head.as_bytes()).await;
            let _ = writing.write_all(body.as_bytes()).await;
        };
        let mut peer = Client(tokio::io::join(&mut reading, tokio::io::sink()));
        let (came, ()) = tokio::join!(peer.answer(), send);
        assert_refused(&came, 413, &["more than 4096 bytes"]);
    }
    assert_eq!(get(at, "/readyz").await.status, 200, "it was no order");
    end(observed).await;
}

#[actix::test]
async fn g17_heads_that_cannot_be_understood_are_refused_and_closed() {
    let (observed, at) = probed().await;
    let long = request("GET /livez", &[&format!("A: {}", "x".repeat(20_000))]);
    for (bytes, status) in
        [("\x01\x02\x03 / HTTP/1.1\r\n\r\n", 400), ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400), (&long, 431)]
    {
        let mut client = Client::connect(at).await;
        let _ = client.0.write_all(bytes.as_bytes()).await;
        assert_eq!(client.head().await.0, status, "{bytes:.40}");
    }
    end(observed).await;
}
