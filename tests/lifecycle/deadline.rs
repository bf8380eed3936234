//! G8, G9 and G10: the one deadline, who is named when it cuts, and what is left afterwards.
//!
//! Each test that asks the manager to end checks how long the answer took; `--nocapture` shows how late the
//! latest were.

use std::time::Duration;

use majordomo::testing::paused;
use majordomo::{Hold, ManagerOptions, ResourceEnding, ResourceSpec, Run, ServiceSpec, service_fn};
use support::{
    Ended, Gate, Journal, Observed, Probe, block, error_of, forced_of, ms, never, observe, observe_paused,
    options, sorted_whos, start_all, whos, within,
};

pub(crate) const LIMIT: Duration = ms(800);
/// More than starved threads take: they are the resources' as well.
const RESERVE: Duration = ms(550);
/// When services are forced.
pub(crate) const SERVICES: Duration = ms(250);
/// A timer may be early by the fraction of a millisecond that its clock drops.
const EARLY: Duration = ms(1);

pub(crate) fn limits() -> ManagerOptions {
    options().max_shutdown_duration(LIMIT).release_reserve(RESERVE)
}

/// A service whose resources are released without fault.
pub(crate) fn clean(id: &'static str, journal: &Journal) -> Probe {
    let resources = ["r1", "r2", "r3"].map(|name| Probe::resource(id, name, journal));
    Probe::new(id, journal).with_resources(resources.into())
}

/// Lets all come to run, and then asks for the end.
pub(crate) async fn shut_down(mut observed: Observed) -> Ended {
    observed.running().await;
    observed.shut_down();
    observed.ended().await
}

/// The end came by force, in time, and the clean service's resources were released in order all the same.
#[track_caller]
pub(crate) fn assert_forced_beside_clean(ended: &Ended) {
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
pub(crate) fn assert_when(ended: &Ended, event: &str, from: Duration, to: Duration) {
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
