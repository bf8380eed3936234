//! G4, G11: a manager's messages are handled in their turn, and what they are responded with lives, fails and ends with the actor.

use std::future::poll_fn;
use std::rc::Rc;

use actix::prelude::*;
use support::{Answer, Call, Gate, Journal, Probe, error_of, observe, options, panic_of, within};

/// A main loop that notes when it is polled, until it is asked to stop.
fn noting(probe: Probe, journal: &Journal) -> Probe {
    let journal = journal.clone();
    probe.run(move |run| async move {
        let mut requested = Box::pin(run.shutdown.requested());
        poll_fn(|cx| {
            journal.note("a: polled");
            requested.as_mut().poll(cx)
        })
        .await;
        Ok(())
    })
}

#[actix::test]
async fn g04_a_main_loop_is_polled_when_it_is_woken_not_with_every_message_to_its_actor() {
    let journal = Journal::default();
    let (service, address) = noting(Probe::new("a", &journal), &journal).with_address();
    let mut observed = observe(options(), |manager| manager.service(service));
    journal.until("a: polled", 1).await;
    let address = address.await.unwrap();
    for _ in 0..100 {
        address.send(Call::later(tokio::task::yield_now)).await.unwrap();
    }
    assert_eq!(journal.count("a: polled"), 1);
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert_eq!(journal.count("a: polled"), 2);
}

/// A service that answers its set-up at once, and has its context wait for a gate.
fn connecting(gate: &Gate, journal: &Journal) -> Probe {
    let (gate, noted) = (gate.clone(), journal.clone());
    Probe::new("a", journal).setup_at_once(move |_, ctx| {
        ctx.wait(actix::fut::wrap_future::<_, Probe>(async move {
            gate.passed().await;
            noted.note("a: connected");
        }));
        Ok(())
    })
}

#[actix::test]
async fn g04_a_service_runs_when_what_its_context_waits_for_is_over() {
    let (journal, gate) = (Journal::default(), Gate::default());
    let service = connecting(&gate, &journal);
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.seen("run_started a").await;
    gate.arrived().await;
    assert_eq!(journal.count("a: run"), 0);
    gate.open();
    observed.running().await;
    observed.shut_down();
    observed.ended().await.assert_ok();
    journal.assert_before("a: setup", "a: connected");
    journal.assert_before("a: connected", "a: run");
    journal.assert_before("a: run", "a: shutdown");
}

#[actix::test]
async fn g11_a_main_loop_that_waits_for_its_context_and_then_panics_is_told() {
    let (journal, gate) = (Journal::default(), Gate::default());
    let service = connecting(&gate, &journal).run_at_once(|_, _| panic!("out of cheese"));
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.seen("run_started a").await;
    gate.arrived().await;
    gate.open();
    let ended = observed.ended().await;
    assert_eq!(panic_of(error_of(ended.run_errors(), "a (run)")).message, "out of cheese");
}

/// PanicLog that it is dropped.
struct Token(Journal, &'static str);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.note(format!("a: {} dropped", self.1));
    }
}

#[actix::test]
async fn g04_tasks_that_a_main_loop_spawned_end_with_its_service() {
    let journal = Journal::default();
    let token = Token(journal.clone(), "task");
    let service = Probe::new("a", &journal).run(move |run| async move {
        let held = Rc::new(token);
        actix::spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        run.shutdown.requested().await;
        Ok(())
    });
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    assert_eq!(journal.count("a: task dropped"), 0);
    observed.shut_down();
    observed.ended().await.assert_ok();
    journal.assert_before("a: shutdown", "a: dropped");
    journal.assert_before("a: dropped", "a: task dropped");
}

#[actix::test]
async fn g11_a_main_loop_that_panics_as_it_is_dropped_is_told_and_delays_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("as it is dropped");
        }
    }
    let (journal, gate) = (Journal::default(), Gate::default());
    let stays = gate.clone();
    let service = Probe::new("a", &journal).run(|_| async move {
        let _bomb = Bomb;
        stays.passed().await;
        Ok(())
    });
    let (service, address) = service.with_address();
    let good = Probe::new("good", &journal);
    let observed = observe(options(), |manager| manager.service(service).service(good));
    gate.arrived().await;
    address.await.unwrap().do_send(Call::now(Context::stop));
    let ended = observed.ended().await;
    ended.assert_exit_code(2);
    let told = ended.error().to_string();
    assert!(told.contains("as it is dropped"), "{told}");
    assert_eq!(journal.count("good: shutdown"), 1);
}

/// Answers by the ways that actix has beside results and their futures.
struct Otherwise;

impl Actor for Otherwise {
    type Context = Context<Self>;
}

impl majordomo::Service for Otherwise {
    fn id(&self) -> String {
        "otherwise".into()
    }
}

impl majordomo::GenericService for Otherwise {}

impl Handler<majordomo::Setup> for Otherwise {
    type Result = AtomicResponse<Self, Answer>;

    fn handle(&mut self, _: majordomo::Setup, _: &mut Context<Self>) -> Self::Result {
        AtomicResponse::new(Box::pin(async { Ok(()) }.into_actor(self)))
    }
}

impl Handler<majordomo::Run> for Otherwise {
    type Result = ResponseActFuture<Self, Answer>;

    fn handle(&mut self, run: majordomo::Run, _: &mut Context<Self>) -> Self::Result {
        let requested = async move { run.shutdown.requested().await };
        Box::pin(requested.into_actor(self).map(|(), _, _| Err("asked to stop".into())))
    }
}

impl Handler<majordomo::Shutdown> for Otherwise {
    type Result = MessageResult<majordomo::Shutdown>;

    fn handle(&mut self, _: majordomo::Shutdown, _: &mut Context<Self>) -> Self::Result {
        MessageResult(Ok(()))
    }
}

#[actix::test]
async fn g04_responses_of_every_kind_are_heard() {
    let mut observed = observe(options(), |manager| manager.service(Otherwise));
    within("the start", observed.running()).await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.events.assert_in_order(&["setup_finished otherwise: ok", "shutdown_finished otherwise: ok"]);
    assert_eq!(error_of(ended.run_errors(), "otherwise (run)").source.to_string(), "asked to stop");
}
