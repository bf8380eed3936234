//! `why`, while things go wrong.

use std::time::Instant;

use majordomo::testing::{Behaviour, Gate, ResourceScript, RunBehaviour, Scenario, ServiceScript};
use support::pace::Pace;
use support::{Client, ms, within};
use tokio::net::TcpStream;

use crate::played::{assert_says, play, restarts, run, scenario};

#[actix::test]
async fn why_says_nothing_is_wrong_where_nothing_is() {
    let mut played = play(scenario([ServiceScript::new("a")])).await;
    played.seen("running").await;
    let told = played.ask(&["why"]).await.exits(0);
    assert!(told.starts_with("nothing is wrong: Running, 1 of 1 up, for "), "{told}");
    let json = played.ask(&["why", "--json"]).await.json(0);
    assert_eq!(json["faults"], serde_json::json!([]));
    assert_eq!(played.end().await, 0);
}

#[actix::test]
async fn why_through_a_late_database() {
    let database = ServiceScript {
        retry_setup: Some(restarts(9, 60_000)),
        ..ServiceScript::new("database").setup(Behaviour::Error)
    };
    let web = ServiceScript::new("web").depends_on("database");
    let mut played = play(scenario([database, web])).await;
    played.seen("setup_retried database").await;
    let lines = played.why().await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let words = [
        "its set-up fails (tried again once, next in ",
        "database fails in setup, as scripted",
        "it holds up web",
        "8 left",
    ];
    assert_says(&lines[0], "database", &words);
    let status = played.ask(&["status"]).await.exits(0);
    assert!(status.starts_with("Setting up, 0 of 2 ready, for "), "{status}");
    assert!(
        status.contains("; waiting for database.\nOne thing is wrong: `majordomo why` tells it.\n"),
        "{status}"
    );
    let json = played.ask(&["why", "--json"]).await.json(1);
    assert_eq!(
        (&json["faults"][0]["who"], &json["faults"][0]["held_up"][0]),
        (&"database".into(), &"web".into())
    );
    assert_eq!(played.end().await, 0);
}

#[actix::test]
async fn why_through_a_stall() {
    let audit = ServiceScript::new("audit").run(Behaviour::Block(ms(20_000)));
    let stalled = Scenario { stuck_after_ms: Some(50), ..scenario([audit, ServiceScript::new("other")]) };
    let mut played = play(stalled).await;
    played.seen("stall_started audit").await;
    let lines = played.why().await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_says(&lines[0], "audit", &["it blocks service-", "spawn_blocking"]);
    assert_eq!(played.force().await, 3);
}

#[actix::test]
async fn g22_why_names_the_culprits_within_200_ms_while_every_thread_is_blocked() {
    const SERVICE_THREADS: usize = 16;
    let may_block = Gate::new();
    let blocks = |at: usize| {
        let id = format!("audit-{at}");
        ServiceScript::new(id).run(Behaviour::Block(ms(20_000))).run_gate(&may_block)
    };
    let web = ServiceScript { http: Some("127.0.0.1:0".to_owned()), ..ServiceScript::new("web") };
    let services = [web].into_iter().chain((0..SERVICE_THREADS).map(blocks));
    let mut played = play(Scenario { stuck_after_ms: Some(50), ..scenario(services) }).await;
    played.seen("running").await;
    let status = played.ask(&["status", "--json"]).await.json(0);
    let address = status["services"][0]["addresses"][0].as_str().unwrap().to_owned();
    may_block.open();
    for at in 0..SERVICE_THREADS {
        played.seen(&format!("stall_started audit-{at}")).await;
    }
    let workers = std::thread::available_parallelism().unwrap().get();
    let mut clients = Vec::new();
    for blocked in 1..=workers {
        let mut client = Client::connect(address.parse().unwrap()).await;
        client.send("GET /block/20000 HTTP/1.1\r\nHost: web\r\n\r\n").await;
        played.events.wait_within(ms(30_000), "stall_started web", blocked).await;
        clients.push(client);
    }

    let pace = Pace::watch();
    // What a process takes that asks nobody.
    let began = Instant::now();
    run(&["--help"]).await.exits(0);
    let process = began.elapsed();
    let began = Instant::now();
    let lines = played.why().await;
    let took = began.elapsed();
    assert!(took <= ms(200) + process + pace.allowance(), "{took:?}, {process:?} of it for the process");
    for at in 0..SERVICE_THREADS {
        let who = format!("audit-{at}");
        let line = lines.iter().find(|line| line.starts_with(&format!("{who}, for "))).expect(&who);
        assert_says(line, &who, &["it blocks service-"]);
    }
    let of_web = lines.iter().filter(|line| line.starts_with("web, for ") && line.contains("GET /block"));
    assert_eq!(of_web.count(), workers, "{lines:?}");
    assert_eq!(played.force().await, 3);
    drop(clients);
}

#[actix::test]
async fn why_through_a_restart_storm_until_its_budget_is_used_up() {
    let fails = Gate::new();
    let worker = ServiceScript::new("worker").run(Behaviour::Error).restart(restarts(2, 0)).run_gate(&fails);
    let holds = Gate::new();
    let log = ServiceScript::new("log").resource(ResourceScript::new("file").release_gate(&holds));
    let mut played = play(scenario([worker, log])).await;
    played.seen("running").await;
    fails.step();
    played.seen("restart_finished worker: ok").await;
    let lines = played.why().await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let words = [
        "it runs again, after failures, 1 of 2 restarts used: worker fails in run, as scripted",
        "before its restarts are used up",
    ];
    assert_says(&lines[0], "worker", &words);
    fails.open();
    holds.arrived().await;
    let lines = played.why().await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    let words = [
        "it failed, and so all shuts down (its 2 restarts are used up): worker fails in run",
        "RestartPolicy",
    ];
    assert_says(&lines[0], "worker", &words);
    assert_says(&lines[1], "log/file", &["the resource is being released"]);
    let status = played.ask(&["status"]).await.exits(0);
    assert!(status.starts_with("Releasing for ") && status.contains("(failure of worker)"), "{status}");
    holds.open();
    assert_eq!(played.ended().await, 2);
}

#[actix::test]
async fn why_through_a_drain_with_a_stream_that_waits() {
    let web = ServiceScript {
        http: Some("127.0.0.1:0".to_owned()),
        ..ServiceScript::new("web").depends_on("database")
    };
    let slow = Scenario {
        stream_grace_ms: Some(600_000),
        max_shutdown_ms: Some(900_000),
        ..scenario([ServiceScript::new("database"), web])
    };
    let mut played = play(slow).await;
    played.seen("running").await;
    let status = played.ask(&["status", "--json"]).await.json(0);
    let web_at = status["services"][1]["addresses"][0].as_str().unwrap();
    let mut stream = Client(within("a connection", TcpStream::connect(web_at)).await.unwrap());
    stream.send("GET /sse HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(stream.head().await.0, 200);
    played.manager.do_send(majordomo::StartShutdown);
    played.seen("shutdown_started web").await;
    let lines = played.why().await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_says(
        &lines[0],
        "web",
        &["it drains, 1 call open; the oldest, GET /sse, for ", "it holds up database", "stream_grace"],
    );
    drop(stream);
    assert_eq!(played.ended().await, 0);
}

#[actix::test]
async fn why_through_a_forced_end() {
    let holds = Gate::new();
    let stubborn = ServiceScript::new("stubborn").run(RunBehaviour::IgnoreShutdown);
    let log = ServiceScript::new("log").resource(ResourceScript::new("file").release_gate(&holds));
    let scenario = scenario([stubborn, log]);
    // Services have 100 ms, resources all the rest.
    let mut played =
        play(Scenario { max_shutdown_ms: Some(600_100), release_reserve_ms: Some(600_000), ..scenario })
            .await;
    played.seen("running").await;
    played.manager.do_send(majordomo::StartShutdown);
    holds.arrived().await;
    let lines = played.why().await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_says(&lines[0], "log/file", &["the resource is being released"]);
    assert_says(
        &lines[1],
        "stubborn",
        &["forced after ", " of run: ", "-> have its Run return once shutdown is requested"],
    );
    holds.open();
    assert_eq!(played.ended().await, 3);
}
