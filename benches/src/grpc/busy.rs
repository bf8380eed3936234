//! `grpc_busy`: handlers that compute.

use super::cells::Cell;
use super::measure::{MeasureError, Metric, measure};
use super::targets::{Bound, Target, print};
use crate::args::Settings;
use crate::figures::Row;
use crate::load::Method;
use crate::servers::{BARE, MAJORDOMO, TONIC_CT, TONIC_MT};

const TARGETS: [Target; 2] = [
    Target {
        says: "calls/s of 50 us on one connection, of tonic-mt's",
        metric: Metric::Calls,
        peers: &[TONIC_MT.name],
        bound: Bound::AtLeast(0.95),
        applies: |cell| cell.connections == 1 && cell.burn_us() == Some(50),
    },
    Target {
        says: "calls/s, of the better of tonic's two",
        metric: Metric::Calls,
        peers: &[TONIC_MT.name, TONIC_CT.name],
        bound: Bound::AtLeast(0.95),
        applies: |_| true,
    },
];

/// Measures and prints it.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Row>, MeasureError> {
    let mut cells = Vec::new();
    for micros in [0, 5, 20, 50] {
        for connections in [1, 8, 64] {
            cells.push(Cell { method: Method::Burn(micros), payload: 100, connections, in_flight: 16 });
        }
    }
    let (measured, rows) = measure("grpc_busy", cells, &[&MAJORDOMO, &TONIC_MT, &TONIC_CT, &BARE], settings)?;
    print(&measured, &TARGETS);
    Ok(rows)
}
