//! `lifecycle` and `memory`: services with one resource each, from nothing to running and to the end.

use std::io;
use std::time::{Duration, Instant};

use super::{contender, graceful, kameo, majordomo, plain, ractor, tasks};
use crate::cell::Cell;
use crate::measure::{Bench, Contender, Failure, Figures, Metric};
use crate::targets::{Against, Bound, MAJORDOMO, Target};

pub(crate) static LIFECYCLE: Bench = Bench {
    name: "lifecycle",
    about: "services with one resource each: until all run, from the shutdown to the end, both for each service",
    metrics: &[
        Metric { name: "cost", unit: "us a service" },
        Metric { name: "start", unit: "ms" },
        Metric { name: "stop", unit: "ms" },
    ],
    cells: |quick| sizes(if quick { &[10, 1000] } else { &[10, 100, 1000, 10_000, 100_000] }),
    contenders: &TIMED,
    targets: &[
        Target {
            says: "cost at 10,000, of every peer's but plain actix'",
            metric: "cost",
            against: Against::Peers(&["tasks", "graceful", "ractor", "kameo"]),
            bound: Bound::AtMost(1.0),
            applies: |cell| cell.get("services") == 10_000,
        },
        Target {
            says: "cost, of plain actix'",
            metric: "cost",
            against: Against::Peers(&["actix"]),
            bound: Bound::AtMost(2.0),
            applies: |_| true,
        },
        Target {
            says: "cost at 100,000, of that at 1,000",
            metric: "cost",
            against: Against::Cell(|cell| cell.get("services") == 1000),
            bound: Bound::AtMost(1.3),
            applies: |cell| cell.get("services") == 100_000,
        },
    ],
};

pub(crate) static MEMORY: Bench = Bench {
    name: "memory",
    about: "resident memory of a service with one resource, while all run",
    metrics: &[Metric { name: "resident", unit: "bytes a service" }],
    cells: |quick| sizes(if quick { &[1000] } else { &[10_000] }),
    contenders: &WEIGHED,
    targets: &[
        Target {
            says: "bytes a service, of every supervisor's",
            metric: "resident",
            against: Against::Peers(&["graceful", "ractor", "kameo"]),
            bound: Bound::AtMost(1.0),
            applies: |_| true,
        },
        Target {
            says: "bytes a service",
            metric: "resident",
            against: Against::Itself,
            bound: Bound::AtMost(4096.0),
            applies: |_| true,
        },
    ],
};

fn sizes(sizes: &[u64]) -> Vec<Cell> {
    sizes.iter().map(|&services| Cell::new(&[("services", services)])).collect()
}

macro_rules! contenders {
    ($figures:path) => {
        [
            contender!(MAJORDOMO, majordomo::SETTINGS, |cell| majordomo::lifecycle(cell).map($figures)),
            contender!("actix", plain::SETTINGS, |cell| plain::lifecycle(cell).map($figures)),
            contender!("tasks", tasks::SETTINGS, |cell| tasks::lifecycle(cell).map($figures)),
            contender!("graceful", graceful::SETTINGS, |cell| graceful::lifecycle(cell).map($figures)),
            contender!("ractor", ractor::SETTINGS, |cell| ractor::lifecycle(cell).map($figures)),
            contender!("kameo", kameo::SETTINGS, |cell| kameo::lifecycle(cell).map($figures)),
        ]
    };
}

const TIMED: [Contender; 6] = contenders!(Life::times);
const WEIGHED: [Contender; 6] = contenders!(Life::weight);

/// What a life of many services took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    services: usize,
    start: Duration,
    stop: Duration,
    bytes: u64,
}

impl Life {
    fn times(self) -> Figures {
        let cost = (self.start + self.stop).as_secs_f64() * 1e6 / self.services as f64;
        vec![cost, self.start.as_secs_f64() * 1e3, self.stop.as_secs_f64() * 1e3]
    }

    fn weight(self) -> Figures {
        vec![self.bytes as f64 / self.services as f64]
    }
}

/// Measures a life.
pub(super) struct Stopwatch {
    began: Instant,
    resident: u64,
    start: Duration,
    bytes: u64,
}

impl Stopwatch {
    /// Nothing is there yet.
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self { resident: resident()?, began: Instant::now(), start: Duration::ZERO, bytes: 0 })
    }

    /// All run; now the shutdown begins.
    pub(super) fn running(&mut self) -> io::Result<()> {
        self.start = self.began.elapsed();
        self.bytes = resident()?.saturating_sub(self.resident);
        self.began = Instant::now();
        Ok(())
    }

    /// All is over.
    pub(super) fn over(self, services: usize) -> Result<Life, Failure> {
        Ok(Life { services, start: self.start, stop: self.began.elapsed(), bytes: self.bytes })
    }
}

/// Bytes of this process that are in memory, as Linux counts them.
fn resident() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    Ok(kib.ok_or(io::ErrorKind::InvalidData)? * 1024)
}
