//! Statuses as managers give them, cut to what matters.

use serde_json::{Value, json};

use super::model::Status;

/// Of this stage, 10 s after its start.
fn status(stage: &str, services: Value, history: Value, report: Value) -> Status {
    let all = json!({"stage": stage, "up_ms": 10_000, "services": services, "history": history, "report": report, "new": 1});
    Status::parse(&all.to_string()).unwrap()
}

/// `state` says how it ended and why, where it has: `run error: no route`.
fn service(id: &str, (condition, state): (&str, &str), since_ms: u64, more: Value) -> Value {
    let mut service = json!({"id": id, "condition": condition, "state": state, "since_ms": since_ms, "thread": "service-1",
        "restart": {"policy": "not restarted by itself", "total": 0, "used": 0, "left": 0}, "resources": []});
    let more = more.as_object().cloned().unwrap_or_default();
    service.as_object_mut().unwrap().extend(more);
    service
}

pub(crate) fn running() -> Status {
    let database = service(
        "database",
        ("running", "running for 9.9 s"),
        100,
        json!({"resources": [{"name": "pool", "condition": "up", "state": "up for 9.9 s"}]}),
    );
    let call = json!({"method": "GET /slow", "age_ms": 250});
    let http = json!({"connections": 3, "calls": {"GET /slow": 2}, "oldest": call, "arrived": 9, "shed": 0});
    let web = service(
        "web",
        ("running", "running for 9.8 s"),
        200,
        json!({"depends_on": ["database"], "http": http}),
    );
    let ping = service("majordomo ping", ("ready", "setup ok"), 50, json!({}));
    let history = json!([{"at_ms": 210, "event": "running"}]);
    status("running", json!([database, web, ping]), history, Value::Null)
}

/// A set-up that is tried again, and one that waits for it.
pub(crate) fn late_database() -> Status {
    let retry = json!({"total": 4, "used": 4, "left": 6, "next_at_ms": 12_000});
    let state = "to be set up again in 2.0 s: setup error: no route: 10.0.0.1";
    let database = service(
        "database",
        ("retrying_setup", state),
        8_000,
        json!({"setup_retry": retry, "failure": "no route: 10.0.0.1"}),
    );
    let web =
        service("web", ("waiting", "waiting"), 0, json!({"since_ms": null, "depends_on": ["database"]}));
    let mail = service("mail", ("ready", "setup ok"), 100, json!({}));
    let history = json!([{"at_ms": 8_000, "event": "setup_retried", "service": "database", "retry": 4, "delay_ms": 4_000}]);
    status("setting up", json!([database, web, mail]), history, Value::Null)
}

/// One blocks its thread, another is starved by it.
pub(crate) fn stalled() -> Status {
    let audit = service("audit", ("running", "running for 9.9 s"), 100, json!({"poll_ms": 3_200}));
    let mail = service("mail", ("running", "running for 9.9 s"), 100, json!({"thread": "service-1"}));
    let stuck = json!({"stall": "stuck", "doing": "its messages", "thread": "service-1", "lasted_ms": 1_000});
    let over = json!({"at_ms": 100, "event": "stall_started", "service": "mail", "stall": "stuck"});
    let mut history = json!([
        over,
        {"at_ms": 200, "event": "stall_finished", "service": "mail", "stall": "stuck"},
        {"at_ms": 8_000, "event": "stall_started", "service": "audit"},
        {"at_ms": 8_100, "event": "stall_started", "service": "mail", "stall": "starved", "by": "audit"},
    ]);
    history[2].as_object_mut().unwrap().extend(stuck.as_object().cloned().unwrap());
    status("running", json!([audit, mail]), history, Value::Null)
}

/// One fails again and again, and has a restart left; another has failed for good.
pub(crate) fn failing() -> Status {
    let restart = json!({"policy": "restarted when it fails, up to 3 times within 60s", "total": 2, "used": 2, "left": 1,
        "last_failure": "queue closed"});
    let worker = service(
        "worker",
        ("restarting", "restarting: run error: queue closed"),
        9_500,
        json!({"restart": restart, "failure": "queue closed"}),
    );
    let cut = service(
        "cut",
        ("failed", "run forced: forced after 1.0 s of run: it went on; have its Run return"),
        7_000,
        json!({"failure": "forced after 1.0 s of run: it went on; have its Run return"}),
    );
    let idle = service("idle", ("stopped", "stopped"), 5_000, json!({}));
    status("running", json!([worker, cut, idle]), json!([]), Value::Null)
}

/// The budget of restarts is used up; something still holds its resource.
pub(crate) fn storm() -> Status {
    let restart = json!({"policy": "restarted when it fails", "total": 3, "used": 3, "left": 0, "last_failure": "queue closed"});
    let worker = service(
        "worker",
        ("failed", "run error: queue closed"),
        9_000,
        json!({"restart": restart, "failure": "queue closed"}),
    );
    let log = service(
        "log",
        ("finished", "run ok"),
        9_100,
        json!({"resources": [{"name": "file", "condition": "releasing", "state": "releasing for 0.5 s"}]}),
    );
    let run = json!({"asked_at_ms": 100, "took_ms": 8_900, "outcome": "error", "why": "queue closed"});
    let file = json!({"name": "file", "asked_at_ms": 9_500, "took_ms": null, "ending": null});
    let ok = json!({"asked_at_ms": 100, "took_ms": 9_000, "outcome": "ok"});
    let services = json!([{"id": "worker", "run": run}, {"id": "log", "run": ok, "resources": [file]}]);
    let report =
        json!({"cause": "failure of worker", "asked_at_ms": 9_000, "forced": false, "services": services});
    status("releasing", json!([worker, log]), json!([]), report)
}

/// A stream holds its server up, and that holds up what it depends on.
pub(crate) fn draining() -> Status {
    let database = service("database", ("running", "running for 9.9 s"), 100, json!({}));
    let http = json!({"connections": 1, "calls": {"GET /sse": 1}, "oldest": {"method": "GET /sse", "age_ms": 9_000}});
    let web = service(
        "web",
        ("stopping", "shutting down for 3.0 s"),
        7_000,
        json!({"depends_on": ["database"], "http": http}),
    );
    let open = json!({"asked_at_ms": 100, "outcome": null});
    let stop = json!({"asked_at_ms": 7_000, "outcome": null});
    let services = json!([{"id": "database", "run": open}, {"id": "web", "run": open, "shutdown": stop}]);
    let report = json!({"cause": "SIGTERM", "asked_at_ms": 7_000, "services": services});
    let progress = json!({"at_ms": 9_000, "event": "progress", "left": 3, "of": 4, "waiting_for": "web", "to_force_ms": 16_000});
    status("stopping", json!([database, web]), json!([progress]), report)
}

/// One was cut off in its main loop and in its shutdown.
pub(crate) fn forced() -> Status {
    let why =
        "forced after 2.0 s of run: asked to stop 2.0 s ago, it agreed and went on; have its Run return";
    let stubborn =
        service("stubborn", ("failed", &format!("run forced: {why}")), 9_000, json!({"failure": why}));
    let cut = json!({"asked_at_ms": 7_000, "took_ms": 2_000, "outcome": "forced", "why": why});
    let services = json!([{"id": "stubborn", "run": cut, "shutdown": cut}]);
    let report = json!({"cause": "SIGTERM", "asked_at_ms": 7_000, "forced": true, "services": services});
    status("releasing", json!([stubborn]), json!([]), report)
}

/// A manager within another.
pub(crate) fn nested() -> Status {
    let mut all = running();
    all.services[0].nested = Some(Box::new(late_database()));
    all
}
