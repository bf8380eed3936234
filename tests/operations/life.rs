//! G22: what is seen from outside through a whole life, held against the report.

use std::net::SocketAddr;

use serde_json::Value;
use support::{Client, Gate, Journal, Observed, Probe, options};
use tokio::net::TcpStream;

use crate::outside::{Follower, get_json, operations, order, request, show_with};

/// Whether an account that was taken earlier agrees with a later one: what was known then is so still, but for what lasts on.
fn agrees(earlier: &Value, later: &Value) -> bool {
    match (earlier, later) {
        (Value::Null, _) => true,
        (Value::Object(earlier), Value::Object(later)) => earlier.iter().all(|(key, value)| {
            let later = later.get(key).unwrap_or(&Value::Null);
            // Whether anything has been forced so far; how long it has taken so far.
            key == "forced" || (key == "took_ms" && earlier.contains_key("cause")) || agrees(value, later)
        }),
        (Value::Array(earlier), Value::Array(later)) => {
            earlier.len() <= later.len() && earlier.iter().zip(later).all(|(one, other)| agrees(one, other))
        }
        (earlier, later) => earlier == later,
    }
}

const STAGES: [&str; 6] = ["created", "setting up", "running", "stopping", "releasing", "stopped"];

/// Every status and report until nobody answers any more.
async fn watch(at: SocketAddr) -> (Vec<Value>, Vec<Value>) {
    let (mut statuses, mut reports) = (Vec::new(), Vec::new());
    'all: loop {
        let Ok(stream) = TcpStream::connect(at).await else { break };
        let mut client = Client(stream);
        for (path, all) in [("/status", &mut statuses), ("/report", &mut reports)] {
            let Some(answer) = try_get(&mut client, path).await else { break 'all };
            all.push(answer);
        }
    }
    (statuses, reports)
}

/// `None` where the connection has been closed.
async fn try_get(client: &mut Client, path: &str) -> Option<Value> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let asked = request(&format!("GET {path}"), &["Connection: close"]);
    if path == "/report" {
        // The first answer closed it.
        let peer = client.0.peer_addr().ok()?;
        *client = Client(TcpStream::connect(peer).await.ok()?);
    }
    client.0.write_all(asked.as_bytes()).await.ok()?;
    let mut answer = String::new();
    client.0.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    Some(serde_json::from_str(body).expect(body))
}

#[actix::test]
async fn g22_status_and_report_agree_with_the_end_through_a_life_that_is_forced() {
    let (journal, gate) = (Journal::default(), Gate::new());
    let set_up = gate.clone();
    let db = Probe::new("db", &journal).setup(|setup| async move {
        set_up.passed().await;
        support::start_all(&setup.resources, vec![Probe::resource("db", "pool", &Journal::default())])
    });
    let stubborn = Probe::new("stubborn", &journal).run(|_| support::never());
    let options = options().operations(operations());
    let (observed, at) = show_with(options, |manager| manager.service(db).service(stubborn)).await;
    let early = get_json(at, "/status").await;
    assert_eq!(early["stage"], "setting up");
    let mut follower = Follower::of(Client::connect(at).await).await;
    let watching = actix_rt::spawn(watch(at));
    gate.open();
    observed.running().await;
    assert_eq!(get_json(at, "/status").await["stage"], "running");
    assert_eq!(order(at, "/orders/shutdown").await.status, 200);
    let stopping = get_json(at, "/status").await;
    assert_eq!(
        (&stopping["stage"], &stopping["report"]["cause"]),
        (&"stopping".into(), &"StartShutdown".into())
    );
    assert_eq!(order(at, "/orders/force").await.status, 200);
    let told = follower.rest().await;
    let ended = observed.ended().await;
    ended.assert_exit_code(3);

    let (statuses, reports) = watching.await.unwrap();
    let last = serde_json::to_value(ended.report()).unwrap();
    for report in &reports {
        assert!(agrees(report, &last), "{report:#}\n{last:#}");
    }
    for status in &statuses {
        assert!(agrees(&status["report"], &last), "{status:#}\n{last:#}");
    }
    let stage = |status: &Value| STAGES.iter().position(|stage| status["stage"] == *stage).unwrap();
    let stages: Vec<_> = statuses.iter().map(stage).collect();
    assert!(stages.is_sorted(), "{stages:?}");
    assert_eq!(told, crate::outside::written(&ended.events));
    let forced = told.iter().find(|event| event["event"] == "run_finished" && event["outcome"] == "forced");
    assert_eq!(forced.unwrap()["error"], last["services"][1]["run"]["why"]);
}

#[test]
fn an_account_agrees_with_those_that_know_more_and_with_no_others() {
    use serde_json::json;
    assert!(agrees(&json!({"a": null, "b": [1]}), &json!({"a": 1, "b": [1, 2]})));
    assert!(!agrees(&json!({"a": 1}), &json!({"a": 2})));
    assert!(!agrees(&json!({"a": 1}), &json!({})));
    assert!(!agrees(&json!([1, 2]), &json!([1])));
}

#[actix::test]
async fn g22_the_endpoint_goes_last_also_where_set_up_fails() {
    let failing = Probe::new("a", &Journal::default()).setup(|_| async { Err("no".into()) });
    let options = options().operations(crate::outside::operations());
    let mut observed: Observed = support::observe(options, |manager| manager.service(failing));
    observed.seen("stopped").await;
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    let all = crate::outside::written(&ended.events);
    assert_eq!((&all[0]["event"], &all.last().unwrap()["event"]), (&"operations".into(), &"stopped".into()));
    let at: SocketAddr = all[0]["address"].as_str().unwrap().parse().unwrap();
    assert!(TcpStream::connect(at).await.is_err());
}
