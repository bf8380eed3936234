//! Nobody who connects or calls notices a hand-over.

use std::os::unix::fs::MetadataExt;

use majordomo::grpc::health::ServingStatus;
use tonic::Code;

use crate::generations::Generations;
use crate::load::Load;
use crate::locked::{self, Caller};
use crate::program::HELD;

#[test]
fn g24_a_hand_over_loses_no_connection_attempt_and_no_call() {
    let mut all = Generations::start(&[]);
    let first = all.first.id();
    let (web, grpc) = (all.web, all.grpc);
    let load = Load::start(web, all.file("web.sock"), grpc);
    let before = std::fs::metadata(all.file("web.sock")).unwrap();
    all.ask(first);
    let second = all.started();
    let took_over = all.event("took_over");
    assert_eq!(
        (took_over["generation"].as_u64(), took_over["predecessor"].as_u64()),
        (Some(2), Some(first.into()))
    );
    assert_eq!(all.first.end().code(), Some(0));
    // What exists once has moved.
    all.first.wait_for(&format!("{second} {{")); // an event of the successor after that
    assert_eq!(all.serves(), second);
    let answers = load.end();
    for (client, answers) in answers.iter().enumerate().take(4) {
        let by = |process: u32| answers.iter().filter(|answer| **answer == process.to_string()).count();
        assert!(by(first) > 0 && by(second) > 0, "client {client}: {} and {}", by(first), by(second));
        assert_eq!(by(first) + by(second), answers.len());
    }
    let after = std::fs::metadata(all.file("web.sock")).unwrap();
    assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()), "the file is the same");
    all.stop(second);
    let mine = |process, what: &str| (process, what.to_owned());
    let wanted = [
        mine(first, "has it"),
        mine(first, "gave it back"),
        mine(second, "has it"),
        mine(second, "gave it back"),
    ];
    assert_eq!(all.marks(), wanted);
    for file in ["web.sock", "operations.sock"] {
        assert!(!all.file(file).exists(), "the last one removes {file}");
    }
}

#[test]
fn g24_calls_of_what_exists_once_are_unavailable_until_the_predecessor_has_released_everything() {
    use ServingStatus::{NotServing, Serving};
    let mut all = Generations::start(&[]);
    let first = all.first.id();
    assert_eq!(Caller::connect(all.grpc).call(), Ok(()));
    std::fs::write(all.file(HELD), "").unwrap();
    all.ask(first);
    let second = all.started();
    // The predecessor is there until what it has is no longer held.
    let mut told = all.events(&["standby", "standby", "releasing"]);
    told.retain(|event| event["event"] == "standby");
    for (waits, id) in told.iter().zip(["once", locked::ID]) {
        assert_eq!((waits["service"].as_str(), waits["waits_for"].as_str()), (Some(id), Some("predecessor")));
    }
    let caller = Caller::connect(all.grpc);
    let (code, message) = caller.call().unwrap_err();
    assert_eq!(code, Code::Unavailable);
    assert!(message.contains("\"locked\" is not set up yet"), "{message}");
    assert_eq!(caller.health(), [Serving, NotServing, NotServing]);
    std::fs::remove_file(all.file(HELD)).unwrap();
    all.first.wait_for("\"event\":\"setup_finished\",\"service\":\"locked\"");
    assert_eq!(caller.call(), Ok(()));
    assert_eq!(caller.health(), [Serving; 3]);
    all.stop(second);
}

#[test]
fn g24_ten_processes_follow_each_other_and_the_sockets_stay() {
    let mut all = Generations::start(&[]);
    let load = Load::start(all.web, all.file("web.sock"), all.grpc);
    let mut current = all.first.id();
    for generation in 2..=10 {
        all.ask(current);
        let next = all.started();
        assert_eq!(all.event("took_over")["generation"].as_u64(), Some(generation));
        all.first.wait_for("\"event\":\"run_started\",\"service\":\"once\"");
        current = next;
    }
    assert_eq!(all.serves(), current);
    load.end();
    all.stop(current);
}
