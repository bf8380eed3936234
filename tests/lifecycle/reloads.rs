//! G26: all take the new settings over, or nobody does.

use std::future::pending;
use std::time::Duration;

use actix::prelude::*;
use majordomo::events::{LifecycleEvent, Severity};
use majordomo::testing::paused;
use majordomo::{
    AddService, BoxError, CommitReload, GenericService, GetStatus, OrderError, PrepareReload, Reload, Run,
    Service, ServiceSpec, Setup, Shutdown, StartShutdown, StopService,
};
use support::phoenix::at_once;
use support::{Gate, Journal, Observed, Probe, ms, observe, observe_paused, options};

fn reloadable(probe: Probe) -> ServiceSpec<Probe> {
    ServiceSpec::new(probe).reloadable()
}

async fn reload(observed: &Observed) -> Result<(), OrderError> {
    observed.manager.send(Reload).await.unwrap()
}

/// What was noted of the reload, in its order.
fn reloaded(journal: &Journal) -> Vec<String> {
    let mut entries = journal.entries();
    entries.retain(|entry| entry.ends_with(": prepare") || entry.ends_with(": commit"));
    entries
}

/// A database and what depends on it: directly, and through one that takes no part.
fn chain(manager: majordomo::Manager, database: Probe, journal: &Journal) -> majordomo::Manager {
    let probe = |id: &str| Probe::new(id, journal);
    manager
        .service(reloadable(probe("web")).depends_on("cache"))
        .service(ServiceSpec::new(probe("cache")).depends_on("database"))
        .service(reloadable(probe("mailer")).depends_on("database"))
        .service(reloadable(database))
}

#[actix::test]
async fn g26_all_prepare_before_any_commits_and_dependencies_commit_first() {
    let journal = Journal::default();
    let mut observed =
        observe(options(), |manager| chain(manager, Probe::new("database", &journal), &journal));
    observed.running().await;
    reload(&observed).await.unwrap();
    let entries = reloaded(&journal);
    let (mut prepared, committed) = entries.split_at(3.min(entries.len()));
    let mut sorted = prepared.to_vec();
    sorted.sort();
    prepared = &sorted;
    assert_eq!(prepared, ["database: prepare", "mailer: prepare", "web: prepare"], "{entries:?}");
    assert_eq!(committed[0], "database: commit", "{entries:?}");
    assert_eq!(committed.len(), 3, "{entries:?}");
    observed.seen("reload_started").await;
    observed.seen("reload_finished: ok").await;
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g26_who_depends_on_another_through_a_third_waits_for_its_commit() {
    let journal = Journal::default();
    let gate = Gate::new();
    let passed = gate.clone();
    let database = Probe::new("database", &journal).commit(move |_| async move {
        passed.passed().await;
        Ok(())
    });
    let mut observed = observe(options(), |manager| chain(manager, database, &journal));
    observed.running().await;
    let answer = observed.manager.send(Reload);
    gate.arrived().await;
    // The manager has heard of nothing else.
    observed.status().await;
    assert_eq!(journal.whose("commit"), ["database"]);
    gate.open();
    answer.await.unwrap().unwrap();
    assert_eq!(journal.whose("commit").len(), 3);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g26_one_refusal_leaves_everybody_as_before_and_is_named_with_its_reason() {
    let journal = Journal::default();
    let refuses =
        |id: &str| Probe::new(id, &journal).prepare(|_| async { Err("line 7: no such host".into()) });
    let mut observed = observe(options(), |manager| {
        chain(manager, refuses("database"), &journal).service(reloadable(refuses("other")))
    });
    observed.running().await;
    let error = reload(&observed).await.unwrap_err();
    let OrderError::ReloadRefused { by } = &error else { panic!("{error}") };
    let mut by = by.clone();
    by.sort();
    assert_eq!(by, ["database: line 7: no such host", "other: line 7: no such host"]);
    assert_eq!(journal.whose("commit"), Vec::<String>::new());
    observed.seen("reload_failed database").await;
    observed.seen("reload_finished: error").await;
    // The next one finds nothing wrong.
    reload(&observed).await.unwrap();
    assert_eq!(journal.whose("commit").len(), 4);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[test]
fn g26_who_does_not_answer_in_time_refuses_and_is_heard_no_more() {
    paused(|| async {
        let journal = Journal::default();
        let slow = Probe::new("slow", &journal).prepare(|_| async {
            tokio::time::sleep(Duration::from_secs(90)).await;
            Ok(())
        });
        let mut observed = observe_paused(options().reload_timeout(Duration::from_secs(60)), |manager| {
            manager.service(reloadable(slow)).service(reloadable(Probe::new("quick", &journal)))
        });
        observed.running().await;
        let error = reload(&observed).await.unwrap_err().to_string();
        assert!(error.contains("slow: no answer to prepare_reload within 60s"), "{error}");
        // Its late answer is not taken for one to the second.
        reload(&observed).await.unwrap();
        assert_eq!(journal.count("slow: commit"), 1);
        observed.shut_down();
        observed.ended().await.assert_ok();
    });
}

#[actix::test]
async fn g26_who_fails_to_commit_without_a_policy_has_failed_its_manager() {
    let journal = Journal::default();
    let fails = Probe::new("fails", &journal).commit(|_| async { Err("the port is taken".into()) });
    let observed = observe(options(), |manager| manager.service(reloadable(fails)));
    observed.running().await;
    let error = reload(&observed).await.unwrap_err();
    assert!(matches!(error, OrderError::ReloadCalledOff), "{error}");
    let ended = observed.ended().await;
    ended.assert_exit_code(2);
    assert!(ended.error().to_string().contains("the port is taken"), "{}", ended.error());
}

/// Fails its first commit, and reads its settings in its set-up.
struct Stumbles {
    journal: Journal,
    commits: usize,
    hangs: bool,
}

impl Actor for Stumbles {
    type Context = Context<Self>;
}

impl Supervised for Stumbles {}

impl Service for Stumbles {
    fn id(&self) -> String {
        "stumbles".to_owned()
    }
}

impl GenericService for Stumbles {}

impl Handler<Setup> for Stumbles {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Self::Result {
        self.journal.note("stumbles: setup");
        Ok(())
    }
}

impl Handler<Run> for Stumbles {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        Box::pin(async move {
            run.shutdown.requested().await;
            Ok(())
        })
    }
}

impl Handler<Shutdown> for Stumbles {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl Handler<PrepareReload> for Stumbles {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: PrepareReload, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl Handler<CommitReload> for Stumbles {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, _: CommitReload, _: &mut Context<Self>) -> Self::Result {
        self.commits += 1;
        match (self.commits, self.hangs) {
            (1, true) => Box::pin(pending()),
            (1, false) => panic!("a commit panics"),
            _ => Box::pin(async { Ok(()) }),
        }
    }
}

#[test]
fn g26_who_fails_to_commit_is_restarted_by_its_policy_and_all_others_go_on() {
    paused(|| async {
        for hangs in [false, true] {
            let journal = Journal::default();
            let stumbles = Stumbles { journal: journal.clone(), commits: 0, hangs };
            let stumbles = ServiceSpec::new(stumbles).reloadable().restart(at_once());
            let mut observed = observe_paused(options(), |manager| {
                manager.service(stumbles).service(reloadable(Probe::new("other", &journal)))
            });
            observed.running().await;
            let error = reload(&observed).await.unwrap_err();
            let OrderError::ReloadIncomplete { by } = &error else { panic!("{error}") };
            let why = if hangs { "no answer to commit_reload within 30s" } else { "a commit panics" };
            assert!(by.len() == 1 && by[0].starts_with("stumbles: ") && by[0].contains(why), "{by:?}");
            observed.seen("restart_finished stumbles: ok").await;
            assert_eq!((journal.count("other: commit"), journal.count("stumbles: setup")), (1, 2));
            reload(&observed).await.unwrap();
            observed.shut_down();
            observed.ended().await.assert_ok();
        }
    });
}

#[actix::test]
async fn g26_many_at_once_are_one_and_what_is_asked_meanwhile_is_one_more() {
    let journal = Journal::default();
    let gate = Gate::new();
    let passed = gate.clone();
    let slow = Probe::new("slow", &journal).prepare(move |_| async move {
        passed.passed().await;
        Ok(())
    });
    let mut observed = observe(options(), |manager| manager.service(reloadable(slow)));
    observed.running().await;
    let first = observed.manager.send(Reload);
    gate.arrived().await;
    // As many as its mailbox takes at once.
    let others: Vec<_> = (0..10).map(|_| observed.manager.send(Reload)).collect();
    observed.status().await;
    gate.open();
    first.await.unwrap().unwrap();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(reloaded(&journal), ["slow: prepare", "slow: commit", "slow: prepare", "slow: commit"]);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g26_what_cannot_be_reloaded_is_refused_and_what_is_asked_early_waits() {
    let journal = Journal::default();
    let mut observed = observe(options(), |manager| manager.service(Probe::new("plain", &journal)));
    observed.running().await;
    assert!(matches!(reload(&observed).await, Err(OrderError::NothingToReload)));
    // What is added may take part.
    let added = AddService::new(reloadable(Probe::new("added", &journal)));
    observed.manager.send(added).await.unwrap().unwrap();
    reload(&observed).await.unwrap();
    assert_eq!(reloaded(&journal), ["added: prepare", "added: commit"]);
    observed.shut_down();
    let ended = observed.ended().await;
    assert!(matches!(ended.manager.send(Reload).await.unwrap(), Err(OrderError::NotRunning(_))));

    let (journal, gate) = (Journal::default(), Gate::new());
    let passed = gate.clone();
    let late = Probe::new("late", &journal).setup(move |_| async move {
        passed.passed().await;
        Ok(())
    });
    let mut observed = observe(options(), |manager| {
        manager.service(reloadable(late)).service(reloadable(Probe::new("early", &journal)))
    });
    gate.arrived().await;
    let answer = observed.manager.send(Reload);
    observed.status().await;
    assert_eq!(reloaded(&journal), Vec::<String>::new());
    gate.open();
    answer.await.unwrap().unwrap();
    assert_eq!(reloaded(&journal).len(), 4);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g26_a_service_that_goes_down_meanwhile_refuses_and_a_shutdown_calls_it_off() {
    let journal = Journal::default();
    let hangs = Probe::new("hangs", &journal).prepare(|_| pending());
    let mut observed = observe(options(), |manager| {
        let hangs = reloadable(hangs).stop_timeout(ms(500));
        manager.service(hangs).service(reloadable(Probe::new("other", &journal)))
    });
    observed.running().await;
    let answer = observed.manager.send(Reload);
    journal.until("hangs: prepare", 1).await;
    observed.manager.send(StopService("hangs".into())).await.unwrap().unwrap();
    let error = answer.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("hangs: it went down before it had answered prepare_reload"), "{error}");
    // Who is down takes no part: it reads the new settings when it is set up again.
    reload(&observed).await.unwrap();
    assert_eq!(journal.whose("commit"), ["other"]);
    observed.shut_down();
    observed.ended().await.assert_ok();

    let hangs = Probe::new("hangs", &journal).prepare(|_| pending());
    let observed = observe(options(), |manager| manager.service(reloadable(hangs)));
    observed.running().await;
    let answer = observed.manager.send(Reload);
    let second = observed.manager.send(Reload);
    journal.until("hangs: prepare", 2).await;
    observed.manager.do_send(StartShutdown);
    for answer in [answer, second] {
        assert!(matches!(answer.await.unwrap(), Err(OrderError::ReloadCalledOff)));
    }
    let ended = observed.ended().await;
    ended.assert_ok();
    let history = ended.manager.send(GetStatus).await.unwrap().history;
    let mut finished = history.iter().filter(|at| matches!(at.event, LifecycleEvent::ReloadFinished { .. }));
    assert_eq!(finished.next().map(|at| at.event.severity()), Some(Severity::Info), "nobody is to be woken");
}
