//! What a server tells whoever looks after it.

use std::sync::Arc;

use crate::base::GrpcAddress;
use crate::server::worker::stuck::WorkerStall;

/// What a server tells.
#[derive(Debug)]
pub(crate) enum ServerNotice {
    /// It accepts connections there, in the order of its addresses.
    Serving(Vec<GrpcAddress>),
    /// A handler blocks a worker, or does not any more: of each worker one at a time, four times within the watchdog's limit at most.
    Stall(WorkerStall),
    /// So many streams were ended in order in its drain.
    StreamsEnded(usize),
}

/// Where that goes. Called on the server's thread and the acceptor's.
pub(crate) type OnNotice = Arc<dyn Fn(ServerNotice) + Send + Sync>;
