//! A successor that does not get there changes nothing.

use std::os::unix::fs::MetadataExt;

use majordomo::testing::HandoverStep;
use rustix::process::{Signal, kill_process};

use crate::generations::{Generations, pid};
use crate::load::{Load, get, get_from_file};
use crate::program::{FAULT, Fault, HELD};
use crate::refused::give_order;

/// What becomes of a hand-over, and what its error says.
fn wanted(fault: Fault) -> (&'static str, &'static [&'static str]) {
    match fault {
        Fault::Exits => {
            ("failed", &["before it asked for the sockets", "exit status: 7", "ManagerOptions::handover"])
        }
        Fault::Panics => ("failed", &["before it asked for the sockets"]),
        Fault::Idles => ("timed_out", &["took too long and was killed", "before it asked for the sockets"]),
        Fault::FailsSetup => ("failed", &["faulty", "no such table"]),
        Fault::PanicsInSetup => ("failed", &["faulty", "a set-up panics"]),
        Fault::HangsInSetup => ("timed_out", &["not ready within 1s", "faulty (setup", "Handover::timeout"]),
        Fault::DiesInCharge => ("taken_back", &["after it was in charge"]),
    }
}

#[test]
fn g24_a_successor_that_fails_hangs_or_ends_changes_nothing() {
    for fault in Fault::ALL {
        let mut all = Generations::with(fault);
        let first = all.first.id();
        // One that is kept open and silent: there is something to give way for.
        let idle = std::net::TcpStream::connect(all.web).unwrap();
        let load = Load::start(all.web, all.file("web.sock"), all.grpc);
        all.ask(first);
        let second = all.started();
        let over = all.event("handover_finished");
        let (outcome, words) = wanted(fault);
        assert_eq!(over["outcome"], outcome, "{fault:?}: {over}");
        let error = over["error"].as_str().unwrap();
        for word in words {
            assert!(error.contains(word), "{fault:?}: {error:?} lacks {word:?}");
        }
        all.gone(second);
        assert_eq!(all.serves(), first);
        // Who asks one that dies has what it asks lost, one request at a time.
        load.end_but_for(usize::from(fault == Fault::DiesInCharge));
        drop(idle);
        let others: Vec<_> = all.marks().into_iter().filter(|(process, _)| *process != first).collect();
        assert_eq!(others, [], "{fault:?}: it never had what exists once");
        all.first.signal(Signal::TERM);
        assert_eq!(all.first.end().code(), Some(0), "{fault:?}");
        assert!(!all.file("web.sock").exists(), "{fault:?}");
    }
}

/// Has both web servers start over, and asks each.
fn restart_web_servers(all: &Generations) {
    for server in ["web", "file"] {
        let answer = give_order(&all.file("operations.sock"), &format!("restart/{server}"));
        assert_eq!(answer, (200, r#"{"ok":true}"#.to_owned()), "{server}");
    }
    assert_eq!(all.serves(), all.first.id());
    assert_eq!(get_from_file(&all.file("web.sock")), Ok(all.first.id().to_string()));
}

#[test]
fn g24_a_server_that_restarts_while_a_successor_comes_up_finds_its_socket_again() {
    let mut all = Generations::start(&[(FAULT, format!("{:?}", Fault::HangsInSetup))]);
    let inode = |all: &Generations| std::fs::metadata(all.file("web.sock")).unwrap().ino();
    let (first, before) = (all.first.id(), inode(&all));
    all.ask(first);
    let second = all.started();
    // It has all sockets by then.
    all.first.wait_for("\"event\":\"setup_started\",\"service\":\"faulty\"");
    for _ in 0..2 {
        restart_web_servers(&all);
        assert_eq!(inode(&all), before, "the successor is to be found there");
    }
    kill_process(pid(second), Signal::KILL).unwrap();
    assert_eq!(all.event("handover_finished")["outcome"], "failed");
    restart_web_servers(&all);
    all.first.signal(Signal::TERM);
    assert_eq!(all.first.end().code(), Some(0));
    assert!(!all.file("web.sock").exists());
}

#[test]
fn g24_a_successor_whose_end_nobody_has_told_of_is_not_left_alone_with_the_sockets() {
    // The thread that would tell of it stands still from then on.
    let mut all = Generations::stalling_at(HandoverStep::InChargeSaid);
    let first = all.first.id();
    std::fs::write(all.file(HELD), "").unwrap();
    let (web, file) = (all.web, all.file(HELD));
    let held = std::thread::spawn(move || get(web, "/held"));
    all.first.wait_for("answers nobody yet");
    all.ask(first);
    let second = all.started();
    all.first.wait_for("at InChargeSaid");
    kill_process(pid(second), Signal::KILL).unwrap();
    all.gone(second);
    // The last that giving way waits for.
    std::fs::remove_file(file).unwrap();
    assert_eq!(held.join().unwrap(), Ok(first.to_string()));
    let over = all.event("handover_finished");
    assert_eq!(over["outcome"], "taken_back", "{over}");
    assert!(over["error"].as_str().unwrap().contains("signal: 9"), "{over}");
    assert_eq!(all.serves(), first);
}
