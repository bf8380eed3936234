//! `restart`: from a panic to the next answer.

use std::time::Instant;

use super::{contender, erlang, kameo, majordomo, ractor};
use crate::cell::Cell;
use crate::measure::{Bench, Contender, Failure, Figures, Metric, Turn};
use crate::targets::{Against, Bound, MAJORDOMO, Target};

pub(super) const CRASHES: usize = 1000;

pub(crate) static RESTART: Bench = Bench {
    name: "restart",
    about: "from a message that panics to the answer of the next, without backoff, so many idle neighbours",
    metrics: &[Metric { name: "p50", unit: "us" }, Metric { name: "p99", unit: "us" }],
    cells: |_| [1, 1000].map(|neighbours| Cell::new(&[("neighbours", neighbours)])).to_vec(),
    contenders: &[
        contender!(MAJORDOMO, majordomo::SETTINGS, majordomo::restarts),
        contender!(
            "ractor",
            "a supervisor that starts the failed one anew and tells the new one's address",
            ractor::restarts
        ),
        contender!("kameo", "supervised, transient, no limit of restarts", kameo::restarts),
        Contender {
            name: "erlang",
            settings: "a process under a one_for_one supervisor, found by its registered name; logger off",
            turn: Turn::Here(erlang::restarts),
            cannot: erlang::without_erlang,
        },
    ],
    targets: &[Target {
        says: "p50, of every peer's",
        metric: "p50",
        against: Against::Peers(&["ractor", "kameo", "erlang"]),
        bound: Bound::AtMost(1.0),
        applies: |_| true,
    }],
};

/// Lets it crash and answer again, many times.
pub(super) async fn time_restarts(mut restart: impl AsyncFnMut()) -> Result<Figures, Failure> {
    let mut times = Vec::with_capacity(CRASHES);
    for _ in 0..CRASHES {
        let began = Instant::now();
        restart().await;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok(vec![times[CRASHES / 2], times[CRASHES * 99 / 100]])
}
