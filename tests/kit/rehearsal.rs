//! The rehearsal's input and output, as its users see them.

use serde_json::{Value, json};

use crate::played::{play, play_text};

#[test]
fn a_clean_life_is_told_in_order() {
    let played = play(&json!({
        "actions": [{"at_ms": 1000, "do": "start_shutdown"}],
        "services": [{"id": "a", "resources": [{"name": "r1"}, {"name": "r2", "release": "slow:10"}]},
                     {"id": "b", "run": "return"}],
    }));
    assert_eq!(played.code, 0, "{}", played.errors);
    let order = [
        played.at("setup_started", Some("a"), None),
        played.at("resource_started", Some("a"), Some("r1")),
        played.at("resource_started", Some("a"), Some("r2")),
        played.at("setup_finished", Some("a"), None),
        played.at("run_started", Some("a"), None),
        played.at("running", None, None),
        played.at("shutdown_requested", None, None),
        played.at("draining", None, None),
        played.at("shutdown_started", Some("a"), None),
        played.at("run_finished", Some("a"), None),
        played.at("drained", None, None),
        played.at("release_started", Some("a"), Some("r2")),
        played.at("release_finished", Some("a"), Some("r2")),
        played.at("release_started", Some("a"), Some("r1")),
        played.at("release_finished", Some("a"), Some("r1")),
        played.at("stopped", None, None),
        played.at("report", None, None),
    ];
    assert!(order.is_sorted(), "{order:?} of {:#?}", played.lines);
    assert!(played.places("shutdown_started", Some("b"), None).is_empty(), "its run was over");
    let report = played.report();
    assert_eq!(
        (&report["ok"], &report["exit_code"], &report["error"]),
        (&json!(true), &json!(0), &Value::Null)
    );
    assert_eq!(report["report"]["cause"], "StartShutdown");
}

#[test]
fn g08_culprits_are_named_and_the_clean_service_is_released_in_order_within_the_limit() {
    let played = play(&json!({
        "max_shutdown_ms": 1000,
        "actions": [{"at_ms": 1000, "do": "start_shutdown"}],
        "services": [{"id": "deaf", "run": "ignore_shutdown"},
                     {"id": "blocked", "shutdown": "block:60000"},
                     {"id": "clean", "resources": [{"name": "r1"}, {"name": "r2"}]}],
    }));
    assert_eq!(played.code, 3);
    let took = played.millis("stopped") - played.millis("shutdown_requested");
    assert!((900..=1100 + played.late).contains(&took), "took {took} ms");
    let release = |name| played.at("release_finished", Some("clean"), Some(name));
    assert!(release("r2") < release("r1"), "reverse order");
    for name in ["r1", "r2"] {
        assert_eq!(played.lines[release(name)]["outcome"], "ok");
    }
    let error = played.report()["error"].as_str().unwrap();
    assert!(error.contains("deaf (run): forced after "), "{error}");
    assert!(error.contains(" s ago, it agreed and went on"), "{error}");
    assert!(error.contains("blocked (shutdown): forced after "), "{error}");
    assert!(error.contains("it has been blocking its thread for "), "{error}");
}

#[test]
fn every_behaviour_has_the_outcome_that_its_name_says() {
    for (behaviour, outcome) in [
        ("ok", "ok"),
        ("error", "error"),
        ("panic", "panic"),
        ("async_panic", "panic"),
        ("hang", "forced"),
        ("slow:5", "ok"),
        ("block:5", "ok"),
    ] {
        // A panic hook that prints a backtrace takes its time.
        let limit = if behaviour == "hang" { 500 } else { 30_000 };
        let played = play(&json!({
            "max_shutdown_ms": limit,
            "actions": [{"at_ms": 1000, "do": "start_shutdown"}],
            "services": [{"id": "s", "setup": behaviour},
                         {"id": "r", "run": behaviour},
                         {"id": "d", "shutdown": behaviour},
                         {"id": "q", "resources": [{"name": "x", "release": behaviour}]}],
        }));
        let of =
            |event, service, resource| &played.lines[played.at(event, Some(service), resource)]["outcome"];
        assert_eq!(of("setup_finished", "s", None), outcome, "setup {behaviour}");
        assert_eq!(of("release_finished", "q", Some("x")), outcome, "release {behaviour}");
        if outcome == "ok" {
            assert_eq!(of("run_finished", "r", None), outcome, "run {behaviour}");
            assert_eq!(of("shutdown_finished", "d", None), outcome, "shutdown {behaviour}");
        } else {
            assert!(played.places("run_started", None, None).is_empty(), "no run after a failed set-up");
        }
    }
}

#[test]
fn run_behaviours_have_the_outcomes_that_their_names_say() {
    for (behaviour, outcome, code) in [
        ("until_shutdown", "ok", 0),
        ("return", "ok", 0),
        ("ignore_shutdown", "forced", 3),
        ("error_after:5", "error", 2),
        ("panic_after:5", "panic", 2),
        ("error", "error", 2),
        ("panic", "panic", 2),
        ("async_panic", "panic", 2),
    ] {
        // A failure begins the shutdown by itself.
        let actions = if code == 2 { json!([]) } else { json!([{"at_ms": 1000, "do": "start_shutdown"}]) };
        let limit = if outcome == "forced" { 500 } else { 30_000 };
        let played = play(&json!({
            "max_shutdown_ms": limit,
            "actions": actions,
            "services": [{"id": "a", "run": behaviour}, {"id": "b"}],
        }));
        assert_eq!(played.code, code, "{behaviour}: {:#?}", played.lines);
        assert_eq!(
            played.lines[played.at("run_finished", Some("a"), None)]["outcome"],
            outcome,
            "{behaviour}"
        );
        assert_eq!(played.lines[played.at("run_finished", Some("b"), None)]["outcome"], "ok", "{behaviour}");
    }
}

#[test]
fn g11_a_resource_that_dies_fails_its_service() {
    let played = play(&json!({
        "services": [{"id": "a", "resources": [{"name": "frail", "dies_after_ms": 20}, {"name": "solid"}]}],
    }));
    assert_eq!(played.code, 2);
    let error = played.report()["error"].as_str().unwrap();
    assert!(error.contains("frail dies, as scripted"), "{error}");
    assert!(played.places("release_started", None, Some("frail")).is_empty());
    played.at("release_finished", None, Some("solid"));
}

#[test]
fn g05_the_drain_delay_passes_before_anybody_is_asked() {
    let played = play(&json!({
        "drain_delay_ms": 100,
        "actions": [{"at_ms": 1000, "do": "start_shutdown"}],
        "services": [{"id": "a"}],
    }));
    assert_eq!(played.code, 0);
    let passed = played.millis("shutdown_started") - played.millis("draining");
    assert!((100..300 + played.late).contains(&passed), "{passed} ms");
}

#[test]
fn force_shutdown_forces_at_once() {
    let played = play(&json!({
        "actions": [{"at_ms": 1000, "do": "force_shutdown"}],
        "services": [{"id": "a", "run": "hang", "resources": [{"name": "r"}, {"name": "q", "release": "hang"}]}],
    }));
    assert_eq!(played.code, 3);
    let took = played.millis("stopped") - played.millis("shutdown_requested");
    assert!(took <= 100 + played.late, "took {took} ms");
    let outcome = |name| &played.lines[played.at("release_finished", None, Some(name))]["outcome"];
    assert_eq!((outcome("r"), outcome("q")), (&json!("ok"), &json!("forced")));
}

#[test]
fn g01_a_manager_that_cannot_work_reports_why_and_starts_nothing() {
    for (scenario, named) in [
        (json!({"services": [{"id": "twin"}, {"id": "twin"}]}), "twin"),
        (json!({"services": [{"id": ""}]}), "empty id"),
        (json!({"max_shutdown_ms": 100, "release_reserve_ms": 200}), "release_reserve"),
        (json!({"grpc_address": "nowhere", "services": [{"id": "a"}]}), "nowhere"),
    ] {
        let played = play(&scenario);
        assert_eq!(played.code, 1, "{scenario}");
        let [report] = &played.lines[..] else { panic!("{:#?}", played.lines) };
        assert!(report["error"].as_str().unwrap().contains(named), "{report}");
    }
}

#[test]
fn unknown_words_and_keys_are_refused_with_the_known_ones() {
    for (scenario, known) in [
        (r#"{"services": [{"id": "a", "run": "retrun"}]}"#, "until_shutdown"),
        (r#"{"services": [{"id": "a", "setup": "slow"}]}"#, "slow:MS"),
        (r#"{"services": [{"id": "a", "rnu": "ok"}]}"#, "`shutdown`"),
        (r#"{"actions": [{"at_ms": 1, "do": "stop"}]}"#, "force_shutdown"),
        (r#"{"servces": []}"#, "`services`"),
        ("{", "EOF"),
    ] {
        let played = play_text(scenario);
        assert_eq!(played.code, 64, "{scenario}");
        assert!(played.lines.is_empty(), "{scenario}: nothing on stdout");
        assert!(played.errors.contains(known), "{scenario}: {}", played.errors);
    }
}

#[test]
fn g21_a_late_set_up_is_tried_again_until_it_succeeds_while_others_are_set_up() {
    let played = play(&json!({
        "actions": [{"at_ms": 400, "do": "start_shutdown"}],
        "services": [
            {"id": "database", "setup": "late:120", "retry_setup": {"max": 50, "backoff_ms": 20, "max_backoff_ms": 20},
             "resources": [{"name": "socket"}]},
            {"id": "api", "depends_on": ["database"]},
            {"id": "clock"},
        ],
    }));
    assert_eq!(played.code, 0, "{:#?}", played.lines);
    let retries = played.places("setup_retried", Some("database"), None);
    let runs = played.places("run_started", None, None);
    assert!(retries.len() >= 2 && runs.len() == 3, "{:#?}", played.lines);
    let last = *retries.last().unwrap();
    assert!(runs.iter().all(|&run| run > last) && played.at("setup_finished", Some("clock"), None) < last);
    assert!(played.at("setup_started", Some("api"), None) > last);
    let line = &played.lines[retries[1]];
    assert_eq!((&line["retry"], &line["delay_ms"]), (&json!(2), &json!(20)), "{line}");
    assert_eq!(played.report()["report"]["services"][0]["setup_retries"], json!(retries.len()));
}

#[test]
fn g21_a_shutdown_before_the_late_one_came_is_a_clean_end_and_a_used_up_budget_a_failed_start() {
    let scenario = |retry: Value| {
        json!({
            "actions": [{"at_ms": 100, "do": "start_shutdown"}],
            "services": [{"id": "database", "setup": "late:60000", "retry_setup": retry}],
        })
    };
    let waits = play(&scenario(json!({"max": 100, "backoff_ms": 30})));
    assert_eq!((waits.code, &waits.report()["ok"]), (0, &json!(true)), "{:#?}", waits.lines);
    assert!(waits.places("setup_retried", None, None).len() > 1);
    let gives_up = play(&scenario(json!({"max": 1, "backoff_ms": 10})));
    assert_eq!(gives_up.code, 1, "{:#?}", gives_up.lines);
    let error = gives_up.report()["error"].as_str().unwrap();
    assert!(error.contains("database (setup)") && error.contains("tried again once"), "{error}");
}

#[test]
fn g26_reloads_are_rehearsed_with_who_refuses_and_who_fails() {
    let reload = |api: Value| {
        let mut api = api;
        (api["id"], api["depends_on"], api["reloadable"]) = (json!("api"), json!(["database"]), json!(true));
        play(&json!({
            "actions": [{"at_ms": 100, "do": "reload"}, {"at_ms": 2000, "do": "start_shutdown"}],
            "services": [{"id": "database", "reloadable": true}, api],
        }))
    };
    for (api, result, failed) in [
        (json!({}), "done", None),
        (json!({"prepare_reload": "error"}), "refused", Some(("prepare_reload", "error"))),
        (
            json!({"commit_reload": "async_panic", "restart": {"policy": "on_failure"}}),
            "incomplete",
            Some(("commit_reload", "panic")),
        ),
    ] {
        let played = reload(api.clone());
        let finished = &played.lines[played.at("reload_finished", None, None)];
        assert_eq!(finished["result"], result, "{api}: {:#?}", played.lines);
        assert!(played.at("reload_started", None, None) > played.at("running", None, None));
        match failed {
            None => assert_eq!(played.places("reload_failed", None, None).len(), 0),
            Some((step, outcome)) => {
                let line = &played.lines[played.at("reload_failed", Some("api"), None)];
                assert_eq!((&line["step"], &line["outcome"]), (&json!(step), &json!(outcome)), "{line}");
            }
        }
    }
    let played = play(&json!({"services": [{"id": "api", "commit_reload": "error"}]}));
    assert!(played.code == 64 && played.errors.contains("\"reloadable\": true"), "{}", played.errors);
}
