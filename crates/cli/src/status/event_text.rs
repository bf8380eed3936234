//! An event on one line.

use serde_json::Value;

use super::model::Event;
use crate::text::{lasted, plain};

/// Such as `1.2 s  setup_finished api: error: no route to host`.
pub(crate) fn line(event: &Event) -> String {
    format!("{:>9}  {}", lasted(event.at_ms), what(event))
}

/// The same without the time.
pub(crate) fn what(event: &Event) -> String {
    let mut text = event.event.clone();
    if let Some(service) = event.text("service") {
        text = format!("{text} {service}");
    }
    if let Some(resource) = event.text("resource") {
        text = format!("{text}/{resource}");
    }
    let words = [
        "address",
        "result",
        "outcome",
        "cause",
        "because",
        "reason",
        "stall",
        "by",
        "on",
        "method",
        "error",
        "waiting_for",
    ];
    for word in words.into_iter().filter_map(|key| event.text(key)) {
        text = format!("{text}: {word}");
    }
    if let Some(addresses) = event.more.get("addresses").and_then(Value::as_array) {
        let addresses: Vec<&str> = addresses.iter().filter_map(Value::as_str).collect();
        text = format!("{text}: {}", addresses.join(", "));
    }
    for (key, unit) in [
        ("count", ""),
        ("retry", "retry "),
        ("pid", "process "),
        ("generation", "number "),
        ("predecessor", "after process "),
        ("epoch", "epoch "),
    ] {
        if let Some(number) = event.number(key) {
            text = format!("{text}: {unit}{number}");
        }
    }
    for (key, word) in
        [("delay_ms", "in"), ("lasted_ms", "for"), ("to_force_ms", "forced in"), ("stay_out_ms", "out for")]
    {
        if let Some(ms) = event.number(key) {
            text = format!("{text}, {word} {}", lasted(ms));
        }
    }
    plain(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_says_who_and_how_it_went_whatever_its_kind() {
        for (json, wanted) in [
            (
                r#"{"at_ms":1200,"event":"setup_finished","service":"api","took_ms":3,"outcome":"error","error":"no route"}"#,
                "    1.2 s  setup_finished api: error: no route",
            ),
            (r#"{"at_ms":0,"event":"running"}"#, "    0.0 s  running"),
            (
                r#"{"at_ms":0,"event":"setup_retried","service":"db","retry":2,"delay_ms":500}"#,
                "    0.0 s  setup_retried db: retry 2, in 0.5 s",
            ),
            (
                r#"{"at_ms":0,"event":"stall_started","service":"a","resource":"b","stall":"starved","by":"c","lasted_ms":100}"#,
                "    0.0 s  stall_started a/b: starved: c, for 0.1 s",
            ),
            (r#"{"at_ms":0,"event":"missed","count":7}"#, "    0.0 s  missed: 7"),
            (
                r#"{"at_ms":0,"event":"step_down_started","service":"a","lease":"l","epoch":7,"stay_out_ms":30000}"#,
                "    0.0 s  step_down_started a: epoch 7, out for 30.0 s",
            ),
            (
                r#"{"at_ms":0,"event":"took_over","generation":2,"predecessor":7}"#,
                "    0.0 s  took_over: number 2: after process 7",
            ),
            (
                r#"{"at_ms":0,"event":"sockets_closed","addresses":["a:1","b:2"]}"#,
                "    0.0 s  sockets_closed: a:1, b:2",
            ),
            (
                r#"{"at_ms":0,"event":"handover_refused","reason":"one is under way"}"#,
                "    0.0 s  handover_refused: one is under way",
            ),
            (r#"{"event":"new\u001b","error":5,"odd":[1]}"#, "    0.0 s  new\\u{1b}"),
        ] {
            assert_eq!(line(&serde_json::from_str(json).unwrap()), wanted);
        }
    }
}
