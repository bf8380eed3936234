//! Signals of the operating system, shared by all managers of the process.
//!
//! ```text
//!   the first manager                 while there are managers            the last one is gone
//!     |                                 |                                   |
//!     | what is ignored is left alone   | majordomo-signals, blocked in     | the thread ends; a signal does
//!     | a thread that waits is made     | the kernel, tells each of them    | what it did before the first
//! ```
//!
//! A handler, once installed, cannot be taken back without unsafe code. But what the program did with a signal before
//! is known ([`Dispositions`]): its own handler is called by ours, at all times; and where it had none, ours does what the
//! system would do, once no manager is left. The thread unblocks the signals for itself alone, so those that the
//! program has blocked are blocked again when it ends.

mod dispositions;
mod repeats;

use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

use self::dispositions::{Disposition, Dispositions};
use self::repeats::Repeats;
use crate::base::spawn;
use crate::lifecycle::SignalKind;
use crate::manager::engine::inbox::{ManagerInput, ManagerSender};
use crate::report::ConfigError;

/// The signals that managers handle, beside those that some hear.
const OURS: [i32; 4] = [SIGINT, SIGTERM, SIGQUIT, SIGUSR1];

/// A signal that means something to some managers, and is left alone where it does to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SomeHear {
    /// SIGHUP, where there is what can be reloaded.
    Reload,
    /// SIGUSR2, where a successor may be started.
    Handover,
}

impl SomeHear {
    const ALL: [Self; 2] = [Self::Reload, Self::Handover];

    fn signal(self) -> i32 {
        match self {
            Self::Reload => SIGHUP,
            Self::Handover => SIGUSR2,
        }
    }

    fn of(signal: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|heard| heard.signal() == signal)
    }
}

/// How long the end of the last manager waits for the thread to end. Only a starved machine needs more than a moment.
const LAST_WAIT: Duration = Duration::from_millis(20);

/// Whether a signal does what it would do without a handler of ours.
static NOBODY: AtomicBool = AtomicBool::new(false);

static LISTENERS: Mutex<Listeners> = Mutex::new(Listeners {
    installed: Vec::new(),
    waiting: None,
    generation: 0,
    next: 0,
    senders: Vec::new(),
    repeats: Repeats::new(),
});

struct Listeners {
    /// What each signal that we have ever handled did before.
    installed: Vec<(i32, Disposition)>,
    /// The thread that waits for them, if there are any that are not ignored.
    waiting: Option<Waiting>,
    /// Of that thread. The one before may still be about to end.
    generation: u64,
    next: u64,
    senders: Vec<Listener>,
    repeats: Repeats,
}

/// A manager that is told of signals.
struct Listener {
    id: u64,
    sender: ManagerSender,
    also: Vec<SomeHear>,
}

impl Listener {
    fn hears(&self, signal: i32) -> bool {
        SomeHear::of(signal).is_none_or(|heard| self.also.contains(&heard))
    }
}

/// A thread that waits for signals.
struct Waiting {
    handle: Handle,
    /// Ends with the thread.
    over: Receiver<()>,
}

/// A manager's place among those that are told of signals; dropping it gives it up.
#[derive(Debug)]
pub(crate) struct Registration(u64);

/// Has a manager told of signals from now on, and of these as well.
pub(crate) fn register(sender: ManagerSender, also: Vec<SomeHear>) -> Result<Registration, ConfigError> {
    let mut listeners = listeners();
    if listeners.senders.is_empty() {
        listeners.begin(&also)?;
    } else {
        also.iter().try_for_each(|heard| listeners.hear_also(heard.signal()))?;
    }
    let id = listeners.next;
    listeners.next += 1;
    listeners.senders.push(Listener { id, sender, also });
    Ok(Registration(id))
}

impl Registration {
    /// Has its manager told of that signal, too.
    pub(crate) fn hear_also(&self, heard: SomeHear) -> Result<(), ConfigError> {
        let mut listeners = listeners();
        let is_new = |listener: &&Listener| listener.id == self.0 && !listener.also.contains(&heard);
        if listeners.senders.iter().any(|listener| is_new(&listener)) {
            listeners.hear_also(heard.signal())?;
        }
        if let Some(listener) = listeners.senders.iter_mut().find(|listener| is_new(&&**listener)) {
            listener.also.push(heard);
        }
        Ok(())
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let ending = {
            let mut listeners = listeners();
            listeners.senders.retain(|listener| listener.id != self.0);
            if listeners.senders.is_empty() { listeners.end() } else { None }
        };
        if let Some(waiting) = ending {
            waiting.handle.close();
            // When it has ended, a signal that the program has blocked is blocked again.
            let _ = waiting.over.recv_timeout(LAST_WAIT);
        }
    }
}

fn listeners() -> MutexGuard<'static, Listeners> {
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Listeners {
    fn begin(&mut self, also: &[SomeHear]) -> Result<(), ConfigError> {
        let ours = OURS.into_iter().chain(also.iter().map(|heard| heard.signal()));
        let wanted = self.install(ours, Dispositions::now()).map_err(refused)?;
        if wanted.is_empty() {
            return Ok(());
        }
        NOBODY.store(false, Ordering::SeqCst);
        self.wait_for(wanted).inspect_err(|_| NOBODY.store(true, Ordering::SeqCst))
    }

    /// The signals to wait for: not those that were ignored when the program began, or that the program ignores.
    fn install(&mut self, ours: impl Iterator<Item = i32>, found: Dispositions) -> io::Result<Vec<i32>> {
        let wanted: Vec<i32> = ours.filter(|signal| found.of(*signal) != Disposition::Ignored).collect();
        for signal in &wanted {
            // Later on the handler that is found is ours.
            if self.before(*signal).is_none() {
                let before = found.of(*signal);
                if before == Disposition::Default && !is_init() {
                    register_conditional_default(*signal, &NOBODY)?;
                }
                self.installed.push((*signal, before));
            }
        }
        Ok(wanted)
    }

    /// Another signal, for the thread that waits. One that the program has blocked stays so: the thread unblocked those that it began with.
    fn hear_also(&mut self, signal: i32) -> Result<(), ConfigError> {
        let wanted = self.install(std::iter::once(signal), Dispositions::now()).map_err(refused)?;
        match &self.waiting {
            Some(waiting) => {
                wanted.iter().try_for_each(|signal| waiting.handle.add_signal(*signal)).map_err(refused)
            }
            // All others are ignored.
            None => self.wait_for(wanted),
        }
    }

    fn wait_for(&mut self, wanted: Vec<i32>) -> Result<(), ConfigError> {
        let signals = Signals::new(&wanted).map_err(refused)?;
        let handle = signals.handle();
        self.generation += 1;
        let generation = self.generation;
        let (ends, over) = mpsc::channel();
        let wait = move || {
            let _ends: mpsc::Sender<()> = ends;
            let inherited = SigSet::thread_get_mask();
            unblock(&wanted);
            listen(signals, generation, inherited.ok());
        };
        spawn("signals", "majordomo-signals".to_owned(), wait)?;
        self.waiting = Some(Waiting { handle, over });
        Ok(())
    }

    /// From now on signals are nobody's. Answers with the thread that is to end.
    fn end(&mut self) -> Option<Waiting> {
        NOBODY.store(true, Ordering::SeqCst);
        self.repeats = Repeats::new();
        self.waiting.take()
    }

    fn before(&self, signal: i32) -> Option<Disposition> {
        self.installed.iter().find(|(installed, _)| *installed == signal).map(|(_, before)| *before)
    }

    fn tell(&mut self, signal: i32, generation: u64) {
        let ends_the_process = self.before(signal) == Some(Disposition::Default) && !is_init();
        if !self.senders.iter().any(|listener| listener.hears(signal)) {
            // It was on its way when the last manager went. Nobody is left to stop; the sender means the process.
            if ends_the_process {
                let _ = emulate_default_handler(signal);
            }
            return;
        }
        // It came between two managers, when it did nothing; or it would have ended the process, and stops it in order now.
        if generation != self.generation && !ends_the_process {
            return;
        }
        if !self.repeats.counts(signal, Instant::now()) {
            return;
        }
        for listener in self.senders.iter().filter(|listener| listener.hears(signal)) {
            listener.sender.send(match (signal, SomeHear::of(signal)) {
                (_, Some(SomeHear::Reload)) => ManagerInput::ReloadSignal,
                (_, Some(SomeHear::Handover)) => ManagerInput::HandoverSignal,
                (SIGINT, _) => ManagerInput::Signal(SignalKind::Interrupt),
                (SIGTERM, _) => ManagerInput::Signal(SignalKind::Terminate),
                _ => ManagerInput::PrintStatus,
            });
        }
    }
}

fn refused(error: io::Error) -> ConfigError {
    ConfigError::Signals(error.to_string())
}

/// Whether this is the first process of a container: the kernel sends it no signal that it has no handler for.
fn is_init() -> bool {
    process::id() == 1
}

/// A process inherits what its parent has blocked; on this thread signals are to arrive all the same.
fn unblock(wanted: &[i32]) {
    let signals: SigSet = wanted.iter().filter_map(|signal| Signal::try_from(*signal).ok()).collect();
    // Signals that were not blocked arrive all the same; nothing else could be done.
    let _ = signals.thread_unblock();
}

/// Waits for signals until it is closed; then blocks again what was blocked.
fn listen(mut signals: Signals, generation: u64, inherited: Option<SigSet>) {
    let handle = signals.handle();
    loop {
        for signal in signals.wait() {
            listeners().tell(signal, generation);
        }
        if handle.is_closed() {
            let _ = inherited.map(|mask| mask.thread_set_mask());
            // What came right before.
            for signal in signals.pending() {
                listeners().tell(signal, generation);
            }
            return;
        }
    }
}
