//! `status`, `plan`, `ready`, `events`, `top`: what is asked, over TCP and over a Unix socket.

use std::process::Stdio;

use majordomo::testing::{Gate, ServiceScript};
use rustix::process::{Pid, Signal, kill_process};
use support::within;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::played::{Played, play, play_unix, program, ran, scenario};

async fn both(services: &[ServiceScript]) -> [Played; 2] {
    let mut both = [play(scenario(services.to_vec())).await, play_unix(scenario(services.to_vec())).await];
    for played in &mut both {
        played.seen("running").await;
    }
    both
}

#[actix::test]
async fn how_things_stand_is_told_over_tcp_and_over_a_unix_socket() {
    for played in
        both(&[ServiceScript::new("database"), ServiceScript::new("web").depends_on("database")]).await
    {
        let status = played.ask(&["status"]).await.exits(0);
        assert!(status.starts_with("Running, 2 of 2 up, for "), "{status}");
        for line in ["SERVICE   STATE    SINCE", "database  running  ", "web       running  "] {
            assert!(status.contains(&format!("\n{line}")), "{status}");
        }
        let json = played.ask(&["status", "--json"]).await.json(0);
        assert_eq!((&json["stage"], &json["services"][1]["id"]), (&"running".into(), &"web".into()));
        let plan = played.ask(&["plan"]).await.exits(0);
        assert!(plan.starts_with("start:\n  1. database\n  2. web\nstop,"), "{plan}");
        let json = played.ask(&["--json", "plan"]).await.json(0);
        assert_eq!(json["services"][1]["depends_on"][0], "database");
        assert_eq!(played.end().await, 0);
    }
}

#[actix::test]
async fn ready_asks_once_or_waits_as_long_as_it_is_told() {
    let gate = Gate::new();
    let mut played = play(scenario([ServiceScript::new("slow").setup_gate(&gate)])).await;
    gate.arrived().await;
    let told = played.ask(&["ready"]).await.exits(1);
    assert!(told.starts_with("not ready\nslow: setting up for "), "{told}");
    let json = played.ask(&["ready", "--json", "--timeout", "0.3"]).await.json(1);
    assert_eq!((&json["ready"], json["waiting"].as_array().unwrap().len()), (&false.into(), 1));
    let waits = program(&["--at", &played.at, "ready", "--timeout", "600"]).spawn().unwrap();
    gate.open();
    played.seen("running").await;
    assert_eq!(ran(waits).await.exits(0), "ready\n");
    assert_eq!(played.ask(&["ready", "--json"]).await.json(0)["ready"], true);
    assert_eq!(played.end().await, 0);
}

#[actix::test]
async fn a_program_that_is_not_there_yet_is_waited_for() {
    let folder = support::Folder::new();
    let at = format!("unix:{}", folder.path("ops.sock").display());
    let waits = program(&["--at", &at, "ready", "--timeout", "600"]).spawn().unwrap();
    let options = majordomo::ManagerOptions::new().handle_signals(false);
    let scenario =
        majordomo::testing::Scenario { operations: Some(at), ..scenario([ServiceScript::new("a")]) };
    let manager = scenario.manager(options).start();
    assert_eq!(ran(waits).await.exits(0), "ready\n");
    manager.do_send(majordomo::StartShutdown);
    within("the end", manager.send(majordomo::WaitForShutdown)).await.unwrap().unwrap();
}

#[actix::test]
async fn events_are_followed_from_what_is_remembered_to_the_last() {
    for json in [false, true] {
        let mut played = play_unix(scenario([ServiceScript::new("a")])).await;
        played.seen("running").await;
        let args = ["--at", played.at.as_str(), "events", "--json"];
        let mut child = program(&args[..if json { 4 } else { 3 }]).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut read = Vec::new();
        while !read.last().is_some_and(|line: &String| line.contains("running")) {
            read.push(within("a line", lines.next_line()).await.unwrap().expect("more lines"));
        }
        assert_eq!(played.end().await, 0);
        while let Some(line) = within("a line", lines.next_line()).await.unwrap() {
            read.push(line);
        }
        let (first, last) = (&read[0], read.last().unwrap());
        if json {
            let event =
                |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].clone();
            assert_eq!((event(first), event(last)), ("operations".into(), "stopped".into()));
        } else {
            assert!(first.contains(" s  operations: unix:") && last.ends_with("  stopped"), "{read:?}");
            assert!(read.iter().any(|line| line.ends_with("setup_finished a: ok")), "{read:?}");
        }
        assert_eq!(ran(child).await.code, Some(0));
    }
}

#[actix::test]
async fn events_are_left_by_ctrl_c_and_by_a_reader_that_has_had_enough() {
    let mut played = play(scenario([ServiceScript::new("a")])).await;
    played.seen("running").await;
    // Where the tests run in the background of a shell, SIGINT is ignored, and stays so.
    let mut command = tokio::process::Command::new("env");
    command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_majordomo"), "--at", &played.at, "events"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    within("a line", lines.next_line()).await.unwrap().expect("a line");
    let pid = Pid::from_raw(child.id().unwrap() as i32).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(ran(child).await.code, Some(0));
    let mut child = program(&["--at", &played.at, "events"]).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(ran(child).await.exits(0), "");
    assert_eq!(played.end().await, 0);
}

#[actix::test]
async fn top_without_a_terminal_is_a_line_a_second_or_refused() {
    let mut played = play(scenario([ServiceScript::new("a")])).await;
    played.seen("running").await;
    assert!(played.ask(&["top"]).await.exits(64).contains("top needs a terminal"));
    let mut child = program(&["--at", &played.at, "top", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        let line = within("a line", lines.next_line()).await.unwrap().unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap()["stage"], "running");
    }
    drop(lines);
    assert_eq!(ran(child).await.code, Some(0), "nobody reads it any more");
    assert_eq!(played.end().await, 0);
}
