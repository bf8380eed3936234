//! G3: what follows when a set-up fails.

use super::set_up::service;
use actix::prelude::*;
use majordomo::testing::paused;
use majordomo::{
    GenericService, Hold, NoAnswerError, Outcome, ResourceEnding, Run, Service, ServiceSpec, Setup, Shutdown,
};
use std::future::ready;
use std::sync::Arc;
use support::{
    Answer, Dropped, Gate, Journal, Probe, error_of, forced_of, ms, never, observe, observe_paused, options,
    panic_of, sorted_whos, start_all, whos,
};
use tokio::sync::Barrier;

/// An actor that throws its asker away.
struct Mute;
service!(Mute, "mute");

impl Handler<Setup> for Mute {
    type Result = Dropped;

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Dropped {
        Dropped
    }
}

#[actix::test]
async fn g03_every_service_that_fails_to_set_up_is_named_and_none_runs() {
    let journal = Journal::default();
    // Who fails later does so only when all such have begun, so that none is spared by another's failure.
    let all_there = Arc::new(Barrier::new(4));
    let failing = |id: &str, fails: fn() -> Answer| {
        let all_there = Arc::clone(&all_there);
        Probe::new(id, &journal).setup(move |_| async move {
            all_there.wait().await;
            fails()
        })
    };
    let errs = failing("errs", || Err("no licence".into()));
    let panics_later = failing("panics later", || panic!("no later"));
    let patient = failing("patient", || Ok(()));
    let stops = Stops { all_there: Arc::clone(&all_there) };
    let panics_at_once = Probe::new("panics at once", &journal).setup_at_once(|_, _| panic!("no at once"));

    let observed = observe(options(), |manager| {
        manager
            .service(errs)
            .service(panics_later)
            .service(panics_at_once)
            .service(Mute)
            .service(patient)
            .service(stops)
            .service(Probe::new("ready", &journal))
    });
    let ended = observed.ended().await;

    ended.assert_exit_code(1);
    let errors = ended.setup_errors();
    assert_eq!(
        sorted_whos(errors.errors()),
        ["errs (setup)", "mute (setup)", "panics at once (setup)", "panics later (setup)", "stops (setup)"],
        "{errors}\n{}",
        ended.events
    );
    assert_eq!(error_of(errors, "errs (setup)").source.to_string(), "no licence");
    for (who, message) in [("panics later (setup)", "no later"), ("panics at once (setup)", "no at once")] {
        let panic = panic_of(error_of(errors, who));
        assert_eq!(panic.message, message);
        assert!(panic.location.contains("set_up_fails.rs"), "{}", panic.location);
    }
    for who in ["mute (setup)", "stops (setup)"] {
        let error = error_of(errors, who);
        assert!(error.source.is::<NoAnswerError>(), "{error}");
    }
    assert!(ended.error().run().is_none() && ended.error().shutdown().is_none(), "{}", ended.error());
    assert_eq!(journal.whose("run"), [""; 0], "{:#?}", journal.entries());
    assert_eq!(journal.whose("shutdown"), [""; 0], "who did not run is not asked to shut down");
    ended.events.assert_none("run_started");
    ended.events.assert_none("running");
    ended.events.event("setup_finished patient: ok");
    assert!(ended.cause().starts_with("failed set-up of "), "{}", ended.cause());
}

/// Stops itself in its set-up, without an answer.
struct Stops {
    all_there: Arc<Barrier>,
}
service!(Stops, "stops");

impl Handler<Setup> for Stops {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, _: Setup, ctx: &mut Context<Self>) -> Self::Result {
        let all_there = Arc::clone(&self.all_there);
        let all_began = async move { all_there.wait().await }.into_actor(self);
        ctx.spawn(all_began.map(|_, _, ctx| ctx.stop()));
        Box::pin(never())
    }
}

#[actix::test]
async fn g03_a_constructor_that_panics_fails_its_service() {
    let journal = Journal::default();
    let broken = ServiceSpec::<Probe>::local("broken", || panic!("no such constructor"));
    let observed = observe(options(), |manager| manager.service(Probe::new("a", &journal)).service(broken));
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    let errors = ended.setup_errors();
    assert_eq!(whos(errors.errors()), ["broken (setup)"], "{}", ended.events);
    let panic = panic_of(&errors.errors()[0]);
    assert_eq!(panic.message, "no such constructor");
    assert!(panic.location.contains("set_up_fails.rs"), "{}", panic.location);
    assert_eq!(journal.whose("run"), [""; 0]);
}

#[actix::test]
async fn g03_an_actor_that_panics_when_it_starts_fails_its_set_up() {
    struct Stillborn;
    impl Actor for Stillborn {
        type Context = Context<Self>;

        fn started(&mut self, _: &mut Context<Self>) {
            panic!("not today");
        }
    }
    impl Service for Stillborn {
        fn id(&self) -> String {
            "stillborn".to_owned()
        }
    }
    impl GenericService for Stillborn {}
    impl Handler<Setup> for Stillborn {
        type Result = Answer;

        fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Answer {
            Ok(())
        }
    }
    impl Handler<Run> for Stillborn {
        type Result = Answer;

        fn handle(&mut self, _: Run, _: &mut Context<Self>) -> Answer {
            Ok(())
        }
    }
    impl Handler<Shutdown> for Stillborn {
        type Result = Answer;

        fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Answer {
            Ok(())
        }
    }
    let ended = observe(options(), |manager| manager.service(Stillborn)).ended().await;
    ended.assert_exit_code(1);
    let errors = ended.setup_errors();
    assert_eq!(whos(errors.errors()), ["stillborn (setup)"], "{}", ended.events);
    assert_eq!(panic_of(&errors.errors()[0]).message, "not today");
}

#[actix::test]
async fn g03_set_ups_still_going_on_are_awaited_and_all_resources_released_in_reverse_order() {
    let journal = Journal::default();
    let (gate, failed) = (Gate::default(), Gate::default());
    let patient = {
        let (gate, failed) = (gate.clone(), failed.clone());
        let resources = ["r1", "r2"].map(|name| Probe::resource("patient", name, &journal));
        let last = Probe::resource("patient", "r3", &journal);
        Probe::new("patient", &journal).setup(|setup| async move {
            start_all(&setup.resources, resources.into())?;
            failed.open();
            gate.passed().await;
            // Shutdown has begun, but nothing has been released: what is needed may still be started.
            start_all(&setup.resources, vec![last])
        })
    };
    let fails = {
        let resources = ["r1", "r2"].map(|name| Probe::resource("fails", name, &journal));
        Probe::new("fails", &journal).setup(|setup| async move {
            start_all(&setup.resources, resources.into())?;
            failed.passed().await;
            Err("no licence".into())
        })
    };
    let mut observed = observe(options(), |manager| manager.service(patient).service(fails));
    observed.seen("setup_finished fails: error").await;
    assert_eq!(journal.whose("release"), [""; 0], "nothing is released while a set-up goes on");
    gate.open();
    let ended = observed.ended().await;

    ended.assert_exit_code(1);
    assert_eq!(whos(ended.setup_errors().errors()), ["fails (setup)"]);
    ended.events.assert_before("setup_finished patient: ok", "release_started patient/r3");
    ended.events.assert_in_order(&[
        "release_started patient/r3",
        "release_finished patient/r3: ok",
        "release_started patient/r2",
        "release_finished patient/r2: ok",
        "release_started patient/r1",
        "release_finished patient/r1: ok",
    ]);
    ended.events.assert_in_order(&[
        "release_started fails/r2",
        "release_finished fails/r2: ok",
        "release_started fails/r1",
        "release_finished fails/r1: ok",
    ]);
    assert_eq!(journal.whose("run"), [""; 0]);
    assert_eq!(ended.cause(), "failed set-up of fails");
}

#[actix::test]
async fn g03_a_failure_after_the_first_is_kept_as_well() {
    let journal = Journal::default();
    let gate = Gate::default();
    let second = {
        let gate = gate.clone();
        Probe::new("second", &journal).setup(|_| async move {
            gate.passed().await;
            Err("me too".into())
        })
    };
    let first = Probe::new("first", &journal).setup(|_| ready(Err("no".into())));
    let mut observed = observe(options(), |manager| manager.service(second).service(first));
    observed.seen("shutdown_requested").await;
    gate.open();
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    assert_eq!(whos(ended.setup_errors().errors()), ["first (setup)", "second (setup)"]);
    assert_eq!(ended.cause(), "failed set-up of first");
    let text = ended.error().to_string();
    for word in ["setup", "first", "no", "second", "me too"] {
        assert!(text.contains(word), "expected {word:?} in: {text}");
    }
}

#[test]
fn g03_a_hung_set_up_is_forced_when_the_reserve_begins_and_named() {
    paused(|| async {
        let journal = Journal::default();
        let resources = ["r1", "r2"].map(|name| Probe::resource("hangs", name, &journal));
        let hangs = Probe::new("hangs", &journal).setup(|setup| async move {
            start_all(&setup.resources, resources.into())?;
            never().await
        });
        let gate = Gate::default();
        let fails = {
            let gate = gate.clone();
            Probe::new("fails", &journal).setup(|_| async move {
                gate.passed().await;
                Err("no licence".into())
            })
        };
        let limits = options().max_shutdown_duration(ms(500)).release_reserve(ms(250));
        let mut observed = observe_paused(limits, |manager| manager.service(hangs).service(fails));
        observed.seen("resource_started hangs/r2").await;
        gate.open();
        let ended = observed.ended().await;

        // The shutdown failed as well: something had to be forced.
        ended.assert_exit_code(3);
        assert_eq!(whos(ended.setup_errors().errors()), ["fails (setup)"]);
        let errors = ended.shutdown_errors();
        assert_eq!(whos(errors.errors()), ["hangs (setup)"]);
        let forced = forced_of(&errors.errors()[0]);
        // It was told by its signal.
        assert!(forced.doing == "setup" && matches!(forced.hold, Hold::Silent { .. }), "{forced}");
        assert!(forced.lasted >= ms(250), "{forced}");
        let at = ended.events.since_asked("setup_finished hangs: forced");
        assert!(
            at >= ms(249) && at < ms(250) + ended.soon(),
            "forced {at:?} after the failure:\n{}",
            ended.events
        );

        ended.events.assert_in_order(&[
            "setup_finished hangs: forced",
            "release_started hangs/r2",
            "release_finished hangs/r2: ok",
            "release_started hangs/r1",
            "release_finished hangs/r1: ok",
        ]);
        for name in ["r1", "r2"] {
            assert_eq!(ended.resource("hangs", name).ending, Some(ResourceEnding::Acknowledged));
        }
        assert_eq!(ended.service("hangs").setup.as_ref().unwrap().outcome, Some(Outcome::Forced));
        assert!(ended.report().took < Some(ms(400) + ended.soon()), "{:?}", ended.report());
    });
}
