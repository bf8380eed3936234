//! What can be seen of a manager at work: log events, spans, progress and status.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use majordomo::events::{self, LifecycleEvent};
use majordomo::testing::{paused, start_paused};
use majordomo::{
    GetStatus, Manager, Run, Stage, StartShutdown, WaitForShutdown, WaitUntilRunning, resource_fn, service_fn,
};
use support::visible::options;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

type Fields = BTreeMap<String, String>;

/// Remembers the fields of every event, with those of the spans around it.
#[derive(Debug, Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Fields>>>);

impl Recorder {
    fn dispatch(&self) -> Dispatch {
        Dispatch::new(Registry::default().with(self.clone()))
    }

    /// The events in which each of these fields has this value.
    fn with(&self, wanted: &[(&str, &str)]) -> Vec<Fields> {
        let events = self.0.lock().unwrap();
        let has = |fields: &Fields, (name, value): &(&str, &str)| {
            fields.get(*name).is_some_and(|found| found == value)
        };
        let all = |fields: &&Fields| wanted.iter().all(|pair| has(fields, pair));
        events.iter().filter(all).cloned().collect()
    }

    /// The one event with these fields, once it is there: the end waits a moment for the log, and no longer.
    async fn one(&self, wanted: &[(&str, &str)]) -> Fields {
        let came = async {
            loop {
                match &self.with(wanted)[..] {
                    [] => tokio::time::sleep(Duration::from_millis(1)).await,
                    [one] => break one.clone(),
                    several => panic!("{several:#?}"),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), came)
            .await
            .unwrap_or_else(|_| panic!("no {wanted:?}: {self:#?}"))
    }
}

struct Collect<'a>(&'a mut Fields);

impl Visit for Collect<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Collect(&mut fields));
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::new();
        for span in context.event_scope(event).into_iter().flatten() {
            fields.extend(span.extensions().get::<Fields>().cloned().unwrap_or_default());
        }
        event.record(&mut Collect(&mut fields));
        self.0.lock().unwrap().push(fields);
    }
}

#[actix::test]
async fn events_are_logged_with_service_stage_and_elapsed_time() {
    let recorder = Recorder::default();
    let service = service_fn("a", |run: Run| async move {
        run.resources.start("db", resource_fn(|| async { Err("no goodbye".into()) }))?;
        Ok(())
    });
    let options = options().dispatch(recorder.dispatch());
    Manager::new(options).service(service).run().await.unwrap_err();

    let logged = |fields: &[(&str, &str)]| {
        let found = recorder.with(fields);
        assert_eq!(found.len(), 1, "{fields:?}: {found:#?}");
        found[0].clone()
    };
    let run = logged(&[("service", "a"), ("stage", "run"), ("outcome", "ok")]);
    run["elapsed_ms"].parse::<u64>().unwrap();
    let release = logged(&[("service", "a"), ("resource", "db"), ("stage", "release"), ("outcome", "error")]);
    assert_eq!(release["error"], "no goodbye");
    logged(&[("message", "stopped")]);
}

#[actix::test]
async fn the_span_of_a_service_carries_its_id_and_stage() {
    let recorder = Recorder::default();
    let dispatch = recorder.dispatch();
    let service = service_fn("a", {
        let dispatch = dispatch.clone();
        move |run: Run| async move {
            tracing::dispatcher::with_default(&dispatch, || {
                run.span.in_scope(|| tracing::info!("inside"));
            });
            Ok(())
        }
    });
    Manager::new(options().dispatch(dispatch)).service(service).run().await.unwrap();
    let inside = recorder.with(&[("message", "inside")]);
    assert_eq!((&*inside[0]["service"], &*inside[0]["stage"]), ("a", "run"));
}

#[test]
fn in_paused_time_each_manager_logs_at_the_moment_of_what_it_tells_and_so_do_its_services() {
    let recorder = Recorder::default();
    let told = recorder.clone();
    paused(|| async {
        let service = service_fn("a", |run: Run| async move {
            tracing::info!("begins");
            run.shutdown.requested().await;
            Ok(())
        });
        let manager = start_paused(Manager::new(options().dispatch(told.dispatch())).service(service));
        let other = service_fn("b", |_| async {
            tracing::info!("nobody listens");
            Ok(())
        });
        start_paused(Manager::new(options()).service(other)).send(WaitForShutdown).await.unwrap().unwrap();
        manager.send(WaitUntilRunning).await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(told.with(&[("message", "begins")]).len(), 1);
        assert_eq!(told.with(&[("service", "a"), ("stage", "run"), ("message", "run begins")]).len(), 1);
        manager.do_send(StartShutdown);
        manager.send(WaitForShutdown).await.unwrap().unwrap();
    });
    let run = recorder.with(&[("service", "a"), ("stage", "run"), ("outcome", "ok")]);
    assert_eq!(run[0]["elapsed_ms"], "60000");
    assert_eq!(recorder.with(&[("message", "stopped")]).len(), 1);
    assert!(recorder.with(&[("message", "nobody listens")]).is_empty());
}

#[test]
fn progress_names_who_is_waited_for_once_a_second() {
    paused(|| async {
        let (sender, mut stream) = events::channel();
        let stuck = service_fn("stuck", |run: Run| async move {
            run.resources.start("db", resource_fn(|| async { Ok(()) }))?;
            pending().await
        });
        let prompt = service_fn("prompt", |run: Run| async move {
            run.shutdown.requested().await;
            Ok(())
        });
        let options = options().max_shutdown_duration(Duration::from_millis(5300)).observe(sender);
        let manager = start_paused(Manager::new(options).service(stuck).service(prompt));
        manager.send(WaitUntilRunning).await.unwrap().unwrap();
        manager.do_send(StartShutdown);
        manager.send(WaitForShutdown).await.unwrap().unwrap_err();

        let mut seen = Vec::new();
        while let Some(timed) = stream.recv().await {
            if let LifecycleEvent::Progress { left, of, waiting_for, to_force } = &timed.event {
                seen.push((*left, *of, waiting_for.clone(), to_force.unwrap()));
            }
        }
        assert_eq!(seen.len(), 4, "services are forced after 4.77 s: {seen:?}");
        for ((left, of, waiting_for, to_force), second) in seen.iter().zip(1_u64..) {
            assert_eq!((*left, *of), (2, 3), "the service and its resource, of three");
            assert!(waiting_for.starts_with(&format!("stuck (run, {second}.")), "{waiting_for}");
            assert!(!waiting_for.contains("prompt"), "{waiting_for}");
            assert_eq!(*to_force, Duration::from_millis(5300 - 1000 * second));
        }
    });
}

#[actix::test]
async fn the_status_tells_what_everybody_does_and_how_it_ended() {
    let service = service_fn("a", |run: Run| async move {
        run.resources.start("db", resource_fn(|| async { Ok(()) }))?;
        run.shutdown.requested().await;
        Ok(())
    });
    let (sender, mut stream) = events::channel();
    let manager = Manager::new(options().observe(sender)).service(service).start();
    while !matches!(stream.recv().await.unwrap().event, LifecycleEvent::ResourceStarted { .. }) {}

    let status = manager.send(GetStatus).await.unwrap();
    assert_eq!(status.stage, Stage::Running);
    assert!(status.services[0].state.starts_with("running for"), "{status}");
    assert!(status.services[0].resources[0].state.starts_with("up for"), "{status}");
    assert!(status.to_string().contains("a: running for"), "{status}");
    assert!(status.report.is_none(), "nothing has asked for the shutdown");

    manager.do_send(StartShutdown);
    manager.send(WaitForShutdown).await.unwrap().unwrap();
    let status = manager.send(GetStatus).await.unwrap();
    assert_eq!(status.stage, Stage::Stopped);
    assert_eq!(status.services[0].state, "run ok");
    assert_eq!(status.services[0].resources[0].state, "released");
    assert!(status.report.unwrap().took.is_some());
}

#[test]
fn g16_stopped_is_the_last_event_though_the_end_falls_on_a_whole_second() {
    for limit in [1, 2, 3] {
        paused(move || async move {
            let (sender, mut stream) = events::channel();
            let service = service_fn("db", |run: Run| async move {
                run.resources.start("pool", resource_fn(pending))?;
                run.shutdown.requested().await;
                Ok(())
            });
            let options = options().max_shutdown_duration(Duration::from_secs(limit)).observe(sender);
            let manager = start_paused(Manager::new(options).service(service));
            manager.send(WaitUntilRunning).await.unwrap().unwrap();
            manager.do_send(StartShutdown);
            manager.send(WaitForShutdown).await.unwrap().unwrap_err();
            let mut names = Vec::new();
            while let Some(timed) = stream.recv().await {
                names.push(serde_json::to_value(&*timed).unwrap()["event"].as_str().unwrap().to_owned());
            }
            assert_eq!(names.iter().position(|name| name == "stopped"), Some(names.len() - 1), "{names:?}");
        });
    }
}

#[actix::test]
async fn g16_an_observer_that_does_not_read_is_told_how_many_events_it_missed_and_of_the_end() {
    let (sender, mut stream) = events::channel_of(2);
    let manager = Manager::new(options().observe(sender)).service(service_fn("a", |_| async { Ok(()) }));
    manager.run().await.unwrap();
    let mut events = Vec::new();
    while let Some(timed) = stream.recv().await {
        events.push(timed);
    }
    let [first, _, missed, last] = &events[..] else { panic!("{events:?}") };
    assert!(matches!(first.event, LifecycleEvent::SetupStarted { .. }), "{events:?}");
    assert!(matches!(missed.event, LifecycleEvent::Missed { count: 3.. }), "{events:?}");
    assert!(matches!(last.event, LifecycleEvent::Stopped), "{events:?}");
}

/// A subscriber that panics at some of what it is told.
struct Panics(Recorder, &'static str);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Panics {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.0.on_event(event, context);
        let last = self.0.0.lock().unwrap().last().cloned().unwrap();
        assert!(!last.values().any(|value| value.contains(self.1)), "as the test wants it");
    }
}

#[actix::test]
async fn g18_a_subscriber_that_panics_loses_a_line_and_the_next_says_so() {
    let recorder = Recorder::default();
    let dispatch = Dispatch::new(Registry::default().with(Panics(recorder.clone(), "run begins")));
    let manager = Manager::new(options().dispatch(dispatch)).service(service_fn("a", |_| async { Ok(()) }));
    manager.run().await.unwrap();
    recorder.one(&[("lost", "1")]).await;
    recorder.one(&[("message", "stopped")]).await;
}

#[actix::test]
async fn a_forced_end_logs_its_history_as_one_event_and_errors_up_to_a_limit() {
    let recorder = Recorder::default();
    let service = service_fn("a", |run: Run| async move {
        run.resources.start("db", resource_fn(|| async { Err("x".repeat(10_000).into()) }))?;
        pending().await
    });
    let options = options()
        .dispatch(recorder.dispatch())
        .log_error_limit(100)
        .max_shutdown_duration(Duration::from_secs(1));
    let manager = Manager::new(options).service(service).start();
    manager.send(WaitUntilRunning).await.unwrap().unwrap();
    manager.do_send(StartShutdown);
    let error = manager.send(WaitForShutdown).await.unwrap().unwrap_err();
    assert!(error.to_string().contains(&"x".repeat(10_000)), "the error itself is whole");
    let history = recorder.one(&[("message", "what happened before the forced end")]).await;
    let lines: Vec<_> = history["history"].lines().collect();
    assert_eq!(lines.len().to_string(), history["events"]);
    assert!(lines[0].contains("setup_started a") && lines.iter().all(|line| line.len() < 200), "{lines:#?}");
    let release = recorder.one(&[("stage", "release"), ("outcome", "error")]).await;
    assert_eq!(release["error"], format!("{} ... (9900 bytes more)", "x".repeat(100)));
}

#[actix::test]
async fn a_manager_whose_run_is_dropped_stops_and_says_that_nobody_waits() {
    let recorder = Recorder::default();
    let (sender, mut stream) = events::channel();
    let service = service_fn("a", |run: Run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    let run = Manager::new(options().observe(sender).dispatch(recorder.dispatch())).service(service).run();
    let mut run = Box::pin(run);
    loop {
        tokio::select! {
            end = &mut run => panic!("{end:?}"),
            timed = stream.recv() => if matches!(timed.unwrap().event, LifecycleEvent::Running) { break },
        }
    }
    drop(run);
    let dropped =
        recorder.0.lock().unwrap().iter().filter(|fields| fields["message"].contains("was dropped")).count();
    assert_eq!(dropped, 1, "{recorder:?}");
    let mut last = None;
    while let Some(timed) = stream.recv().await {
        last = Some(timed);
    }
    assert!(matches!(last.unwrap().event, LifecycleEvent::Stopped));
}

/// A subscriber that blocks until it may go on.
struct Blocks(Recorder, Arc<Mutex<()>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Blocks {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        drop(self.1.lock().unwrap());
        self.0.on_event(event, context);
    }
}

/// Has a thread hold this until what is returned is dropped.
fn held(gate: Arc<Mutex<()>>) -> mpsc::Sender<()> {
    let ((release, released), (tell, told)) = (mpsc::channel(), mpsc::channel());
    std::thread::spawn(move || {
        let _held = gate.lock().unwrap();
        tell.send(()).unwrap();
        let _ = released.recv();
    });
    told.recv().unwrap();
    release
}

#[actix::test]
async fn g18_a_subscriber_that_blocks_delays_no_end_and_loses_nothing() {
    let (recorder, gate) = (Recorder::default(), Arc::new(Mutex::new(())));
    let dispatch = Dispatch::new(Registry::default().with(Blocks(recorder.clone(), Arc::clone(&gate))));
    let blocked = held(gate);
    let manager = Manager::new(options().dispatch(dispatch)).service(service_fn("a", |_| async { Ok(()) }));
    manager.run().await.unwrap();
    assert!(recorder.0.lock().unwrap().is_empty());
    drop(blocked);
    recorder.one(&[("stage", "run"), ("message", "run begins")]).await;
    recorder.one(&[("message", "stopped")]).await;
}
