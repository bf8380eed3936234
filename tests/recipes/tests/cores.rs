use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use majordomo::{Setup, service_with_setup};
use recipes::cores::{cores, sums};
use support::{ms, observe, options, within};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

#[actix::test]
async fn the_pieces_are_worked_on_and_the_sum_is_right() {
    let (sender, mut sum) = mpsc::unbounded_channel();
    let work = sums(8, 10_000, sender);
    let mut observed = observe(options(), |manager| manager.service(cores(2)).service(work));
    assert_eq!(within("the sum", sum.recv()).await, Some((0..80_000).sum()));
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn tasks_that_go_on_for_years_are_ended_at_once() {
    let (sender, mut sum) = mpsc::unbounded_channel();
    let work = sums(8, u64::MAX / 8, sender);
    let mut observed = observe(options(), |manager| manager.service(cores(2)).service(work));
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert!(sum.recv().await.is_none());
}

#[actix::test]
async fn a_task_that_cannot_be_ended_is_told_and_holds_nobody_beyond_the_deadline() {
    let (stop, (began, mut computing)) = (Arc::new(AtomicBool::new(false)), mpsc::unbounded_channel());
    let seen = Arc::clone(&stop);
    let run = move |_, cores: Handle| {
        let (seen, began) = (Arc::clone(&seen), began.clone());
        cores.spawn(async move {
            began.send(()).unwrap();
            while !seen.load(Ordering::Relaxed) {
                std::thread::sleep(ms(1));
            }
        });
        async { Ok(()) }
    };
    let deaf = service_with_setup("deaf", |setup: Setup| async move { Ok(setup.require()?) }, run);
    let options = options().max_shutdown_duration(ms(1000));
    let mut observed =
        observe(options, |manager| manager.service(cores(1)).service(deaf.depends_on("cores")));
    within("its begin", computing.recv()).await.unwrap();
    observed.shut_down();
    let ended = observed.ended().await;
    stop.store(true, Ordering::Relaxed);
    ended.assert_in_time(ms(1000));
    ended.assert_exit_code(3);
    let text = ended.error().to_string();
    assert!(text.contains("cores (release of threads): a task still computes"), "{text}");
}
