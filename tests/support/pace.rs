//! How fast this machine is while a test runs, for what has to be real time.
//!
//! A guarantee such as "within 100 ms" counts from when threads get their turn. A test that runs beside others can't
//! hold the product to more than what the machine gives to a thread that has almost nothing to do: this one measures it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What each sample is to take.
const NAP: Duration = Duration::from_millis(2);

/// An end passes through so many threads, one after the other: the manager, services, resources, and whoever waits.
const PASSAGES: u32 = 8;

/// Measures, from when it is made until it is dropped, how late a thread of this process gets its turn.
#[derive(Debug)]
pub struct Pace {
    latest_us: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Pace {
    pub fn watch() -> Self {
        let pace = Self { latest_us: Arc::default(), over: Arc::default() };
        let (latest_us, over) = (Arc::clone(&pace.latest_us), Arc::clone(&pace.over));
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                thread::sleep(NAP);
                // A turn of its own, as a thread has that was woken to do a little.
                thread::yield_now();
                let late = began.elapsed().saturating_sub(NAP);
                latest_us.fetch_max(late.as_micros() as u64, Ordering::Relaxed);
            }
        });
        pace
    }

    /// What is added to a limit: as much as the machine was late, for each thread that something passes through.
    pub fn allowance(&self) -> Duration {
        PASSAGES * Duration::from_micros(self.latest_us.load(Ordering::Relaxed))
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
