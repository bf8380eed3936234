//! A server's turn: a new process that serves, another that loads it.

use crate::args::Settings;
use crate::cell::Cell;
use crate::child::{ServerProcess, load};
use crate::load::{LoadSpec, Method};
use crate::measure::{Failure, Figures, Metric};

/// What is measured of each run, in the order of what [`serve_and_load`] gives.
pub(crate) const METRICS: [Metric; 5] = [
    Metric { name: "calls", unit: "1/s" },
    Metric { name: "p50", unit: "us" },
    Metric { name: "p99", unit: "us" },
    Metric { name: "cpu_per_call", unit: "us" },
    Metric { name: "load", unit: "% of a core" },
];

/// Measures one method of one server.
pub(crate) fn serve_and_load(
    server: &str,
    method: Method,
    cell: &Cell,
    settings: &Settings,
) -> Result<Figures, Failure> {
    let server = ServerProcess::start(server)?;
    let run = load(&LoadSpec {
        address: server.address,
        server: server.id(),
        method,
        payload: cell.count("payload"),
        connections: cell.count("connections"),
        in_flight: cell.count("in_flight"),
        heavy_us: cell.get("heavy_us") as u32,
        warm_up_ms: settings.warm_up_ms,
        measured_ms: settings.measured_ms,
        calls: None,
    })?;
    Ok(vec![
        run.calls as f64 / run.seconds,
        run.p50_us,
        run.p99_us,
        run.server_cpu_s * 1e6 / run.calls as f64,
        100.0 * run.load_cpu_s / run.seconds,
    ])
}

/// One that takes part in a benchmark of servers: `$turn` is given what its server is called, the cell and the settings.
macro_rules! contender {
    ($server:path, $turn:path, $cannot:path) => {
        $crate::measure::Contender {
            name: $server.name,
            settings: $server.settings,
            turn: $crate::measure::Turn::Here(|cell, settings| $turn($server.called, cell, settings)),
            cannot: $cannot,
        }
    };
}

pub(crate) use contender;
