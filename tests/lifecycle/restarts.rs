//! Services that fail, and are started again.

use majordomo::{BoxError, GetStatus, RestartMode, RestartPolicy, Service as _, ServiceSpec, restartable_fn};
use support::phoenix::{Fail, Phoenix, Say, at_once};
use support::{Gate, Journal, Observed, ms, observe, options, within};

/// A manager of one service, which runs.
async fn one(phoenix: Phoenix, policy: RestartPolicy) -> (Observed, actix::Addr<Phoenix>) {
    let (phoenix, addr) = phoenix.addr();
    let (journal, run) = (phoenix.journal(), format!("{}: run", phoenix.id()));
    let observed = observe(options(), |manager| manager.service(phoenix.spec(policy)));
    observed.running().await;
    journal.until(&run, 1).await;
    (observed, within("the address", addr).await.unwrap())
}

#[actix::test]
async fn every_kind_of_failure_restarts_a_service_on_its_own_address() {
    for fail in [Fail::Handler, Fail::Future, Fail::Run, Fail::Stop] {
        let journal = Journal::default();
        let (mut observed, addr) = one(Phoenix::new("a", &journal).resources(&["r1", "r2"]), at_once()).await;
        addr.do_send(fail);
        observed.seen("restart_finished a: ok").await;
        journal.until("a: run", 2).await;
        assert_eq!(addr.send(Say(1)).await.unwrap(), 2, "{fail:?}");
        observed.shut_down();
        let ended = observed.ended().await;
        ended.assert_ok();
        let whole = [
            "a: setup",
            "a: run",
            "a: task dropped",
            "a/r2: released",
            "a/r1: released",
            "a: restarting",
            "a: setup",
            "a: run",
            "a: said 1",
        ];
        let of_interest = |entry: &&String| whole.contains(&entry.as_str());
        let entries = journal.entries();
        let seen: Vec<_> = entries.iter().filter(of_interest).take(whole.len()).collect();
        assert_eq!(seen, whole, "{fail:?}: {entries:#?}");
        assert_eq!(ended.service("a").restarts, 1, "{fail:?}");
    }
}

#[actix::test]
async fn the_death_of_a_resource_restarts_its_service() {
    let journal = Journal::default();
    let dying = {
        let journal = journal.clone();
        let mut life = 0;
        restartable_fn("a", move |run| {
            life += 1;
            let (life, journal) = (life, journal.clone());
            async move {
                journal.note(format!("a: life {life}"));
                let resource = run.resources.start("r", support::Probe::new("r", &journal))?;
                if life == 1 {
                    resource.do_send(support::Call::now(|_| panic!("a resource dies")));
                }
                run.shutdown.requested().await;
                Ok::<(), BoxError>(())
            }
        })
    };
    let spec = ServiceSpec::new(dying).restart(at_once());
    let mut observed = observe(options(), |manager| manager.service(spec));
    observed.seen("restart_finished a: ok").await;
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert_eq!((journal.count("a: life 1"), journal.count("a: life 2")), (1, 1));
}

#[actix::test]
async fn what_is_queued_behind_a_crash_is_handled_after_the_next_set_up_in_its_order() {
    let journal = Journal::default();
    let gate = Gate::default();
    let (observed, addr) = one(Phoenix::new("a", &journal).holds(&gate), at_once()).await;
    addr.do_send(Fail::Handler);
    for number in 0..5 {
        addr.do_send(Say(number));
    }
    // Handled while the set-up is still at work, but not before it has begun.
    assert_eq!(within("the answer", addr.send(Say(5))).await.unwrap(), 2);
    gate.open();
    addr.do_send(Fail::Handler);
    assert_eq!(within("the answer", addr.send(Say(6))).await.unwrap(), 3);
    let mut observed = observed;
    observed.shut_down();
    observed.ended().await.assert_ok();
    let entries = journal.entries();
    let said: Vec<_> = entries.iter().filter(|e| e.contains("said")).cloned().collect();
    assert_eq!(said, (0..7).map(|n| format!("a: said {n}")).collect::<Vec<_>>());
    let second = entries.iter().rposition(|e| e == "a: said 5").unwrap();
    let set_up =
        entries.iter().enumerate().filter(|(_, e)| *e == "a: setup").map(|(at, _)| at).nth(1).unwrap();
    let first = entries.iter().position(|e| e == "a: said 0").unwrap();
    assert!(set_up < first && first < second, "{entries:#?}");
}

#[actix::test]
async fn one_failure_too_many_within_the_period_ends_the_manager_and_tells_what_led_there() {
    let journal = Journal::default();
    let policy = at_once().max_restarts(2).within(ms(60_000));
    let (observed, addr) = one(Phoenix::new("a", &journal).resources(&["r"]), policy).await;
    for life in 1..=3 {
        journal.until("a: run", life).await;
        addr.do_send(Fail::Run);
    }
    let ended = observed.ended().await;
    ended.assert_exit_code(2);
    let [error] = ended.run_errors().errors() else { panic!("{}", ended.error()) };
    assert_eq!((&*error.service_id, error.restarts.len()), ("a", 2));
    let text = ended.error().to_string();
    assert!(text.contains("had been restarted 2 times") && text.matches("as told").count() == 3, "{text}");
    assert_eq!(ended.cause(), "failure of a");
    assert_eq!(journal.count("a/r: released"), 3);
}

#[actix::test]
async fn a_restart_that_cannot_be_set_up_is_tried_again_within_the_budget() {
    let journal = Journal::default();
    let no = || Err("no set-up yet".into());
    let phoenix = Phoenix::new("a", &journal).setups(vec![Ok(()), no(), no(), Ok(())]);
    let (mut observed, addr) = one(phoenix, at_once().max_restarts(3).within(ms(60_000))).await;
    addr.do_send(Fail::Run);
    observed.seen("restart_finished a: ok").await;
    assert_eq!(observed.events().count("restart_finished a: error"), 2);
    journal.until("a: run", 2).await;
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert_eq!((journal.count("a: setup"), journal.count("a: run")), (4, 2));
}

#[actix::test]
async fn g03_a_failed_first_set_up_is_not_restarted() {
    let journal = Journal::default();
    let phoenix = Phoenix::new("a", &journal).setups(vec![Err("no".into())]);
    let observed = observe(options(), |manager| manager.service(phoenix.spec(RestartPolicy::always())));
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    assert_eq!(journal.count("a: setup"), 1);
}

#[actix::test]
async fn a_main_loop_that_returns_is_restarted_always_but_not_on_failure() {
    let journal = Journal::default();
    let always = RestartPolicy::always().backoff(ms(0), ms(0)).max_restarts(1).within(ms(60_000));
    let (mut observed, addr) = one(Phoenix::new("a", &journal), always).await;
    addr.do_send(Fail::Return);
    observed.seen("restart_finished a: ok").await;
    journal.until("a: run", 2).await;
    addr.do_send(Fail::Return);
    let ended = observed.ended().await;
    ended.assert_exit_code(2);
    let text = ended.error().to_string();
    assert!(text.contains("its main loop returned"), "{text}");

    let (observed, addr) = one(Phoenix::new("b", &journal), at_once()).await;
    addr.do_send(Fail::Return);
    observed.ended().await.assert_ok();
    assert_eq!(journal.count("b: setup"), 1);
}

#[actix::test]
async fn g05_a_shutdown_in_the_middle_of_a_delay_wins_at_once() {
    let journal = Journal::default();
    let patient = at_once().backoff(ms(3_600_000), ms(3_600_000));
    let (mut observed, addr) = one(Phoenix::new("a", &journal).resources(&["r"]), patient).await;
    addr.do_send(Fail::Run);
    observed.seen("restart_delayed a").await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert!(ended.took.unwrap() < ms(5_000), "{:?}", ended.took);
    ended.events.assert_in_order(&["restart_delayed a", "shutdown_requested", "restart_finished a: ended"]);
    assert_eq!((journal.count("a: setup"), journal.count("a/r: released")), (1, 1));
}

#[actix::test]
async fn g05_a_shutdown_in_the_middle_of_a_set_up_again_waits_for_no_more_than_that() {
    let (journal, gate) = (Journal::default(), Gate::default());
    let (mut observed, addr) =
        one(Phoenix::new("a", &journal).holds(&gate).resources(&["r"]), at_once()).await;
    addr.do_send(Fail::Run);
    observed.seen("restart_started a").await;
    journal.until("a: setup", 2).await;
    observed.shut_down();
    observed.seen("restart_finished a: ended").await;
    gate.open();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!((journal.count("a: run"), journal.count("a/r: released")), (1, 2));
}

#[actix::test]
async fn g11_a_panic_while_restarting_is_another_failure() {
    struct Fragile(u32);
    impl actix::Actor for Fragile {
        type Context = actix::Context<Self>;
    }
    impl actix::Supervised for Fragile {
        fn restarting(&mut self, _: &mut actix::Context<Self>) {
            self.0 += 1;
            assert!(self.0 > 1, "the first restart panics");
        }
    }
    impl majordomo::Service for Fragile {
        fn id(&self) -> String {
            "fragile".to_owned()
        }
    }
    impl majordomo::GenericService for Fragile {}
    impl actix::Handler<majordomo::Setup> for Fragile {
        type Result = support::Answer;
        fn handle(&mut self, _: majordomo::Setup, _: &mut actix::Context<Self>) -> support::Answer {
            Ok(())
        }
    }
    impl actix::Handler<majordomo::Run> for Fragile {
        type Result = actix::ResponseFuture<support::Answer>;
        fn handle(&mut self, run: majordomo::Run, _: &mut actix::Context<Self>) -> Self::Result {
            let fails = self.0 == 0;
            Box::pin(async move {
                if fails {
                    return Err("the first run fails".into());
                }
                run.shutdown.requested().await;
                Ok(())
            })
        }
    }
    impl actix::Handler<majordomo::Shutdown> for Fragile {
        type Result = support::Answer;
        fn handle(&mut self, _: majordomo::Shutdown, _: &mut actix::Context<Self>) -> support::Answer {
            Ok(())
        }
    }
    let spec = ServiceSpec::new(Fragile(0)).restart(at_once());
    let mut observed = observe(options(), |manager| manager.service(spec));
    observed.seen("restart_finished fragile: ok").await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.service("fragile").restarts, 2);
}

#[actix::test]
async fn a_policy_that_cannot_work_is_refused_before_anything_starts() {
    let journal = Journal::default();
    let policy = RestartPolicy::on_failure().jitter(7.0);
    assert_eq!(policy.mode(), RestartMode::OnFailure);
    let ended = observe(options(), |m| m.service(Phoenix::new("a", &journal).spec(policy))).ended().await;
    ended.assert_exit_code(1);
    let text = ended.error().to_string();
    assert!(text.contains("\"a\"") && text.contains('7'), "{text}");
    journal.assert_nothing_lived();
}

#[actix::test]
async fn a_hundred_crashes_a_second_leave_others_alone() {
    let journal = Journal::default();
    let (crashing, addr) = Phoenix::new("crashing", &journal).addr();
    let quiet = Phoenix::new("quiet", &journal);
    let mut observed =
        observe(options(), |m| m.service(crashing.spec(at_once())).service(quiet.spec(at_once())));
    observed.running().await;
    let addr = addr.await.unwrap();
    for life in 1..=100 {
        assert_eq!(within("its life", addr.send(Say(0))).await.unwrap(), life);
        addr.do_send(Fail::Handler);
    }
    assert_eq!(within("its last life", addr.send(Say(0))).await.unwrap(), 101);
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(journal.count("quiet: setup"), 1);
    assert!(ended.manager.send(GetStatus).await.is_ok());
}
