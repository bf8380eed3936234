//! G10, G16: code that stops the actix system or arbiter of its thread stops no more than its own service: that has failed, and all is
//! shut down in order.

use std::time::Duration;

use actix::{Actor, Addr, Arbiter, Context, Handler, Message, System};
use majordomo::testing::paused;
use majordomo::{
    ForeignStopError, Manager, ResourceEnding, RestartPolicy, ServiceSpec, StartShutdown, WaitForShutdown,
    WaitUntilRunning, restartable_fn,
};
use support::{Call, Ended, Gate, Journal, Observed, Probe, observe, observe_paused, options, within};
use tokio::sync::oneshot;

/// What user code may do to its thread.
const STOPS: [fn(); 2] = [stop_the_system, stop_the_arbiter];

fn stop_the_system() {
    System::current().stop();
}

fn stop_the_arbiter() {
    Arbiter::current().stop();
}

fn with_a_resource(name: &str, journal: &Journal) -> Probe {
    let resource = Probe::resource(name, "r", journal);
    Probe::new(name, journal).with_resources(vec![resource])
}

/// The one error of the run, which names who stopped what.
fn the_stop(ended: &Ended) -> (String, Option<String>, ForeignStopError) {
    ended.assert_exit_code(2);
    let [error] = ended.run_errors().errors() else { panic!("not one error: {}", ended.error()) };
    let stop = error.source.downcast_ref::<ForeignStopError>().unwrap_or_else(|| panic!("{error}"));
    assert!(error.to_string().contains("a foreign System::stop or Arbiter::stop on its thread"), "{error}");
    (error.service_id.clone(), error.resource.clone(), stop.clone())
}

/// Everything has come to an end as if it had been asked to.
fn assert_in_order(ended: &Ended, journal: &Journal, services: &[&str]) {
    assert!(!ended.error().report().forced, "{}", ended.error());
    for service in &ended.error().report().services {
        for resource in &service.resources {
            assert!(matches!(resource.ending, Some(ResourceEnding::Acknowledged)), "{resource:?}");
        }
    }
    let entries = journal.entries();
    for service in services {
        for what in ["shutdown", "dropped"] {
            assert!(entries.contains(&format!("{service}: {what}")), "{service}: {what} in {entries:#?}");
        }
        assert!(entries.contains(&format!("{service}/r: release")), "{entries:#?}");
    }
}

async fn started(journal: &Journal) -> (Observed, Addr<Probe>, Addr<Probe>) {
    let (culprit, address) = with_a_resource("culprit", journal).with_address();
    let (other, other_address) = with_a_resource("other", journal).with_address();
    let observed = observe(options(), |manager| manager.service(culprit).service(other));
    observed.running().await;
    (observed, address.await.unwrap(), other_address.await.unwrap())
}

#[actix::test]
async fn g16_a_service_that_stops_its_thread_is_named_and_all_ends_in_order() {
    for stop in STOPS {
        let journal = Journal::default();
        let (observed, culprit, _) = started(&journal).await;
        culprit.send(Call::now(move |_| stop())).await.unwrap();
        let ended = observed.ended().await;
        let (service, resource, error) = the_stop(&ended);
        assert_eq!((&*service, resource, error.or.len()), ("culprit", None, 0));
        assert_in_order(&ended, &journal, &["culprit", "other"]);
    }
}

#[actix::test]
async fn g16_a_task_of_a_service_that_stops_its_thread_is_the_services() {
    let journal = Journal::default();
    let (observed, culprit, _) = started(&journal).await;
    let task = || async {
        actix::spawn(async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            stop_the_system();
        });
    };
    culprit.send(Call::later(task)).await.unwrap();
    let ended = observed.ended().await;
    assert_eq!(the_stop(&ended).0, "culprit");
    assert_in_order(&ended, &journal, &["culprit", "other"]);
}

#[actix::test]
async fn g16_a_resource_that_stops_its_thread_fails_its_service() {
    for stop in STOPS {
        let journal = Journal::default();
        let (resource, address) = Probe::new("a/r", &journal).with_address();
        let service = Probe::new("a", &journal).with_resources(vec![("r", resource)]);
        let observed = observe(options(), |manager| manager.service(service));
        observed.running().await;
        address.await.unwrap().send(Call::now(move |_| stop())).await.unwrap();
        let ended = observed.ended().await;
        let (service, resource, _) = the_stop(&ended);
        assert_eq!((&*service, resource.as_deref()), ("a", Some("r")));
        assert_in_order(&ended, &journal, &["a"]);
    }
}

#[actix::test]
async fn g16_a_run_that_stops_its_thread_and_returns_has_failed() {
    for stop in STOPS {
        let journal = Journal::default();
        let culprit = with_a_resource("culprit", &journal).run_at_once(move |_, _| {
            stop();
            Ok(())
        });
        let other = with_a_resource("other", &journal);
        let ended = observe(options(), |manager| manager.service(culprit).service(other)).ended().await;
        assert_eq!(the_stop(&ended).0, "culprit");
        assert_in_order(&ended, &journal, &["other"]);
    }
}

#[actix::test]
async fn g16_a_service_that_stops_its_thread_is_not_restarted() {
    let stops = restartable_fn("culprit", |run| async move {
        stop_the_system();
        run.shutdown.requested().await;
        Ok(())
    });
    let stops = ServiceSpec::new(stops).restart(RestartPolicy::always().unlimited());
    let ended = observe(options(), |manager| manager.service(stops)).ended().await;
    assert_eq!(the_stop(&ended).0, "culprit");
    ended.events.assert_none("restart_started");
}

#[actix::test]
async fn g16_a_set_up_that_stops_its_thread_fails_the_set_up() {
    let journal = Journal::default();
    let resource = Probe::resource("culprit", "r", &journal);
    let gate = Gate::new();
    let waits = gate.clone();
    let culprit = Probe::new("culprit", &journal).setup(move |setup| async move {
        support::start_all(&setup.resources, vec![resource])?;
        stop_the_system();
        waits.passed().await;
        Ok(())
    });
    let other = with_a_resource("other", &journal);
    let mut observed = observe(options(), |manager| manager.service(culprit).service(other));
    observed.seen("shutdown_requested").await;
    gate.open();
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    assert!(ended.error().to_string().contains("a foreign System::stop"), "{}", ended.error());
    let entries = journal.entries();
    for released in ["culprit/r: release", "other/r: release"] {
        assert!(entries.iter().any(|entry| entry == released), "{entries:#?}");
    }
}

#[actix::test]
async fn g09_those_who_share_a_stopped_thread_are_named_as_those_who_may_have_done_it() {
    let journal = Journal::default();
    let (a, a_address) = Probe::new("a", &journal).with_address();
    let (b, b_address) = Probe::new("b", &journal).with_address();
    let observed = observe(options().service_threads(1), |manager| manager.service(a).service(b));
    observed.running().await;
    let (a, b) = (a_address.await.unwrap(), b_address.await.unwrap());
    // Neither is polled before both have something to do.
    let (held, hold) = std::sync::mpsc::channel::<()>();
    a.do_send(Call::now(move |_| assert!(hold.recv().is_err())));
    a.do_send(Call::now(|_| stop_the_arbiter()));
    b.do_send(Call::now(|_| ()));
    drop(held);
    let ended = observed.ended().await;
    let (service, _, error) = the_stop(&ended);
    let mut named = vec![service];
    named.extend(error.or.iter().map(ToString::to_string));
    assert!(named.contains(&"a".to_owned()), "{named:?}");
}

/// PanicLog that it has been dropped.
struct Extra(Option<oneshot::Sender<()>>);

impl Actor for Extra {
    type Context = Context<Self>;
}

impl Drop for Extra {
    fn drop(&mut self) {
        if let Some(gone) = self.0.take() {
            let _ = gone.send(());
        }
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Hello;

impl Handler<Hello> for Extra {
    type Result = ();

    fn handle(&mut self, _: Hello, _: &mut Context<Self>) {}
}

#[actix::test]
async fn g10_arbiters_that_a_service_makes_end_with_its_thread() {
    let journal = Journal::default();
    let (tell, gone) = oneshot::channel();
    let (give, address) = oneshot::channel();
    let service = Probe::new("a", &journal).setup_at_once(move |_, _| {
        let arbiter = Arbiter::new();
        let _ = give.send(Extra::start_in_arbiter(&arbiter.handle(), move |_| Extra(Some(tell))));
        Ok(())
    });
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    // Its address lives on, and keeps nothing alive.
    let extra = address.await.unwrap();
    extra.send(Hello).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
    within("the end of the arbiter", gone).await.unwrap();
    assert!(extra.send(Hello).await.is_err());
}

#[test]
fn g16_a_program_that_stops_its_own_system_still_gets_its_managers_answer() {
    let journal = Journal::default();
    System::new().block_on(async {
        let service = with_a_resource("a", &journal);
        let manager = Manager::new(options()).service(service).start();
        manager.send(WaitUntilRunning).await.unwrap().unwrap();
        stop_the_system();
        // The next that the manager hears makes it look.
        within("the end", manager.send(WaitForShutdown)).await.unwrap().unwrap();
    });
    let entries = journal.entries();
    assert!(entries.iter().any(|entry| entry == "a/r: release"), "{entries:#?}");
}

#[test]
fn g16_a_manager_whose_system_is_gone_shuts_down() {
    let journal = Journal::default();
    let (give, got) = std::sync::mpsc::channel();
    let system = {
        let service = with_a_resource("a", &journal);
        std::thread::spawn(move || {
            let system = System::new();
            let manager = system.block_on(async {
                let manager = Manager::new(options()).service(service).start();
                manager.send(WaitUntilRunning).await.unwrap().unwrap();
                manager
            });
            give.send(manager).unwrap();
            System::current().stop();
            system.run().unwrap();
        })
    };
    let manager = got.recv().unwrap();
    system.join().unwrap();
    let end = System::new().block_on(async { within("the end", manager.send(WaitForShutdown)).await });
    end.unwrap().unwrap();
    let entries = journal.entries();
    assert!(entries.iter().any(|entry| entry == "a/r: release"), "{entries:#?}");
}

#[test]
fn g16_in_paused_time_a_stopped_system_delays_nothing() {
    let journal = Journal::default();
    let service = with_a_resource("a", &journal).run_at_once(|_, _| {
        stop_the_system();
        Ok(())
    });
    paused(|| async {
        let other = with_a_resource("b", &journal);
        let observed = observe_paused(options(), |manager| manager.service(service).service(other));
        observed.running().await;
        observed.manager.do_send(StartShutdown);
        observed.ended().await.assert_ok();
    });
    let entries = journal.entries();
    assert!(entries.iter().any(|entry| entry == "b/r: release"), "{entries:#?}");
}
