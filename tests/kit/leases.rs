//! Leases in a rehearsal: lost, given away, and a store that is away.

use serde_json::{Value, json};

use crate::played::{Played, play};

/// A service that runs on one replica only.
fn reports() -> Value {
    let lease = json!({"name": "nightly", "ttl_ms": 3000, "margin_ms": 100});
    json!({"id": "reports", "stop_timeout_ms": 200, "lease": lease, "resources": [{"name": "file"}]})
}

/// What is told of leases, in its order.
fn of_leases(played: &Played) -> Vec<&str> {
    let words = ["standby", "lease_acquired", "lease_lost", "step_down_started", "step_down_finished"];
    let events = played.lines.iter().map(|line| line["event"].as_str().unwrap());
    events.filter(|event| words.contains(event)).collect()
}

#[test]
fn g25_a_lease_that_another_replica_takes_is_lost_and_comes_back_when_it_is_free() {
    let played = play(&json!({
        "actions": [{"at_ms": 300, "do": "take_lease:nightly"}, {"at_ms": 1500, "do": "free_lease:nightly"},
                    {"at_ms": 4000, "do": "start_shutdown"}],
        "services": [reports(), {"id": "other"}],
    }));
    assert_eq!(played.code, 0, "{}", played.errors);
    let told = ["standby", "lease_acquired", "lease_lost", "standby", "lease_acquired"];
    assert_eq!(of_leases(&played), told, "{:#?}", played.lines);
    let lost = played.at("lease_lost", Some("reports"), None);
    let released = played.places("release_finished", Some("reports"), Some("file"));
    assert_eq!(released.len(), 2, "once in each life");
    assert!(lost < released[0] && released[0] < played.places("standby", Some("reports"), None)[1]);
    assert!(played.lines[lost]["error"].as_str().unwrap().contains("another replica"));
    assert_eq!(played.places("run_started", Some("other"), None).len(), 1, "nobody else notices");
}

#[test]
fn g25_a_store_that_is_away_for_too_long_costs_the_lease_and_one_that_is_back_in_time_does_not() {
    let away = |back: u64| {
        play(&json!({
            "actions": [{"at_ms": 300, "do": "store_away"}, {"at_ms": back, "do": "store_back"},
                        {"at_ms": 6000, "do": "start_shutdown"}],
            "services": [reports()],
        }))
    };
    let played = away(4500);
    assert_eq!(played.code, 0, "{}", played.errors);
    let told = ["standby", "lease_acquired", "lease_lost", "standby", "lease_acquired"];
    assert_eq!(of_leases(&played), told, "{:#?}", played.lines);
    let lost = &played.lines[played.at("lease_lost", Some("reports"), None)];
    assert!(lost["error"].as_str().unwrap().contains("the store is away"), "{lost}");
    let played = away(400);
    assert_eq!((played.code, of_leases(&played)), (0, vec!["standby", "lease_acquired"]));
}

#[test]
fn g25_a_service_that_is_told_to_steps_down() {
    let played = play(&json!({
        "actions": [{"at_ms": 300, "do": "step_down:reports"}, {"at_ms": 2000, "do": "start_shutdown"}],
        "services": [reports()],
    }));
    assert_eq!(played.code, 0, "{}", played.errors);
    let told = ["standby", "lease_acquired", "step_down_started", "step_down_finished", "standby"];
    assert_eq!(of_leases(&played), told, "{:#?}", played.lines);
    let begun = &played.lines[played.at("step_down_started", Some("reports"), None)];
    assert_eq!(
        (&begun["lease"], &begun["epoch"], &begun["stay_out_ms"]),
        (&json!("nightly"), &json!(1), &json!(6000))
    );
    let over = &played.lines[played.at("step_down_finished", Some("reports"), None)];
    assert!(over["outcome"] == "ok" && over["took_ms"].is_u64(), "{over}");
}

#[test]
fn what_does_not_go_together_with_a_lease_is_refused() {
    let lease = json!({"name": "nightly"});
    for (scenario, words) in [
        (
            json!({"services": [{"id": "a", "lease": {"nam": "x"}}]}),
            &["nam", "name", "ttl_ms", "margin_ms"][..],
        ),
        (
            json!({"services": [{"id": "web", "http": "127.0.0.1:0", "lease": lease}]}),
            &["web", "http and lease"],
        ),
        (
            json!({"handover": true, "services": [{"id": "a", "lease": lease}]}),
            &["handover", "leave one out"],
        ),
        (json!({"actions": [{"at_ms": 0, "do": "steal:x"}]}), &["steal", "take_lease:NAME", "store_away"]),
    ] {
        let played = play(&scenario);
        assert_eq!(played.code, 64, "{scenario}");
        for word in words {
            assert!(played.errors.contains(word), "no {word} in {}", played.errors);
        }
    }
}
