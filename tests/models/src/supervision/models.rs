//! Models of how threads are watched and actors are woken.

use std::time::Duration;

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

use super::alarm::Alarm;
use super::awake_threads::{AwakeThreads, Switch};
use super::wake::Wakeups;
use super::watch::{Tag, Watch};

const FIRST: Duration = Duration::from_nanos(1);
const SECOND: Duration = Duration::from_nanos(2);

/// Who looks at a thread sees an actor with the time at which its own poll began, or nobody.
pub fn a_poll_is_never_told_with_the_time_of_another() {
    loom::model(|| {
        let (a, b, watch) = (Tag::next(), Tag::next(), Arc::new(Watch::default()));
        let watched = Arc::clone(&watch);
        let polls = thread::spawn(move || {
            watched.enter_at(a, FIRST.as_nanos() as u64);
            watched.leave();
            watched.enter_at(b, SECOND.as_nanos() as u64);
        });
        let seen = watch.polling();
        assert!([None, Some((a, FIRST)), Some((b, SECOND))].contains(&seen), "{seen:?}");
        polls.join().unwrap();
    });
}

/// Somebody who was seen to be polled after that was noted is told of when the thread comes to rest.
pub fn a_rest_is_told_of_whom_was_seen_before_it() {
    loom::model(|| {
        let watch = Arc::new(Watch::default());
        let watched = Arc::clone(&watch);
        let polls = thread::spawn(move || {
            watched.enter_at(Tag::next(), FIRST.as_nanos() as u64);
            watched.leave();
            watched.take_note()
        });
        watch.note();
        let seen = watch.polling().is_some();
        let told = polls.join().unwrap();
        assert!(told || !seen, "seen, and never told of");
    });
}

/// A task as a runtime has it: woken, it is polled once more; what its waker did before that is seen.
#[derive(Clone)]
struct Task(Arc<AtomicBool>);

impl Task {
    fn new() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    fn wake(&self) {
        self.0.swap(true, Ordering::AcqRel);
    }

    fn is_due(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

/// An order is seen by the actor's first poll, or has it polled.
pub fn no_order_is_missed() {
    loom::model(|| {
        let (wakeups, orders) = (Arc::new(Wakeups::<Task>::new()), Arc::new(Mutex::new(0)));
        let task = Task::new();
        let teller = {
            let (wakeups, orders) = (Arc::clone(&wakeups), Arc::clone(&orders));
            thread::spawn(move || {
                *orders.lock().unwrap() += 1;
                wakeups.order();
                if let Some(task) = wakeups.wake() {
                    task.wake();
                }
            })
        };
        let poll = || {
            if wakeups.begin(|| task.clone()) {
                *orders.lock().unwrap() = 0;
            }
        };
        poll();
        if task.is_due() {
            poll();
        }
        teller.join().unwrap();
        if task.is_due() {
            poll();
        }
        assert_eq!(*orders.lock().unwrap(), 0, "an order that nobody saw");
    });
}

/// A future that was woken is polled, and sees what it was woken for.
pub fn no_ring_is_missed() {
    loom::model(|| {
        let (alarm, news) = (Arc::new(Alarm::silent()), Arc::new(AtomicUsize::new(0)));
        let task = Task::new();
        let waker = {
            let (alarm, news, task) = (Arc::clone(&alarm), Arc::clone(&news), task.clone());
            thread::spawn(move || {
                news.store(1, Ordering::Relaxed);
                alarm.ring();
                task.wake();
            })
        };
        let mut seen = 0;
        let mut poll = || {
            if alarm.take() {
                seen = news.load(Ordering::Relaxed);
                assert_eq!(seen, 1, "polled without what it was woken for");
            }
        };
        // Also without having been woken: another has the same task polled.
        poll();
        if task.is_due() {
            poll();
        }
        waker.join().unwrap();
        if task.is_due() {
            poll();
        }
        assert_eq!(seen, 1, "woken, and never polled");
    });
}

/// A timer of the kernel's, which takes one order after the other.
struct Timer(Mutex<bool>);

impl Switch for Timer {
    fn start(&self) {
        *self.0.lock().unwrap() = true;
    }

    fn stop(&self) {
        *self.0.lock().unwrap() = false;
    }
}

/// When all have done what they do, the timer runs if one of them is awake, and only then.
pub fn the_timer_runs_while_a_thread_is_awake() {
    for stays_awake in [true, false] {
        loom::model(move || {
            let (awake, timer) = (Arc::new(AwakeThreads::none()), Arc::new(Timer(Mutex::new(false))));
            awake.wakes(&*timer);
            let other = {
                let (awake, timer) = (Arc::clone(&awake), Arc::clone(&timer));
                thread::spawn(move || {
                    awake.wakes(&*timer);
                    if !stays_awake {
                        awake.rests(&*timer);
                    }
                })
            };
            awake.rests(&*timer);
            other.join().unwrap();
            assert_eq!(*timer.0.lock().unwrap(), stays_awake, "the timer does not fit who is awake");
        });
    }
}
