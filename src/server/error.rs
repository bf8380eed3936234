//! Why an engine cannot serve.

use std::io;
use std::time::Duration;

/// Why an address cannot be listened at. The application says it in words.
#[derive(Debug)]
pub(crate) enum ListenError {
    /// Another process listens there, and did not stop while it made sense to wait.
    InUse { address: String, waited: Duration, asked: bool, source: io::Error },
    /// The address cannot be had.
    Bind { address: String, source: io::Error },
    /// The address is of no use, for a reason that lies outside of the program.
    Unusable { address: String, reason: String, mend: &'static str },
    /// The address was had, but is not any more.
    Listen { address: String, source: io::Error },
}

/// The thread that accepts connections ended before its time.
#[derive(Debug)]
pub(crate) struct Lost;
