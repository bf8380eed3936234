//! The gates that a script passes.

use super::gate::Gate;

/// The gates of a scripted service, by what it does once it has passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceGates {
    /// Before it does what its script says on `Setup`; its resources have been started.
    pub setup: Option<Gate>,
    /// Before it does what its script says on `Run`.
    pub run: Option<Gate>,
    /// Before it does what its script says on `Shutdown`.
    pub shutdown: Option<Gate>,
}

/// The gates of a scripted resource, by what it does once it has passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceGates {
    /// Before it does what its script says on `Release`.
    pub release: Option<Gate>,
    /// Before it panics by itself.
    pub death: Option<Gate>,
}
