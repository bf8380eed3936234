//! Orders, over TCP with a token and over a Unix socket.

use majordomo::testing::{RunBehaviour, ServiceScript};

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
