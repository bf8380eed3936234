//! A server of actix-web takes orders, and a worker carries them out: one manager, one end.
//!
//! ```text
//!   $ cargo run -p with-actix-web
//!   serving at http://127.0.0.1:8080
//!   $ curl -d tea http://127.0.0.1:8080/orders
//!   tea is under way
//! ```
//!
//! At Ctrl-C or SIGTERM the server stops first, since it depends on the worker: what was taken is carried out.

use std::time::Duration;

use actix_web::{App, HttpResponse, web};
use majordomo::{
    Exit, GetStatus, Manager, ManagerError, ManagerOptions, Run, WaitForShutdown, WaitUntilRunning,
    service_fn,
};
use majordomo_actix_web::{ActixWebOptions, actix_web_service_with};
use tokio::sync::mpsc;

/// Takes an order, unless too many wait.
async fn order(item: String, orders: web::Data<mpsc::Sender<String>>) -> HttpResponse {
    match orders.try_send(item.clone()) {
        Ok(()) => HttpResponse::Accepted().body(format!("{item} is under way\n")),
        Err(_) => HttpResponse::ServiceUnavailable().body("too many orders: come back later\n"),
    }
}

async fn run() -> Result<(), ManagerError> {
    let (sender, mut orders) = mpsc::channel::<String>(100);
    let kitchen = service_fn("kitchen", |run: Run| async move {
        let mut served = 0;
        loop {
            let order = tokio::select! {
                biased;
                Some(order) = orders.recv() => order,
                () = run.shutdown.requested() => break,
            };
            tokio::time::sleep(Duration::from_millis(100)).await;
            println!("served: {order}");
            served += 1;
        }
        println!("closing: {served} served");
        Ok(())
    });
    let address = std::env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let web = actix_web_service_with("web", address, ActixWebOptions::new().workers(2), move || {
        App::new().app_data(web::Data::new(sender.clone())).route("/orders", web::post().to(order))
    });
    let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false))
        .service(kitchen)
        .service(web.depends_on("kitchen"))
        .start();
    manager.send(WaitUntilRunning).await??;
    for service in manager.send(GetStatus).await?.services {
        service.addresses.iter().for_each(|address| println!("serving at http://{address}"));
    }
    manager.send(WaitForShutdown).await?
}

#[actix_web::main]
async fn main() -> Exit {
    run().await.into()
}
