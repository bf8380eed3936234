//! The guide shows what is printed: each block of it that begins with a command is what comes, numbers and widths aside.

use std::collections::BTreeSet;

use majordomo::testing::{Behaviour, Gate, ResourceScript, RunBehaviour, Scenario, ServiceScript};
use majordomo::{StartShutdown, WaitForShutdown};
use support::{Client, ms, within};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::played::{Played, TOKEN, play, program, restarts, run, scenario};

const GUIDE: &str = include_str!("../../../docs/operations.md");

/// Every command that a block of the page shows: the heading above it, the command, and what comes of it.
fn commands() -> Vec<(&'static str, &'static str, String)> {
    let (mut commands, mut heading, mut is_block, mut has_command) = (Vec::new(), "", false, false);
    for line in GUIDE.lines() {
        if line.starts_with("```") {
            (is_block, has_command) = (line == "```text", false);
        } else if !is_block {
            heading = line.strip_prefix('#').map_or(heading, |rest| rest.trim_start_matches(['#', ' ']));
        } else if let Some(command) = line.strip_prefix("$ ") {
            commands.push((heading, command, String::new()));
            has_command = true;
        } else if let Some((_, _, shown)) = commands.last_mut().filter(|_| has_command) {
            *shown += &format!("{line}\n");
        }
    }
    commands
}

/// What the guide shows of a command below a heading.
#[track_caller]
fn shown(heading: &str, command: &str) -> String {
    let found = commands().into_iter().find(|(above, shown, _)| *above == heading && *shown == command);
    found.unwrap_or_else(|| panic!("the guide has no `$ {command}` below {heading:?}")).2
}

/// An order, without the program.
const POST: &str =
    r#"curl -X POST --json '{}' -H "Authorization: Bearer $TOKEN" localhost:9000/orders/restart/nobody"#;

/// Without what differs from one time to the next: numbers, whether a time is one of milliseconds, and spaces that line columns up.
fn shape(text: &str) -> Vec<String> {
    let is_number = |word: &str| word.chars().any(|character| character.is_ascii_digit());
    let line = |line: &str| {
        let words = line.split_whitespace().map(|word| if is_number(word) { "N" } else { word });
        (words.collect::<Vec<_>>().join(" ") + " ").replace("N ms", "N s")
    };
    text.lines().map(line).collect()
}

/// The failures of scripts are called what they would be.
fn renamed(came: &str) -> String {
    came.replace("database fails in setup, as scripted", "no route to host")
        .replace("mailer fails in run, as scripted", "the queue closed")
}

#[track_caller]
fn is_shown(heading: &str, command: &str, came: &str) {
    let came = renamed(came);
    let guide = shown(heading, command);
    assert_eq!(shape(&came), shape(&guide), "{command}: left, what came; right, {heading:?}\n{came}");
}

/// What the endpoint answers to a request with these headers.
async fn answered(played: &Played, request: &str, headers: &str) -> String {
    let mut client = Client::connect(played.at.parse().unwrap()).await;
    client.send(&format!("{request} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).await;
    client.answer().await.body + "\n"
}

/// Runs a command with a token, and compares what comes with what stands below the heading.
async fn asked(played: &Played, heading: &str, command: &str, code: i32) {
    let words: Vec<&str> = command.split(' ').collect();
    is_shown(heading, &format!("majordomo {command}"), &played.order(&words).await.exits(code));
}

fn database() -> ServiceScript {
    ServiceScript::new("database").resource(ResourceScript::new("pool"))
}

fn web() -> ServiceScript {
    ServiceScript { http: Some("127.0.0.1:0".to_owned()), ..ServiceScript::new("web").depends_on("database") }
}

fn mailer() -> ServiceScript {
    ServiceScript::new("mailer").restart(restarts(5, 0))
}

#[test]
fn every_command_that_the_guide_shows_is_compared() {
    let compared: BTreeSet<_> = [
        ("Is it up?", "majordomo status"),
        ("Is it up?", "majordomo ready"),
        ("Is it up?", "majordomo why"),
        ("Why is it not ready?", "majordomo why"),
        ("Why is it not ready?", "majordomo status"),
        ("Why is it not ready?", "majordomo ready"),
        ("Was the database late?", "majordomo events"),
        ("Who is stuck?", "majordomo why"),
        ("Who is stuck?", "majordomo status"),
        ("It restarts again and again", "majordomo why"),
        ("It restarts again and again", "majordomo status"),
        ("How do I restart one service?", "majordomo restart mailer"),
        ("How do I restart one service?", "majordomo restart web"),
        ("How do I restart one service?", "majordomo stop nobody"),
        ("Calls fail: shed or refused?", "curl -s -H 'Accept: text/plain' localhost:9000/status | head -n 2"),
        ("It does not stop: who holds it up?", "majordomo why"),
        ("How do I stop it now?", "majordomo shutdown"),
        ("The deploy takes too long", "majordomo plan"),
        // By `.ci/deploy`.
        ("What did it do before it died?", "kubectl logs --previous POD | tail -n 3"),
        ("Seen from outside", "curl localhost:9000/readyz"),
        ("Seen from outside", POST),
        ("The program", "majordomo --help"),
    ]
    .into();
    let shown: BTreeSet<_> = commands().into_iter().map(|(heading, command, _)| (heading, command)).collect();
    assert_eq!(shown, compared, "left, what the guide shows; right, what these tests compare");
}

#[tokio::test]
async fn the_guide_shows_the_help() {
    assert_eq!(shown("The program", "majordomo --help"), run(&["--help"]).await.exits(0));
}

#[actix::test]
async fn the_guide_shows_a_program_that_is_up_and_its_orders() {
    let mut played = play(scenario([database(), web(), mailer()])).await;
    played.seen("running").await;
    asked(&played, "Is it up?", "status", 0).await;
    asked(&played, "Is it up?", "ready", 0).await;
    let heading = "How do I restart one service?";
    asked(&played, heading, "restart mailer", 0).await;
    asked(&played, heading, "stop nobody", 1).await;
    is_shown(heading, "majordomo restart web", &played.ask(&["restart", "web"]).await.exits(1));
    asked(&played, "How do I stop it now?", "shutdown", 0).await;
    let at = played.at.clone();
    assert_eq!(played.ended().await, 0);
    let refused = run(&["--at", &at, "why"]).await.exits(2);
    is_shown("Is it up?", "majordomo why", &refused);
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
        asked(&played, "Why is it not ready?", command, code).await;
    }
    assert_eq!(played.end().await, 0);
}

#[actix::test]
async fn the_guide_shows_a_database_that_was_late() {
    let database = ServiceScript {
        retry_setup: Some(restarts(20, 1_000)),
        ..ServiceScript::new("database").setup(Behaviour::Late(ms(2_000)))
    };
    let mut played = play(scenario([database, web()])).await;
    played.seen("running").await;
    let mut child = program(&["--at", &played.at, "events"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut came = String::new();
    while !came.ends_with("running\n") {
        came += &(within("a line", lines.next_line()).await.unwrap().unwrap() + "\n");
    }
    is_shown("Was the database late?", "majordomo events", &came);
    drop(lines);
    assert_eq!(played.end().await, 0);
}

#[actix::test]
async fn the_guide_shows_who_is_stuck() {
    let stuck = ServiceScript::new("mailer").run(Behaviour::Block(ms(60_000)));
    // One thread for all, so that there is somebody who shares it.
    let services = scenario([database(), web(), stuck, ServiceScript::new("audit")]);
    let mut played = play(Scenario { service_threads: Some(1), stuck_after_ms: Some(100), ..services }).await;
    played.seen("stall_started audit").await;
    asked(&played, "Who is stuck?", "why", 1).await;
    asked(&played, "Who is stuck?", "status", 0).await;
    assert_eq!(played.force().await, 3);
}

#[actix::test]
async fn the_guide_shows_restarts() {
    let fails = Gate::new();
    let failing = mailer().run(Behaviour::Error).run_gate(&fails);
    let mut played = play(scenario([database(), web(), failing])).await;
    played.seen("running").await;
    fails.step();
    played.seen("restart_finished mailer: ok").await;
    for (command, code) in [("why", 1), ("status", 0)] {
        asked(&played, "It restarts again and again", command, code).await;
    }
    // Its gate holds it.
    assert_eq!(played.force().await, 3);
}

#[actix::test]
async fn the_guide_shows_who_holds_a_stop_up() {
    let stubborn = ServiceScript::new("mailer").run(RunBehaviour::IgnoreShutdown);
    let mut played = play(scenario([database(), web(), stubborn])).await;
    played.seen("running").await;
    let status = played.ask(&["status", "--json"]).await.json(0);
    let at = status["services"][1]["addresses"][0].as_str().unwrap();
    let mut client = Client::connect(at.parse().unwrap()).await;
    client.send("GET /slow/600000 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    // Until it is on its way.
    let calls =
        async || played.ask(&["status", "--json"]).await.json(0)["services"][1]["http"]["calls"].clone();
    while calls().await == serde_json::json!({}) {}
    played.manager.do_send(StartShutdown);
    played.seen("shutdown_started web").await;
    played.seen("shutdown_finished mailer: ok").await;
    // It tells how long is left.
    played.seen("progress").await;
    asked(&played, "It does not stop: who holds it up?", "why", 1).await;
    drop(client);
    assert_eq!(played.force().await, 3);
}

#[actix::test]
async fn the_guide_shows_a_plan_and_what_the_endpoint_says_to_curl() {
    let timed = scenario([database(), web(), ServiceScript::new("mailer")]);
    let timed = Scenario { drain_delay_ms: 5_000, max_shutdown_ms: Some(20_000), ..timed };
    let mut played = play(timed).await;
    played.seen("running").await;
    asked(&played, "The deploy takes too long", "plan", 0).await;
    assert_eq!(played.force().await, 3);
    let mut played = play(Scenario { ping: true, ..scenario([database()]) }).await;
    played.seen("running").await;
    let text = answered(&played, "GET /status", "Accept: text/plain\r\n").await;
    let head: String = text.split_inclusive('\n').take(2).collect();
    let command = "curl -s -H 'Accept: text/plain' localhost:9000/status | head -n 2";
    is_shown("Calls fail: shed or refused?", command, &head);
    assert_eq!(played.end().await, 0);
}

#[actix::test]
async fn the_guide_shows_a_probe_and_an_order_by_curl() {
    let opens = Gate::new();
    let mut played = play(scenario([database().setup_gate(&opens), web()])).await;
    opens.arrived().await;
    let heading = "Seen from outside";
    let ready = answered(&played, "GET /readyz", "").await;
    is_shown(heading, "curl localhost:9000/readyz", ready.trim_end());
    opens.open();
    played.seen("running").await;
    let headers =
        format!("Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 0\r\n");
    is_shown(heading, POST, &answered(&played, "POST /orders/restart/nobody", &headers).await);
    assert_eq!(played.end().await, 0);
}

#[actix::test]
async fn the_guide_shows_the_error_of_a_forced_end() {
    let stubborn = ServiceScript::new("mailer").run(RunBehaviour::IgnoreShutdown);
    let hangs = ResourceScript::new("log").release(Behaviour::Hang);
    let blocks = ServiceScript::new("audit").shutdown(Behaviour::Block(ms(60_000))).resource(hangs);
    let services = [stubborn.resource(ResourceScript::new("queue")), blocks, ServiceScript::new("web")];
    let mut played = play(Scenario { max_shutdown_ms: Some(2_000), ..scenario(services) }).await;
    played.seen("running").await;
    played.manager.do_send(StartShutdown);
    let ended = within("the end", played.manager.send(WaitForShutdown)).await.unwrap();
    let came = ended.unwrap_err().to_string();
    let guide = GUIDE.split("```text\n").find(|block| block.starts_with("the manager failed:\n")).unwrap();
    let guide = guide.split("```").next().unwrap();
    assert_eq!(shape(&came), shape(guide), "left, what came; right, the guide\n{came}");
}
