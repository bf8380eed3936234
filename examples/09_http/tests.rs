use actix::Addr;
use majordomo::testing::{ManagerTesting, rehearse};
use majordomo::{GetStatus, Manager, StartShutdown, WaitForShutdown, WaitUntilRunning};

use super::CountRequest;
use super::notes_client::NotesClient;

fn anywhere() -> Manager {
    super::notes("127.0.0.1:0", "127.0.0.1:0")
}

/// Where the HTTP service listens.
async fn url(manager: &Addr<Manager>) -> String {
    let status = manager.send(GetStatus).await.unwrap();
    let web = status.services.iter().find(|service| &*service.id == "web").unwrap();
    format!("http://{}/notes", web.addresses[0])
}

#[actix::test]
async fn what_http_stores_grpc_counts() {
    let manager = anywhere().start();
    manager.send(WaitUntilRunning).await.unwrap().unwrap();
    let (url, client) = (url(&manager).await, reqwest::Client::new());
    for text in ["buy milk", "call home"] {
        assert_eq!(client.post(&url).body(text).send().await.unwrap().status(), 201);
    }
    let notes: Vec<String> = client.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(notes, ["buy milk", "call home"]);
    let mut counting = NotesClient::new(ManagerTesting::new(&manager).grpc_channel());
    assert_eq!(counting.count(CountRequest {}).await.unwrap().into_inner().notes, 2);
    drop((client, counting));
    manager.do_send(StartShutdown);
    manager.send(WaitForShutdown).await.unwrap().unwrap();
}

#[test]
fn whatever_fails_everything_comes_to_its_end() {
    // SQLite works on threads that no paused clock waits for.
    let rehearsed = rehearse(anywhere).real_time().at_most(40).run();
    assert_eq!(rehearsed.missed, [""; 0]);
}
