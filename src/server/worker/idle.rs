//! A worker with nothing to do: it looks again, or it sleeps.
//!
//! ```text
//!   at work --nothing to do--> it is to look --> the driver is asked, without waiting --> at work, or nothing to do
//!                        |
//!                        +---> it is to sleep --> parked --something to do--> at work
//! ```
//!
//! [`BusyPolling`] says which. It never looks while that would leave other threads no core: one is kept for who sends.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::Notify;

use crate::base::monotonic;
use crate::server::worker::busy_polling::{BusyPolling, Idle};

/// The cores that the workers of a manager may use, and who does.
#[derive(Debug)]
pub(crate) struct Cores {
    awake: AtomicUsize,
    all: usize,
}

impl Default for Cores {
    /// Those that the process may run on.
    fn default() -> Self {
        let all = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self { awake: AtomicUsize::new(0), all }
    }
}

impl Cores {
    /// Whether the workers that are awake leave one over.
    fn have_one_to_spare(&self) -> bool {
        self.awake.load(Ordering::Relaxed) < self.all
    }
}

/// What a worker does with nothing to do. Its own thread alone changes it.
#[derive(Debug, Default)]
pub(crate) struct WhenIdle {
    cores: Arc<Cores>,
    busy_polling: Mutex<BusyPolling>,
    /// Bytes that its connections have read.
    read: AtomicU64,
    /// Whether it sleeps for want of work, looks for more, or has ended.
    parked: AtomicBool,
    asleep: AtomicBool,
    look: Notify,
}

impl WhenIdle {
    pub(crate) fn new(cores: Arc<Cores>) -> Self {
        Self { cores, ..Self::default() }
    }

    fn busy_polling(&self) -> MutexGuard<'_, BusyPolling> {
        self.busy_polling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection has read so many bytes.
    pub(crate) fn read(&self, bytes: usize) {
        let read = self.read.load(Ordering::Relaxed).wrapping_add(bytes as u64);
        self.read.store(read, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Its thread begins, and is awake until that is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Begun {
        self.cores.awake.fetch_add(1, Ordering::Relaxed);
        Begun(Arc::clone(self))
    }

    /// Its runtime is about to sleep, and does not where [`looks`](Self::looks) has been woken.
    pub(crate) fn park(&self) {
        let read = self.read.load(Ordering::Relaxed);
        let spare = self.cores.have_one_to_spare();
        let idle = self.busy_polling().idle(monotonic::now(), read, spare);
        match idle {
            Idle::Look => {
                // Whoever waits for this core has it first; often that is the peer.
                thread::yield_now();
                self.look.notify_one();
            }
            Idle::Sleep => {
                self.asleep.store(true, Ordering::Relaxed);
                self.cores.awake.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.parked.store(true, Ordering::Relaxed);
    }

    /// Its runtime has slept, or looked.
    pub(crate) fn unpark(&self) {
        self.parked.store(false, Ordering::Relaxed);
        // No other thread writes it.
        if self.asleep.load(Ordering::Relaxed) {
            self.asleep.store(false, Ordering::Relaxed);
            self.cores.awake.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.parked.load(Ordering::Relaxed)
    }

    /// Part of what the runtime blocks on, so that it can be woken by its own thread. It never ends.
    pub(crate) async fn looks(&self) {
        loop {
            self.look.notified().await;
        }
    }
}

/// A thread that has begun.
#[derive(Debug)]
pub(crate) struct Begun(Arc<WhenIdle>);

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.cores.awake.fetch_sub(1, Ordering::Relaxed);
        self.0.parked.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::io::AsyncReadExt;
    use tokio::runtime::Builder;

    use super::*;

    /// Longer than anything takes.
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_worker_counts_as_awake_but_while_it_sleeps() {
        let cores = Arc::new(Cores { awake: AtomicUsize::new(0), all: 2 });
        let worker = Arc::new(WhenIdle::new(Arc::clone(&cores)));
        let other = Arc::new(WhenIdle::new(Arc::clone(&cores)));
        let begun = worker.begin();
        assert!(cores.have_one_to_spare());
        let _other = other.begin();
        assert!(!cores.have_one_to_spare());
        worker.park();
        assert!(worker.is_parked() && cores.have_one_to_spare());
        worker.unpark();
        assert!(!worker.is_parked() && !cores.have_one_to_spare());
        drop(begun);
        assert!(worker.is_parked() && cores.have_one_to_spare());
    }

    /// What [`WhenIdle::park`] relies on, of tokio.
    #[test]
    fn a_runtime_whose_hook_wakes_what_it_blocks_on_asks_its_driver_and_does_not_sleep() {
        let (looked, looks) = mpsc::channel();
        let when_idle = Arc::new(WhenIdle::default());
        let hook = Arc::clone(&when_idle);
        let mut runtime = Builder::new_current_thread();
        let runtime = runtime.enable_all().on_thread_park(move || {
            hook.look.notify_one();
            // Nobody listens any more when it has read.
            let _ = looked.send(());
        });
        let runtime = runtime.build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let peer = thread::spawn(move || {
            let mut peer = std::net::TcpStream::connect(address).unwrap();
            for _ in 0..100 {
                // One that sleeps has nobody to wake it.
                looks.recv_timeout(LONG).unwrap();
            }
            peer.write_all(b"found").unwrap();
        });
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let read = runtime.block_on(async {
            let mut stream = tokio::net::TcpStream::from_std(stream).unwrap();
            let read = tokio::spawn(async move {
                let mut bytes = [0; 5];
                stream.read_exact(&mut bytes).await.map(|_| bytes)
            });
            tokio::select! {
                () = when_idle.looks() => unreachable!("it never ends"),
                read = read => read.unwrap().unwrap(),
                () = tokio::time::sleep(LONG) => panic!("its driver was not asked"),
            }
        });
        assert_eq!(&read, b"found");
        peer.join().unwrap();
    }
}
