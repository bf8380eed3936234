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
    /// It gave way, and nothing is left of what it served. Told once for each time that it was asked to, unless it resumed before.
    GaveWay,
}

/// Where that goes. Called on the server's thread, on the acceptor's, and on that of whoever has it give way.
pub(crate) type OnNotice = Arc<dyn Fn(ServerNotice) + Send + Sync>;
