//! The steps of a hand-over, on both sides, as the plumbing comes to them. Tests stop or end a process at each.

#[cfg(feature = "testing")]
use std::sync::OnceLock;

/// A moment of a hand-over, in the process that it is called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandoverStep {
    /// The predecessor is about to start the program.
    Starting,
    /// The predecessor has started it.
    Started,
    /// The predecessor has been asked for its sockets.
    Asked,
    /// The predecessor has sent a socket.
    SocketSent,
    /// The predecessor has sent all.
    AllSent,
    /// The predecessor has heard that all run.
    ReadyHeard,
    /// The predecessor has said that the successor is in charge.
    InChargeSaid,
    /// The predecessor has said that it has let go of all.
    ReleasedSaid,
    /// The successor is about to ask for sockets.
    Asking,
    /// The successor has got a socket.
    SocketReceived,
    /// The successor has got all.
    AllReceived,
    /// The successor has said that all run.
    ReadySaid,
    /// The successor has heard that it is in charge.
    InChargeHeard,
    /// The successor has heard that the predecessor has let go of all.
    ReleasedHeard,
}

#[cfg(feature = "testing")]
impl HandoverStep {
    /// All of them: the predecessor's, then the successor's, each in their order.
    pub const ALL: [Self; 14] = [
        Self::Starting,
        Self::Started,
        Self::Asked,
        Self::SocketSent,
        Self::AllSent,
        Self::ReadyHeard,
        Self::InChargeSaid,
        Self::ReleasedSaid,
        Self::Asking,
        Self::SocketReceived,
        Self::AllReceived,
        Self::ReadySaid,
        Self::InChargeHeard,
        Self::ReleasedHeard,
    ];

    /// Whether it is a step of the successor.
    pub fn is_successor_s(self) -> bool {
        matches!(
            self,
            Self::Asking
                | Self::SocketReceived
                | Self::AllReceived
                | Self::ReadySaid
                | Self::InChargeHeard
                | Self::ReleasedHeard
        )
    }
}

#[cfg(feature = "testing")]
static HOOK: OnceLock<Box<dyn Fn(HandoverStep) + Send + Sync>> = OnceLock::new();

/// Calls this at each step of this process, on the thread that comes to it. The first one given counts.
#[cfg(feature = "testing")]
pub fn on_handover_step(hook: impl Fn(HandoverStep) + Send + Sync + 'static) {
    let _ = HOOK.set(Box::new(hook));
}

/// The process has come to a step.
pub(super) fn reached(step: HandoverStep) {
    #[cfg(feature = "testing")]
    if let Some(hook) = HOOK.get() {
        hook(step);
    }
    #[cfg(not(feature = "testing"))]
    let _ = step;
}
