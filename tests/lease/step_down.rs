//! Who steps down gives its lease away, and leaves it to others for a while.

use std::time::Duration;

use majordomo::events::{LeaseEvent, LifecycleEvent, TimedEvent};
use majordomo::testing::{Gate, ManagerSuite, MemoryLeases};
use majordomo::{
    Lease, Manager, OrderError, RestartService, Run, ServiceCondition, ServiceSpec, Stage, StartShutdown,
    StepDown, StopService, restartable_fn, service_fn,
};

use crate::rig::{Epochs, LEASE, SERVICE, leased, obedient, options, replica, running};

/// Nobody asks again within a test but by an order.
const LONG: Duration = Duration::from_secs(3600);

fn step_down(stay_out: Option<Duration>) -> StepDown {
    StepDown { id: SERVICE.to_owned(), stay_out }
}

async fn order(suite: &ManagerSuite, order: StepDown) -> Result<(), OrderError> {
    suite.manager().send(order).await.unwrap()
}

/// With a lease that is asked for every ten minutes, unless it is told that it is free.
fn patient(store: &MemoryLeases, epochs: &Epochs) -> ManagerSuite {
    let service = ServiceSpec::new(obedient(epochs)).only_with(Lease::new(store.clone(), LEASE).ttl(LONG));
    ManagerSuite::launch(Manager::new(options()).service(service))
}

/// A service that, when it is told to stop, waits at the gate.
fn held(gate: &Gate) -> majordomo::RestartableFn {
    let gate = gate.clone();
    restartable_fn(SERVICE, move |run: Run| {
        let gate = gate.clone();
        async move {
            run.shutdown.requested().await;
            gate.passed().await;
            Ok(())
        }
    })
}

/// What became of its lease, and when.
async fn lease_events(suite: &ManagerSuite) -> Vec<(Duration, &'static str)> {
    let word = |timed: &TimedEvent| match &timed.event {
        LifecycleEvent::Lease(LeaseEvent::LeaseAcquired { .. }) => Some("acquired"),
        LifecycleEvent::Lease(LeaseEvent::LeaseLost { .. }) => Some("lost"),
        LifecycleEvent::Lease(LeaseEvent::StepDownStarted { .. }) => Some("started"),
        LifecycleEvent::Lease(LeaseEvent::StepDownFinished { .. }) => Some("finished"),
        LifecycleEvent::Standby { .. } => Some("standby"),
        _ => None,
    };
    let history = suite.status().await.history;
    history.iter().filter_map(|timed| Some((timed.at, word(timed)?))).collect()
}

#[actix::test]
async fn g25_who_steps_down_leaves_its_lease_to_another_replica() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let first = patient(&store, &epochs);
    first.recorder().wait_for("run_started reports").await;
    let second = patient(&store, &epochs);
    second.recorder().wait_for("standby reports").await;
    store.until_requests(2).await;
    order(&first, step_down(None)).await.unwrap();
    second.recorder().wait_for("run_started reports").await;
    let status = first.status().await;
    assert_eq!(status.services[0].condition, ServiceCondition::Standby);
    let state = &status.services[0].state;
    assert!(state.starts_with("stepped down, asks for its lease again in "), "{state}");
    let events: Vec<_> = lease_events(&first).await.into_iter().map(|(_, word)| word).collect();
    assert_eq!(events, ["standby", "acquired", "started", "finished", "standby"]);
    // Nobody wants it any more; who stays out does not take it.
    second.shutdown().await;
    assert_eq!(store.holder(LEASE), None);
    // It is asked back by an order, at once.
    first.manager().send(RestartService(SERVICE.to_owned())).await.unwrap().unwrap();
    first.recorder().wait_for_times("run_started reports", 2).await;
    first.shutdown().await;
    assert_eq!(epochs.all(), [1, 2, 3]);
}

#[actix::test]
async fn g25_who_stepped_down_asks_again_when_it_has_stayed_out_for_as_long_as_it_was_told() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let ttl = Duration::from_secs(3);
    let lease = Lease::new(store.clone(), LEASE).ttl(ttl).margin(Duration::from_millis(500));
    let service = ServiceSpec::new(obedient(&epochs)).stop_timeout(Duration::from_millis(300));
    let suite = ManagerSuite::launch(Manager::new(options()).service(service.only_with(lease)));
    suite.recorder().wait_for("run_started reports").await;
    order(&suite, step_down(Some(ttl))).await.unwrap();
    suite.recorder().wait_for_times("run_started reports", 2).await;
    let events = lease_events(&suite).await;
    let at = |word, nth: usize| events.iter().filter(|(_, found)| *found == word).nth(nth).unwrap().0;
    let out = at("acquired", 1) - at("finished", 0);
    assert!(out >= ttl, "it was out for {out:?}");
    suite.shutdown().await;
    assert_eq!(epochs.all(), [1, 2]);
}

#[actix::test]
async fn g25_an_order_to_step_down_that_cannot_be_carried_out_says_why() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let first = running(&store, &epochs).await;
    let plain = service_fn("plain", |run: Run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    let second = ManagerSuite::launch(
        Manager::new(options()).service(leased(&store, obedient(&epochs))).service(plain),
    );
    second.recorder().wait_for("running").await;
    let of = |id: &str| StepDown { id: id.to_owned(), stay_out: None };
    let refused = async |suite: &ManagerSuite, asked| order(suite, asked).await.unwrap_err();
    assert!(matches!(refused(&second, of("nobody")).await, OrderError::Unknown(id) if id == "nobody"));
    assert!(matches!(refused(&second, of("plain")).await, OrderError::NoLease(id) if id == "plain"));
    let error = refused(&second, step_down(None)).await;
    assert!(matches!(&error, OrderError::NotHolding { lease, .. } if lease == LEASE), "{error}");
    for wrong in [Duration::from_secs(5), 25 * LONG] {
        let error = refused(&first, step_down(Some(wrong))).await;
        assert!(matches!(&error, OrderError::StayOut { given, .. } if *given == wrong), "{error}");
        assert!(error.to_string().contains("8s") && error.to_string().contains("86400s"), "{error}");
    }
    // Nothing has changed.
    first.recorder().assert_none("step_down_started reports");
    assert_eq!(first.status().await.services[0].condition, ServiceCondition::Running);
    second.shutdown().await;
    let manager = first.manager().clone();
    first.shutdown().await;
    let late = manager.send(step_down(None)).await.unwrap();
    assert!(matches!(late, Err(OrderError::NotRunning(Stage::Stopped))), "{late:?}");
}

#[actix::test]
async fn g25_while_all_stop_nobody_steps_down_by_an_order() {
    let (store, gate) = (MemoryLeases::new(), Gate::new());
    let suite = replica(&store, held(&gate));
    suite.recorder().wait_for("run_started reports").await;
    suite.manager().do_send(StartShutdown);
    gate.arrived().await;
    let late = order(&suite, step_down(None)).await;
    assert!(matches!(late, Err(OrderError::NotRunning(Stage::Stopping))), "{late:?}");
    gate.open();
    suite.shutdown().await;
}

#[actix::test]
async fn g25_an_order_to_stop_overtakes_one_to_step_down_and_nobody_stays_out() {
    let (store, gate) = (MemoryLeases::new(), Gate::new());
    let service = ServiceSpec::new(held(&gate)).only_with(Lease::new(store.clone(), LEASE).ttl(LONG));
    let suite = ManagerSuite::launch(Manager::new(options()).service(service));
    suite.recorder().wait_for("run_started reports").await;
    let (one, another) =
        (suite.manager().send(step_down(None)), suite.manager().send(step_down(Some(2 * LONG))));
    gate.arrived().await;
    let stop = suite.manager().send(StopService(SERVICE.to_owned()));
    suite.recorder().wait_for("stop_started reports").await;
    for overtaken in [one.await.unwrap(), another.await.unwrap()] {
        assert!(matches!(overtaken, Err(OrderError::Overtaken(_))), "{overtaken:?}");
    }
    gate.open();
    stop.await.unwrap().unwrap();
    suite.manager().send(RestartService(SERVICE.to_owned())).await.unwrap().unwrap();
    suite.recorder().wait_for_times("run_started reports", 2).await;
    suite.shutdown().await;
}

#[actix::test]
async fn g25_who_does_not_stop_when_it_is_to_step_down_is_cut_off_and_its_lease_given_away() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let noted = epochs.clone();
    let stubborn = restartable_fn(SERVICE, move |run: Run| {
        noted.note(&run);
        std::future::pending()
    });
    let first = replica(&store, stubborn);
    first.recorder().wait_for("run_started reports").await;
    let second = replica(&store, obedient(&epochs));
    second.recorder().wait_for("standby reports").await;
    let forced = order(&first, step_down(None)).await;
    assert!(matches!(&forced, Err(OrderError::Forced(id)) if id == SERVICE), "{forced:?}");
    second.recorder().wait_for("run_started reports").await;
    second.shutdown().await;
    first.shutdown().await;
    assert_eq!(epochs.all(), [1, 2]);
}
