//! G1: who is who, and what is refused before anything is started.

use majordomo::{
    Manager, ManagerOptions, ResourceError, ServiceSpec, Stage, StageError, StartShutdown, WaitForShutdown,
    WaitUntilRunning,
};
use support::{Journal, Probe, ms, observe, options, within};

/// Starts what must be refused, checks that nothing lived and that everybody is told, and gives the text.
async fn refused(
    options: ManagerOptions,
    journal: &Journal,
    services: impl FnOnce(Manager) -> Manager,
) -> String {
    let observed = observe(options, services);
    let manager = observed.manager.clone();
    let running = within("an answer", manager.send(WaitUntilRunning)).await.unwrap();
    let ended = observed.ended().await;
    let again = within("an answer", manager.send(WaitForShutdown)).await.unwrap();

    let error = ended.error();
    assert!(matches!(error.setup(), Some(StageError::Config(_))), "{error}");
    assert!(error.run().is_none() && error.shutdown().is_none(), "{error}");
    ended.assert_exit_code(1);
    let text = error.to_string();
    assert_eq!(running.unwrap_err().to_string(), text, "WaitUntilRunning tells the same");
    assert_eq!(again.unwrap_err().to_string(), text, "whoever asks later is told the same");
    assert_eq!(ended.events.count("setup_started"), 0, "nothing may be started:\n{}", ended.events);
    assert_eq!(ended.status.stage, Stage::Stopped);
    assert!(ended.error().report().services.is_empty(), "{:?}", ended.error().report());
    journal.assert_nothing_lived();
    text
}

#[track_caller]
fn assert_names(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "expected {word:?} in: {text}");
    }
}

#[actix::test]
async fn g01_names_that_health_has_for_itself_are_no_ids() {
    for id in ["liveness", "grpc.health.v1.Health"] {
        let journal = Journal::default();
        let text = refused(options(), &journal, |manager| manager.service(Probe::new(id, &journal))).await;
        assert_names(&text, &[&format!("\"{id}\""), "health"]);
    }
}

#[actix::test]
async fn g01_two_services_of_one_id_are_refused_by_name_and_nothing_is_started() {
    let journal = Journal::default();
    let made = {
        let journal = journal.clone();
        ServiceSpec::local("local", move || {
            journal.note("local: made");
            Probe::new("local", &journal)
        })
    };
    let text = refused(options(), &journal, |manager| {
        manager
            .service(Probe::new("twin", &journal))
            .service(made)
            .service(Probe::new("other", &journal))
            .service(Probe::new("twin", &journal))
    })
    .await;
    assert_names(&text, &["\"twin\""]);
    assert!(!text.contains("other"), "{text}");
}

#[actix::test]
async fn g01_an_actor_made_on_its_thread_may_not_take_the_id_of_another() {
    let journal = Journal::default();
    let made = {
        let journal = journal.clone();
        ServiceSpec::local("twin", move || {
            journal.note("twin: made");
            Probe::new("something else", &journal)
        })
    };
    let text = refused(options(), &journal, |m| m.service(Probe::new("twin", &journal)).service(made)).await;
    assert_names(&text, &["\"twin\""]);
}

#[actix::test]
async fn g01_an_empty_id_is_refused_by_its_place() {
    for id in ["", " "] {
        let journal = Journal::default();
        let text = refused(options(), &journal, |manager| {
            manager.service(Probe::new("first", &journal)).service(Probe::new(id, &journal))
        })
        .await;
        assert_names(&text, &["empty id", "number 2"]);
    }
}

#[actix::test]
async fn g01_the_id_of_the_ping_service_is_taken_while_there_is_one() {
    let journal = Journal::default();
    let text =
        refused(options().grpc_ping_service(true).grpc_server_address("127.0.0.1:0"), &journal, |manager| {
            manager.service(Probe::new("majordomo ping", &journal))
        })
        .await;
    assert_names(&text, &["\"majordomo ping\""]);
}

#[actix::test]
async fn g01_the_id_of_the_ping_service_is_free_where_there_is_none() {
    let journal = Journal::default();
    let mut observed = observe(options(), |m| m.service(Probe::new("majordomo ping", &journal)));
    observed.running().await;
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g01_the_id_of_the_grpc_server_is_always_taken() {
    let journal = Journal::default();
    let text = refused(options(), &journal, |m| m.service(Probe::new("majordomo grpc", &journal))).await;
    assert_names(&text, &["\"majordomo grpc\""]);
}

#[actix::test]
async fn g01_a_second_resource_of_one_name_is_refused_and_its_service_goes_on() {
    let journal = Journal::default();
    let service = {
        let journal = journal.clone();
        Probe::new("a", &journal).setup(move |setup| async move {
            setup.resources.start("pool", Probe::new("a/pool", &journal))?;
            match setup.resources.start("pool", Probe::new("a/second pool", &journal)) {
                Err(ResourceError::Duplicate { service, name }) => {
                    assert_eq!((&*service, &*name), ("a", "pool"));
                }
                other => panic!("expected a refusal, got {other:?}"),
            }
            match setup.resources.start("", Probe::new("a/nameless", &journal)) {
                Err(ResourceError::Unnamed { service }) => assert_eq!(&*service, "a"),
                other => panic!("expected a refusal, got {other:?}"),
            }
            Ok(())
        })
    };
    let pool = Probe::resource("b", "pool", &journal);
    let other = Probe::new("b", &journal).with_resources(vec![pool]);
    let mut observed = observe(options(), |manager| manager.service(service).service(other));
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();

    assert_eq!(journal.count("a/pool: release"), 1, "{:#?}", journal.entries());
    assert_eq!(journal.count("b/pool: release"), 1, "a name is taken in its service alone");
    for refused in ["a/second pool: started", "a/nameless: started"] {
        assert_eq!(journal.count(refused), 0, "{:#?}", journal.entries());
    }
    assert_eq!(ended.service("a").resources.len(), 1);
    assert_eq!(ended.events.count("resource_started a/pool"), 1, "{}", ended.events);
}

#[actix::test]
async fn g01_the_refusal_of_a_resource_names_service_and_resource() {
    let journal = Journal::default();
    let pools = vec![Probe::resource("a", "pool", &journal), Probe::resource("a", "pool", &journal)];
    let ended = observe(options(), |m| m.service(Probe::new("a", &journal).with_resources(pools)));
    let ended = ended.ended().await;
    ended.assert_exit_code(1);
    assert_names(&ended.error().to_string(), &["a (setup)", "\"pool\""]);
    assert_eq!(journal.count("a/pool: release"), 1, "the one that was started: {:#?}", journal.entries());
}

#[actix::test]
async fn g01_a_manager_without_services_and_ping_ends_at_once_and_cleanly() {
    let ended = observe(options(), |manager| manager).ended().await;
    ended.assert_ok();
    ended.events.event("stopped");
    assert!(ended.status.up < ms(1000), "{:?}", ended.status);

    Manager::new(options()).run().await.expect("run says the same");
}

#[actix::test]
async fn g13_a_manager_that_was_refused_still_answers_everything() {
    let journal = Journal::default();
    let observed = observe(options(), |m| m.service(Probe::new("", &journal)));
    observed.manager.send(StartShutdown).await.unwrap();
    let manager = observed.manager.clone();
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    manager.send(StartShutdown).await.unwrap();
    assert!(manager.send(WaitUntilRunning).await.unwrap().is_err());
}

#[actix::test]
async fn g08_a_reserve_longer_than_the_whole_is_refused_by_name_before_anything_is_started() {
    let journal = Journal::default();
    let bad = options().max_shutdown_duration(ms(100)).release_reserve(ms(250));
    let text = refused(bad, &journal, |manager| manager.service(Probe::new("a", &journal))).await;
    assert_names(&text, &["release_reserve", "250ms", "max_shutdown_duration", "100ms"]);
}

#[actix::test]
async fn g08_a_drain_delay_that_leaves_no_time_to_stop_is_refused_by_name() {
    let journal = Journal::default();
    let bad = options().max_shutdown_duration(ms(1000)).release_reserve(ms(400)).drain_delay(ms(700));
    let text = refused(bad, &journal, |manager| manager.service(Probe::new("a", &journal))).await;
    assert_names(&text, &["drain_delay", "700ms", "600ms"]);
}

#[actix::test]
async fn g09_service_threads_of_none_are_refused_by_name() {
    let journal = Journal::default();
    let bad = options().service_threads(0);
    let text = refused(bad, &journal, |manager| manager.service(Probe::new("a", &journal))).await;
    assert_names(&text, &["service_threads", "0"]);
}

#[actix::test]
async fn g01_an_address_that_cannot_be_parsed_is_refused_by_name() {
    for address in ["nonsense", "127.0.0.1:99999", ""] {
        let journal = Journal::default();
        let bad = options().grpc_server_address(address);
        let text = refused(bad, &journal, |manager| manager.service(Probe::new("a", &journal))).await;
        assert_names(&text, &["grpc_server_address", &format!("{address:?}")]);
    }
}

#[actix::test]
async fn g01_ids_and_names_that_cannot_be_shown_are_refused_and_told_escaped() {
    let journal = Journal::default();
    let long = "x".repeat(257);
    for (id, words) in
        [("a\u{1b}[2Jb", [r#""a\u{1b}[2Jb""#, "control characters"]), (&*long, ["xxx", "256 bytes"])]
    {
        let service = Probe::new(id, &journal);
        let text = refused(options(), &journal, |manager| manager.service(service)).await;
        assert_names(&text, &words);
        assert!(text.len() < 300 && !text.contains('\u{1b}'), "{text:?}");
    }
}
