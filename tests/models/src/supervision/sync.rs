//! What the protocols are made of here.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use loom::sync::Mutex;
use loom::sync::atomic::AtomicUsize;
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

/// As the standard library's, for one that sets it.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    set: AtomicBool,
    value: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self { set: AtomicBool::new(false), value: std::sync::OnceLock::new() }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        // Orders of the standard library's own, which the models do not weaken.
        self.set.load(std::sync::atomic::Ordering::Acquire).then(|| self.value.get()).flatten()
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let value = self.value.get_or_init(make);
        self.set.store(true, std::sync::atomic::Ordering::Release);
        value
    }
}

/// As tokio's, as far as it promises: one that was made is told of what is notified from then on, polled or not.
#[derive(Debug, Default)]
pub(crate) struct Notify {
    calls: AtomicUsize,
    waiters: Mutex<Vec<Waker>>,
}

pub(crate) struct Notified<'a> {
    notify: &'a Notify,
    made_at: usize,
}

impl Notify {
    pub(crate) fn notify_waiters(&self) {
        let mut waiters = self.waiters.lock().unwrap();
        self.calls.fetch_add(1, Ordering::AcqRel);
        waiters.drain(..).for_each(Waker::wake);
    }

    pub(crate) fn notified(&self) -> Notified<'_> {
        Notified { notify: self, made_at: self.calls.load(Ordering::Acquire) }
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut waiters = self.notify.waiters.lock().unwrap();
        if self.notify.calls.load(Ordering::Acquire) != self.made_at {
            return Poll::Ready(());
        }
        waiters.push(cx.waker().clone());
        Poll::Pending
    }
}
