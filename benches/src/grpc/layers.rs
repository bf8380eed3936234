//! `layers`: what each of the crate's own layers costs a call, in instructions.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::cell::Cell;
use crate::child::instructions;
use crate::http::Route;
use crate::load::{LoadSpec, Method};
use crate::measure::{Bench, Contender, Failure, Figures, Metric, Turn};
use crate::servers::{HTTP_COUNTED, HTTP_METERED, Layers};
use crate::targets::{Against, Bound, MAJORDOMO, Target};

/// How many calls the shorter of two runs has; what they differ in is what is told, so that starting costs nothing.
const FEW: u64 = 1000;
const MANY: u64 = 9000;

pub(crate) static LAYERS: Bench = Bench {
    name: "layers",
    about: "instructions a unary call of 100 B, 4 connections x 16; log 1: a subscriber at info, 2: every call written; \
            http 1, 2: a GET of 13 B over that, HTTP/1.1 with one on its way; metrics 1: counted for Prometheus",
    metrics: &[Metric { name: "instructions", unit: "a call" }],
    cells,
    contenders: &[Contender {
        name: MAJORDOMO,
        settings: "the server process, with one thread that serves, under callgrind; ratios are to the cell without any layer",
        turn: Turn::Here(|cell, _| measure(cell)),
        cannot: without_valgrind,
    }],
    targets: &[
        target("a subscriber at info, of no logging", 1.02, |cell| is(cell, 1, 0, 0, 0)),
        target("every call written, of no logging", 1.30, |cell| is(cell, 2, 0, 0, 0)),
        target("the errors layer on success, of none", 1.02, |cell| is(cell, 0, 1, 0, 0)),
        target("all of it together, of none", 1.05, |cell| is(cell, 1, 1, 1, 0)),
        target("metrics, of none", 1.02, |cell| is(cell, 0, 0, 0, 1)),
        metered("metrics over HTTP/1.1, of none", |cell| http(cell, 1, 1), |cell| http(cell, 1, 0)),
        metered("metrics over HTTP/2, of none", |cell| http(cell, 2, 1), |cell| http(cell, 2, 0)),
    ],
};

const fn target(says: &'static str, most: f64, applies: fn(&Cell) -> bool) -> Target {
    let against = Against::Cell(|cell| is(cell, 0, 0, 0, 0));
    Target { says, metric: "instructions", against, bound: Bound::AtMost(most), applies }
}

const fn metered(says: &'static str, applies: fn(&Cell) -> bool, without: fn(&Cell) -> bool) -> Target {
    Target {
        says,
        metric: "instructions",
        against: Against::Cell(without),
        bound: Bound::AtMost(1.02),
        applies,
    }
}

fn http(cell: &Cell, version: u64, metrics: u64) -> bool {
    (cell.get("http"), cell.get("metrics")) == (version, metrics)
}

fn is(cell: &Cell, log: u64, errors: u64, not_found: u64, metrics: u64) -> bool {
    let of = |name| cell.get(name);
    let cell = (of("http"), of("log"), of("errors"), of("not_found"), of("metrics"));
    cell == (0, log, errors, not_found, metrics)
}

fn cells(quick: bool) -> Vec<Cell> {
    let layers: &[_] = if quick {
        &[(0, 0, 0, 0, 0), (0, 1, 1, 1, 1), (1, 1, 0, 0, 0)]
    } else {
        let grpc = [
            (0, 0, 0, 0, 0),
            (0, 1, 0, 0, 0),
            (0, 2, 0, 0, 0),
            (0, 0, 1, 0, 0),
            (0, 0, 1, 1, 0),
            (0, 1, 1, 1, 0),
            (0, 0, 0, 0, 1),
            (0, 1, 0, 0, 1),
        ];
        let http = [(1, 1, 0, 0, 0), (2, 1, 0, 0, 0), (1, 1, 0, 0, 1), (2, 1, 0, 0, 1)];
        &[&grpc[..], &http].concat()
    };
    let cell = |&(http, log, errors, not_found, metrics)| {
        let of = [("http", http), ("log", log), ("errors", errors), ("not_found", not_found)];
        Cell::new(&[&of[..], &[("metrics", metrics)]].concat())
    };
    layers.iter().map(cell).collect()
}

fn measure(cell: &Cell) -> Result<Figures, Failure> {
    let layers = Layers {
        log: cell.get("log"),
        errors: cell.get("errors") == 1,
        not_found: cell.get("not_found") == 1,
        metrics: cell.get("metrics") == 1,
    };
    let http_server = if layers.metrics { HTTP_METERED } else { HTTP_COUNTED };
    let (server, method, in_flight) = match cell.get("http") {
        0 => (layers.name(), Method::Echo, 16),
        1 => (http_server.to_owned(), Method::Http1(Route::Hello), 1),
        _ => (http_server.to_owned(), Method::Http2(Route::Hello), 16),
    };
    let run = |calls| {
        let load = |address: SocketAddr| LoadSpec {
            address,
            server: std::process::id(),
            method,
            payload: 100,
            connections: 4,
            in_flight,
            heavy_us: 0,
            warm_up_ms: 0,
            measured_ms: 0,
            calls: Some(calls),
        };
        instructions(&server, load)
    };
    Ok(vec![(run(MANY)? - run(FEW)?) / (MANY - FEW) as f64])
}

fn without_valgrind(_: &Cell) -> Option<String> {
    static WITHOUT: OnceLock<bool> = OnceLock::new();
    let without = WITHOUT.get_or_init(|| {
        let mut valgrind = Command::new("valgrind");
        !valgrind.arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    });
    without.then(|| "not measured: valgrind is not installed here".to_owned())
}
