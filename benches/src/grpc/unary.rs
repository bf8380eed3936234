//! `grpc_unary`: an echo of few and of many bytes.

use super::cells::Cell;
use super::measure::{MeasureError, Metric, measure};
use super::targets::{Bound, Target, print};
use crate::args::Settings;
use crate::figures::Row;
use crate::load::Method;
use crate::servers::{BARE, BARE_SERVICE, MAJORDOMO, TONIC_CT, TONIC_MT};

const TARGETS: [Target; 4] = [
    Target {
        says: "calls/s, of tonic-mt's, at 8 connections or more",
        metric: Metric::Calls,
        peers: &[TONIC_MT.name],
        bound: Bound::AtLeast(1.5),
        applies: |cell| cell.connections >= 8,
    },
    Target {
        says: "p99, of tonic-mt's, at 8 connections or more",
        metric: Metric::P99,
        peers: &[TONIC_MT.name],
        bound: Bound::AtMost(1.0),
        applies: |cell| cell.connections >= 8,
    },
    Target {
        says: "CPU a call, of tonic-mt's, at 8 connections or more",
        metric: Metric::Cpu,
        peers: &[TONIC_MT.name],
        bound: Bound::AtMost(0.7),
        applies: |cell| cell.connections >= 8,
    },
    Target {
        says: "calls/s, of the bare loop's",
        metric: Metric::Calls,
        peers: &[BARE.name],
        bound: Bound::AtLeast(0.95),
        applies: |_| true,
    },
];

/// Measures and prints it.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Row>, MeasureError> {
    let mut cells = Vec::new();
    for payload in [100, 10 * 1024] {
        for (connections, in_flight) in [(1, 1), (1, 100), (8, 1), (8, 100), (16, 16), (64, 1), (64, 100)] {
            cells.push(Cell { method: Method::Echo, payload, connections, in_flight });
        }
    }
    let contenders = [&MAJORDOMO, &TONIC_MT, &TONIC_CT, &BARE, &BARE_SERVICE];
    let (measured, rows) = measure("grpc_unary", cells, &contenders, settings)?;
    print(&measured, &TARGETS);
    Ok(rows)
}
