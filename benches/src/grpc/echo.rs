//! `grpc_unary` and `grpc_stream`: an echo of few and of many bytes.

use super::contenders::contenders;
use crate::args::Settings;
use crate::cell::Cell;
use crate::load::Method;
use crate::measure::{Bench, Failure, Figures};
use crate::servers::{BARE, TONIC_MT};
use crate::targets::{Against, Bound, Target};
use crate::turn::{METRICS, serve_and_load};

const TARGETS: &[Target] = &[
    Target {
        says: "calls/s, of tonic-mt's, at 8 connections or more",
        metric: "calls",
        against: Against::Peers(&[TONIC_MT.name]),
        bound: Bound::AtLeast(1.5),
        applies: |cell| cell.get("connections") >= 8,
    },
    Target {
        says: "p99, of tonic-mt's, at 8 connections or more",
        metric: "p99",
        against: Against::Peers(&[TONIC_MT.name]),
        bound: Bound::AtMost(1.0),
        applies: |cell| cell.get("connections") >= 8,
    },
    Target {
        says: "CPU a call, of tonic-mt's, at 8 connections or more",
        metric: "cpu_per_call",
        against: Against::Peers(&[TONIC_MT.name]),
        bound: Bound::AtMost(0.7),
        applies: |cell| cell.get("connections") >= 8,
    },
    Target {
        says: "calls/s, of the bare loop's",
        metric: "calls",
        against: Against::Peers(&[BARE.name]),
        bound: Bound::AtLeast(0.95),
        applies: |_| true,
    },
];

pub(crate) static UNARY: Bench = Bench {
    name: "grpc_unary",
    about: "unary echo; in_flight is the calls of a connection",
    metrics: &METRICS,
    cells: |quick| cells(quick, &[(1, 1), (1, 100), (8, 1), (8, 100), (16, 16), (64, 1), (64, 100)]),
    contenders: contenders!(unary),
    targets: TARGETS,
};

pub(crate) static STREAM: Bench = Bench {
    name: "grpc_stream",
    about: "echo on streams that stay open, one message in flight on each; in_flight is the streams of a connection, \
            a call is a message there and back",
    metrics: &METRICS,
    cells: |quick| cells(quick, &[(1, 1), (1, 100), (8, 1), (8, 100), (64, 1), (64, 100)]),
    contenders: contenders!(stream),
    targets: TARGETS,
};

fn cells(quick: bool, loads: &[(u64, u64)]) -> Vec<Cell> {
    let cell = |payload, (connections, in_flight)| {
        Cell::new(&[("payload", payload), ("connections", connections), ("in_flight", in_flight)])
    };
    if quick {
        return vec![cell(100, (8, 16)), cell(10 * 1024, (8, 16))];
    }
    [100, 10 * 1024].iter().flat_map(|&payload| loads.iter().map(move |&load| cell(payload, load))).collect()
}

fn unary(server: &str, cell: &Cell, settings: &Settings) -> Result<Figures, Failure> {
    serve_and_load(server, Method::Echo, cell, settings)
}

fn stream(server: &str, cell: &Cell, settings: &Settings) -> Result<Figures, Failure> {
    serve_and_load(server, Method::EchoStream, cell, settings)
}
