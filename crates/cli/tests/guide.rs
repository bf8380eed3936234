//! The guide shows what is printed: each block of it that begins with `$ majordomo` is what comes, numbers and widths aside.

use majordomo::testing::{Behaviour, ServiceScript};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::played::{play, program, restarts, run, scenario};

const GUIDE: &str = include_str!("../../../docs/operations.md");

/// What the guide shows of a command, without the command.
#[track_caller]
fn shown(command: &str) -> String {
    let begin = format!("```text\n$ majordomo {command}\n");
    let (_, rest) = GUIDE.split_once(&begin).unwrap_or_else(|| panic!("the guide has no {begin}"));
    rest.split_once("```").expect("the end of a block").0.to_owned()
}

/// Without what differs from one time to the next: numbers, and spaces that line columns up.
fn shape(text: &str) -> Vec<String> {
    let number = |word: &str| word.chars().any(|character| character.is_ascii_digit());
    let line = |line: &str| {
        line.split_whitespace()
            .map(|word| if number(word) { "N" } else { word })
            .collect::<Vec<_>>()
            .join(" ")
    };
    text.lines().map(line).collect()
}

#[tokio::test]
async fn the_guide_shows_the_help() {
    assert_eq!(shown("--help"), run(&["--help"]).await.exits(0));
}

#[actix::test]
async fn the_guide_shows_a_late_database() {
    let database = ServiceScript {
        retry_setup: Some(restarts(20, 5_000)),
        ..ServiceScript::new("database").setup(Behaviour::Error)
    };
    let services = [database, ServiceScript::new("web").depends_on("database"), ServiceScript::new("mail")];
    let mut played = play(scenario(services)).await;
    played.seen("setup_retried database").await;
    played.seen("setup_finished mail: ok").await;
    for (command, code) in [("status", 0), ("why", 1), ("ready", 1)] {
        // The failure of a script is not that of a database.
        let came = played
            .ask(&[command])
            .await
            .exits(code)
            .replace("database fails in setup, as scripted", "no route to host");
        assert_eq!(
            shape(&came),
            shape(&shown(command)),
            "{command}: left, what came; right, the guide\n{came}"
        );
    }
    assert_eq!(played.end().await, 0);
}

#[actix::test]
async fn the_guide_shows_orders_events_and_a_plan() {
    let mut played = play(scenario([ServiceScript::new("worker").restart(restarts(3, 0))])).await;
    played.seen("running").await;
    let mut child = program(&["--at", &played.at, "events"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for wanted in shape(&shown("events")) {
        let line = support::within("a line", lines.next_line()).await.unwrap().unwrap();
        assert_eq!(shape(&line), [wanted], "left, what came; right, the guide: {line}");
    }
    drop(lines);
    for (command, code) in [(&["restart", "worker"][..], 0), (&["stop", "nobody"], 1), (&["plan"], 0)] {
        let came = played.order(command).await.exits(code);
        let guide = shown(&command.join(" "));
        assert_eq!(shape(&came), shape(&guide), "{command:?}: left, what came; right, the guide\n{came}");
    }
    assert_eq!(played.end().await, 0);
}
