//! G2, G4: gRPC services made of closures.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use majordomo::ping::{Ping, PingServer};
use majordomo::{RestartPolicy, RestartService, grpc_service_fn};
use support::rpc::ping;
use support::{connect, ms, observe, serving, within};
use tonic::{Request, Response, Status};

/// Answers NOT_FOUND with its life.
#[derive(Clone)]
struct Pong(usize);

#[tonic::async_trait]
impl Ping for Pong {
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Err(Status::not_found(format!("life {}", self.0)))
    }
}

#[actix::test]
async fn g04_a_service_of_a_closure_is_registered_after_its_set_up_and_made_anew_in_every_life() {
    let lives = Arc::<AtomicUsize>::default();
    let api = grpc_service_fn("api", move |_setup| {
        let life = lives.fetch_add(1, Ordering::Relaxed) + 1;
        async move { Ok(PingServer::new(Pong(life))) }
    });
    let policy = RestartPolicy::on_failure().backoff(ms(0), ms(0));
    let options = serving().grpc_ping_service(false);
    let mut observed = observe(options, |manager| manager.grpc_service(api.restart(policy)));
    let channel = connect(&observed).await;
    assert_eq!(ping(channel.clone()).await.unwrap_err().message(), "life 1");
    within("the restart", observed.manager.send(RestartService("api".into()))).await.unwrap().unwrap();
    assert_eq!(ping(channel.clone()).await.unwrap_err().message(), "life 2");
    drop(channel);
    observed.shut_down();
    observed.ended().await.assert_ok();
}
