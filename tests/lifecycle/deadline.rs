//! G8, G9 and G10: the one deadline, who is named when it cuts, and what is left afterwards.
//!
//! Each test that asks the manager to end checks how long the answer took; `--nocapture` shows how late the
//! latest were.

use std::thread;
use std::time::Duration;

use actix::prelude::*;
use majordomo::testing::paused;
use majordomo::{
    Hold, ManagerOptions, Resource, ResourceEnding, ResourceSpec, Resources, Run, ServiceSpec,
    ShutdownSignal, Stage, StartShutdown, service_fn,
};
use support::{
    Call, Counter, Ended, Gate, Journal, Observed, Probe, block, error_of, forced_of, ms, never, observe,
    observe_paused, options, sorted_whos, start_all, whos, within,
};
use tokio::sync::oneshot;

const LIMIT: Duration = ms(800);
/// More than starved threads take: they are the resources' as well.
const RESERVE: Duration = ms(550);
/// When services are forced.
const SERVICES: Duration = ms(250);
/// A timer may be early by the fraction of a millisecond that its clock drops.
const EARLY: Duration = ms(1);

fn limits() -> ManagerOptions {
    options().max_shutdown_duration(LIMIT).release_reserve(RESERVE)
}

/// A service whose resources are released without fault.
fn clean(id: &'static str, journal: &Journal) -> Probe {
    let resources = ["r1", "r2", "r3"].map(|name| Probe::resource(id, name, journal));
    Probe::new(id, journal).with_resources(resources.into())
}

/// Lets all come to run, and then asks for the end.
async fn shut_down(mut observed: Observed) -> Ended {
    observed.running().await;
    observed.shut_down();
    observed.ended().await
}

/// The end came by force, in time, and the clean service's resources were released in order all the same.
#[track_caller]
fn assert_forced_beside_clean(ended: &Ended) {
    ended.assert_in_time(LIMIT);
    ended.assert_exit_code(3);
    assert!(ended.report().forced, "{:?}", ended.report());
    assert_eq!(ended.cause(), "StartShutdown");
    assert!(ended.error().setup().is_none() && ended.error().run().is_none(), "{}", ended.error());
    assert_clean_released(ended);
}

#[track_caller]
fn assert_clean_released(ended: &Ended) {
    ended.events.event("run_finished clean: ok");
    ended.events.assert_in_order(&[
        "release_started clean/r3",
        "release_finished clean/r3: ok",
        "release_started clean/r2",
        "release_finished clean/r2: ok",
        "release_started clean/r1",
        "release_finished clean/r1: ok",
    ]);
    for name in ["r1", "r2", "r3"] {
        assert_eq!(ended.resource("clean", name).ending, Some(ResourceEnding::Acknowledged));
    }
}

#[track_caller]
fn assert_when(ended: &Ended, event: &str, from: Duration, to: Duration) {
    let at = ended.events.since_asked(event);
    assert!(
        at + EARLY >= from && at <= to,
        "{event:?} came {at:?} after shutdown was asked, expected {from:?} to {to:?}:\n{}",
        ended.events
    );
}

#[actix::test]
async fn g08_a_run_that_goes_on_is_forced_when_the_reserve_begins() {
    let journal = Journal::default();
    let stubborn = Probe::new("stubborn", &journal)
        .with_resources(vec![Probe::resource("stubborn", "pool", &journal)])
        .run(|_| never());
    let observed = observe(limits(), |m| m.service(stubborn).service(clean("clean", &journal)));
    let ended = shut_down(observed).await;
    assert_forced_beside_clean(&ended);
    assert_when(&ended, "run_finished stubborn: forced", SERVICES, SERVICES + ended.soon());
    let errors = ended.shutdown_errors();
    assert_eq!(whos(errors.errors()), ["stubborn (run)"], "{errors}");
    let forced = forced_of(&errors.errors()[0]);
    assert_eq!(forced.doing, "run");
    assert!(forced.lasted + EARLY >= SERVICES && forced.lasted < LIMIT, "{forced}");
    let Hold::WentOn { asked } = forced.hold else { panic!("it agreed, and went on: {forced}") };
    assert!(asked + EARLY >= SERVICES && asked <= forced.lasted, "{forced}");
    // It lost its own time, not its resource's.
    assert_eq!(ended.resource("stubborn", "pool").ending, Some(ResourceEnding::Acknowledged));
    assert!(ended.took < Some(LIMIT), "nothing was left to wait for: {:?}", ended.took);
}

#[test]
fn g08_a_shutdown_that_is_never_answered_is_forced_when_the_reserve_begins() {
    paused(|| async {
        let journal = Journal::default();
        let silent = Probe::new("silent", &journal).shutdown(|_| never());
        let deaf = Probe::new("deaf", &journal).run(|_| never()).shutdown(|_| never());
        let observed = observe_paused(limits(), |manager| {
            manager.service(silent).service(clean("clean", &journal)).service(deaf)
        });
        let ended = shut_down(observed).await;
        assert_forced_beside_clean(&ended);
        ended.events.event("run_finished silent: ok");
        for event in ["shutdown_finished silent: forced", "shutdown_finished deaf: forced"] {
            assert_when(&ended, event, SERVICES, SERVICES);
        }
        let errors = ended.shutdown_errors();
        assert_eq!(sorted_whos(errors.errors()), ["deaf (run)", "silent (shutdown)"]);
        for error in errors.errors() {
            let forced = forced_of(error);
            assert!(matches!(forced.hold, Hold::Silent { asked } if asked == SERVICES), "{error}");
            assert!(forced.lasted == SERVICES, "{error}");
        }
        assert!(errors.victims().is_empty(), "{errors}");
    });
}

/// A service that blocks the thread it lives on at `Shutdown`, however it is looked after.
async fn blocks_at_shutdown(spec: impl FnOnce(ServiceSpec<Probe>) -> ServiceSpec<Probe>) {
    let journal = Journal::default();
    let blocks = Probe::new("blocks", &journal)
        .with_resources(vec![Probe::resource("blocks", "pool", &journal)])
        .shutdown_at_once(|_, _| {
            block();
            Ok(())
        });
    let observed = observe(limits(), |manager| {
        manager.service(spec(ServiceSpec::new(blocks))).service(clean("clean", &journal))
    });
    let ended = shut_down(observed).await;
    assert_forced_beside_clean(&ended);
    let errors = ended.shutdown_errors();
    assert!(errors.errors().iter().all(|error| error.service_id == "blocks"), "{errors}");
    let forced = forced_of(error_of(errors, "blocks (shutdown)"));
    let Hold::Blocking { lasted } = forced.hold else { panic!("it blocks its thread: {forced}") };
    assert!(lasted + ended.allowance >= ms(200) && lasted <= LIMIT + ended.soon(), "{forced}");
    assert!(errors.victims().is_empty(), "{errors}");
    assert_eq!(ended.resource("blocks", "pool").ending, Some(ResourceEnding::Acknowledged));
}

#[actix::test]
async fn g08_a_service_that_blocks_a_shared_thread_delays_nobody() {
    blocks_at_shutdown(|spec| spec).await;
}

#[actix::test]
async fn g08_a_service_that_blocks_a_thread_of_its_own_delays_nobody() {
    blocks_at_shutdown(ServiceSpec::dedicated_thread).await;
}

#[actix::test]
async fn g08_a_set_up_that_blocks_its_thread_delays_nobody() {
    let journal = Journal::default();
    let began = Gate::default();
    let blocks = {
        let began = began.clone();
        Probe::new("blocks", &journal).setup_at_once(move |_, _| {
            began.open();
            block();
            Ok(())
        })
    };
    let pool = Probe::resource("other", "pool", &journal);
    let other = Probe::new("other", &journal).with_resources(vec![pool]);
    let mut observed = observe(limits(), |manager| manager.service(blocks).service(other));
    observed.seen("setup_finished other: ok").await;
    within("the block", began.passed()).await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_in_time(LIMIT);
    ended.assert_exit_code(3);
    let errors = ended.shutdown_errors();
    assert_eq!(whos(errors.errors()), ["blocks (setup)"]);
    let forced = forced_of(&errors.errors()[0]);
    assert!(matches!(forced.hold, Hold::Blocking { .. }), "{forced}");
    assert_eq!(ended.resource("other", "pool").ending, Some(ResourceEnding::Acknowledged));
}

#[test]
fn g08_a_release_that_is_never_answered_is_forced_at_the_deadline() {
    paused(|| async {
        let journal = Journal::default();
        let hangs = Probe::new("a/hangs", &journal).release(|_| never());
        let a = Probe::new("a", &journal).with_resources(vec![("hangs", hangs)]);
        let observed = observe_paused(limits(), |m| m.service(a).service(clean("clean", &journal)));
        let ended = shut_down(observed).await;
        assert_forced_beside_clean(&ended);
        assert_when(&ended, "release_finished a/hangs: forced", LIMIT, LIMIT);
        let errors = ended.shutdown_errors();
        assert_eq!(whos(errors.errors()), ["a (release of hangs)"]);
        let forced = forced_of(&errors.errors()[0]);
        assert_eq!(forced.doing, "release");
        assert!(forced.lasted == LIMIT, "{forced}");
        assert!(matches!(forced.hold, Hold::Silent { asked } if asked == forced.lasted), "{forced}");
    });
}

/// A resource that blocks the thread it lives on at `Release`, however it is looked after.
async fn blocks_at_release(spec: impl FnOnce(ResourceSpec<Probe>) -> ResourceSpec<Probe> + Send + 'static) {
    let journal = Journal::default();
    let blocks = Probe::new("a/blocks", &journal).release_at_once(|_, _| {
        block();
        Ok(())
    });
    let a = Probe::new("a", &journal).setup(|setup| async move {
        setup.resources.start("blocks", spec(ResourceSpec::new(blocks)))?;
        Ok(())
    });
    let observed = observe(limits(), |m| m.service(a).service(clean("clean", &journal)));
    let ended = shut_down(observed).await;
    assert_forced_beside_clean(&ended);
    assert_when(&ended, "release_finished a/blocks: forced", LIMIT, LIMIT + ended.soon());
    let errors = ended.shutdown_errors();
    assert_eq!(whos(errors.errors()), ["a (release of blocks)"]);
    let forced = forced_of(&errors.errors()[0]);
    assert!(matches!(forced.hold, Hold::Blocking { lasted } if lasted > ms(300)), "{forced}");
}

#[actix::test]
async fn g08_a_resource_that_blocks_its_shared_thread_is_forced_at_the_deadline() {
    blocks_at_release(|spec| spec).await;
}

#[actix::test]
async fn g08_a_resource_that_blocks_a_thread_of_its_own_is_forced_at_the_deadline() {
    blocks_at_release(ResourceSpec::dedicated_thread).await;
}

#[actix::test]
async fn g08_many_who_hold_on_at_once_are_all_forced_in_time_and_all_named() {
    let journal = Journal::default();
    let observed = observe(limits().service_threads(64), |mut manager| {
        for number in 0..20 {
            let stubborn = service_fn(format!("stubborn {number}"), |_: Run| never());
            let silent = Probe::new(format!("silent {number}"), &journal).shutdown(|_| never());
            let pool = Probe::new(format!("leaky {number}/pool"), &journal).release(|_| never());
            let leaky = Probe::new(format!("leaky {number}"), &journal).with_resources(vec![("pool", pool)]);
            manager = manager.service(stubborn).service(silent).service(leaky);
        }
        for number in 0..4 {
            let blocks = Probe::new(format!("blocks {number}"), &journal).shutdown_at_once(|_, _| {
                block();
                Ok(())
            });
            manager = manager.service(ServiceSpec::new(blocks).dedicated_thread());
        }
        manager.service(ServiceSpec::new(clean("clean", &journal)).dedicated_thread())
    });
    let ended = shut_down(observed).await;
    assert_forced_beside_clean(&ended);
    let mut named = sorted_whos(ended.shutdown_errors().culprits());
    // Whether a blocking service's run had ended before it blocked is a matter of luck.
    named.retain(|who| !(who.starts_with("blocks") && who.ends_with("(run)")));
    let mut expected: Vec<String> = (0..20)
        .flat_map(|n| {
            [
                format!("stubborn {n} (run)"),
                format!("silent {n} (shutdown)"),
                format!("leaky {n} (release of pool)"),
            ]
        })
        .chain((0..4).map(|n| format!("blocks {n} (shutdown)")))
        .collect();
    expected.sort();
    assert_eq!(named, expected, "{}", ended.error());
    assert!(ended.shutdown_errors().victims().is_empty(), "{}", ended.error());
}

#[test]
fn g08_the_drain_delay_is_part_of_the_whole() {
    paused(|| async {
        let journal = Journal::default();
        let hangs = Probe::new("a/hangs", &journal).release(|_| never());
        let a = Probe::new("a", &journal).with_resources(vec![("hangs", hangs)]).run(|_| never());
        let observed = observe_paused(limits().drain_delay(ms(150)), |manager| manager.service(a));
        let ended = shut_down(observed).await;
        ended.assert_in_time(LIMIT);
        ended.assert_exit_code(3);
        assert_when(&ended, "shutdown_started a", ms(150), ms(150));
        assert_when(&ended, "run_finished a: forced", SERVICES, SERVICES);
        assert_when(&ended, "release_finished a/hangs: forced", LIMIT, LIMIT);
    });
}

#[test]
fn g08_resources_never_asked_before_the_deadline_get_a_last_call() {
    paused(|| async {
        let journal = Journal::default();
        let hangs = Probe::new("a/later", &journal).release(|_| never());
        let earlier = ["r1", "r2"].map(|name| Probe::resource("a", name, &journal));
        let a = Probe::new("a", &journal).setup(|setup| async move {
            start_all(&setup.resources, earlier.into())?;
            start_all(&setup.resources, vec![("later", hangs)])
        });
        let observed = observe_paused(limits(), |m| m.service(a).service(clean("clean", &journal)));
        let ended = shut_down(observed).await;
        assert_forced_beside_clean(&ended);
        assert_eq!(whos(ended.shutdown_errors().errors()), ["a (release of later)"]);
        for name in ["r1", "r2"] {
            assert_eq!(journal.count(&format!("a/{name}: release")), 1, "{:#?}", journal.entries());
            let resource = ended.resource("a", name);
            assert_eq!(resource.ending, Some(ResourceEnding::Acknowledged), "{}", ended.events);
            assert_when(&ended, &format!("release_started a/{name}"), LIMIT, LIMIT);
        }
    });
}

#[test]
fn g08_a_last_call_that_is_not_answered_is_forced_and_named_too() {
    paused(|| async {
        let journal = Journal::default();
        let hangs =
            ["r1", "r2"].map(|name| (name, Probe::new(format!("a/{name}"), &journal).release(|_| never())));
        let a = Probe::new("a", &journal).with_resources(hangs.into());
        let ended = shut_down(observe_paused(limits(), |manager| manager.service(a))).await;
        ended.assert_in_time(LIMIT);
        ended.assert_exit_code(3);
        assert_eq!(
            sorted_whos(ended.shutdown_errors().errors()),
            ["a (release of r1)", "a (release of r2)"],
            "{}",
            ended.events
        );
        assert_eq!(journal.whose("release"), ["a/r2", "a/r1"]);
    });
}

#[actix::test]
async fn g08_a_manager_whose_services_all_end_does_not_wait_for_its_deadline() {
    let journal = Journal::default();
    let unhurried = options().max_shutdown_duration(Duration::from_secs(600));
    let observed = observe(unhurried, |manager| manager.service(clean("clean", &journal)));
    let ended = shut_down(observed).await;
    ended.assert_ok();
    assert_clean_released(&ended);
    assert!(!ended.report().forced);
    assert!(ended.took < Some(ms(400) + ended.soon()), "{:?}", ended.took);
}

/// Makes a service block the thread it lives on, and waits until it does.
async fn block_now(address: oneshot::Receiver<Addr<Probe>>) {
    let (send, blocked) = oneshot::channel();
    let address = within("the service", address).await.unwrap();
    address.do_send(Call::now(move |_| {
        send.send(()).unwrap();
        block();
    }));
    within("the block", blocked).await.unwrap();
}

#[actix::test]
async fn g09_who_shared_a_blocked_thread_is_named_as_starved_and_by_whom() {
    let journal = Journal::default();
    let (culprit, address) = Probe::new("culprit", &journal).with_address();
    let mut observed = observe(limits().service_threads(1), |manager| {
        manager
            .service(clean("victim 1", &journal))
            .service(culprit)
            .service(clean("victim 2", &journal))
            .service(ServiceSpec::new(clean("clean", &journal)).dedicated_thread())
    });
    observed.running().await;
    block_now(address).await;
    observed.shut_down();
    let ended = observed.ended().await;
    assert_forced_beside_clean(&ended);

    let errors = ended.shutdown_errors();
    assert!(errors.culprits().iter().all(|error| error.service_id == "culprit"), "{errors}");
    for error in errors.culprits() {
        let forced = forced_of(error);
        assert!(matches!(forced.hold, Hold::Blocking { lasted } if lasted >= ms(200)), "{error}");
        assert!(!error.is_victim());
    }
    assert!(!errors.culprits().is_empty() && !errors.victims().is_empty(), "{errors}");
    let mut victims: Vec<_> = errors.victims().iter().map(|error| error.service_id.as_str()).collect();
    victims.sort_unstable();
    victims.dedup();
    assert_eq!(victims, ["victim 1", "victim 2"], "{errors}");
    for error in errors.victims() {
        let forced = forced_of(error);
        let Hold::Starved { by, lasted } = &forced.hold else { panic!("it was starved: {error}") };
        assert!(&**by == "culprit" && *lasted + ended.allowance >= ms(200), "{error}");
    }
    let first_victim = errors.errors().iter().position(|error| error.is_victim()).unwrap();
    assert_eq!(first_victim, errors.culprits().len(), "culprits come first: {errors}");
    let text = ended.error().to_string();
    assert!(text.contains("starved by culprit"), "{text}");
    // They lost their own time, not their resources'.
    for id in ["victim 1", "victim 2"] {
        for name in ["r1", "r2", "r3"] {
            assert_eq!(ended.resource(id, name).ending, Some(ResourceEnding::Acknowledged));
        }
    }
}

#[actix::test]
async fn g09_a_blocked_service_costs_no_other_anything_while_there_are_threads_enough() {
    let journal = Journal::default();
    let (culprit, address) = Probe::new("culprit", &journal).with_address();
    let mut observed = observe(limits(), |mut manager| {
        for number in 0..14 {
            manager = manager.service(Probe::new(format!("good {number}"), &journal));
        }
        manager.service(culprit).service(clean("clean", &journal))
    });
    observed.running().await;
    block_now(address).await;
    observed.shut_down();
    let ended = observed.ended().await;
    assert_forced_beside_clean(&ended);
    let errors = ended.shutdown_errors();
    assert!(errors.errors().iter().all(|error| error.service_id == "culprit"), "{errors}");
    for number in 0..14 {
        let event = format!("run_finished good {number}: ok");
        assert_when(&ended, &event, Duration::ZERO, ms(50) + ended.soon());
    }
}

#[actix::test]
async fn g09_a_resource_starved_by_another_is_named_apart() {
    let journal = Journal::default();
    let blocks = Probe::new("a/blocks", &journal).release_at_once(|_, _| {
        block();
        Ok(())
    });
    let a = Probe::new("a", &journal).with_resources(vec![("blocks", blocks)]);
    // It may be asked before its thread is blocked: it does not answer then either.
    let starved = Probe::new("b/starved", &journal).release(|_| never());
    let b = Probe::new("b", &journal).with_resources(vec![("starved", starved)]);
    // All resources share one thread.
    let observed = observe(limits().service_threads(1), |manager| manager.service(a).service(b));
    let ended = shut_down(observed).await;
    ended.assert_in_time(LIMIT);
    ended.assert_exit_code(3);
    let errors = ended.shutdown_errors();
    assert_eq!(whos(errors.culprits()), ["a (release of blocks)"], "{errors}");
    assert_eq!(whos(errors.victims()), ["b (release of starved)"], "{errors}");
    let forced = forced_of(&errors.victims()[0]);
    let Hold::Starved { by, .. } = &forced.hold else { panic!("{forced}") };
    assert_eq!(&**by, "a, resource blocks", "{forced}");
}

#[actix::test]
async fn g09_whose_thread_has_not_had_its_turn_is_waited_for_while_there_is_time() {
    let journal = Journal::default();
    // No actor is polled meanwhile, as on a machine that lets the thread wait.
    let out_of_turn = Probe::new("a", &journal).run(move |run| {
        drop(tokio::spawn(async move {
            run.shutdown.requested().await;
            tokio::time::sleep(SERVICES - ms(50)).await;
            // From before it is forced until after it was first looked at.
            thread::sleep(ms(250));
        }));
        never()
    });
    let observed = observe(limits(), |manager| manager.service(out_of_turn));
    let ended = shut_down(observed).await;
    ended.assert_in_time(LIMIT);
    let errors = ended.shutdown_errors();
    let forced = forced_of(error_of(errors, "a (run)"));
    assert!(matches!(forced.hold, Hold::WentOn { .. }), "{forced}");
}

#[test]
fn g09_the_text_of_a_forced_end_says_who_what_and_for_how_long() {
    paused(|| async {
        let journal = Journal::default();
        let stubborn = Probe::new("stubborn", &journal).run(|_| never());
        let hangs = Probe::new("leaky/pool", &journal).release(|_| never());
        let leaky = Probe::new("leaky", &journal).with_resources(vec![("pool", hangs)]);
        let observed = observe_paused(limits(), |manager| manager.service(stubborn).service(leaky));
        let ended = shut_down(observed).await;
        ended.assert_in_time(LIMIT);
        let text = ended.error().to_string();
        for words in [
            "shutdown: ",
            "stubborn (run): forced after 0.",
            "of run: asked to stop 0.",
            "it agreed and went on",
            "leaky (release of pool): forced after 0.",
            "of release: asked to stop 0.",
            "it did not answer",
        ] {
            assert!(text.contains(words), "expected {words:?} in: {text}");
        }
        let report = ended.report().to_string();
        for words in ["shutdown asked by StartShutdown", "stubborn: forced", "leaky, resource pool: forced"] {
            assert!(report.contains(words), "expected {words:?} in: {report}");
        }
    });
}

/// Ticks for ever; the gate opens when it is dropped.
fn ticker(ticks: &Counter, gone: &Gate) -> impl Future<Output = ()> + Send + use<> {
    let (ticks, guard) = (ticks.clone(), gone.on_drop());
    async move {
        let _guard = guard;
        loop {
            ticks.add();
            tokio::time::sleep(ms(1)).await;
        }
    }
}

/// Tasks that an actor spawns on its arbiter.
fn spawn_tickers(ticks: &Counter, gone: &[Gate; 2]) {
    drop(actix::spawn(ticker(ticks, &gone[0])));
    drop(tokio::task::spawn_local(ticker(ticks, &gone[1])));
}

#[actix::test]
async fn g10_after_a_forced_end_nothing_of_a_service_still_runs() {
    let journal = Journal::default();
    let (ticks, gone) = (Counter::default(), <[Gate; 2]>::default());
    let of_context = Gate::default();
    let (service, address) = {
        let (ticks, gone) = (ticks.clone(), gone.clone());
        Probe::new("stubborn", &journal).run(move |_| {
            spawn_tickers(&ticks, &gone);
            never()
        })
    }
    .with_address();
    let mut observed = observe(limits(), |manager| manager.service(service));
    observed.running().await;
    let address = within("the service", address).await.unwrap();
    let guard = of_context.on_drop();
    let spawn = Call::now(move |ctx| {
        let holds = async move {
            let _guard = guard;
            drop(never().await);
        };
        ctx.spawn(actix::fut::wrap_future(holds));
    });
    address.send(spawn).await.expect("it answers");
    let pending_reply = actix::spawn(address.send(Call::later(|| async { drop(never().await) })));
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_in_time(LIMIT);
    ended.assert_exit_code(3);
    assert_all_gone(&ended, &gone);
    assert!(of_context.is_open(), "what it spawned on its context is dropped");
    let reply = within("the reply", pending_reply).await.unwrap();
    assert!(matches!(reply, Err(MailboxError::Closed)), "{reply:?}");
    assert!(address.send(Call::now(|_| {})).await.is_err(), "nobody is there any more");
    assert_eq!(journal.count("stubborn: dropped"), 1, "{:#?}", journal.entries());
}

#[track_caller]
fn assert_all_gone(ended: &Ended, gone: &[Gate; 2]) {
    for (gone, what) in gone.iter().zip(["actix::spawn", "spawn_local"]) {
        assert!(gone.is_open(), "the task of {what} still lives:\n{}", ended.events);
    }
}

#[actix::test]
async fn g10_after_a_forced_release_nothing_of_a_resource_still_runs() {
    let journal = Journal::default();
    let (ticks, gone) = (Counter::default(), <[Gate; 2]>::default());
    let pool = {
        let (ticks, gone) = (ticks.clone(), gone.clone());
        Probe::new("a/pool", &journal).release(move |_| {
            spawn_tickers(&ticks, &gone);
            never()
        })
    };
    let a = Probe::new("a", &journal).with_resources(vec![("pool", pool)]);
    let ended = shut_down(observe(limits(), |manager| manager.service(a))).await;
    ended.assert_in_time(LIMIT);
    ended.assert_exit_code(3);
    assert!(ticks.get() > 0);
    assert_all_gone(&ended, &gone);
    assert_eq!(journal.count("a/pool: dropped"), 1, "{:#?}", journal.entries());
}

#[actix::test]
async fn g10_after_a_clean_end_nothing_of_a_service_still_runs_either() {
    let journal = Journal::default();
    let (ticks, gone) = (Counter::default(), <[Gate; 2]>::default());
    let service = {
        let (ticks, gone) = (ticks.clone(), gone.clone());
        Probe::new("a", &journal).run(move |run| {
            spawn_tickers(&ticks, &gone);
            async move {
                run.shutdown.requested().await;
                Ok(())
            }
        })
    };
    let ended = shut_down(observe(options(), |manager| manager.service(service))).await;
    ended.assert_ok();
    assert_all_gone(&ended, &gone);
    assert_eq!(journal.count("a: dropped"), 1, "{:#?}", journal.entries());
}

#[actix::test]
async fn g10_what_a_forced_service_spawned_is_gone_before_its_resources_are_released() {
    let journal = Journal::default();
    let (ticks, gone, began) = (Counter::default(), <[Gate; 2]>::default(), Gate::default());
    let pool = {
        let gone = gone.clone();
        Probe::new("stubborn/pool", &journal).release_at_once(move |_, _| {
            assert!(gone.iter().all(Gate::is_open), "its tasks may still use the pool");
            Ok(())
        })
    };
    let stubborn = {
        let (gone, began) = (gone.clone(), began.clone());
        Probe::new("stubborn", &journal).with_resources(vec![("pool", pool)]).run(move |_| {
            spawn_tickers(&ticks, &gone);
            began.open();
            never()
        })
    };
    let mut observed = observe(limits(), |manager| manager.service(stubborn));
    within("the run", began.passed()).await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_in_time(LIMIT);
    assert_eq!(whos(ended.shutdown_errors().errors()), ["stubborn (run)"], "{}", ended.error());
    assert_eq!(ended.resource("stubborn", "pool").ending, Some(ResourceEnding::Acknowledged));
}

#[actix::test]
async fn g10_at_the_end_nothing_that_was_given_to_tokio_runs() {
    /// Takes a moment to go, so that a manager that does not wait for it is caught.
    struct Slow(Gate);
    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(ms(3));
            self.0.open();
        }
    }
    let journal = Journal::default();
    let (gone, began) = (Gate::default(), Gate::default());
    let service = {
        let (slow, began) = (Slow(gone.clone()), began.clone());
        Probe::new("a", &journal).run(move |run| {
            drop(tokio::spawn(async move {
                let _slow = slow;
                began.open();
                drop(never().await);
            }));
            async move {
                run.shutdown.requested().await;
                Ok(())
            }
        })
    };
    let mut observed = observe(options(), |manager| manager.service(service));
    within("the task", began.passed()).await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert!(gone.is_open(), "the task still lives:\n{}", ended.events);
}

#[actix::test]
async fn g10_the_signal_tells_work_elsewhere_that_the_time_is_over() {
    let journal = Journal::default();
    let (send, signal) = oneshot::channel::<ShutdownSignal>();
    let stubborn = Probe::new("stubborn", &journal).run(|run| {
        send.send(run.shutdown).unwrap();
        never()
    });
    let mut observed = observe(limits(), |manager| manager.service(stubborn));
    let signal = within("the signal", signal).await.unwrap();
    assert!(!signal.is_requested() && !signal.is_forced());
    let elsewhere = {
        let signal = signal.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(within("the force", signal.forced()));
            signal.is_requested()
        })
    };
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_in_time(LIMIT);
    ended.assert_exit_code(3);
    assert!(signal.is_forced());
    assert!(elsewhere.join().unwrap(), "who is forced has been asked before");
}

#[test]
fn g08_force_shutdown_ends_a_running_manager_at_once_and_still_asks_every_resource() {
    paused(|| async {
        let journal = Journal::default();
        let stubborn = Probe::new("stubborn", &journal)
            .with_resources(vec![Probe::resource("stubborn", "pool", &journal)])
            .run(|_| never())
            .shutdown(|_| never());
        let hangs = Probe::new("leaky/pool", &journal).release(|_| never());
        let leaky = Probe::new("leaky", &journal).with_resources(vec![("pool", hangs)]);
        let unhurried = options().max_shutdown_duration(Duration::from_secs(600));
        let mut observed = observe_paused(unhurried, |manager| manager.service(stubborn).service(leaky));
        observed.running().await;
        observed.force();
        let ended = observed.ended().await;
        ended.assert_in_time(Duration::ZERO);
        ended.assert_exit_code(3);
        assert_eq!(ended.cause(), "ForceShutdown");
        assert!(ended.report().forced);
        let errors = ended.shutdown_errors();
        error_of(errors, "stubborn (run)");
        error_of(errors, "leaky (release of pool)");
        assert_eq!(ended.resource("stubborn", "pool").ending, Some(ResourceEnding::Acknowledged));
        assert_eq!(journal.count("stubborn/pool: release"), 1, "{:#?}", journal.entries());
        assert_eq!(journal.count("leaky/pool: release"), 1, "{:#?}", journal.entries());
    });
}

#[test]
fn g08_force_shutdown_ends_a_set_up_at_once_and_nobody_runs() {
    paused(|| async {
        let journal = Journal::default();
        let pool = Probe::resource("hangs", "pool", &journal);
        let hangs = Probe::new("hangs", &journal).setup(|setup| async move {
            start_all(&setup.resources, vec![pool])?;
            never().await
        });
        let mut observed =
            observe_paused(options(), |manager| manager.service(hangs).service(Probe::new("good", &journal)));
        observed.seen("setup_finished good: ok").await;
        observed.seen("resource_started hangs/pool").await;
        observed.force();
        let ended = observed.ended().await;
        ended.assert_in_time(Duration::ZERO);
        ended.assert_exit_code(3);
        assert_eq!(ended.cause(), "ForceShutdown");
        let errors = ended.shutdown_errors();
        assert_eq!(whos(errors.errors()), ["hangs (setup)"], "{errors}");
        assert_eq!(forced_of(&errors.errors()[0]).hold, Hold::NotAsked);
        assert_eq!(ended.resource("hangs", "pool").ending, Some(ResourceEnding::Acknowledged));
        assert_eq!(journal.whose("run"), [""; 0]);
    });
}

#[test]
fn g08_force_shutdown_ends_what_a_shutdown_waits_for_and_the_cause_is_kept() {
    paused(|| async {
        let journal = Journal::default();
        let hangs = Probe::new("leaky/pool", &journal).release(|_| never());
        let leaky = Probe::new("leaky", &journal).with_resources(vec![("pool", hangs)]);
        let mut observed = observe_paused(options(), |manager| manager.service(leaky));
        observed.running().await;
        observed.manager.do_send(StartShutdown);
        observed.seen("release_started leaky/pool").await;
        assert_eq!(observed.status().await.stage, Stage::Releasing);
        observed.force();
        let ended = observed.ended().await;
        ended.assert_in_time(Duration::ZERO);
        ended.assert_exit_code(3);
        assert_eq!(ended.cause(), "StartShutdown");
        assert_eq!(whos(ended.shutdown_errors().errors()), ["leaky (release of pool)"]);
    });
}

#[test]
fn g08_force_shutdown_ends_a_drain_delay() {
    paused(|| async {
        let journal = Journal::default();
        let delays = options().drain_delay(Duration::from_secs(20));
        let mut observed = observe_paused(delays, |manager| manager.service(clean("a", &journal)));
        observed.running().await;
        observed.manager.do_send(StartShutdown);
        observed.seen("draining").await;
        observed.force();
        let ended = observed.ended().await;
        ended.assert_in_time(Duration::ZERO);
        for name in ["r1", "r2", "r3"] {
            assert_eq!(ended.resource("a", name).ending, Some(ResourceEnding::Acknowledged));
        }
    });
}

#[actix::test]
async fn g08_without_a_limit_nothing_is_forced_but_by_force_shutdown() {
    let journal = Journal::default();
    let stubborn = Probe::new("stubborn", &journal).run(|_| never());
    let mut observed = observe(options().max_shutdown_duration(None), |manager| manager.service(stubborn));
    observed.running().await;
    observed.shut_down();
    // The manager's own report of how it goes on, after a second.
    observed.seen("progress: stubborn").await;
    observed.events().assert_none("run_finished stubborn");
    let status = observed.status().await;
    assert_eq!(status.stage, Stage::Stopping, "{status}");
    observed.force();
    let ended = observed.ended().await;
    ended.assert_in_time(Duration::ZERO);
    ended.assert_exit_code(3);
    assert_eq!(ended.cause(), "StartShutdown");
    assert_eq!(whos(ended.shutdown_errors().errors()), ["stubborn (run)"]);
}

#[actix::test]
async fn g06_a_forced_end_releases_what_was_started_until_then_and_refuses_the_rest() {
    let journal = Journal::default();
    let (send, handle) = oneshot::channel::<Resources>();
    let stubborn = Probe::new("stubborn", &journal).run(|run| async move {
        send.send(run.resources).unwrap();
        never().await
    });
    let mut observed = observe(limits(), |manager| manager.service(stubborn));
    let handle = within("the handle", handle).await.unwrap();
    observed.shut_down();
    observed.seen("shutdown_started stubborn").await;
    handle.start("late", released_at_once(&journal)).expect("its run goes on");
    let ended = observed.ended().await;
    ended.assert_in_time(LIMIT);
    ended.assert_exit_code(3);
    assert_eq!(ended.resource("stubborn", "late").ending, Some(ResourceEnding::Acknowledged));
    assert!(handle.start("too late", released_at_once(&journal)).is_err());
    assert_eq!(journal.count("late: release"), 1, "{:#?}", journal.entries());
}

fn released_at_once(journal: &Journal) -> impl Resource + Send {
    Probe::new("late", journal)
}
