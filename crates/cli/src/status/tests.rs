//! What is said of each kind of status.

use super::faults::faults;
use super::model::Status;
use super::samples;
use super::sentence::sentence;
use super::table;

fn lines(status: &Status) -> Vec<String> {
    faults(status).iter().map(ToString::to_string).collect()
}

#[test]
fn how_things_stand_is_one_sentence_in_every_stage() {
    for (status, wanted) in [
        (samples::running(), "Running, 3 of 3 up, for 10.0 s."),
        (samples::late_database(), "Setting up, 1 of 3 ready, for 10.0 s; waiting for database."),
        (samples::failing(), "Running, 0 of 3 up, for 10.0 s; not worker, cut, idle."),
        (samples::storm(), "Releasing for 1.0 s (failure of worker), 0 of 2 left."),
        (
            samples::draining(),
            "Stopping for 3.0 s (SIGTERM), 2 of 2 left: database, web; what is left is forced in 15.0 s.",
        ),
        (Status { stage: "created".into(), ..Status::default() }, "Not started yet."),
        (Status { stage: "stopped".into(), ..Status::default() }, "Over."),
    ] {
        assert_eq!(sentence(&status), wanted);
    }
}

#[test]
fn nothing_is_wrong_while_all_are_up() {
    assert_eq!(lines(&samples::running()), [""; 0]);
}

#[test]
fn a_late_database_is_told_once_with_those_that_it_holds_up() {
    let wanted = "database, for 2.0 s: its set-up fails (tried again 4 times, next in 2.0 s): no route: 10.0.0.1; \
                  it holds up web -> see that what it reaches for is up; it goes on by itself then; 6 left, and then all shuts down";
    assert_eq!(lines(&samples::late_database()), [wanted]);
}

#[test]
fn whoever_blocks_a_thread_is_told_and_whom_it_starves_with_it() {
    let wanted = "audit, for 3.2 s: it blocks service-1 in its messages; it holds up mail -> \
                  move blocking work to spawn_blocking or to a dedicated thread";
    assert_eq!(lines(&samples::stalled()), [wanted]);
}

#[test]
fn what_fails_is_down_or_was_cut_off_is_told_each() {
    let wanted = [
        "worker, for 0.5 s: it is being restarted, 2 of 3 restarts used: queue closed -> mend its latest failure; it goes on by itself",
        "cut, for 3.0 s: it has failed: forced after 1.0 s of run: it went on; have its Run return -> \
         mend that; majordomo restart 'cut' starts it again",
        "idle, for 5.0 s: it was stopped, and stays so -> majordomo restart 'idle' starts it again",
    ];
    assert_eq!(lines(&samples::failing()), wanted);
}

#[test]
fn what_began_the_end_comes_before_what_holds_it_up() {
    let wanted = [
        "worker, for 1.0 s: it failed, and so all shuts down (its 3 restarts are used up): queue closed -> \
         mend that; its RestartPolicy says how often it may fail",
        "log/file, for 0.5 s: the resource is being released -> limit what its Release waits for",
    ];
    assert_eq!(lines(&samples::storm()), wanted);
}

#[test]
fn a_stream_that_holds_a_drain_up_is_named() {
    let wanted = "web, for 3.0 s: it drains, 1 call open; the oldest, GET /sse, for 9.0 s; it holds up database -> \
                  endless answers end at stream_grace, others have until they are forced, or wait: it is forced in 15.0 s at the latest";
    assert_eq!(lines(&samples::draining()), [wanted]);
}

#[test]
fn a_forced_end_is_told_once_with_its_own_hint() {
    let wanted = "stubborn, for 1.0 s: forced after 2.0 s of run: asked to stop 2.0 s ago, it agreed and went on -> \
                  have its Run return";
    assert_eq!(lines(&samples::forced()), [wanted]);
}

#[test]
fn faults_of_nested_managers_have_the_path_to_them() {
    let lines = lines(&samples::nested());
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("database/database, for 2.0 s: "), "{lines:?}");
    assert!(lines[0].contains("; it holds up database/web ->"), "{lines:?}");
}

#[test]
fn a_hand_over_is_told_while_it_lasts_and_when_it_came_to_nothing() {
    let told = |handover: &str| {
        let status = Status::parse(&format!(r#"{{"stage": "running", "handover": {handover}}}"#)).unwrap();
        (status.handover.as_ref().unwrap().to_string(), lines(&status))
    };
    for (handover, is, wrong) in [
        (r#"{"generation": 1, "in_charge": true}"#, "Process number 1 in a row.", None),
        (
            r#"{"generation": 2, "predecessor": 7, "in_charge": false}"#,
            "Process number 2 in a row, after 7; not yet in charge.",
            None,
        ),
        (
            r#"{"generation": 2, "predecessor": 7, "in_charge": true, "successor": {"pid": 9, "doing": "api (setup, 3.2 s)"}}"#,
            "Process number 2 in a row, after 7; its successor 9 comes up.",
            Some(
                "hand-over: its successor 9 comes up: api (setup, 3.2 s) -> \
                 wait: this process serves meanwhile, and ends a successor that takes too long",
            ),
        ),
        (
            r#"{"generation": 1, "in_charge": false, "successor": {"pid": 9, "doing": "api (setup, 3.2 s)"}}"#,
            "Process number 1 in a row; its successor 9 is in charge.",
            None,
        ),
        (
            r#"{"generation": 1, "in_charge": true, "failure": "no such table"}"#,
            "Process number 1 in a row.",
            Some(
                "hand-over: the latest came to nothing, and this process serves on: no such table -> \
                 mend that, then majordomo handover tries again",
            ),
        ),
    ] {
        let wrong: Vec<_> = wrong.into_iter().map(str::to_owned).collect();
        assert_eq!(told(handover), (is.to_owned(), wrong));
    }
}

#[test]
fn the_table_has_a_line_for_each_service_those_of_nested_managers_too() {
    let wanted = "\
SERVICE         STATE     SINCE  RESTARTS LEFT
database        running   9.9 s  -              1 of 1 resource up
web             running   9.8 s  -              2 calls, 3 connections
majordomo ping  setup ok  9.9 s  -
";
    assert_eq!(table::text(&samples::running()), wanted);
    assert_eq!(table::rows(&samples::nested()).len(), 6);
    assert_eq!(table::rows(&samples::failing())[0].restarts_left, "1 of 3");
}

#[test]
fn what_is_missing_or_new_is_no_reason_to_say_nothing() {
    for text in [
        "{}",
        r#"{"stage": "dreaming"}"#,
        r#"{"services": [{"id": "a", "state": "new", "restart": {"left": null}}]}"#,
    ] {
        let status = Status::parse(text).unwrap();
        assert!(!sentence(&status).is_empty());
        let _ = (lines(&status), table::text(&status));
    }
    assert!(Status::parse("<html>").is_err());
}
