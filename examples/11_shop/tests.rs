//! Run by `.ci/postgres cargo test -p shop -- --ignored`: they need a PostgreSQL, at `DATABASE_URL`.

use std::time::Duration;

use actix::Addr;
use majordomo::testing::{ManagerSuite, ManagerTesting, rehearse};
use majordomo::{GetStatus, Manager};

use super::orders::Order;
use super::rpc::FindRequest;
use super::rpc::shop_client::ShopClient;
use super::{Settings, shop};

fn anywhere() -> Manager {
    let (any, database) = ("127.0.0.1:0".to_owned(), std::env::var("DATABASE_URL").expect("DATABASE_URL"));
    shop(Settings { database, http: any.clone(), backoffice: any.clone(), grpc: any })
}

async fn address_of(manager: &Addr<Manager>, id: &str) -> String {
    let status = manager.send(GetStatus).await.unwrap();
    let service = status.services.iter().find(|service| &*service.id == id).unwrap();
    format!("http://{}", service.addresses[0])
}

#[actix::test]
#[ignore = "needs a PostgreSQL"]
async fn what_is_ordered_over_http_is_shipped_and_found_over_grpc() {
    let suite = ManagerSuite::start(anywhere()).await;
    let (manager, http) = (suite.manager(), reqwest::Client::new());
    let (web, office) = (address_of(manager, "web").await, address_of(manager, "backoffice").await);
    let placed = http.post(format!("{web}/orders")).body("tea").send().await.unwrap();
    assert_eq!(placed.status(), 201);
    let order: Order = placed.json().await.unwrap();
    assert_eq!((&*order.item, order.shipped), ("tea", false));
    let mut rpc = ShopClient::new(ManagerTesting::new(manager).grpc_channel());
    let shipped =
        async { while !rpc.find(FindRequest { id: order.id }).await.unwrap().into_inner().shipped {} };
    tokio::time::timeout(Duration::from_secs(10), shipped).await.expect("it should have been shipped");
    let found: Order =
        http.get(format!("{web}/orders/{}", order.id)).send().await.unwrap().json().await.unwrap();
    assert!(found.shipped);
    assert_eq!(http.get(format!("{web}/orders/0")).send().await.unwrap().status(), 404);
    assert_eq!(http.get(office).send().await.unwrap().text().await.unwrap(), "0 orders wait\n");
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn whatever_fails_everything_comes_to_its_end() {
    // No paused clock waits for a database.
    println!("{}", rehearse(anywhere).real_time().at_most(60).run());
}
