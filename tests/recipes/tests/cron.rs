use std::sync::{Arc, Mutex};

use majordomo::testing::paused;
use recipes::cron::every;
use support::{observe_paused, options};
use tokio::time::{Instant, sleep};

use crate::s;

/// When each piece of work began and ended, in seconds from the start, and how long the shutdown took: of work that takes 25 s, every
/// 10 s, asked to stop after so many.
async fn run(asked_after: u64) -> (Vec<(u64, u64)>, u64) {
    let times = Arc::<Mutex<Vec<(u64, u64)>>>::default();
    let (noted, began) = (Arc::clone(&times), Instant::now());
    let work = move || {
        let noted = Arc::clone(&noted);
        async move {
            let from = began.elapsed().as_secs();
            sleep(s(25)).await;
            noted.lock().unwrap().push((from, began.elapsed().as_secs()));
            Ok(())
        }
    };
    let mut observed = observe_paused(options(), |manager| manager.service(every("report", s(10), work)));
    observed.running().await;
    sleep(s(asked_after)).await;
    let asked = Instant::now();
    observed.shut_down();
    observed.ended().await.assert_ok();
    let times = times.lock().unwrap().clone();
    (times, asked.elapsed().as_secs())
}

#[test]
fn a_tick_that_is_missed_is_left_out_and_no_two_overlap() {
    paused(|| async {
        let (times, took) = run(62).await;
        assert_eq!(times, [(0, 25), (30, 55), (60, 85)]);
        assert_eq!(took, 23, "what is under way is finished");
    });
}

#[test]
fn it_ends_at_once_between_two_ticks() {
    paused(|| async { assert_eq!(run(57).await, (vec![(0, 25), (30, 55)], 0)) });
}
