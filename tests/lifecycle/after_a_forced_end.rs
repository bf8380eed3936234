//! G10: after the end of a service nothing of it runs, however it ended.

use super::deadline::{LIMIT, limits, shut_down};
use actix::prelude::*;
use majordomo::{ResourceEnding, ShutdownSignal};
use std::thread;
use support::{Call, Counter, Ended, Gate, Journal, Probe, ms, never, observe, options, whos, within};
use tokio::sync::oneshot;

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
