//! What a test leaves behind: threads, file descriptors, tasks.

use std::fmt;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::process::{Descriptor, Process, Thread};

/// How long the operating system may take to end what is ending.
const LIMIT: Duration = Duration::from_secs(5);
/// How long after a look comes the next.
const PAUSE: Duration = Duration::from_millis(2);

/// The threads and file descriptors of the process, and the tasks of the tokio runtime, at one moment; later whatever is there
/// beside them is left over.
///
/// ```
/// use majordomo::testing::{Leaks, ManagerSuite, ServiceScript};
/// use majordomo::{Manager, ManagerOptions};
///
/// # #[actix::main]
/// # async fn main() {
/// let leaks = Leaks::snapshot();
/// let options = ManagerOptions::new().handle_signals(false);
/// let suite = ManagerSuite::start(Manager::new(options).service(ServiceScript::new("worker"))).await;
/// suite.shutdown().await;
/// leaks.assert_none().await;
/// # }
/// ```
///
/// - It sees all of the process: a test that uses it must be alone in its program, or others that run beside it are
///   taken for its leaks.
/// - What a process does only once is no leak, but looks like one. The thread of [`handle_signals`](crate::ManagerOptions::handle_signals)
///   is none of those: it ends with the last manager.
/// - A manager's thread stays while there is an `Addr` of it.
/// - Threads and descriptors are known on Linux. Elsewhere [`can_tell`](Self::can_tell) is false, and only tasks are compared.
/// - Tasks are those of the runtime that the snapshot was taken on, by `tokio::spawn`; `actix_rt::spawn` and `spawn_local` make
///   others, which tokio does not count.
#[derive(Debug, Clone)]
pub struct Leaks {
    before: Option<Process>,
    tasks: Option<(Handle, usize)>,
}

/// What is there and was not before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leaked {
    /// Threads, by their names.
    pub threads: Vec<String>,
    /// File descriptors, by number and what they are open for: `7 -> socket:[1234]`.
    pub descriptors: Vec<String>,
    /// How many tasks.
    pub tasks: usize,
}

impl Leaks {
    /// Takes note of all there is. Tasks are among it on a tokio runtime.
    pub fn snapshot() -> Self {
        let handle = Handle::try_current().ok();
        let tasks = handle.map(|handle| {
            let count = handle.metrics().num_alive_tasks();
            (handle, count)
        });
        Self { before: Process::now(), tasks }
    }

    /// Whether threads and descriptors are known on this system.
    pub fn can_tell(&self) -> bool {
        self.before.is_some()
    }

    /// What is there now and was not before. What is just ending is there still.
    pub fn now(&self) -> Leaked {
        let mut leaked = Leaked::default();
        if let (Some(before), Some(now)) = (&self.before, Process::now()) {
            leaked.threads = now.threads_beside(before).map(Thread::to_string).collect();
            leaked.descriptors = now.descriptors_beside(before).map(Descriptor::to_string).collect();
        }
        if let Some((handle, before)) = &self.tasks {
            leaked.tasks = handle.metrics().num_alive_tasks().saturating_sub(*before);
        }
        leaked
    }

    /// Asserts that nothing is left over, and gives what is just ending 5 s for that.
    ///
    /// # Panics
    /// When something is left, with the names of the threads and what the descriptors are open for.
    pub async fn assert_none(&self) {
        self.assert_none_within(LIMIT).await;
    }

    /// The same within another limit.
    ///
    /// # Panics
    /// When something is left then.
    pub async fn assert_none_within(&self, limit: Duration) {
        let began = Instant::now();
        // Tasks of this runtime end only while this one waits.
        while !self.now().is_empty() && began.elapsed() < limit {
            tokio::time::sleep(PAUSE).await;
        }
        self.judge(limit);
    }

    /// [`assert_none`](Self::assert_none) without a runtime.
    ///
    /// # Panics
    /// When something is left after 5 s.
    #[track_caller]
    pub fn assert_none_blocking(&self) {
        let began = Instant::now();
        while !self.now().is_empty() && began.elapsed() < LIMIT {
            std::thread::sleep(PAUSE);
        }
        self.judge(LIMIT);
    }

    #[track_caller]
    fn judge(&self, limit: Duration) {
        let leaked = self.now();
        if !leaked.is_empty() {
            panic!("expected: nothing is left over after {limit:?}\nhappened: {leaked}");
        }
    }
}

impl Leaked {
    /// Whether nothing is left over.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Leaked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { threads, descriptors, tasks } = self;
        let counts = (threads.len(), descriptors.len(), tasks);
        write!(f, "left are {} threads, {} file descriptors, {} tasks", counts.0, counts.1, counts.2)?;
        threads.iter().try_for_each(|thread| write!(f, "\n  thread {thread}"))?;
        descriptors.iter().try_for_each(|descriptor| write!(f, "\n  descriptor {descriptor}"))?;
        Ok(())
    }
}
