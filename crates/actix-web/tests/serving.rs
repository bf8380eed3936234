//! G2, G4, G14, G19: from the port to the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::web::{self, ReqData};
use actix_web::{App, HttpResponse};
use majordomo::{RestartPolicy, RestartService, ServiceSpec, ShutdownSignal, restartable_fn};
use majordomo_actix_web::{ActixWebServer, actix_web_service, actix_web_service_fn, actix_web_service_with};
use support::{Client, Folder, Gate, address, any_server, ms, observe, options, within};
use tokio::net::{UnixListener, UnixStream};

use crate::{gated, serve, two};

/// Says in which life it is made.
fn counted(lives: &Arc<AtomicUsize>) -> ServiceSpec<ActixWebServer> {
    let lives = Arc::clone(lives);
    let factory = move || {
        let life = lives.fetch_add(1, Ordering::Relaxed) + 1;
        App::new().route("/", web::get().to(move || async move { format!("life {life}") }))
    };
    actix_web_service_with("web", "127.0.0.1:0", two().workers(1), factory)
}

#[actix::test]
async fn g19_an_app_answers_and_the_status_tells_where_and_what_it_carries() {
    let gate = Gate::new();
    let (mut observed, at) = serve(options(), two(), gated(&gate)).await;
    observed.seen("serving web").await;
    let mut client = Client::connect(at).await;
    for _ in 0..3 {
        let came = client.get("/").await;
        assert_eq!((came.status, &*came.body), (200, "hello"));
    }
    assert_eq!(client.get("/nowhere").await.status, 404);
    client.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n").await;
    gate.arrived().await;
    let status = observed.status().await;
    let carried = status.services[0].http.as_ref().unwrap();
    assert_eq!((carried.connections, carried.arrived, carried.calls["GET /slow"]), (1, 5, 1));
    gate.open();
    assert_eq!(client.answer().await.body, "late");
    observed.shut_down();
    assert_eq!(client.rest().await, "", "an idle connection is closed");
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g02_connections_are_refused_until_all_run() {
    let factory = || App::new().route("/", web::get().to(async || "hello"));
    any_server::refuses_until_all_run(|at| actix_web_service("web", at, factory)).await;
}

#[actix::test]
async fn g02_a_set_up_that_is_tried_again_refuses_until_all_run_too() {
    let mut tries = 0;
    let make = move |_| {
        tries += 1;
        let factory = || App::new().route("/", web::get().to(async || "hello"));
        let made = if tries == 1 { Err("no database yet".into()) } else { Ok(factory) };
        async move { made }
    };
    let soon = RestartPolicy::on_failure().backoff(ms(1), ms(1));
    let web = |at| actix_web_service_fn("web", at, two(), make).retry_setup(soon);
    any_server::refuses_until_all_run(web).await;
}

#[actix::test]
async fn g19_it_listens_on_a_unix_socket_whose_file_goes_with_it() {
    let folder = Folder::new();
    let path = folder.path("web.sock");
    let factory = || App::new().route("/", web::get().to(async || "hello"));
    let web = actix_web_service_with("web", format!("unix:{}", path.display()), two(), factory);
    let mut observed = observe(options(), |manager| manager.service(web));
    observed.running().await;
    let mut client = Client(UnixStream::connect(&path).await.unwrap());
    assert_eq!(client.get("/").await.body, "hello");
    let status = observed.status().await;
    assert_eq!(status.services[0].addresses[0].to_string(), format!("unix:{}", path.display()));
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert!(!path.exists());
}

#[actix::test]
async fn g14_an_address_in_use_is_served_on_once_it_is_free_and_else_reported() {
    let folder = Folder::new();
    let path = folder.path("web.sock");
    let web = || {
        let factory = || App::new().route("/", web::get().to(async || "hello"));
        actix_web_service_with("web", format!("unix:{}", path.display()), two(), factory)
    };
    let other = UnixListener::bind(&path).unwrap();
    let mut observed = observe(options(), |manager| manager.service(web()));
    observed.seen("setup_started web").await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    let text = ended.setup_errors().to_string();
    assert!(text.contains("web") && text.contains("in use") && text.contains("unix:"), "{text}");

    let mut observed = observe(options(), |manager| manager.service(web()));
    observed.seen("setup_started web").await;
    drop(other);
    observed.running().await;
    assert_eq!(Client(UnixStream::connect(&path).await.unwrap()).get("/").await.body, "hello");
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g19_a_server_that_is_restarted_is_made_anew_at_the_same_port() {
    let lives = Arc::<AtomicUsize>::default();
    let database = restartable_fn("database", |run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    let database = ServiceSpec::new(database).restart(RestartPolicy::on_failure());
    let web = counted(&lives).restart(RestartPolicy::on_failure()).depends_on("database");
    let other = actix_web_service_with("other", "127.0.0.1:0", two(), || {
        App::new().route("/", web::get().to(async || "hello"))
    });
    let mut observed = observe(options(), |manager| manager.service(web).service(database).service(other));
    observed.running().await;
    let (at, beside) = (address(&observed, "web").await, address(&observed, "other").await);
    let mut untouched = Client::connect(beside).await;
    assert_eq!(untouched.get("/").await.status, 200);
    for (life, restarted) in [(1, "web"), (2, "database"), (3, "web"), (4, "web")] {
        // The restart of the database is over before that of the server which follows it.
        observed.seen_times("serving web", life).await;
        assert_eq!(Client::connect(at).await.get("/").await.body, format!("life {life}"));
        let restarting = observed.manager.send(RestartService(restarted.into()));
        within("the restart", restarting).await.unwrap().unwrap();
    }
    assert_eq!(Client::connect(at).await.get("/").await.body, "life 5");
    assert_eq!(untouched.get("/").await.status, 200, "the other server's connection went");
    assert_eq!(address(&observed, "web").await, at);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g04_a_server_whose_workers_end_has_failed_and_is_restarted_by_its_policy() {
    let lives = Arc::<AtomicUsize>::default();
    let counting = Arc::clone(&lives);
    let factory = move || {
        let life = counting.fetch_add(1, Ordering::Relaxed) + 1;
        let stop = async || {
            actix::Arbiter::current().stop();
            "stopped"
        };
        App::new()
            .route("/", web::get().to(move || async move { format!("life {life}") }))
            .route("/stop", web::get().to(stop))
    };
    let web = actix_web_service_with("web", "127.0.0.1:0", two().workers(1), factory)
        .restart(RestartPolicy::on_failure().backoff(ms(1), ms(1)));
    let mut observed = observe(options(), |manager| manager.service(web));
    observed.running().await;
    let at = address(&observed, "web").await;
    Client::connect(at).await.send("GET /stop HTTP/1.1\r\nHost: test\r\n\r\n").await;
    observed.seen("run_finished web: error").await;
    observed.seen_times("run_started web", 2).await;
    assert_eq!(Client::connect(at).await.get("/").await.body, "life 2");
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.service("web").restarts, 1);
}

#[actix::test]
async fn g19_a_handler_is_given_the_shutdown_signal() {
    let tells = async |signal: ReqData<ShutdownSignal>| {
        HttpResponse::Ok().body(format!("{} {:?}", signal.is_requested(), signal.deadline()))
    };
    let (mut observed, at) =
        serve(options(), two(), move |routes| _ = routes.route("/", web::get().to(tells))).await;
    assert_eq!(Client::connect(at).await.get("/").await.body, "false None");
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g11_a_handler_that_panics_costs_its_own_connection_alone() {
    async fn bad() -> &'static str {
        panic!("a bad day")
    }
    let routes = |routes: &mut web::ServiceConfig| {
        routes.route("/", web::get().to(async || "hello")).route("/bad", web::get().to(bad));
    };
    let (mut observed, at) = serve(options(), two().workers(1), routes).await;
    let mut beside = Client::connect(at).await;
    assert_eq!(beside.get("/").await.status, 200);
    let mut client = Client::connect(at).await;
    client.send("GET /bad HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.rest().await, "");
    assert_eq!(beside.get("/").await.body, "hello");
    assert_eq!(observed.status().await.services[0].http.as_ref().unwrap().open(), 0);
    observed.shut_down();
    observed.ended().await.assert_ok();
}
