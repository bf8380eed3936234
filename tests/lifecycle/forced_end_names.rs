//! G9: a forced end names who held it up.

use super::deadline::{LIMIT, clean, limits, shut_down};
use super::deadline::{SERVICES, assert_forced_beside_clean, assert_when};
use actix::prelude::*;
use majordomo::testing::paused;
use majordomo::{Hold, ResourceEnding, ServiceSpec};
use std::thread;
use std::time::Duration;
use support::{
    Call, Journal, Probe, block, error_of, forced_of, ms, never, observe, observe_paused, whos, within,
};
use tokio::sync::oneshot;

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
