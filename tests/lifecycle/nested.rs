//! A manager as a service of another: one tree, one deadline.

use std::sync::{Arc, Mutex};

use majordomo::testing::paused;
use majordomo::{
    ConfigError, GetStatus, Manager, ManagerOptions, NestedManager, RestartPolicy, ServiceSpec, Stage,
    nested, service_fn,
};
use support::{Counter, Gate, Journal, Probe, ms, never, observe, observe_paused, options, within};

/// A child with one service, made anew each time.
fn child_of(id: &str, probe: impl Fn() -> Probe + Send + 'static) -> ServiceSpec<NestedManager> {
    nested(id, move || Manager::new(ManagerOptions::new()).service(probe()))
}

#[actix::test]
async fn g02_nobody_in_a_tree_runs_before_all_of_it_is_set_up() {
    let (journal, gate) = (Journal::default(), Gate::default());
    let passed = gate.clone();
    let slow = Probe::new("slow", &journal).setup(move |_| async move {
        passed.passed().await;
        Ok(())
    });
    let inner = journal.clone();
    let child = child_of("child", move || Probe::new("inner", &inner));
    let mut observed = observe(options(), |manager| manager.service(slow).service(child));
    observed.seen("setup_finished child: ok").await;
    assert_eq!(journal.count("inner: setup"), 1);
    assert_eq!(journal.count("inner: run"), 0, "{:?}", journal.entries());
    gate.open();
    observed.running().await;
    journal.until("inner: run", 1).await;
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert_eq!(journal.count("inner: shutdown"), 1, "{:?}", journal.entries());
}

#[actix::test]
async fn g03_a_set_up_that_fails_in_a_child_fails_that_of_its_service() {
    let journal = Journal::default();
    let inner = journal.clone();
    let child =
        child_of("child", move || Probe::new("inner", &inner).setup(|_| async { Err("no disk".into()) }));
    let other = Probe::new("other", &journal);
    let ended = observe(options(), |manager| manager.service(child).service(other)).ended().await;
    let error = ended.error();
    assert_eq!(error.exit_code(), 1);
    let text = error.to_string();
    assert!(text.contains("child") && text.contains("inner") && text.contains("no disk"), "{text}");
    assert_eq!(journal.count("other: run"), 0);
}

#[actix::test]
async fn g04_a_child_that_ends_by_itself_ends_its_service_alone() {
    let child = nested("child", || {
        Manager::new(ManagerOptions::new()).service(service_fn("short", |_| async { Ok(()) }))
    });
    let other = Probe::new("other", &Journal::default());
    let mut observed = observe(options(), |manager| manager.service(child).service(other));
    observed.seen("run_finished child: ok").await;
    assert_eq!(observed.status().await.stage, Stage::Running);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g04_a_child_that_fails_is_made_and_started_again_as_its_policy_says() {
    let (journal, made) = (Journal::default(), Counter::default());
    let (inner, count) = (journal.clone(), made.clone());
    let child = child_of("child", move || {
        let fails = count.add() == 1;
        Probe::new("inner", &inner).run(move |run| async move {
            if fails {
                return Err("the first time".into());
            }
            run.shutdown.requested().await;
            Ok(())
        })
    });
    let policy = RestartPolicy::on_failure().backoff(ms(0), ms(0));
    let other = Probe::new("other", &journal);
    let mut observed = observe(options(), |manager| manager.service(child.restart(policy)).service(other));
    observed.seen("restart_finished child: ok").await;
    journal.until("inner: run", 2).await;
    assert_eq!(made.get(), 2);
    let status = observed.status().await;
    let failure = status.services[0].restart.last_failure.clone().expect("it has failed");
    assert!(failure.contains("the first time"), "{failure}");
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert_eq!(journal.count("other: setup"), 1);
}

#[test]
fn g08_the_deadline_of_the_parent_bounds_that_of_the_child() {
    paused(|| async {
        let journal = Journal::default();
        let inner = journal.clone();
        let child = child_of("child", move || {
            let resource = Probe::resource("inner", "disk", &inner);
            Probe::new("inner", &inner).with_resources(vec![resource]).run(|_| never())
        });
        let options = options().max_shutdown_duration(ms(600));
        let mut observed = observe_paused(options, |manager| manager.service(child));
        observed.running().await;
        journal.until("inner: run", 1).await;
        observed.shut_down();
        let ended = observed.ended().await;
        let took = ended.took.unwrap();
        assert!(took >= ms(300) && took < ms(600) + ended.soon(), "it took {took:?}");
        let error = ended.error();
        let text = error.to_string();
        assert!(text.contains("inner (run): forced"), "the child's own hang is named: {text}");
        assert_eq!(journal.count("inner/disk: release"), 1, "{:?}", journal.entries());
    });
}

#[test]
fn g08_a_shutdown_of_the_child_that_goes_on_is_cut_short_by_that_of_the_parent() {
    paused(|| async {
        let journal = Journal::default();
        let inner = journal.clone();
        // Fails while another hangs: the child alone would wait for 30 s.
        let child = nested("child", move || {
            let fails = service_fn("fails", |_| async { Err("broken".into()) });
            let hangs = Probe::new("hangs", &inner).run(|_| never());
            Manager::new(ManagerOptions::new()).service(fails).service(hangs)
        });
        let options = options().max_shutdown_duration(ms(500));
        let mut observed = observe_paused(options, |manager| manager.service(child));
        observed.running().await;
        journal.until("hangs: shutdown", 1).await;
        observed.shut_down();
        let ended = observed.ended().await;
        assert!(ended.took.unwrap() <= ms(500), "it took {:?}", ended.took);
        let text = ended.error().to_string();
        assert!(text.contains("broken") && text.contains("hangs (run): forced"), "{text}");
    });
}

#[test]
fn g08_a_child_in_its_drain_delay_asks_its_services_in_the_time_its_parent_has_left() {
    paused(|| async {
        let journal = Journal::default();
        let inner = journal.clone();
        let (sender, mut stream) = majordomo::events::channel();
        let child = nested("child", move || {
            let fails = service_fn("fails", |_| async { Err("broken".into()) });
            let polite = Probe::new("polite", &inner);
            let options = ManagerOptions::new().max_shutdown_duration(ms(60_000)).drain_delay(ms(50_000));
            Manager::new(options.observe(sender.clone())).service(fails).service(polite)
        });
        let options = options().max_shutdown_duration(ms(1000));
        let mut observed = observe_paused(options, |manager| manager.service(child));
        while stream.recv().await.expect("it drains before it is over").event.to_string() != "draining" {}
        assert_eq!(journal.count("polite: shutdown"), 0, "it works on in the drain delay");
        observed.shut_down();
        let ended = observed.ended().await;
        assert!(ended.took.unwrap() <= ms(1000), "it took {:?}", ended.took);
        let text = ended.error().to_string();
        assert!(text.contains("broken") && !text.contains("forced"), "{text}");
        assert_eq!(journal.count("polite: shutdown"), 1, "{:?}", journal.entries());
    });
}

#[actix::test]
async fn g05_a_shutdown_asked_while_a_child_is_set_up_reaches_it() {
    let journal = Journal::default();
    let inner = journal.clone();
    let child = child_of("child", move || {
        Probe::new("inner", &inner).setup(|setup| async move {
            setup.shutdown.requested().await;
            Ok(())
        })
    });
    let mut observed = observe(options(), |manager| manager.service(child));
    journal.until("inner: setup", 1).await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(journal.count("inner: run"), 0);
}

#[actix::test]
async fn g10_after_a_forced_end_nothing_of_a_child_is_left() {
    let (journal, gone) = (Journal::default(), Gate::default());
    let (inner, dropped) = (journal.clone(), gone.clone());
    let child = child_of("child", move || {
        let guard = dropped.on_drop();
        Probe::new("inner", &inner).run(move |_| async move {
            let _guard = guard;
            never().await
        })
    });
    let mut observed = observe(options(), |manager| manager.service(child));
    observed.running().await;
    journal.until("inner: run", 1).await;
    observed.force();
    let ended = observed.ended().await;
    // On a slow machine it goes to its end on its own threads.
    within("the end of the child's main loop", gone.passed()).await;
    let text = ended.error().to_string();
    assert!(text.contains("child"), "{text}");
}

#[actix::test]
async fn g09_a_child_that_blocks_is_named_by_its_parent() {
    let journal = Journal::default();
    let inner = journal.clone();
    let child = child_of("child", move || {
        Probe::new("inner", &inner).shutdown_at_once(|_, _| {
            support::block();
            Ok(())
        })
    });
    let mut observed = observe(options().max_shutdown_duration(ms(500)), |manager| manager.service(child));
    observed.running().await;
    journal.until("inner: run", 1).await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_in_time(ms(500));
    let text = ended.error().to_string();
    assert!(text.contains("inner") && text.contains("block"), "{text}");
}

#[actix::test]
async fn a_status_is_a_tree_as_data_and_as_text() {
    let journal = Journal::default();
    let inner = journal.clone();
    let grandchild = Arc::new(Mutex::new(None));
    let innermost = Arc::clone(&grandchild);
    let child = nested("child", move || {
        let (journal, innermost) = (inner.clone(), Arc::clone(&innermost));
        let leaf = child_of("grandchild", move || {
            let (leaf, address) = Probe::new("leaf", &journal).with_address();
            *innermost.lock().unwrap() = Some(address);
            leaf
        });
        Manager::new(ManagerOptions::new()).service(leaf)
    });
    let mut observed = observe(options(), |manager| manager.service(child));
    observed.running().await;
    journal.until("leaf: run", 1).await;
    let status = observed.status().await;
    let tree = serde_json::to_value(&status).unwrap();
    let leaf = &tree["services"][0]["nested"]["services"][0]["nested"]["services"][0];
    assert_eq!(leaf["id"], "leaf", "{tree:#}");
    let text = status.to_string();
    assert!(text.contains("\n    |     |   leaf: running for "), "{text}");
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert!(ended.manager.send(GetStatus).await.unwrap().services[0].nested.is_none());
}

#[actix::test]
async fn g01_what_cannot_work_in_a_child_is_refused_before_anything_starts() {
    let journal = Journal::default();
    let inner = journal.clone();
    let child = nested("child", move || {
        let twin = || Probe::new("twin", &inner);
        Manager::new(ManagerOptions::new()).service(twin()).service(twin())
    });
    let other = Probe::new("other", &journal);
    let manager = Manager::new(options()).service(child).service(other);
    let error = manager.plan().expect_err("ids are unique");
    assert!(matches!(&error, ConfigError::Nested { service, .. } if service == "child"), "{error}");
    assert!(error.to_string().contains("twin"), "{error}");
    let refused = manager.run().await.expect_err("ids are unique");
    assert!(refused.to_string().contains("twin"), "{refused}");
    let started = journal.entries().into_iter().filter(|entry| !entry.ends_with(": dropped"));
    assert_eq!(started.collect::<Vec<_>>(), [""; 0]);
}

#[actix::test]
async fn a_plan_shows_what_a_child_would_do() {
    let journal = Journal::default();
    let child = child_of("child", move || Probe::new("inner", &journal));
    let plan = Manager::new(options()).service(child).plan().unwrap();
    let nested = plan.services[0].nested.as_ref().expect("it is a manager");
    assert_eq!(nested.start_order(), [["inner"]]);
    assert!(plan.to_string().contains("    | start:\n    |   1. inner"), "{plan}");
}

#[test]
fn g06_a_child_in_paused_time_outlives_its_service_until_its_release() {
    majordomo::testing::paused(|| async {
        let patient = || {
            service_fn("patient", |run| async move {
                run.shutdown.requested().await;
                Ok(())
            })
        };
        let child = nested("child", move || Manager::new(ManagerOptions::new()).service(patient()));
        let manager = majordomo::testing::start_paused(Manager::new(options()).service(child));
        manager.send(majordomo::WaitUntilRunning).await.unwrap().unwrap();
        manager.do_send(majordomo::StartShutdown);
        manager.send(majordomo::WaitForShutdown).await.unwrap().unwrap();
    });
}

/// A manager with so many others in it, one within the other.
fn nest(depth: usize) -> Manager {
    let manager = Manager::new(options());
    match depth {
        0 => manager.service(service_fn("innermost", |_| async { Ok(()) })),
        _ => manager.service(nested(format!("level {depth}"), move || nest(depth - 1))),
    }
}

fn deepest() {
    let plan = nest(64).plan().unwrap();
    let (mut plan, mut depth) = (&plan, 0);
    while let Some(inner) = plan.services[0].nested.as_deref() {
        (plan, depth) = (inner, depth + 1);
    }
    assert_eq!((depth, &*plan.services[0].id), (64, "innermost"));
    let error = nest(65).plan().unwrap_err();
    assert!(matches!(error, ConfigError::NestedTooDeep { depth: 65, most: 64, .. }), "{error}");
}

#[test]
fn g01_a_deep_tree_is_planned_once_and_one_that_is_too_deep_is_refused() {
    // Closures that make managers which make managers take stack, in a debug build more than a test's thread has.
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(deepest).unwrap();
    thread.join().unwrap();
}

#[actix::test]
async fn g02_a_deep_tree_is_set_up_runs_and_ends() {
    let mut observed = observe(options(), |manager| manager.service(nested("top", || nest(15))));
    observed.seen("run_finished top: ok").await;
    observed.shut_down();
    observed.ended().await.assert_ok();
}
