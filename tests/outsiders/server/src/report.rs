//! The last line: how the manager ended, and whether anything was left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;

use majordomo::{ManagerError, ShutdownReport};
use serde::Serialize;

use crate::calls::{Account, Accounts};

/// The last line.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    event: &'static str,
    ok: bool,
    exit_code: i32,
    error: Option<String>,
    /// Where it served: gRPC first.
    addresses: Vec<SocketAddr>,
    /// Sockets of those addresses that the process has still open, though all is over.
    sockets_left: usize,
    /// Calls whose handlers still exist.
    calls_left: u64,
    calls: BTreeMap<String, Account>,
    report: ShutdownReport,
}

impl Report {
    pub(crate) fn new(
        error: Option<ManagerError>,
        report: Option<ShutdownReport>,
        accounts: &Accounts,
        addresses: Vec<SocketAddr>,
    ) -> Self {
        let calls = accounts.all();
        Self {
            event: "report",
            ok: error.is_none(),
            exit_code: error.as_ref().map_or(0, ManagerError::exit_code),
            error: error.map(|error| error.to_string()),
            sockets_left: sockets_at(&addresses.iter().map(SocketAddr::port).collect::<Vec<_>>()),
            addresses,
            calls_left: calls.values().map(Account::open).sum(),
            calls,
            report: report.unwrap_or_default(),
        }
    }
}

/// How many of this process's TCP sockets have one of those local ports, by what Linux tells in `/proc`.
fn sockets_at(ports: &[u16]) -> usize {
    let links = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let mut mine: BTreeSet<String> = links
        .filter_map(|entry| fs::read_link(entry.path()).ok()?.to_str().map(ToOwned::to_owned))
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    for line in table("unix").lines() {
        // The seventh column is the inode.
        line.split_whitespace().nth(6).map(|inode| mine.remove(inode));
    }
    // The tables of TCP are those of the machine. After many connections that were closed lately to read them is the most of an end's work.
    if mine.is_empty() {
        return 0;
    }
    let ports: Vec<String> = ports.iter().map(|port| format!(":{port:04X}")).collect();
    let at_one = |table: String| {
        let lines = table.lines().skip(1);
        lines
            .filter(|line| {
                // The second column is the local address, the tenth the inode.
                let mut columns = line.split_whitespace();
                let at_port =
                    columns.nth(1).is_some_and(|address| ports.iter().any(|port| address.ends_with(port)));
                at_port && columns.nth(7).is_some_and(|inode| mine.contains(inode))
            })
            .count()
    };
    at_one(table("tcp")) + at_one(table("tcp6"))
}

fn table(of: &str) -> String {
    fs::read_to_string(format!("/proc/self/net/{of}")).unwrap_or_default()
}
