//! `http`: HTTP servers side by side, over HTTP/1.1 and HTTP/2.

mod routes;

pub(crate) use routes::{Route, hello, json, large};

use crate::args::Settings;
use crate::cell::Cell;
use crate::load::Method;
use crate::measure::{Bench, Failure, Figures};
use crate::servers::{HTTP_ACTIX_WEB, HTTP_AXUM, HTTP_BARE, HTTP_MAJORDOMO};
use crate::targets::{Against, Bound, Target};
use crate::turn::{METRICS, contender, serve_and_load};

pub(crate) static HTTP: Bench = Bench {
    name: "http",
    about: "GET of 13 B of text, of 1 KB of JSON, of 10 KiB; in_flight is the requests of a connection, over HTTP/1.1 pipelined",
    metrics: &METRICS,
    cells,
    contenders: &[
        contender!(HTTP_MAJORDOMO, turn, crate::measure::can),
        contender!(HTTP_AXUM, turn, crate::measure::can),
        contender!(HTTP_ACTIX_WEB, turn, crate::measure::can),
        contender!(HTTP_BARE, turn, crate::measure::can),
    ],
    targets: &[
        target("requests/s over HTTP/2, of axum's", &[HTTP_AXUM.name], 1.3, is_http2),
        target(
            "requests/s over HTTP/1.1 at 8 connections or more, of axum's",
            &[HTTP_AXUM.name],
            1.1,
            |cell| !is_http2(cell) && cell.get("connections") >= 8,
        ),
        target("requests/s, of the bare loop's", &[HTTP_BARE.name], 0.95, |_| true),
        target("requests/s, of actix-web's", &[HTTP_ACTIX_WEB.name], 0.9, |_| true),
    ],
};

const fn target(
    says: &'static str,
    peers: &'static [&'static str],
    least: f64,
    applies: fn(&Cell) -> bool,
) -> Target {
    Target { says, metric: "calls", against: Against::Peers(peers), bound: Bound::AtLeast(least), applies }
}

fn is_http2(cell: &Cell) -> bool {
    cell.get("http") == 2
}

fn cells(quick: bool) -> Vec<Cell> {
    let cell = |http, route: Route, connections, in_flight| {
        let payload = route.body().len() as u64;
        Cell::new(&[
            ("http", http),
            ("payload", payload),
            ("connections", connections),
            ("in_flight", in_flight),
        ])
    };
    if quick {
        return vec![cell(1, Route::Json, 8, 1), cell(1, Route::Hello, 8, 16), cell(2, Route::Large, 8, 16)];
    }
    let loads = [(1, 1, 1), (1, 8, 1), (1, 64, 1), (1, 8, 16), (2, 8, 100)];
    let of = |route| loads.map(|(http, connections, in_flight)| cell(http, route, connections, in_flight));
    Route::ALL.into_iter().flat_map(of).collect()
}

fn turn(server: &str, cell: &Cell, settings: &Settings) -> Result<Figures, Failure> {
    let route = Route::ALL.into_iter().find(|route| route.body().len() == cell.count("payload"));
    let route = route.ok_or("no route answers so many bytes")?;
    let method = if is_http2(cell) { Method::Http2(route) } else { Method::Http1(route) };
    serve_and_load(server, method, cell, settings)
}
