//! Who is stuck, who is starved by that and who waits for it is told while it lasts: once when it begins, once when it is over.

use std::sync::{Arc, Mutex, mpsc};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, ResponseFuture, Supervised};
use majordomo::events::{LifecycleEvent, Stall};
use majordomo::{
    BoxError, ConfigError, GenericService, Manager, RestartPolicy, Run, Service, ServiceSpec, Setup,
    Shutdown, resource_fn,
};
use support::{Call, Journal, Observed, Probe, ms, observe, options, within};

/// Something that blocks a thread until the other end lets go.
fn lock() -> (mpsc::Sender<()>, impl FnOnce() + Send + 'static) {
    let (key, lock) = mpsc::channel::<()>();
    (key, move || assert!(lock.recv().is_err(), "nobody sends anything"))
}

fn watched(services: impl FnOnce(Manager) -> Manager) -> Observed {
    observe(options().stuck_after(ms(60)), services)
}

async fn ends_well(mut observed: Observed) -> support::Ended {
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended
}

#[actix::test]
async fn g09_a_stuck_service_is_told_once_when_it_begins_and_once_when_it_is_over() {
    let (probe, address) = Probe::new("a", &Journal::default()).with_address();
    let mut observed = watched(|manager| manager.service(probe));
    observed.running().await;
    let (key, blocks) = lock();
    address.await.unwrap().do_send(Call::now(|_| blocks()));
    observed.seen("stall_started a: stuck").await;
    drop(key);
    observed.seen("stall_finished a: stuck").await;

    let ended = ends_well(observed).await;
    ended.events.assert_in_order(&[
        "stall_started a: stuck",
        "stall_finished a: stuck",
        "shutdown_requested",
    ]);
}

#[actix::test]
async fn g09_a_stall_says_at_which_step_on_which_thread_and_for_how_long() {
    let (key, blocks) = lock();
    let probe = Probe::new("a", &Journal::default()).setup_at_once(|_, _| {
        blocks();
        Ok(())
    });
    let (sender, mut stream) = majordomo::events::channel();
    let mut observed =
        observe(options().stuck_after(ms(60)).observe(sender), |manager| manager.service(probe));
    let told = loop {
        let event = stream.recv().await.expect("a stall before the end");
        if let LifecycleEvent::StallStarted { service, resource, stall, lasted } = &event.event {
            break (service.clone(), resource.clone(), stall.clone(), *lasted);
        }
    };
    let (service, resource, stall, lasted) = told;
    let Stall::Stuck { doing, thread } = stall else { panic!("expected it to be stuck, it is {stall}") };
    assert_eq!((&*service, resource, doing), ("a", None, "setup"));
    assert!(lasted >= ms(60), "told after {lasted:?}");
    assert!(thread.starts_with("service-"), "on {thread}");
    let status = observed.status().await;
    assert_eq!(status.services[0].thread.as_ref(), Some(&thread));
    assert!(status.services[0].poll.is_some_and(|poll| poll >= lasted), "{:?}", status.services[0].poll);
    drop(key);
    observed.seen("running").await;
    ends_well(observed).await;
}

#[actix::test]
async fn g09_a_stall_that_outlasts_the_manager_is_finished_before_the_end() {
    let (probe, address) = Probe::new("a", &Journal::default()).with_address();
    let options = options().stuck_after(ms(60)).max_shutdown_duration(ms(300));
    let mut observed = observe(options, |manager| manager.service(probe));
    observed.running().await;
    let (key, blocks) = lock();
    address.await.unwrap().do_send(Call::now(|_| blocks()));
    observed.seen("stall_started a: stuck").await;
    observed.shut_down();
    let ended = observed.ended().await;
    drop(key);
    assert_eq!(ended.error().exit_code(), 3);
    ended.events.assert_in_order(&["stall_started a: stuck", "stall_finished a: stuck", "stopped"]);
    // Its thread is blocked still, and nobody is told that it is not.
    let over = ended.events.events().into_iter().map(|event| serde_json::to_value(&event.event).unwrap());
    let over: Vec<_> = over.filter(|event| event["event"] == "stall_finished").collect();
    assert!(over.iter().all(|event| event["goes_on"] == true), "{over:?}");
}

#[actix::test]
async fn g09_a_stuck_resource_is_told_by_its_name() {
    let journal = Journal::default();
    let (resource, address) = Probe::new("a/r", &journal).with_address();
    let probe = Probe::new("a", &journal).with_resources(vec![("r", resource)]);
    let mut observed = watched(|manager| manager.service(probe));
    let (key, blocks) = lock();
    address.await.unwrap().do_send(Call::now(|_| blocks()));
    observed.seen("stall_started a/r: stuck").await;
    drop(key);
    observed.seen("stall_finished a/r: stuck").await;
    observed.running().await;
    ends_well(observed).await;
}

#[actix::test]
async fn g09_who_has_something_to_do_on_a_stuck_thread_is_told_as_starved_by_whom() {
    let journal = Journal::default();
    let (culprit, culprits) = Probe::new("culprit", &journal).with_address();
    let (victim, victims) = Probe::new("victim", &journal).with_address();
    let bystander = Probe::new("bystander", &journal);
    // More than a loaded machine keeps a thread from its processor.
    let mut observed = observe(options().stuck_after(ms(200)).service_threads(1), |manager| {
        manager.service(culprit).service(victim).service(bystander)
    });
    observed.running().await;
    for run in ["culprit: run", "victim: run", "bystander: run"] {
        journal.until(run, 1).await;
    }
    let (key, blocks) = lock();
    culprits.await.unwrap().do_send(Call::now(|_| blocks()));
    let victims = victims.await.unwrap();
    observed.seen("stall_started culprit: stuck").await;
    victims.do_send(Call::now(|_| ()));
    observed.seen("stall_started victim: starved by culprit").await;
    drop(key);
    observed.seen("stall_finished victim: starved by culprit").await;

    let ended = ends_well(observed).await;
    ended.events.assert_none("stall_started bystander");
    assert_eq!(ended.events.count("stall_started"), 2, "{}", ended.events);
    assert_eq!(ended.events.count("stall_finished"), 2, "{}", ended.events);
}

#[actix::test]
async fn g09_who_cannot_start_since_another_is_stuck_is_told_as_waiting_on_it() {
    let journal = Journal::default();
    let (key, blocks) = lock();
    let database = Probe::new("database", &journal).setup_at_once(|_, _| {
        blocks();
        Ok(())
    });
    let api = ServiceSpec::new(Probe::new("api", &journal)).depends_on("database");
    let edge = ServiceSpec::new(Probe::new("edge", &journal)).depends_on("api");
    let other = Probe::new("other", &journal);
    let mut observed = watched(|manager| manager.service(database).service(api).service(edge).service(other));
    observed.seen("stall_started api: waiting on database").await;
    observed.seen("stall_started edge: waiting on database").await;
    drop(key);
    observed.running().await;
    observed.seen("stall_finished edge: waiting on database").await;
    let ended = ends_well(observed).await;
    ended.events.assert_before("stall_started database: stuck", "stall_started api: waiting");
    ended.events.assert_none("stall_started other");
}

#[actix::test]
async fn g09_who_cannot_stop_since_a_dependent_is_stuck_is_told_as_waiting_on_it() {
    let journal = Journal::default();
    let (key, blocks) = lock();
    let database = Probe::new("database", &journal);
    let api = Probe::new("api", &journal).shutdown_at_once(|_, _| {
        blocks();
        Ok(())
    });
    let api = ServiceSpec::new(api).depends_on("database");
    let mut observed = watched(|manager| manager.service(database).service(api));
    observed.running().await;
    observed.shut_down();
    observed.seen("stall_started database: waiting on api").await;
    drop(key);
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_before("stall_started database: waiting on api", "shutdown_started database");
}

#[actix::test]
async fn g09_a_service_that_is_busy_in_many_short_polls_is_not_stuck() {
    let journal = Journal::default();
    let (busy, address) = Probe::new("busy", &journal).with_address();
    let (blocker, blockers) = Probe::new("blocker", &journal).with_address();
    // More than a loaded machine keeps a thread from its processor.
    let mut observed =
        observe(options().stuck_after(ms(400)), |manager| manager.service(busy).service(blocker));
    observed.running().await;
    let address = address.await.unwrap();
    let chatter = actix::spawn(async move {
        loop {
            // One by one: a mailbox that is never empty makes one long poll.
            address.send(Call::now(|_| std::thread::sleep(ms(1)))).await.unwrap();
        }
    });
    // Twice over, another is found to be stuck: so long the watchdog has looked at both.
    let blockers = blockers.await.unwrap();
    for times in 1..=2 {
        let (key, blocks) = lock();
        blockers.do_send(Call::now(|_| blocks()));
        observed.seen_times("stall_started blocker", times).await;
        drop(key);
        observed.seen_times("stall_finished blocker", times).await;
    }
    assert!(!chatter.is_finished());
    chatter.abort();
    ends_well(observed).await.events.assert_none("stall_started busy");
}

#[actix::test]
async fn g09_nobody_is_told_of_where_nobody_watches() {
    let (probe, address) = Probe::new("a", &Journal::default()).with_address();
    let observed = observe(options().stuck_after(None), |manager| manager.service(probe));
    observed.running().await;
    let (done, over) = tokio::sync::oneshot::channel();
    address.await.unwrap().do_send(Call::now(move |_| {
        std::thread::sleep(ms(200));
        done.send(()).unwrap();
    }));
    over.await.unwrap();
    ends_well(observed).await.events.assert_none("stall_started");
}

#[actix::test]
async fn g01_a_limit_of_nothing_is_refused() {
    let probe = Probe::new("a", &Journal::default());
    let manager = Manager::new(options().stuck_after(ms(0))).service(probe);
    let error = manager.plan().expect_err("every poll lasts");
    assert!(matches!(error, ConfigError::Option { option: "stuck_after", .. }), "{error}");
}

/// One that is replaced when it is stuck, each time by what `make` makes; with a resource.
fn replaced(id: &str, journal: &Journal, policy: RestartPolicy) -> (ServiceSpec<Phoenix>, Addresses) {
    let addresses = Addresses::default();
    let (id, journal, known) = (id.to_owned(), journal.clone(), addresses.clone());
    let make = move || Phoenix { id: id.clone(), journal: journal.clone(), known: known.clone() };
    let spec = ServiceSpec::new(make()).restart(policy).replace_when_stuck(ms(150), make);
    (spec, addresses)
}

fn at_once() -> RestartPolicy {
    RestartPolicy::on_failure().backoff(ms(0), ms(0))
}

#[actix::test]
async fn g09_a_stuck_service_fails_and_another_actor_takes_its_place_on_another_thread() {
    let journal = Journal::default();
    let (spec, addresses) = replaced("a", &journal, at_once());
    let (other, others) = replaced("other", &journal, at_once());
    let mut observed = watched(|manager| manager.service(spec).service(other));
    observed.running().await;
    let first_thread = observed.status().await.services[0].thread.clone();
    let (key, blocks) = lock();
    addresses.latest().do_send(Block(Box::new(blocks)));
    observed.seen("restart_finished a: ok").await;
    observed.events().assert_in_order(&[
        "stall_started a: stuck",
        "run_finished a: ended",
        "restart_started a",
        "release_finished a/r: ok",
        "restart_finished a: ok",
    ]);
    let status = observed.status().await;
    let failure = status.services[0].restart.last_failure.clone().expect("it has failed");
    assert!(failure.contains("stuck in one poll for"), "{failure}");
    assert_ne!(status.services[0].thread, first_thread);
    assert_eq!(addresses.count(), 2);

    let answer = addresses.latest().send(Block(Box::new(|| ())));
    within("an answer of the second", answer).await.expect("it lives");
    assert_eq!(journal.count("a: dropped"), 0, "the first is blocked");
    drop(key);
    journal.until("a: dropped", 1).await;
    observed.seen("stall_finished a: stuck").await;
    assert_eq!(others.count(), 1);
    ends_well(observed).await;
    assert_eq!(journal.count("a: dropped"), 2, "{:?}", journal.entries());
}

#[actix::test]
async fn g09_who_is_stuck_too_often_ends_the_manager_and_is_named() {
    let journal = Journal::default();
    let (spec, addresses) = replaced("a", &journal, at_once().max_restarts(1));
    let observed = watched(|manager| manager.service(spec));
    observed.running().await;
    let (_keys, locks): (Vec<_>, Vec<_>) = (0..2).map(|_| lock()).unzip();
    for (at, blocks) in locks.into_iter().enumerate() {
        journal.until("a: run", at + 1).await;
        addresses.latest().do_send(Block(Box::new(blocks)));
    }
    let ended = observed.ended().await;
    let error = ended.error();
    assert_eq!(error.exit_code(), 2, "{error}");
    let text = error.to_string();
    assert!(text.contains("a (run)") && text.contains("stuck in one poll"), "{text}");
}

#[actix::test]
async fn g01_who_cannot_be_replaced_is_refused_with_the_reason() {
    let journal = Journal::default();
    let (never, _) = replaced("a", &journal, RestartPolicy::never());
    let error = Manager::new(options()).service(never).plan().expect_err("it is never restarted");
    assert!(matches!(error, ConfigError::Replacement { .. }), "{error}");
    assert!(error.to_string().contains("RestartPolicy"), "{error}");
}

/// The addresses of all actors that took a place, one after the other.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<Vec<Addr<Phoenix>>>>);

impl Addresses {
    fn latest(&self) -> Addr<Phoenix> {
        self.0.lock().unwrap().last().expect("one was started").clone()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Runs until shutdown is asked, and tells its address.
struct Phoenix {
    id: String,
    journal: Journal,
    known: Addresses,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Block(Box<dyn FnOnce() + Send>);

impl Actor for Phoenix {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.known.0.lock().unwrap().push(ctx.address());
    }
}

impl Supervised for Phoenix {}

impl Service for Phoenix {
    fn id(&self) -> String {
        self.id.clone()
    }
}

impl GenericService for Phoenix {}

impl Handler<Setup> for Phoenix {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        setup.resources.start("r", resource_fn(|| async { Ok(()) }))?;
        Ok(())
    }
}

impl Handler<Run> for Phoenix {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        self.journal.note(format!("{}: run", self.id));
        Box::pin(async move {
            run.shutdown.requested().await;
            Ok(())
        })
    }
}

impl Handler<Shutdown> for Phoenix {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl Handler<Block> for Phoenix {
    type Result = ();

    fn handle(&mut self, block: Block, _: &mut Context<Self>) {
        (block.0)();
    }
}

impl Drop for Phoenix {
    fn drop(&mut self) {
        self.journal.note(format!("{}: dropped", self.id));
    }
}
