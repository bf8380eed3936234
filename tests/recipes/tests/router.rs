use majordomo::ping::PingClient;
use majordomo::testing::ManagerSuite;
use recipes::router::{Users, manager};

use crate::url;

#[actix::test]
async fn http_and_grpc_share_what_is_provided_and_requests_are_called_by_their_route() {
    let users = Users::default();
    users.0.write().await.insert(7, "Ada".to_owned());
    let suite = ManagerSuite::start(manager("127.0.0.1:0", "127.0.0.1:0", users.clone())).await;
    let web = url(&suite, "web").await;
    let get = async |id: u64| reqwest::get(format!("{web}/users/{id}")).await.unwrap();
    assert_eq!(get(7).await.text().await.unwrap(), "Ada");
    assert_eq!(get(8).await.status(), 404);
    PingClient::new(suite.channel()).ping(()).await.unwrap();

    // Until this is dropped, a request is under way.
    let writing = users.0.write().await;
    let seen = async {
        loop {
            let status = suite.status().await;
            let web = status.services.iter().find(|service| &*service.id == "web").unwrap();
            let calls = web.http.as_ref().map(|http| http.calls.clone()).unwrap_or_default();
            // Until the router has seen it, it is called by its path.
            if let Some(name) = calls.into_keys().find(|name| !name.ends_with("..")) {
                return name;
            }
        }
    };
    let (name, status) = tokio::join!(
        async {
            let name = support::within("a request under way", seen).await;
            drop(writing);
            name
        },
        async { get(7).await.status() },
    );
    assert_eq!((&*name, status.as_u16()), ("GET /users/{id}", 200));
    suite.shutdown().await;
    assert!(users.0.read().await.is_empty(), "it was released");
}
