//! What an operator asks: the status, the flight recorder, and the events as a stream.

use majordomo::events::LifecycleEvent;
use majordomo::{RestartPolicy, StopService, Subscribe};
use support::phoenix::{Fail, Phoenix, at_once};
use support::{Journal, ms, observe, options, within};

#[actix::test]
async fn the_status_tells_of_restarts_dependencies_and_threads_as_data_and_as_text() {
    let journal = Journal::default();
    let (db, addr) = Phoenix::new("db", &journal).resources(&["pool"]).addr();
    let policy = at_once().max_restarts(3).within(ms(60_000));
    let mut observed = observe(options(), |manager| {
        manager
            .service(db.spec(policy))
            .service(Phoenix::new("api", &journal).spec(RestartPolicy::never()).depends_on("db"))
    });
    observed.running().await;
    journal.until("db: run", 1).await;
    within("the address", addr).await.unwrap().do_send(Fail::Run);
    observed.seen("restart_finished api: ok").await;
    let status = observed.status().await;
    let [db, api] = &status.services[..] else { panic!("{status}") };
    assert_eq!((db.restart.total, db.restart.used, db.restart.left), (1, 1, Some(2)));
    assert!(db.restart.resets_at.unwrap() > ms(59_000), "{status}");
    assert_eq!(db.restart.last_failure.as_deref(), Some("the run fails, as told"));
    assert_eq!((api.restart.total, api.restart.used), (1, 0), "it only followed");
    assert_eq!(api.depends_on.iter().map(|id| &**id).collect::<Vec<_>>(), ["db"]);
    assert!(db.thread.is_some() && db.since.unwrap() > ms(0) && db.resources.len() == 1, "{status}");
    let text = status.to_string();
    for part in
        ["1 in its period, 2 left", "last failure: the run fails", "depends on db", "restart_started db"]
    {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let data = serde_json::to_value(&status).unwrap();
    assert_eq!(data["services"][0]["restart"]["left"], 2);
    assert_eq!(data["history"].as_array().unwrap().len(), status.history.len());

    observed.manager.send(StopService("db".into())).await.unwrap().unwrap();
    let status = observed.status().await;
    assert_eq!(status.services[0].state, "stopped", "{status}");
    assert!(status.services[1].state.starts_with("restarting"), "{status}");
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn who_subscribes_is_told_of_everything_from_then_on_in_its_order() {
    let journal = Journal::default();
    let mut observed = observe(options(), |m| m.service(Phoenix::new("a", &journal).spec(at_once())));
    observed.running().await;
    let mut late = observed.manager.send(Subscribe).await.unwrap();
    drop(observed.manager.send(Subscribe).await.unwrap());
    let manager = observed.manager.clone();
    observed.shut_down();
    let ended = observed.ended().await;
    let mut seen = Vec::new();
    while let Some(event) = within("an event", late.recv()).await {
        seen.push(event);
    }
    assert!(matches!(seen[0].event, LifecycleEvent::ShutdownRequested { .. }), "{:?}", seen[0]);
    assert!(matches!(seen.last().unwrap().event, LifecycleEvent::Stopped));
    let times: Vec<_> = seen.iter().map(|event| event.at).collect();
    assert!(times.is_sorted(), "{times:?}");
    ended.assert_ok();
    // Nothing comes of a manager that has ended.
    if let Ok(mut over) = manager.send(Subscribe).await {
        assert!(over.recv().await.is_none());
    }
}

#[actix::test]
async fn g09_a_forced_end_tells_what_came_before_it() {
    let journal = Journal::default();
    let deaf = Phoenix::new("deaf", &journal).ignores_shutdown().spec(at_once());
    let options = options().max_shutdown_duration(ms(100)).flight_recorder(5);
    let mut observed = observe(options, |manager| manager.service(deaf));
    observed.running().await;
    journal.until("deaf: run", 1).await;
    observed.shut_down();
    let ended = observed.ended().await;
    let history = &ended.error().report().history;
    assert_eq!(history.len(), 5);
    assert!(matches!(history.last().unwrap().event, LifecycleEvent::Stopped));
    let text = ended.error().report().to_string();
    assert!(text.contains("latest events:") && text.contains("run_finished deaf: forced"), "{text}");
    assert_eq!(ended.status.history.len(), 5);
}
