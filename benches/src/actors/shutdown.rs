//! `shutdown` and `shutdown_exit`: how late an end is that some hold back, and how soon one that none does.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{contender, graceful, majordomo};
use crate::args::Settings;
use crate::cell::Cell;
use crate::measure::{Bench, Contender, Failure, Figures, Metric, Turn, can};
use crate::targets::{Against, Bound, MAJORDOMO, Target};

/// How long a shutdown may take.
pub(super) const LIMIT: Duration = Duration::from_millis(200);

/// Shutdowns in one turn; the latest of them is told, which is more than their 99th percentile.
const TIMES: usize = 10;

/// What holds the end back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) hanging: usize,
    pub(super) blocked: usize,
    pub(super) streams: usize,
}

impl Plan {
    pub(super) fn of(cell: &Cell) -> Self {
        let [hanging, blocked, streams] = ["hanging", "blocked", "streams"].map(|name| cell.count(name));
        Self { hanging, blocked, streams }
    }
}

pub(crate) static SHUTDOWN: Bench = Bench {
    name: "shutdown",
    about: "the latest of 10 ends past a deadline of 200 ms: services that hang, threads that block, open gRPC streams",
    metrics: &[Metric { name: "overshoot", unit: "ms" }],
    cells: |quick| {
        let cell = |hanging, blocked, streams| {
            Cell::new(&[("hanging", hanging), ("blocked", blocked), ("streams", streams)])
        };
        let (few, many) =
            (vec![cell(100, 0, 0)], [(1, 0, 0), (100, 0, 0), (1000, 0, 0), (0, 1, 0), (0, 0, 100)]);
        if quick {
            few
        } else {
            many.map(|(hanging, blocked, streams)| cell(hanging, blocked, streams)).to_vec()
        }
    },
    contenders: &[
        contender!(MAJORDOMO, majordomo::SETTINGS, |cell| latest(cell, majordomo::overshoot)),
        Contender {
            name: "graceful",
            settings: "subsystems on a multi-thread runtime, handle_shutdown_requests(200 ms)",
            turn: Turn::Apart(|cell| latest(cell, graceful::overshoot)),
            cannot: |cell| (cell.get("streams") > 0).then(|| "has no gRPC server".to_owned()),
        },
    ],
    targets: &[Target {
        says: "ms past the deadline",
        metric: "overshoot",
        against: Against::Itself,
        bound: Bound::AtMost(20.0),
        applies: |_| true,
    }],
};

fn latest(cell: &Cell, shut_down: fn(&Cell) -> Result<Duration, Failure>) -> Result<Figures, Failure> {
    let mut latest = 0.0_f64;
    for _ in 0..TIMES {
        let over = shut_down(cell)?.saturating_sub(LIMIT);
        latest = latest.max(over.as_secs_f64() * 1e3);
    }
    Ok(vec![latest])
}

pub(crate) static EXIT: Bench = Bench {
    name: "shutdown_exit",
    about: "from SIGTERM to the end of the process, nothing hangs",
    metrics: &[Metric { name: "exit", unit: "ms" }],
    cells: |_| [1, 100].map(|services| Cell::new(&[("services", services)])).to_vec(),
    contenders: &[
        Contender {
            name: MAJORDOMO,
            settings: majordomo::SETTINGS,
            turn: Turn::Here(exit_of_majordomo),
            cannot: can,
        },
        Contender {
            name: "graceful",
            settings: graceful::SETTINGS,
            turn: Turn::Here(exit_of_graceful),
            cannot: can,
        },
    ],
    targets: &[Target {
        says: "ms until the process is gone",
        metric: "exit",
        against: Against::Itself,
        bound: Bound::AtMost(5.0),
        applies: |_| true,
    }],
};

fn exit_of_majordomo(cell: &Cell, _: &Settings) -> Result<Figures, Failure> {
    time_exit(MAJORDOMO, cell)
}

fn exit_of_graceful(cell: &Cell, _: &Settings) -> Result<Figures, Failure> {
    time_exit("graceful", cell)
}

/// Starts a process that says when it runs, and asks it to end.
fn time_exit(contender: &str, cell: &Cell) -> Result<Figures, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["until-signal", contender, &serde_json::to_string(cell)?]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("it has no output")?).read_line(&mut line)?;
    let process = Pid::from_child(&child);
    let began = Instant::now();
    kill_process(process, Signal::TERM)?;
    let status = child.wait()?;
    let took = began.elapsed();
    if line.trim() != "running" || !status.success() {
        return Err(format!("{contender} said {line:?} and ended with {status}").into());
    }
    Ok(vec![took.as_secs_f64() * 1e3])
}

/// The process that is asked to end.
pub(crate) fn until_signal(contender: &str, cell: &Cell) -> Result<(), Failure> {
    let running = || {
        let mut out = std::io::stdout().lock();
        // Whoever started this may be gone; the signal ends it all the same.
        let _ = writeln!(out, "running").and_then(|()| out.flush());
    };
    match contender {
        MAJORDOMO => majordomo::until_a_signal(cell, running),
        "graceful" => graceful::until_a_signal(cell, running),
        other => Err(format!("there is no {other:?} here").into()),
    }
}
