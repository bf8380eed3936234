//! Watching for actors that are stuck, and for those who suffer from it.
//!
//! ```text
//!   a thread is awake --four times within the limit--> look   -- a poll is long --> told; the thread is noted
//!   a noted thread comes to rest --------------------> look   -- it isn't any more --> told
//! ```

use std::sync::Arc;
use std::time::Duration;

use super::actor_label::ActorLabel;
use crate::lifecycle::Stalls;
use crate::manager::engine::inbox::{ManagerInput, ManagerSender, TimerEvent};
use crate::supervision::{Tag, Thread, WakeMonitor};

/// The watchdog of a manager.
pub(crate) struct Watchdog {
    /// How long a poll may last; `None`: as long as it likes.
    pub(crate) limit: Option<Duration>,
    wake_monitor: Option<Arc<WakeMonitor>>,
    pub(crate) stalls: Stalls<ActorLabel>,
    /// Threads of actors that were given up, and block them still.
    pub(crate) left: Vec<(Tag, Arc<Thread>)>,
}

impl Watchdog {
    pub(crate) fn new(limit: Option<Duration>, sender: &ManagerSender) -> Self {
        let wake_monitor = limit.map(|limit| {
            let sender = sender.clone();
            Arc::new(WakeMonitor::new(limit / 4, move || {
                sender.send(ManagerInput::Timer(TimerEvent::LookAtThreads))
            }))
        });
        let stalls = Stalls::new(limit.unwrap_or(Duration::MAX));
        Self { limit, wake_monitor, stalls, left: Vec::new() }
    }

    /// An actor was given up, and blocks its thread still.
    pub(crate) fn keep_blocked(&mut self, tag: Tag, thread: Arc<Thread>) {
        self.left.push((tag, thread));
    }

    /// What has threads looked at.
    pub(crate) fn wake_monitor(&self) -> Option<Arc<WakeMonitor>> {
        self.wake_monitor.clone()
    }
}
