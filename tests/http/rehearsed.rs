//! G19, G20: HTTP services as scenarios say them.

use majordomo::testing::Scenario;
use support::observe;

use crate::peers::{Client, address};

#[actix::test]
async fn g20_a_rehearsed_server_answers_and_its_events_end_in_order() {
    let scenario: Scenario = serde_json::from_str(
        r#"{"stream_grace_ms": 100, "services": [{"id": "db", "resources": [{"name": "r"}]},
            {"id": "web", "http": "127.0.0.1:0", "depends_on": ["db"], "resources": [{"name": "pool"}]}]}"#,
    )
    .unwrap();
    scenario.check().unwrap();
    let mut observed = observe(support::options(), |_| scenario.manager(support::options()));
    observed.running().await;
    let at = address(&observed, "web").await;
    let mut client = Client::connect(at).await;
    for (path, wanted) in
        [("/", 200), ("/slow/1", 200), ("/block/1", 200), ("/panic", 500), ("/nowhere", 404)]
    {
        assert_eq!(client.get(path).await.status, wanted, "{path}");
    }
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc").await;
    let came = client.answer().await;
    assert_eq!(came.body, "abc");
    client.send("GET /sse HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.head().await.0, 200);
    observed.shut_down();
    assert!(client.rest().await.ends_with("0\r\n\r\n"));
    observed.manager.send(majordomo::WaitForShutdown).await.unwrap().unwrap();
    let report = observed.status().await.report.unwrap();
    let web = report.services.iter().find(|service| &*service.id == "web").unwrap();
    assert_eq!((web.streams_ended, web.resources.len()), (1, 1));
}

#[test]
fn g01_a_server_that_is_to_have_a_main_loop_of_its_own_is_refused_by_name() {
    let scenario: Scenario =
        serde_json::from_str(r#"{"services": [{"id": "web", "http": "127.0.0.1:0", "run": "return"}]}"#)
            .unwrap();
    assert!(scenario.check().unwrap_err().contains("\"web\""));
}
