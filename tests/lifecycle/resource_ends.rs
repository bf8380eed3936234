//! G7 and G11: how a resource ends, and what is told of it.

use actix::prelude::*;
use majordomo::testing::paused;
use majordomo::{Outcome, Release, Resource, ResourceEnding, ResourceSpec, resource_fn};
use std::cell::Cell;
use std::rc::Rc;
use support::{
    Answer, Call, Counter, Dropped, Journal, Probe, error_of, ms, never, observe, observe_paused, options,
    panic_of, sorted_whos, start_all, whos,
};

/// A resource that throws its asker away.
struct Mute;

impl Actor for Mute {
    type Context = Context<Self>;
}

impl Resource for Mute {}

impl Handler<Release> for Mute {
    type Result = Dropped;

    fn handle(&mut self, _: Release, _: &mut Context<Self>) -> Dropped {
        Dropped
    }
}

/// A resource that stops itself instead of answering.
struct Stops;

impl Actor for Stops {
    type Context = Context<Self>;
}

impl Resource for Stops {}

impl Handler<Release> for Stops {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, _: Release, ctx: &mut Context<Self>) -> Self::Result {
        ctx.stop();
        Box::pin(never())
    }
}

#[test]
fn g07_the_report_tells_of_each_resource_how_it_ended() {
    paused(|| async {
        let journal = Journal::default();
        let probe = |name: &str| Probe::new(format!("a/{name}"), &journal);
        let errs = probe("errs").release(|_| async { Err("already closed".into()) });
        let panics = probe("panics").release_at_once(|_, _| panic!("at once"));
        let panics_later = probe("panics-later").release(|_| async { panic!("later") });
        let ok = probe("ok");
        let hangs = probe("hangs").release(|_| never());
        let service = Probe::new("a", &journal).setup(|setup| async move {
            let resources = setup.resources;
            // Released in reverse: the one that hangs comes last, and delays nobody.
            start_all(&resources, vec![("hangs", hangs), ("ok", ok)])?;
            resources.start("mute", Mute)?;
            resources.start("stops", Stops)?;
            start_all(&resources, vec![("panics-later", panics_later), ("panics", panics), ("errs", errs)])
        });
        let limits = options().max_shutdown_duration(ms(1200)).release_reserve(ms(600));
        let mut observed = observe_paused(limits, |manager| manager.service(service));
        observed.running().await;
        observed.shut_down();
        let ended = observed.ended().await;

        let expected = [
            ("hangs", ResourceEnding::Forced, "forced"),
            ("ok", ResourceEnding::Acknowledged, "ok"),
            ("mute", ResourceEnding::Ended, "ended"),
            ("stops", ResourceEnding::Ended, "ended"),
            ("panics-later", ResourceEnding::Panicked, "panic"),
            ("panics", ResourceEnding::Panicked, "panic"),
            ("errs", ResourceEnding::AcknowledgedWithError, "error"),
        ];
        assert_eq!(ended.service("a").resources.len(), expected.len());
        for (name, ending, outcome) in expected {
            let resource = ended.resource("a", name);
            assert_eq!(resource.ending, Some(ending), "{name}: {resource:?}\n{}", ended.events);
            ended.events.event(&format!("release_started a/{name}"));
            ended.events.event(&format!("release_finished a/{name}: {outcome}"));
            assert!(resource.asked_at.is_some() && resource.took.is_some(), "{resource:?}");
            let answered =
                matches!(ending, ResourceEnding::Acknowledged | ResourceEnding::AcknowledgedWithError);
            assert_eq!(resource.answered_at.is_some(), answered, "{resource:?}");
            assert_eq!(resource.why.is_some(), ending != ResourceEnding::Acknowledged, "{resource:?}");
        }
        ended.assert_exit_code(3);
        assert!(ended.report().forced);
        let errors = ended.shutdown_errors();
        assert_eq!(
            sorted_whos(errors.errors()),
            [
                "a (release of errs)",
                "a (release of hangs)",
                "a (release of mute)",
                "a (release of panics)",
                "a (release of panics-later)",
                "a (release of stops)",
            ],
            "{errors}"
        );
        assert!(ended.error().setup().is_none() && ended.error().run().is_none(), "{}", ended.error());
        assert_eq!(error_of(errors, "a (release of errs)").source.to_string(), "already closed");
        assert_eq!(panic_of(error_of(errors, "a (release of panics)")).message, "at once");
        assert_eq!(panic_of(error_of(errors, "a (release of panics-later)")).message, "later");
        let names = ["errs", "panics", "panics-later", "stops", "mute", "ok", "hangs"];
        for pair in names.windows(2) {
            ended.events.assert_before(
                &format!("release_finished a/{}", pair[0]),
                &format!("release_started a/{}", pair[1]),
            );
        }
    });
}

#[actix::test]
async fn g07_a_release_that_fails_keeps_no_other_resource_from_its_own() {
    let journal = Journal::default();
    for (release, code) in [("error", 3), ("panic", 3)] {
        let bad = Probe::new("a/bad", &journal).release(move |_| async move {
            assert!(release == "error", "broken");
            Err("broken".into())
        });
        let good = Probe::resource("a", "good", &journal);
        let service = Probe::new("a", &journal).with_resources(vec![good, ("bad", bad)]);
        let mut observed = observe(options(), |manager| manager.service(service));
        observed.running().await;
        observed.shut_down();
        let ended = observed.ended().await;
        ended.assert_exit_code(code);
        assert!(!ended.report().forced);
        assert_eq!(ended.resource("a", "good").ending, Some(ResourceEnding::Acknowledged));
        ended.events.assert_before(&format!("release_finished a/bad: {release}"), "release_started a/good");
    }
}

#[actix::test]
async fn g07_a_closure_that_releases_is_a_resource() {
    let released = Counter::default();
    let journal = Journal::default();
    let service = {
        let released = released.clone();
        Probe::new("a", &journal).setup(|setup| async move {
            setup.resources.start(
                "closure",
                resource_fn(|| async move {
                    released.add();
                    Ok(())
                }),
            )?;
            setup.resources.start("broken", resource_fn(|| async { Err("broken".into()) }))?;
            Ok(())
        })
    };
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    assert_eq!(released.get(), 0);
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_exit_code(3);
    assert_eq!(released.get(), 1);
    assert_eq!(whos(ended.shutdown_errors().errors()), ["a (release of broken)"]);
    assert_eq!(ended.resource("a", "closure").ending, Some(ResourceEnding::Acknowledged));
}

/// Not `Send`: it can live only where it was made.
struct Local(Rc<Cell<u32>>);

impl Actor for Local {
    type Context = Context<Self>;
}

impl Resource for Local {}

impl Handler<Release> for Local {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, _: Release, _: &mut Context<Self>) -> Self::Result {
        let releases = Rc::clone(&self.0);
        Box::pin(async move {
            releases.set(releases.get() + 1);
            Ok(())
        })
    }
}

#[actix::test]
async fn g07_a_resource_that_is_not_send_is_made_where_it_lives() {
    let journal = Journal::default();
    let service = Probe::new("a", &journal).setup(|setup| async move {
        setup.resources.start("local", ResourceSpec::local(|| Local(Rc::default())))?;
        setup.resources.start("alone", ResourceSpec::local(|| Local(Rc::default())).dedicated_thread())?;
        Ok(())
    });
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_before("release_finished a/alone: ok", "release_started a/local");
}

#[actix::test]
async fn g11_a_resource_that_dies_while_its_service_runs_fails_it_and_is_not_released() {
    type Dies = fn() -> Call;
    let deaths: [(&str, Dies); 2] = [
        ("panic", || Call::now(|_| panic!("the connection broke"))),
        ("ended", || Call::now(|ctx| ctx.stop())),
    ];
    for (outcome, dies) in deaths {
        let journal = Journal::default();
        let (mortal, address) = Probe::new("a/mortal", &journal).with_address();
        let before = Probe::resource("a", "before", &journal);
        let after = Probe::resource("a", "after", &journal);
        let service = Probe::new("a", &journal).with_resources(vec![before, ("mortal", mortal), after]);
        let observed =
            observe(options(), |manager| manager.service(service).service(Probe::new("b", &journal)));
        observed.running().await;
        let _ = address.await.unwrap().send(dies()).await;
        let ended = observed.ended().await;

        ended.assert_exit_code(2);
        let errors = ended.run_errors();
        assert_eq!(whos(errors.errors()), ["a (handler of mortal)"], "{errors}\n{}", ended.events);
        if outcome == "panic" {
            let panic = panic_of(&errors.errors()[0]);
            assert_eq!(panic.message, "the connection broke");
            assert!(panic.location.contains("resource_ends.rs"), "{panic}");
        }
        assert_eq!(ended.cause(), "failure of a");
        ended.events.assert_before(&format!("resource_lost a/mortal: {outcome}"), "shutdown_requested");
        ended.events.assert_none("release_started a/mortal");
        ended.events.assert_before("release_finished a/after: ok", "release_started a/before");
        assert_eq!(journal.whose("release"), ["a/after", "a/before"]);
        let resource = ended.resource("a", "mortal");
        let ending = if outcome == "panic" { ResourceEnding::Panicked } else { ResourceEnding::Ended };
        assert_eq!(resource.ending, Some(ending));
        assert_eq!(resource.asked_at, None, "nobody asked it: {resource:?}");
        assert_eq!(ended.service("b").run.as_ref().unwrap().outcome, Some(Outcome::Ok));
    }
}

#[actix::test]
async fn g11_a_resource_that_panics_and_lives_on_fails_its_service_and_is_released() {
    let journal = Journal::default();
    let (pool, address) = Probe::new("a/pool", &journal).with_address();
    let service = Probe::new("a", &journal).with_resources(vec![("pool", pool)]);
    let observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    let panics = Call::later(|| async { panic!("a query too many") });
    assert!(address.await.unwrap().send(panics).await.is_err());
    let ended = observed.ended().await;
    ended.assert_exit_code(2);
    let errors = ended.run_errors();
    assert_eq!(whos(errors.errors()), ["a (handler of pool)"], "{errors}");
    assert_eq!(panic_of(&errors.errors()[0]).message, "a query too many");
    assert_eq!(journal.count("a/pool: release"), 1, "{:#?}", journal.entries());
    assert_eq!(ended.resource("a", "pool").ending, Some(ResourceEnding::Acknowledged));
}

#[actix::test]
async fn g11_a_resource_whose_constructor_panics_fails_its_service() {
    let journal = Journal::default();
    let service = Probe::new("a", &journal).setup(|setup| async move {
        let address =
            setup.resources.start::<Probe>("broken", ResourceSpec::local(|| panic!("no such pool")))?;
        assert!(address.send(Call::now(|_| {})).await.is_err(), "nobody is there to answer");
        never().await
    });
    let limits = options().max_shutdown_duration(ms(1200)).release_reserve(ms(600));
    let ended = observe(limits, |manager| manager.service(service)).ended().await;
    ended.assert_exit_code(3);
    let errors = ended.setup_errors();
    assert_eq!(whos(errors.errors()), ["a (handler of broken)"], "{errors}\n{}", ended.events);
    assert_eq!(panic_of(&errors.errors()[0]).message, "no such pool");
    assert_eq!(ended.cause(), "failed set-up of a");
    ended.events.assert_none("release_started a/broken");
}

#[actix::test]
async fn g07_an_actor_sees_its_own_end_before_its_acknowledgement_counts() {
    struct Ends(Journal);
    impl Actor for Ends {
        type Context = Context<Self>;

        fn stopping(&mut self, _: &mut Context<Self>) -> Running {
            self.0.note("ends: stopping");
            Running::Stop
        }

        fn stopped(&mut self, _: &mut Context<Self>) {
            self.0.note("ends: stopped");
        }
    }
    impl Resource for Ends {}
    impl Handler<Release> for Ends {
        type Result = Answer;

        fn handle(&mut self, _: Release, _: &mut Context<Self>) -> Answer {
            self.0.note("ends: release");
            Ok(())
        }
    }
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.note("ends: dropped");
        }
    }
    let journal = Journal::default();
    let ends = Ends(journal.clone());
    let first = Probe::resource("a", "first", &journal);
    let service = Probe::new("a", &journal).setup(|setup| async move {
        start_all(&setup.resources, vec![first])?;
        setup.resources.start("ends", ends)?;
        Ok(())
    });
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    observed.shut_down();
    observed.ended().await.assert_ok();
    let expected = ["ends: release", "ends: stopping", "ends: stopped", "ends: dropped", "a/first: release"];
    for pair in expected.windows(2) {
        journal.assert_before(pair[0], pair[1]);
    }
}
