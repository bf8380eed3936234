//! G1, G2: what cannot work is refused by name, before anything starts or with the stage.

use std::time::Duration;

use actix_web::{App, web};
use majordomo::{Manager, ManagerOptions, ServiceSpec};
use majordomo_actix_web::{ActixWebOptions, ActixWebServer, actix_web_service, actix_web_service_with};
use support::{observe, options};

use crate::two;

fn at(address: &str, options: ActixWebOptions) -> ServiceSpec<ActixWebServer> {
    actix_web_service_with("web", address, options, || App::new().route("/", web::get().to(async || "hello")))
}

fn refused(build: impl FnOnce(Manager) -> Manager) -> String {
    build(Manager::new(ManagerOptions::new())).plan().expect_err("it can work").to_string()
}

#[test]
fn g01_what_cannot_work_is_refused_by_name_before_anything_starts() {
    let said = refused(|manager| manager.service(at("nonsense", two())));
    assert!(said.contains("\"web\"") && said.contains("\"nonsense\"") && said.contains("no port"), "{said}");
    for (options, wanted) in [
        (ActixWebOptions::new().workers(0), "ActixWebOptions::workers is 0"),
        (ActixWebOptions::new().workers(513), "ActixWebOptions::workers is 513"),
        (ActixWebOptions::new().max_connections(0), "ActixWebOptions::max_connections is 0"),
        (
            ActixWebOptions::new().worker_max_blocking_threads(0),
            "ActixWebOptions::worker_max_blocking_threads is 0",
        ),
        (ActixWebOptions::new().stream_grace(Duration::ZERO), "ActixWebOptions::stream_grace is 0s"),
    ] {
        let said = refused(|manager| manager.service(at("127.0.0.1:0", options)));
        assert!(said.contains("\"web\"") && said.contains(wanted), "{said}");
    }
    let other =
        actix_web_service("other", "127.0.0.1:81", || App::new().route("/", web::get().to(async || "hello")));
    let said = refused(|manager| manager.service(at("127.0.0.1:81", two())).service(other));
    assert!(said.contains("\"web\" and \"other\"") && said.contains("127.0.0.1:81"), "{said}");
}

#[actix::test]
async fn g04_a_factory_that_panics_is_a_failed_run_that_says_so() {
    let factory = || -> App<_> {
        if std::thread::current().name().is_some() {
            panic!("no database today");
        }
        App::new()
    };
    let web = actix_web_service_with("web", "127.0.0.1:0", two(), factory);
    let observed = observe(options(), |manager| manager.service(web));
    let ended = observed.ended().await;
    ended.assert_exit_code(2);
    let text = ended.run_errors().to_string();
    assert!(text.contains("web") && text.contains("panicked: no database today"), "{text}");
}

#[actix::test]
async fn g04_an_app_that_cannot_be_made_is_a_failed_run_that_says_so() {
    let data = || async { Err::<u8, _>(std::io::Error::other("no database today")) };
    let web = actix_web_service_with("web", "127.0.0.1:0", two(), move || App::new().data_factory(data));
    let ended = observe(options(), |manager| manager.service(web)).ended().await;
    ended.assert_exit_code(2);
    let text = ended.run_errors().to_string();
    assert!(text.contains("web") && text.contains("could not start"), "{text}");
}
