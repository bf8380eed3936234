//! G21: a set-up that fails is tried again, where its service says so: for a database that comes late. In paused time, where a
//! delay costs none.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use majordomo::events::Severity;
use majordomo::testing::paused;
use majordomo::{
    AddService, BoxError, ConfigError, Manager, ManagerOptions, RestartPolicy, RestartService, Run, Setup,
    resource_fn, service_with_setup,
};
use majordomo::{ServiceSpec, StageError, WithSetup};
use support::{Journal, ms, observe, observe_paused, options};

type Late = ServiceSpec<WithSetup<()>>;

/// A service whose set-up starts a resource, and fails so often before it succeeds.
fn late(id: &str, failures: usize, journal: &Journal) -> Late {
    let tries = Arc::<AtomicUsize>::default();
    let (mine, journal) = (id.to_owned(), journal.clone());
    let setup = move |setup: Setup| {
        let tried = tries.fetch_add(1, Ordering::Relaxed) + 1;
        journal.note(format!("{mine}: try {tried}"));
        let (released, mine) = (journal.clone(), mine.clone());
        let release = move || {
            released.note(format!("{mine}: released {tried}"));
            ready(Ok(()))
        };
        let started = setup.resources.start("connection", resource_fn(release));
        async move {
            started?;
            if tried <= failures { Err(format!("no route to host, try {tried}").into()) } else { Ok(()) }
        }
    };
    service_with_setup(id, setup, run)
}

async fn run(run: Run, (): ()) -> Result<(), BoxError> {
    run.shutdown.requested().await;
    Ok(())
}

fn patient() -> RestartPolicy {
    RestartPolicy::on_failure().unlimited().backoff(ms(100), ms(1000)).jitter(0.0)
}

#[test]
fn g21_a_set_up_is_tried_again_while_others_are_set_up_and_nobody_runs() {
    paused(|| async {
        let journal = Journal::default();
        let database = late("database", 4, &journal).retry_setup(patient());
        let (api, worker) = (late("api", 0, &journal).depends_on("database"), late("worker", 0, &journal));
        let mut observed =
            observe_paused(options(), |manager| manager.service(database).service(api).service(worker));
        observed.seen("setup_retried database").await;
        observed.seen("setup_finished worker: ok").await;
        let status = observed.status().await;
        let text = status.to_string();
        assert!(
            text.contains("database: to be set up again in ") && text.contains("no route to host"),
            "{text}"
        );
        let of = |id: &str| status.services.iter().find(|service| &*service.id == id).unwrap();
        let retry = of("database").setup_retry.unwrap();
        assert_eq!((retry.total, retry.used, retry.left), (1, 0, None));
        assert!(retry.next_at.is_some() && of("worker").setup_retry.is_none());
        observed.running().await;
        assert_eq!(journal.whose("run"), [""; 0]);
        let events = observed.events().to_string();
        let first_run = events.find("run_started").expect("somebody runs");
        assert_eq!(events.matches("setup_retried database").count(), 4, "{events}");
        assert!(events.rfind("setup_retried").unwrap() < first_run, "{events}");
        assert!(
            events.find("setup_started api").unwrap() > events.rfind("setup_retried").unwrap(),
            "{events}"
        );
        let delays: Vec<_> = delays(&observed.status().await);
        assert_eq!(delays, [100, 200, 400, 800]);
        // It comes late, and nothing is wrong: whoever is woken by errors sleeps on.
        let severities: Vec<_> = status.history.iter().map(|event| event.event.severity()).collect();
        assert!(severities.contains(&Severity::Warning) && !severities.contains(&Severity::Error), "{text}");
        observed.shut_down();
        let ended = observed.ended().await;
        ended.assert_ok();
        assert_eq!(ended.service("database").setup_retries, 4);
        assert!(ended.report().to_string().contains("database: its set-up was tried again 4 times"));
        // Each try was a life of its own, and gave back what it had started before the next.
        let tries =
            journal.entries().into_iter().filter(|line| line.starts_with("database")).collect::<Vec<_>>();
        let mut expected: Vec<String> =
            (1..=5).flat_map(|n| [format!("database: try {n}"), format!("database: released {n}")]).collect();
        assert_eq!(tries, expected.split_off(0));
    });
}

/// The delays that the events of retries tell, in milliseconds.
fn delays(status: &majordomo::ManagerStatus) -> Vec<u64> {
    let events = status.history.iter().map(|event| serde_json::to_value(event).unwrap());
    events.filter_map(|event| event["delay_ms"].as_f64()).map(|delay| delay as u64).collect()
}

#[test]
fn g21_a_shutdown_while_a_set_up_waits_to_be_tried_again_is_a_clean_end() {
    paused(|| async {
        let journal = Journal::default();
        let database =
            late("database", usize::MAX, &journal).retry_setup(patient().backoff(ms(60_000), ms(60_000)));
        let worker = late("worker", 0, &journal);
        let mut observed = observe_paused(options(), |manager| manager.service(database).service(worker));
        observed.seen("setup_retried database").await;
        journal.until("database: released 1", 1).await;
        observed.shut_down();
        let ended = observed.ended().await;
        ended.assert_ok();
        assert_eq!(journal.count("worker: released 1"), 1);
        assert!(ended.took.unwrap() < ms(60_000), "nobody waits for a set-up that will not be");
        assert!(!ended.events.to_string().contains("run_started"));
    });
}

#[test]
fn g21_a_budget_that_is_used_up_is_a_failed_start_that_tells_how_often_it_was_tried() {
    paused(|| async {
        let journal = Journal::default();
        let database =
            late("database", usize::MAX, &journal).retry_setup(patient().max_restarts(2).within(ms(60_000)));
        let ended = observe_paused(options(), |manager| manager.service(database)).ended().await;
        ended.assert_exit_code(1);
        let errors = ended.setup_errors().errors();
        assert_eq!(
            (support::whos(errors), errors[0].setup_retries),
            (vec!["database (setup)".to_owned()], 2)
        );
        let text = ended.error().to_string();
        assert!(text.contains("no route to host, try 3") && text.contains("tried again 2 times"), "{text}");
        assert_eq!(journal.entries().len(), 6, "each try gave back what it had started");
    });
}

#[test]
fn g21_retries_that_have_left_their_period_count_no_more() {
    paused(|| async {
        let journal = Journal::default();
        let policy = patient().max_restarts(2).within(ms(5_000)).backoff(ms(4_000), ms(4_000));
        let database = late("database", 9, &journal).retry_setup(policy);
        let mut observed = observe_paused(options(), |manager| manager.service(database));
        observed.running().await;
        observed.shut_down();
        observed.ended().await.assert_ok();
    });
}

#[test]
fn g21_a_panic_and_an_actor_that_ends_in_its_set_up_are_tried_again_too() {
    paused(|| async {
        for panics in [true, false] {
            let tries = Arc::<AtomicUsize>::default();
            let counted = Arc::clone(&tries);
            let setup = move |setup: Setup| {
                let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
                async move {
                    assert!(!(first && panics), "of the first try");
                    if first {
                        // The resource dies, and the set-up with it.
                        setup.resources.start("bad", Mortal)?.send(Die).await?;
                        std::future::pending::<()>().await;
                    }
                    Ok(())
                }
            };
            let service = service_with_setup("late", setup, run).retry_setup(patient());
            let mut observed = observe_paused(options(), |manager| manager.service(service));
            observed.running().await;
            assert_eq!(tries.load(Ordering::Relaxed), 2);
            observed.shut_down();
            observed.ended().await.assert_ok();
        }
    });
}

/// A resource that stops when it is told to.
struct Mortal;

#[derive(actix::Message)]
#[rtype(result = "()")]
struct Die;

impl actix::Actor for Mortal {
    type Context = actix::Context<Self>;
}

impl majordomo::Resource for Mortal {}

impl actix::Handler<majordomo::Release> for Mortal {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: majordomo::Release, _: &mut actix::Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl actix::Handler<Die> for Mortal {
    type Result = ();

    fn handle(&mut self, _: Die, ctx: &mut actix::Context<Self>) {
        actix::ActorContext::stop(ctx);
    }
}

#[test]
fn g21_in_a_running_manager_a_restart_and_an_addition_wait_for_a_late_set_up() {
    paused(|| async {
        let journal = Journal::default();
        let tries = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&tries);
        // Its second and third set-ups fail: those of a restart that was asked.
        let setup = move |_: Setup| {
            let tried = counted.fetch_add(1, Ordering::Relaxed) + 1;
            ready(if [2, 3].contains(&tried) { Err("gone for a while".into()) } else { Ok(()) })
        };
        let database = service_with_setup("database", setup, run).retry_setup(patient());
        let steady = late("steady", 0, &journal);
        let mut observed = observe_paused(options(), |manager| manager.service(database).service(steady));
        observed.running().await;
        observed.manager.send(RestartService("database".into())).await.unwrap().unwrap();
        assert_eq!(tries.load(Ordering::Relaxed), 4);
        let added = AddService::new(late("added", 2, &journal).retry_setup(patient()));
        observed.manager.send(added).await.unwrap().unwrap();
        assert_eq!(journal.count("added: try 3"), 1);
        observed.seen_times("setup_retried", 4).await;
        observed.shut_down();
        let ended = observed.ended().await;
        ended.assert_ok();
        assert_eq!(ended.service("database").setup_retries, 2);
    });
}

#[actix::test]
async fn g21_a_forced_shutdown_ends_a_set_up_between_two_tries_at_once() {
    let journal = Journal::default();
    let database = late("database", usize::MAX, &journal).retry_setup(patient());
    let mut observed = observe(options(), |manager| manager.service(database));
    observed.seen("setup_retried database").await;
    observed.force();
    let ended = observed.ended().await;
    ended.assert_in_time(ms(0));
}

#[test]
fn g21_a_policy_that_cannot_work_is_refused_by_name_and_a_plan_tells_one_that_can() {
    paused(|| async {
        let journal = Journal::default();
        let plan = |policy: RestartPolicy| {
            let options = ManagerOptions::new().grpc_ping_service(false);
            Manager::new(options).service(late("database", 0, &journal).retry_setup(policy)).plan()
        };
        let error = plan(patient().jitter(2.0)).unwrap_err();
        assert!(matches!(&error, ConfigError::RetrySetup(id, _) if id == "database"), "{error}");
        let text = plan(patient()).unwrap().to_string();
        assert!(text.contains("its set-up is tried again: any number of times, after 100ms to 1s"), "{text}");
        // One that is never tried again is as one of which nothing was said.
        let never = late("database", 1, &journal).retry_setup(RestartPolicy::never());
        let ended = observe_paused(options(), |manager| manager.service(never)).ended().await;
        assert!(matches!(ended.error().setup(), Some(StageError::Services(_))));
        assert_eq!(ended.service("database").setup_retries, 0);
    });
}
