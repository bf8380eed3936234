use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use majordomo::testing::ManagerSuite;
use majordomo::{Manager, ManagerOptions, http_service};
use recipes::partner::{partner, rates};
use support::{ms, observe, options};
use tokio::sync::Semaphore;

use crate::url;

/// Stands for the server of others: it answers no `/rate`, and no farewell, where it is `deaf`.
#[derive(Clone)]
struct Fake {
    deaf: bool,
    logged_in: Arc<AtomicBool>,
    /// A permit for each rate that was asked for.
    asked: Arc<Semaphore>,
}

impl Fake {
    async fn log_in(State(fake): State<Self>) {
        fake.logged_in.store(true, Ordering::Relaxed);
    }

    async fn log_out(State(fake): State<Self>) {
        if fake.deaf {
            std::future::pending::<()>().await;
        }
        fake.logged_in.store(false, Ordering::Relaxed);
    }

    async fn rate(State(fake): State<Self>) {
        fake.asked.add_permits(1);
        std::future::pending::<()>().await;
    }

    /// Serves, and tells where.
    async fn start(deaf: bool) -> (Self, ManagerSuite, String) {
        let fake = Self { deaf, logged_in: Arc::default(), asked: Arc::new(Semaphore::new(0)) };
        let router = Router::new()
            .route("/session", post(Self::log_in).delete(Self::log_out))
            .route("/rate", get(Self::rate))
            .with_state(fake.clone());
        let options = ManagerOptions::new().without_grpc().handle_signals(false);
        let web = http_service("partner", "127.0.0.1:0", router);
        let suite = ManagerSuite::start(Manager::new(options).service(web)).await;
        let url = url(&suite, "partner").await;
        (fake, suite, url)
    }
}

#[actix::test]
async fn a_request_that_hangs_is_given_up_in_time_and_the_session_is_ended() {
    let (fake, suite, url) = Fake::start(false).await;
    let options = options().max_shutdown_duration(ms(2000)).release_reserve(ms(1000));
    let mut observed = observe(options, |manager| manager.service(partner(&url)).service(rates()));
    support::within("a request", fake.asked.acquire()).await.unwrap().forget();
    assert!(fake.logged_in.load(Ordering::Relaxed));
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_before("run_finished rates: ok", "release_started partner/session");
    assert!(!fake.logged_in.load(Ordering::Relaxed));
    suite.shutdown().await;
}

#[actix::test]
async fn a_farewell_that_is_not_answered_is_told_and_not_cut_off() {
    let (fake, suite, url) = Fake::start(true).await;
    let options = options().max_shutdown_duration(ms(1000)).release_reserve(ms(500));
    let mut observed = observe(options, |manager| manager.service(partner(&url)).service(rates()));
    support::within("a request", fake.asked.acquire()).await.unwrap().forget();
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_in_time(ms(1000));
    ended.assert_exit_code(3);
    let text = ended.error().to_string();
    assert!(text.contains("partner (release of session)") && !text.contains("forced"), "{text}");
    suite.shutdown().await;
}
