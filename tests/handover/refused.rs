//! Hand-overs that cannot begin.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::generations::{Generations, pid};
use crate::program::{FAULT, Fault};

/// What the operations endpoint answers to the order to hand over.
pub fn order(at: &Path) -> (u16, String) {
    give_order(at, "handover")
}

/// What the operations endpoint answers to an order.
pub fn give_order(at: &Path, what: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(at).unwrap();
    let request = format!(
        "POST /orders/{what} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
        Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn g24_an_order_is_answered_when_the_successor_is_in_charge() {
    let mut all = Generations::start(&[]);
    let first = all.first.id();
    assert_eq!(order(&all.file("operations.sock")), (200, r#"{"ok":true}"#.to_owned()));
    let second = all.started();
    assert_eq!(all.first.end().code(), Some(0));
    assert_eq!(all.serves(), second);
    assert_ne!(first, second);
    all.stop(second);
}

#[test]
fn g24_a_second_hand_over_is_refused_while_one_is_under_way() {
    // It hangs for as long as the test likes.
    let mut all = Generations::start(&[(FAULT, format!("{:?}", Fault::HangsInSetup))]);
    let first = all.first.id();
    all.ask(first);
    let second = all.started();
    // The first signal has been taken in.
    let heard = Instant::now();
    let file = all.file("operations.sock");
    let (status, body) = order(&file);
    assert_eq!(status, 409);
    assert!(body.contains("under way"), "{body}");
    // Two of the same signal within 100 ms are one.
    std::thread::sleep(Duration::from_millis(101).saturating_sub(heard.elapsed()));
    all.ask(first);
    let refused = all.event("handover_refused");
    assert!(refused["reason"].as_str().unwrap().contains("under way"), "{refused}");
    kill_process(pid(second), Signal::KILL).unwrap();
    assert_eq!(all.event("handover_finished")["outcome"], "failed");
    // And then it is possible again, and tells what comes of it.
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| order(&file));
        let third = all.started();
        kill_process(pid(third), Signal::KILL).unwrap();
        let (status, body) = answer.join().unwrap();
        assert_eq!(status, 409);
        assert!(body.contains("signal: 9") && body.contains("serves on as before"), "{body}");
    });
    assert_eq!(all.serves(), first);
}
