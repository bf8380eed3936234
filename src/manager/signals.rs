//! Signals of the operating system, shared by all managers of the process.
//!
//! One thread waits for them, from the first manager that wants them on; it blocks in the kernel and costs
//! nothing. While managers are registered, each is told of every signal. When none is, a signal does what
//! it would have done without us: a handler, once installed, cannot be taken back.

use std::sync::{Mutex, MutexGuard, PoisonError};

use signal_hook::consts::{SIGINT, SIGQUIT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::told::{Home, Told};
use crate::error::ConfigError;
use crate::lifecycle::SignalKind;
use crate::supervision::spawn;

struct Listeners {
    installed: bool,
    next: u64,
    homes: Vec<(u64, Home)>,
}

static LISTENERS: Mutex<Listeners> = Mutex::new(Listeners { installed: false, next: 0, homes: Vec::new() });

/// A manager's place among those that are told of signals; dropping it gives it up.
#[derive(Debug)]
pub(super) struct Registration(u64);

/// Has a manager told of signals from now on.
pub(super) fn register(home: Home) -> Result<Registration, ConfigError> {
    let mut listeners = listeners();
    if !listeners.installed {
        let signals = Signals::new([SIGINT, SIGTERM, SIGQUIT, SIGUSR1]);
        let signals = signals.map_err(|error| ConfigError::Signals(error.to_string()))?;
        spawn("signals", "majordomo-signals".to_owned(), move || listen(signals))?;
        listeners.installed = true;
    }
    let id = listeners.next;
    listeners.next += 1;
    listeners.homes.push((id, home));
    Ok(Registration(id))
}

impl Drop for Registration {
    fn drop(&mut self) {
        listeners().homes.retain(|(id, _)| *id != self.0);
    }
}

fn listeners() -> MutexGuard<'static, Listeners> {
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen(mut signals: Signals) {
    for signal in signals.forever() {
        let homes = listeners();
        if homes.homes.is_empty() {
            // Nobody is left to stop; the sender means the process.
            let _ = emulate_default_handler(signal);
        }
        for (_, home) in &homes.homes {
            home.tell(match signal {
                SIGINT => Told::Signal(SignalKind::Interrupt),
                SIGTERM => Told::Signal(SignalKind::Terminate),
                _ => Told::PrintStatus,
            });
        }
    }
}
