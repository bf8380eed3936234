//! Why an engine cannot serve.

use std::fmt;
use std::io;
use std::time::Duration;

/// Why an address cannot be listened at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// Another process listens there, and did not stop while it made sense to wait.
    #[error("{}", in_use(address, *waited, *asked))]
    InUse { address: String, waited: Duration, asked: bool, source: io::Error },
    /// The address cannot be had.
    #[error("{}", cannot_be_had(address, source))]
    Bind { address: String, source: io::Error },
    /// The address is of no use, for a reason that lies outside of the program.
    #[error("{}", unusable(address, reason, mend))]
    Unusable { address: String, reason: String, mend: &'static str },
    /// The address was had, but is not any more.
    #[error("{}", lost(address, source))]
    Listen { address: String, source: io::Error },
}

pub(crate) fn in_use(address: &str, waited: Duration, asked: bool) -> String {
    let asked = if asked { ", when shutdown was asked for" } else { "" };
    format!(
        "cannot listen on {address}: the address is in use, and still was after {waited:.1?}{asked}: stop whoever \
         listens there, or choose another address"
    )
}

pub(crate) fn cannot_be_had(address: &str, source: &dyn fmt::Display) -> String {
    format!(
        "cannot listen on {address}: {source}: choose an address of this machine that the process may use"
    )
}

pub(crate) fn unusable(address: &str, reason: &str, mend: &str) -> String {
    format!("cannot listen on {address}: {reason}: {mend}")
}

pub(crate) fn lost(address: &str, source: &dyn fmt::Display) -> String {
    format!("cannot listen on {address} any more ({source}): stop whoever took it between set-up and run")
}

/// The thread that accepts connections ended before its time.
#[derive(Debug)]
pub(crate) struct Lost;
