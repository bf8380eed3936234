//! Orders, over TCP with a token and over a Unix socket.

use majordomo::testing::{LeaseScript, RunBehaviour, ServiceScript};

use crate::played::{Played, play, play_unix, restarts, scenario};

const AGAIN: &str = "a b/ä";

fn services() -> Vec<ServiceScript> {
    let again = ServiceScript::new(AGAIN).restart(restarts(3, 0));
    let stubborn = ServiceScript {
        stop_timeout_ms: Some(50),
        ..ServiceScript::new("stubborn").run(RunBehaviour::IgnoreShutdown)
    };
    vec![again, stubborn]
}

async fn running(mut played: Played) -> Played {
    played.seen("running").await;
    played
}

#[actix::test]
async fn orders_are_carried_out_and_told_over_tcp_with_the_token() {
    let played = running(play(scenario(services())).await).await;
    assert_eq!(played.order(&["restart", AGAIN]).await.exits(0), "a b/ä was restarted, and is up\n");
    assert_eq!(played.events.count(&format!("restart_finished {AGAIN}: ok")), 1);
    let told = played.order(&["stop", AGAIN]).await.exits(0);
    assert_eq!(told, "a b/ä was stopped, and stays so until it is restarted\n");
    let lines = played.why().await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].ends_with("it was stopped, and stays so -> majordomo restart 'a b/ä' starts it again"),
        "{lines:?}"
    );
    assert_eq!(played.order(&["restart", AGAIN, "--json"]).await.json(0), serde_json::json!({"ok": true}));
    // The stubborn one is cut off.
    assert_eq!(played.end().await, 3);
}

#[actix::test]
async fn a_lease_is_given_away_for_as_long_as_the_command_line_says() {
    let lease = LeaseScript { name: "nightly".to_owned(), ttl_ms: Some(60_000), margin_ms: None };
    let mut played =
        play(scenario([ServiceScript::new("reports").lease(lease), ServiceScript::new("other")])).await;
    played.seen("run_started reports").await;
    let status = played.ask(&["status"]).await.exits(0);
    assert!(
        status.contains("lease nightly, epoch 1, held for ") && status.contains(", to be renewed within "),
        "{status}"
    );
    for (args, words) in [
        (&["step-down", "other"][..], "needs no lease"),
        (&["step-down", "nobody"], "there is no service \"nobody\""),
        (
            &["step-down", "reports", "--for", "10s"],
            "\"reports\" cannot stay out for 10s\n  give a time from 60s",
        ),
    ] {
        let told = played.order(args).await.exits(1);
        assert!(told.starts_with("majordomo: ") && told.contains(words), "{told}");
    }
    let told = played.ask(&["step-down", "reports", "--for", "soon"]).await.exits(64);
    assert!(told.contains("--for") && told.contains("soon"), "{told}");
    let told = played.order(&["step-down", "reports", "--for", "1h 30m"]).await.exits(0);
    assert!(told.starts_with("reports has given its lease away"), "{told}");
    let status = played.ask(&["status"]).await.exits(0);
    assert!(status.starts_with("Running, 2 of 2 up, 1 of them standing by, for "), "{status}");
    let left = status.split_once("stepped down, asks for its lease again in ").expect(&status).1;
    let left: f64 = left.split_once(" s ").expect(&status).0.parse().expect(&status);
    assert!((5_000.0..=5_400.0).contains(&left), "{status}");
    assert!(played.ask(&["why"]).await.exits(0).starts_with("nothing is wrong: Running, 2 of 2 up"));
    let told = played.order(&["step-down", "reports"]).await.exits(1);
    assert!(told.contains("does not have its lease \"nightly\""), "{told}");
    assert_eq!(played.order(&["restart", "reports"]).await.exits(0), "reports was restarted, and is up\n");
    assert_eq!(played.end().await, 0);
}

#[actix::test]
async fn over_a_unix_socket_no_token_is_needed() {
    let mut played = running(play_unix(scenario(services())).await).await;
    assert_eq!(played.ask(&["restart", AGAIN]).await.exits(0), "a b/ä was restarted, and is up\n");
    let told = played.ask(&["stop", "stubborn"]).await.exits(1);
    assert!(
        told.starts_with("majordomo: \"stubborn\" did not stop within its stop_timeout, and was cut off\n  "),
        "{told}"
    );
    let lines = played.why().await;
    assert!(lines.iter().any(|line| line.starts_with("stubborn, for ")), "{lines:?}");
    let told = played.ask(&["shutdown"]).await.exits(0);
    assert!(told.starts_with("the shutdown has begun"), "{told}");
    played.seen("stopped").await;
    played.ended().await;
}

#[actix::test]
async fn what_is_refused_says_why_and_exits_with_1() {
    let played = running(play(scenario(services())).await).await;
    for (order, words) in [
        (&["restart", "nobody"][..], "there is no service \"nobody\""),
        (&["reload"], "there is nothing to reload"),
        (&["handover"], "offers no hand-over"),
    ] {
        let told = played.order(order).await.exits(1);
        assert!(
            told.starts_with("majordomo: ") && told.contains(words) && told.lines().count() == 2,
            "{told}"
        );
        let json = played.order(&[order, &["--json"]].concat()).await.json(1);
        assert!(json["error"].as_str().unwrap().contains(words) && json["hint"].is_string(), "{json}");
    }
    // Without the token, and with another.
    let told = played.ask(&["shutdown"]).await.exits(1);
    assert!(told.contains("token"), "{told}");
    std::fs::write(played.token_file(), "another-token-than-that").unwrap();
    let told = played.order(&["shutdown"]).await.exits(1);
    assert!(told.contains("token"), "{told}");
    assert_eq!(played.events.count("shutdown_requested"), 0);
    assert_eq!(played.end().await, 3);
}
