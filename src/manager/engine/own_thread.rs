//! The manager's own thread.
//!
//! It is no thread of the program's actix system, so that whatever stops that does not stop the manager: it is asked to shut down, and
//! ends in order as long as the process lives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::{Addr, Arbiter, WeakAddr};
use tracing::Dispatch;

use super::manager_loop;
use super::running;
use crate::manager::Manager;
use crate::manager::api::messages::StartShutdown;
use crate::report::ManagerError;
use crate::supervision::{Purpose, Thread};

impl Manager {
    /// Where no thread can be had, it lives here, and only to say so.
    pub(crate) fn start_on_its_thread(mut self) -> Addr<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (addr, messages) = manager_loop::mailbox();
        let outer = Arbiter::try_current().filter(|outer| outer.alive());
        let manager = addr.downgrade();
        let thread = Thread::start(Purpose {
            whom: "the manager",
            name: format!("manager-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            dispatch: &Dispatch::none(),
            wake_monitor: None,
            outer: outer.clone(),
            on_foreign_stop: Arc::new(move |_| ask_to_stop(&manager)),
        });
        match thread {
            Ok(thread) => {
                let thread = Arc::new(thread);
                if let Some(outer) = outer {
                    let (over, stop) = (thread.over(), SystemGone(addr.downgrade()));
                    // Dropped with the system, if that ends first.
                    outer.spawn(async move {
                        let _stop = stop;
                        over.await;
                    });
                    watch_system(thread.over(), SystemGone(addr.downgrade()));
                }
                self.thread = Some(Arc::clone(&thread));
                thread.run(move || manager_loop::live_here(self, messages));
                addr
            }
            Err(error) => {
                self.plan = None;
                self.end(running::Ended::refused(ManagerError::config(error.into())));
                match outer {
                    Some(outer) => manager_loop::start(self, &outer),
                    // Without a thread and without a system there is nobody to answer: whoever asks hears that it is gone.
                    None => addr,
                }
            }
        }
    }
}

/// Hears of the stop of the program's system, whose own tasks may outlast it: of all that is in a system only its arbiters end with
/// it. One that does nothing else costs nothing while it waits. Where it cannot be had, the stop is noticed when the manager
/// next hears of something.
fn watch_system(over: impl Future<Output = ()> + Send + 'static, stop: SystemGone) {
    let runtime = || tokio::runtime::Builder::new_current_thread().build();
    if let Ok(watch) = Arbiter::try_with_tokio_rt(runtime) {
        watch.spawn(async move {
            let _stop = stop;
            over.await;
            Arbiter::current().stop();
        });
    }
}

/// A manager that has ended needs no word.
fn ask_to_stop(manager: &WeakAddr<Manager>) {
    if let Some(manager) = manager.upgrade() {
        manager.do_send(StartShutdown);
    }
}

/// Dropped with the program's system.
struct SystemGone(WeakAddr<Manager>);

impl Drop for SystemGone {
    fn drop(&mut self) {
        ask_to_stop(&self.0);
    }
}
