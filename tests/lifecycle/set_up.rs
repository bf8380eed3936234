//! G2 and G3: set-ups side by side, nobody runs before the last, and what follows when one fails.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use actix::prelude::*;
use majordomo::{BoxError, GenericService, Run, Service, ServiceSpec, Setup, Shutdown};
use support::{Answer, Counter, Gate, Journal, Probe, observe, options};
use tokio::sync::Barrier;

/// A service with a `Setup` of its own; it runs until shutdown is requested.
macro_rules! service {
    ($type:ident, $id:literal) => {
        impl Actor for $type {
            type Context = Context<Self>;
        }

        impl Service for $type {
            fn id(&self) -> String {
                $id.to_owned()
            }
        }

        impl GenericService for $type {}

        impl Handler<Run> for $type {
            type Result = ResponseFuture<Answer>;

            fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
                Box::pin(async move {
                    run.shutdown.requested().await;
                    Ok(())
                })
            }
        }

        impl Handler<Shutdown> for $type {
            type Result = Answer;

            fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
                Ok(())
            }
        }
    };
}
pub(crate) use service;

#[actix::test]
async fn g02_set_ups_run_side_by_side() {
    let journal = Journal::default();
    let all_there = Arc::new(Barrier::new(3));
    let meets = |id: &str| {
        let all_there = Arc::clone(&all_there);
        Probe::new(id, &journal).setup(|_| async move {
            all_there.wait().await;
            Ok(())
        })
    };
    // One thread for all: it is not the threads that make them concurrent.
    let mut observed = observe(options().service_threads(1), |manager| {
        manager.service(meets("a")).service(meets("b")).service(meets("c"))
    });
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_all_before("setup_started", "setup_finished");
}

#[actix::test]
async fn g02_nobody_runs_before_the_last_set_up_and_each_is_set_up_once() {
    let journal = Journal::default();
    let gate = Gate::default();
    let late = {
        let (gate, journal) = (gate.clone(), journal.clone());
        Probe::new("late", &journal.clone()).setup(|_| async move {
            gate.passed().await;
            journal.note("late: was set up");
            Ok(())
        })
    };
    let mut observed = observe(options(), |manager| {
        manager.service(Probe::new("a", &journal)).service(late).service(Probe::new("b", &journal))
    });
    observed.seen("setup_finished a: ok").await;
    observed.seen("setup_finished b: ok").await;
    assert_eq!(journal.whose("run"), [""; 0], "{:#?}", journal.entries());
    gate.open();
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();

    for id in ["a", "b", "late"] {
        assert_eq!(journal.count(&format!("{id}: setup")), 1, "{:#?}", journal.entries());
        assert_eq!(journal.count(&format!("{id}: run")), 1, "{:#?}", journal.entries());
        journal.assert_before("late: was set up", &format!("{id}: run"));
    }
    ended.events.assert_all_before("setup_finished", "run_started");
    ended.events.assert_before("run_started late", "running");
}

struct AnswersAtOnce;
struct AnswersLater;
struct AnswersAsAnActor {
    set_up: bool,
}
service!(AnswersAtOnce, "at once");
service!(AnswersLater, "later");
service!(AnswersAsAnActor, "as an actor");

impl Handler<Setup> for AnswersAtOnce {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        assert_eq!(setup.resources.service_id(), "at once");
        Ok(())
    }
}

impl Handler<Setup> for AnswersLater {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        Box::pin(async move {
            tokio::task::yield_now().await;
            assert_eq!(setup.resources.service_id(), "later");
            Ok(())
        })
    }
}

impl Handler<Setup> for AnswersAsAnActor {
    type Result = ResponseActFuture<Self, Result<(), BoxError>>;

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Self::Result {
        let later = tokio::task::yield_now().into_actor(self);
        Box::pin(later.map(|(), service, _| {
            service.set_up = true;
            Ok(())
        }))
    }
}

#[actix::test]
async fn g02_a_set_up_may_answer_at_once_or_later_or_with_its_actor_at_hand() {
    let mut observed = observe(options(), |manager| {
        manager.service(AnswersAtOnce).service(AnswersLater).service(AnswersAsAnActor { set_up: false })
    });
    observed.running().await;
    observed.shut_down();
    observed.ended().await.assert_ok();
}

/// Not `Send`: it can live only where it was made.
struct Local {
    set_ups: Rc<Cell<u32>>,
}
service!(Local, "not asked");

impl Handler<Setup> for Local {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Self::Result {
        let set_ups = Rc::clone(&self.set_ups);
        Box::pin(async move {
            set_ups.set(set_ups.get() + 1);
            Ok(())
        })
    }
}

#[actix::test]
async fn g02_an_actor_that_is_not_send_is_made_where_it_lives_and_called_as_was_said() {
    let made = Counter::default();
    let spec = {
        let made = made.clone();
        ServiceSpec::local("local", move || {
            made.add();
            Local { set_ups: Rc::default() }
        })
    };
    let mut observed = observe(options(), |manager| manager.service(spec));
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.event("setup_finished local: ok");
    assert_eq!(made.get(), 1);
}
