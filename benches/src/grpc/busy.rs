//! `grpc_busy`: handlers that compute.

use super::contenders::contenders;
use crate::args::Settings;
use crate::cell::Cell;
use crate::load::Method;
use crate::measure::{Bench, Failure, Figures};
use crate::servers::{TONIC_CT, TONIC_MT};
use crate::targets::{Against, Bound, Target};
use crate::turn::{METRICS, serve_and_load};

pub(crate) static BUSY: Bench = Bench {
    name: "grpc_busy",
    about: "100 B whose handler burns CPU; with heavy_us, every second call burns that, and latencies are the light ones'",
    metrics: &METRICS,
    cells,
    contenders: contenders!(turn),
    targets: &[
        Target {
            says: "calls/s of 50 us on one connection, of tonic-mt's",
            metric: "calls",
            against: Against::Peers(&[TONIC_MT.name]),
            bound: Bound::AtLeast(0.95),
            applies: |cell| cell.get("connections") == 1 && cell.get("burn_us") == 50,
        },
        Target {
            says: "calls/s, of the better of tonic's two",
            metric: "calls",
            against: Against::Peers(&[TONIC_MT.name, TONIC_CT.name]),
            bound: Bound::AtLeast(0.95),
            applies: |_| true,
        },
        Target {
            says: "p99 of light calls beside heavy ones, of tonic-mt's",
            metric: "p99",
            against: Against::Peers(&[TONIC_MT.name]),
            bound: Bound::AtMost(1.0),
            applies: |cell| cell.get("heavy_us") > 0,
        },
    ],
};

fn cells(quick: bool) -> Vec<Cell> {
    let cell = |burn, heavy, connections| {
        Cell::new(&[
            ("payload", 100),
            ("burn_us", burn),
            ("heavy_us", heavy),
            ("connections", connections),
            ("in_flight", 16),
        ])
    };
    if quick {
        return vec![cell(5, 0, 8), cell(0, 200, 8)];
    }
    let mut cells = Vec::new();
    for burn in [0, 5, 20, 50] {
        cells.extend([1, 8, 64].map(|connections| cell(burn, 0, connections)));
    }
    cells.extend([1, 8].map(|connections| cell(0, 200, connections)));
    cells
}

fn turn(server: &str, cell: &Cell, settings: &Settings) -> Result<Figures, Failure> {
    serve_and_load(server, Method::Burn(cell.get("burn_us") as u32), cell, settings)
}
