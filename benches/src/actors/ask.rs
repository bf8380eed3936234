//! `ask` and `tell`: one actor, one who sends.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use tokio::task::LocalSet;

use super::{channel, contender, kameo, majordomo, one_thread, plain, ractor};
use crate::cell::Cell;
use crate::measure::{Bench, Contender, Failure, Figures, Metric};
use crate::targets::{Against, Bound, MAJORDOMO, Target};

/// On one thread; across two each takes a hundred times as long.
const ASKS: u32 = 200_000;
const ASKS_ACROSS: u32 = 20_000;
const WARM_UP: u32 = 20_000;
const TELLS: u32 = 2_000_000;

pub(crate) static ASK: Bench = Bench {
    name: "ask",
    about: "request and answer, one after the other; threads 1: both on one thread, 2: on two",
    metrics: &[Metric { name: "time", unit: "ns" }],
    cells: |_| vec![Cell::new(&[("threads", 1)]), Cell::new(&[("threads", 2)])],
    contenders: &ASKED,
    targets: &[Target {
        says: "time on the same thread, of plain actix",
        metric: "time",
        against: Against::Peers(&["actix"]),
        bound: Bound::AtMost(1.1),
        applies: |cell| cell.get("threads") == 1,
    }],
};

const ASKED: [Contender; 5] = [
    contender!(MAJORDOMO, majordomo::SETTINGS, |cell| majordomo::with_driver(cell, majordomo::asks)),
    contender!("actix", plain::SETTINGS, plain::asks),
    contender!("ractor", ON_ONE_OR_TWO, |cell| tokio_pair(cell, ractor::spawn, ractor::asks)),
    contender!("kameo", ON_ONE_OR_TWO, |cell| tokio_pair(cell, kameo::spawn_target, kameo::asks)),
    contender!("channel", ON_ONE_OR_TWO, |cell| tokio_pair(cell, channel::spawn, channel::asks)),
];

const ON_ONE_OR_TWO: &str = "a current-thread runtime, or two, so that it is known who is on which thread";

pub(crate) static TELL: Bench = Bench {
    name: "tell",
    about: "messages without answer into one actor, until all are handled; threads as for ask",
    metrics: &[Metric { name: "messages", unit: "1/s" }],
    cells: |_| vec![Cell::new(&[("threads", 1)]), Cell::new(&[("threads", 2)])],
    contenders: &TOLD,
    targets: &[Target {
        says: "messages/s, of plain actix",
        metric: "messages",
        against: Against::Peers(&["actix"]),
        bound: Bound::AtLeast(0.9),
        applies: |_| true,
    }],
};

const TOLD: [Contender; 5] = [
    contender!(MAJORDOMO, majordomo::SETTINGS, |cell| majordomo::with_driver(cell, majordomo::tells)),
    contender!("actix", plain::SETTINGS, plain::tells),
    contender!("ractor", ON_ONE_OR_TWO, |cell| tokio_pair(cell, ractor::spawn, ractor::tells)),
    contender!("kameo", "unbounded mailbox; else as above", |cell| {
        tokio_pair(cell, kameo::spawn_target, kameo::tells)
    }),
    contender!("channel", ON_ONE_OR_TWO, |cell| tokio_pair(cell, channel::spawn, channel::tells)),
];

/// Asks one after the other.
pub(super) async fn time_asks(asks: u32, ask: impl AsyncFn()) -> Figures {
    for _ in 0..asks / 10 {
        ask().await;
    }
    let began = Instant::now();
    for _ in 0..asks {
        ask().await;
    }
    vec![began.elapsed().as_nanos() as f64 / f64::from(asks)]
}

/// Tells so many at a time, and waits until they are handled.
pub(super) async fn time_tells(batch: u32, tell: impl Fn(), handled: impl AsyncFn()) -> Figures {
    let round = async || {
        for _ in 0..batch {
            tell();
        }
        handled().await;
    };
    for _ in 0..(WARM_UP / batch).max(1) {
        round().await;
    }
    let began = Instant::now();
    for _ in 0..TELLS / batch {
        round().await;
    }
    vec![f64::from(TELLS) / began.elapsed().as_secs_f64()]
}

/// How many of one or the other are sent in a turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    pub(super) asks: u32,
    /// Tells between two waits: few on one thread, where nobody handles any meanwhile; many across.
    pub(super) batch: u32,
}

impl Amount {
    pub(super) fn of(cell: &Cell) -> Self {
        match cell.get("threads") {
            1 => Self { asks: ASKS, batch: 1000 },
            _ => Self { asks: ASKS_ACROSS, batch: 100_000 },
        }
    }
}

/// Starts the target on a current-thread runtime, and drives it from the same or from another.
fn tokio_pair<T: Send + 'static>(
    cell: &Cell,
    start: impl AsyncFnOnce() -> T + Send + 'static,
    drive: impl AsyncFnOnce(Amount, T) -> Figures,
) -> Result<Figures, Failure> {
    let own = one_thread()?;
    let amount = Amount::of(cell);
    if cell.get("threads") == 1 {
        let local = LocalSet::new();
        return Ok(local.block_on(&own, async { drive(amount, start().await).await }));
    }
    let (give, given) = mpsc::channel();
    let other = one_thread()?;
    thread::spawn(move || {
        let local = LocalSet::new();
        local.block_on(&other, async {
            // Whoever asked for it is gone, if nobody takes it.
            let _ = give.send(start().await);
            std::future::pending::<()>().await;
        });
    });
    let target = given.recv()?;
    Ok(own.block_on(drive(amount, target)))
}
