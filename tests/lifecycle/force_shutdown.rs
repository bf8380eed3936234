//! G8 and G6: an end that is forced by an order.

use super::deadline::{LIMIT, clean, limits};
use majordomo::testing::paused;
use majordomo::{Hold, Resource, ResourceEnding, Resources, Stage, StartShutdown};
use std::time::Duration;
use support::{
    Journal, Probe, error_of, forced_of, never, observe, observe_paused, options, start_all, whos, within,
};
use tokio::sync::oneshot;

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
