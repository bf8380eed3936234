//! G6, G8: who always has something to do answers all the same, and keeps nobody else on its thread from that.

use std::time::Duration;

use actix::prelude::*;
use support::{Answer, Call, Journal, Probe, ms, observe, options};
use tokio::sync::mpsc;
use tokio::task::coop;

/// Needs a channel of tokio's, which is not ready for a task that has taken its share.
async fn receive() -> Answer {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.send(()).await?;
    Ok(receiver.recv().await.ok_or("it was sent")?)
}

/// Something is to be done in every poll of it.
fn keep_busy(ctx: &mut Context<Probe>) {
    ctx.run_interval(Duration::ZERO, |_, _| {});
}

/// A service whose actor is busy from its set-up on, with a resource that is from its release on.
fn busy(id: &str, journal: &Journal) -> Probe {
    let (name, resource) = Probe::resource("a", "r", journal);
    let resource = resource.release_at_once(|_, ctx| {
        keep_busy(ctx);
        Ok(())
    });
    let service = Probe::new(id, journal).setup_at_once(move |setup, ctx| {
        keep_busy(ctx);
        setup.resources.start(name, resource)?;
        Ok(())
    });
    let service = service.run(|run| async move {
        run.shutdown.requested().await;
        receive().await
    });
    service.shutdown(|_| receive())
}

#[actix::test]
async fn g06_an_actor_with_an_interval_of_no_length_answers_and_its_neighbours_do() {
    let journal = Journal::default();
    let (other, address) = Probe::new("b", &journal).with_address();
    let options = options().service_threads(1);
    let mut observed = observe(options, |manager| manager.service(busy("a", &journal)).service(other));
    observed.running().await;
    let address = address.await.unwrap();
    for _ in 0..100 {
        address.send(Call::later(|| async { receive().await.unwrap() })).await.unwrap();
    }
    address.send(Call::later(|| tokio::time::sleep(ms(1)))).await.unwrap();
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(journal.count("a/r: release"), 1);
}

#[actix::test]
async fn g08_a_main_loop_that_never_rests_leaves_its_actor_and_its_neighbours_their_share() {
    let journal = Journal::default();
    let service = Probe::new("a", &journal).run(|run| async move {
        while !run.shutdown.is_requested() {
            coop::consume_budget().await;
        }
        Ok(())
    });
    let (service, address) = service.with_address();
    let (other, others) = Probe::new("b", &journal).with_address();
    let noted = journal.clone();
    let options = options().service_threads(1);
    let mut observed = observe(options, |manager| manager.service(service).service(other));
    observed.running().await;
    let address = address.await.unwrap();
    address.send(Call::later(|| async { receive().await.unwrap() })).await.unwrap();
    let spawns = Call::now(move |ctx| {
        let receives = async move { receive().await.map(|()| noted.note("a: received")).unwrap() };
        ctx.spawn(actix::fut::wrap_future(receives));
    });
    address.send(spawns).await.unwrap();
    journal.until("a: received", 1).await;
    others.await.unwrap().send(Call::later(|| tokio::time::sleep(ms(1)))).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
}
