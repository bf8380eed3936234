//! Gates: where an actor waits until a test lets it through.
//!
//! ```text
//!   the actor:  ... --> passed() ==|====> goes on
//!                          |       |
//!                     arrived()  step() lets one through, open() all, now and later
//!   the test:   .......... knows it is there .... lets it through
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// Nothing that works takes so long.
const LIMIT: Duration = Duration::from_secs(10);

/// A gate between a test and what it tests, on whatever threads they are: an actor [waits at it](Self::passed), the test
/// [learns that it has arrived](Self::arrived) and [lets it through](Self::step). So a test knows where things stand without a
/// sleep. Clones are the same gate.
///
/// ```
/// use majordomo::testing::{Gate, ManagerSuite};
/// use majordomo::{Manager, ManagerOptions, service_fn};
///
/// # #[actix::main]
/// # async fn main() {
/// let gate = Gate::named("the first job");
/// let worker = service_fn("worker", {
///     let gate = gate.clone();
///     move |run| async move {
///         gate.passed().await;
///         run.shutdown.requested().await;
///         Ok(())
///     }
/// });
/// let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(worker);
/// let suite = ManagerSuite::start(manager).await;
/// gate.arrived().await; // the worker stands before its first job, and nowhere else
/// gate.open();
/// suite.shutdown().await;
/// # }
/// ```
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    name: String,
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    open: bool,
    /// How many stand at it or have passed.
    arrived: usize,
    /// How many it was to let through, one by one.
    steps: usize,
    passed: usize,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::named("without a name")
    }

    /// A closed gate that messages call so.
    pub fn named(name: impl Into<String>) -> Self {
        Self(Arc::new(Inner { name: name.into(), state: watch::Sender::new(State::default()) }))
    }

    /// Waits until it is let through: by a [`step`](Self::step) of its own, or since the gate is [open](Self::open). For
    /// what is tested.
    pub async fn passed(&self) {
        self.0.state.send_modify(|state| state.arrived += 1);
        let mut place = Place { gate: self, passed: false };
        let mut changes = self.0.state.subscribe();
        while !self.take() {
            // The sender is this gate's.
            let _ = changes.changed().await;
        }
        place.passed = true;
    }

    fn take(&self) -> bool {
        self.0.state.send_if_modified(|state| {
            let may = state.open || state.passed < state.steps;
            state.passed += usize::from(may);
            may
        })
    }

    /// Waits until somebody stands at it whom no [`step`](Self::step) has been made for. For tests.
    ///
    /// # Panics
    /// When nobody comes within 10 s.
    pub async fn arrived(&self) {
        self.arrived_within(LIMIT).await;
    }

    /// The same within another limit.
    ///
    /// # Panics
    /// When nobody comes within it.
    pub async fn arrived_within(&self, limit: Duration) {
        let mut changes = self.0.state.subscribe();
        let arrived = changes.wait_for(|state| state.arrived > state.steps);
        if tokio::time::timeout(limit, arrived).await.is_err() {
            panic!("expected: somebody arrives at {self:?}\nhappened: nobody did within {limit:?}");
        }
    }

    /// Lets one through: whoever stands at it, else the next to come.
    pub fn step(&self) {
        self.0.state.send_modify(|state| state.steps += 1);
    }

    /// Lets all through, now and later.
    pub fn open(&self) {
        self.0.state.send_modify(|state| state.open = true);
    }

    /// Whether it lets all through.
    pub fn is_open(&self) -> bool {
        self.0.state.borrow().open
    }

    /// How many stand at it.
    pub fn waiting(&self) -> usize {
        let state = *self.0.state.borrow();
        state.arrived - state.passed
    }

    /// A guard that opens this when it is dropped: tells a test that what holds it is gone.
    pub fn on_drop(&self) -> impl Drop + Send + Sync + 'static + use<> {
        OpenOnDrop(self.clone())
    }
}

/// The place of one who waits; whoever is dropped there has not arrived.
struct Place<'a> {
    gate: &'a Gate,
    passed: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.passed {
            self.gate.0.state.send_modify(|state| state.arrived -= 1);
        }
    }
}

struct OpenOnDrop(Gate);

impl Drop for OpenOnDrop {
    fn drop(&mut self) {
        self.0.open();
    }
}

impl PartialEq for Gate {
    /// Whether they are the same gate.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Gate {}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State { open, passed, .. } = *self.0.state.borrow();
        let stands = if open { "open" } else { "closed" };
        write!(f, "Gate({:?}, {stands}, {} waiting, {passed} passed)", self.0.name, self.waiting())
    }
}
