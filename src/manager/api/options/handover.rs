//! Whether the manager hands over to a successor.

use super::ManagerOptions;
use crate::handover::Handover;

impl ManagerOptions {
    /// Offers hand-overs: at SIGUSR2, at [`StartHandover`](crate::StartHandover) and by the operations endpoint the program is started anew, gets
    /// every socket that listens in this process, and takes over once all of its services run. Then this process gives way and ends, with exit
    /// code 0. No connection attempt and no call is lost. If the successor fails, hangs or cannot be started, this process serves on.
    ///
    /// Where systemd says that it keeps sockets (`FileDescriptorStoreMax=`, `FDSTORE`) it is given all that listen: who connects after a crash is
    /// answered by the next start.
    ///
    /// One manager of a process offers this: the first to start. A [nested](crate::nested) manager hears of none. On Linux. Default: none is
    /// offered, and SIGUSR2 is left alone. What it means for operation: [upgrades](crate::guide::upgrades).
    pub fn handover(self, handover: Handover) -> Self {
        Self { handover: Some(handover), ..self }
    }
}
