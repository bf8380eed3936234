//! The endpoint as scenarios say it.

use majordomo::testing::Scenario;
use majordomo::{GetStatus, WaitForShutdown};
use support::{Events, options};

use crate::outside::{TOKEN, get_json, order, written};

#[actix::test]
async fn g23_a_rehearsed_manager_is_seen_and_takes_orders_by_its_token() {
    let scenario: Scenario = serde_json::from_value(serde_json::json!({
        "operations": "127.0.0.1:0", "operations_token": TOKEN,
        "services": [{"id": "a", "restart": {"policy": "never"}}, {"id": "b"}]
    }))
    .unwrap();
    scenario.check().unwrap();
    let events = Events::new();
    let manager = scenario.manager(options().observe(events.observer())).start();
    events.wait_for("running").await;
    let at = manager.send(GetStatus).await.unwrap().operations_addresses[0].as_tcp().unwrap();
    assert_eq!(get_json(at, "/status").await["services"][1]["id"], "b");
    assert_eq!(order(at, "/orders/restart/a").await.status, 200);
    assert_eq!(order(at, "/orders/shutdown").await.status, 200);
    manager.send(WaitForShutdown).await.unwrap().unwrap();
    let all = written(&events);
    assert_eq!((&all[0]["event"], &all[0]["address"]), (&"operations".into(), &at.to_string().into()));
    assert_eq!(all.last().unwrap()["event"], "stopped");
}

#[test]
fn g23_a_token_without_an_endpoint_is_refused() {
    let scenario: Scenario = serde_json::from_str(r#"{"operations_token": "x"}"#).unwrap();
    assert!(scenario.check().unwrap_err().contains("operations_token"));
}
