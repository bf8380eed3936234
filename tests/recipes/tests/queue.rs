use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use majordomo::BoxError;
use majordomo::testing::paused;
use recipes::queue::{Job, Queue, workers};
use support::{observe_paused, options};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::s;

/// A queue of so many jobs, to which more may come, and what comes back to it.
fn queue(jobs: Job) -> (mpsc::Sender<Job>, Queue, mpsc::UnboundedReceiver<Job>) {
    let ((put, waiting), (back, given_back)) = (mpsc::channel(100), mpsc::unbounded_channel());
    (0..jobs).for_each(|job| put.try_send(job).unwrap());
    (put, Queue::new(waiting, back), given_back)
}

fn all(mut from: mpsc::UnboundedReceiver<Job>) -> Vec<Job> {
    std::iter::from_fn(|| from.try_recv().ok()).collect()
}

#[test]
fn what_is_begun_is_finished_and_what_is_not_begun_is_given_back() {
    paused(|| async {
        let (put, queue, back) = queue(10);
        let done = Arc::<Mutex<BTreeSet<Job>>>::default();
        let noted = Arc::clone(&done);
        let work = move |job| {
            let noted = Arc::clone(&noted);
            async move {
                sleep(s(10)).await;
                assert!(noted.lock().unwrap().insert(job), "{job} is done twice");
                Ok(())
            }
        };
        let mut observed = observe_paused(options(), |manager| workers(manager, queue, 3, work));
        observed.running().await;
        sleep(s(15)).await;
        let asked = Instant::now();
        observed.shut_down();
        observed.ended().await.assert_ok();
        assert_eq!(asked.elapsed().as_secs(), 5, "what is in hand is finished, and nothing more");
        assert_eq!(*done.lock().unwrap(), (0..6).collect());
        assert_eq!(all(back), [6, 7, 8, 9]);
        assert!(put.is_closed(), "nobody can put in what would be lost");
    });
}

#[test]
fn no_job_is_lost_where_a_worker_fails_panics_or_is_cut_off() {
    paused(|| async {
        let (_put, queue, back) = queue(10);
        let (done, finished) = mpsc::unbounded_channel();
        let work = move |job| {
            let done = done.clone();
            async move {
                match job {
                    0 => return Err(BoxError::from("out of paper")),
                    1 => panic!("out of ink"),
                    2 => std::future::pending().await,
                    _ => sleep(s(1)).await,
                }
                done.send(job).unwrap();
                Ok(())
            }
        };
        let mut observed = observe_paused(options(), |manager| workers(manager, queue, 3, work));
        observed.running().await;
        sleep(s(60)).await;
        observed.shut_down();
        let ended = observed.ended().await;
        ended.assert_exit_code(3);
        assert_eq!(ended.shutdown_errors().errors().len(), 1, "{}", ended.error());
        assert_eq!(ended.service("queue").resources.len(), 1);
        let (mut finished, mut back) = (all(finished), all(back));
        finished.sort_unstable();
        back.sort_unstable();
        assert_eq!((finished, back), ((3..10).collect(), vec![0, 1, 2]));
    });
}
