//! Measures cells, in turns, and prints each as soon as it is known.

use super::cells::{Cell, PARAMS};
use crate::args::Settings;
use crate::child::{ChildError, ServerProcess, load};
use crate::figures::{Rounds, Row};
use crate::load::{Figures, LoadSpec};
use crate::servers::Contender;

/// Why a benchmark has no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeasureError {
    #[error("{bench}, {cell}, round {round}, {contender}: {source}")]
    Run { bench: &'static str, cell: String, round: usize, contender: &'static str, source: ChildError },
    #[error("{bench} has no cell of --only {only}: its parameters are {params}", params = PARAMS.join(", "))]
    NoCell { bench: &'static str, only: String },
    #[error("{bench} has none of the contenders asked for; it has {has}")]
    NoContender { bench: &'static str, has: String },
}

/// What is measured of each run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metric {
    Calls,
    P50,
    P99,
    Cpu,
}

impl Metric {
    pub(super) const ALL: [Self; 4] = [Self::Calls, Self::P50, Self::P99, Self::Cpu];

    fn name_and_unit(self) -> (&'static str, &'static str) {
        match self {
            Self::Calls => ("calls", "1/s"),
            Self::P50 => ("p50", "us"),
            Self::P99 => ("p99", "us"),
            Self::Cpu => ("cpu_per_call", "us"),
        }
    }

    fn of(self, figures: &Figures) -> f64 {
        match self {
            Self::Calls => figures.calls as f64 / figures.seconds,
            Self::P50 => figures.p50_us,
            Self::P99 => figures.p99_us,
            Self::Cpu => figures.server_cpu_s * 1e6 / figures.calls as f64,
        }
    }
}

/// A cell with its runs, a contender after the other in the order in which they were named.
pub(super) struct Measured {
    pub(super) cell: Cell,
    runs: Vec<(&'static Contender, Vec<Figures>)>,
}

impl Measured {
    /// A metric of a contender, if that took part.
    pub(super) fn rounds(&self, contender: &str, metric: Metric) -> Option<Rounds> {
        let (_, runs) = self.runs.iter().find(|(own, _)| own.name == contender)?;
        Some(Rounds(runs.iter().map(|figures| metric.of(figures)).collect()))
    }

    /// The median of the rounds' ratios of one contender to another.
    pub(super) fn ratio(&self, own: &str, theirs: &str, metric: Metric) -> Option<f64> {
        Some(self.rounds(own, metric)?.over(&self.rounds(theirs, metric)?).median())
    }

    fn rows(&self, bench: &'static str) -> Vec<Row> {
        let mut rows = Vec::new();
        for (contender, runs) in &self.runs {
            for metric in Metric::ALL {
                let (name, unit) = metric.name_and_unit();
                let first = self.runs[0].0.name;
                let Some(rounds) = self.rounds(contender.name, metric) else { continue };
                rows.push(Row {
                    bench,
                    contender: contender.name,
                    params: self.cell.params(),
                    metric: name,
                    unit,
                    median: rounds.median(),
                    min: rounds.min(),
                    max: rounds.max(),
                    runs: runs.len(),
                    ratio_to_first: self.ratio(contender.name, first, metric).unwrap_or(f64::NAN),
                });
            }
        }
        rows
    }

    fn print(&self) {
        println!("\n{}", self.cell);
        println!(
            "  {:<14}{:>10} {:>19} {:>7} {:>10} {:>10} {:>9} {:>7} {:>7}",
            "", "calls/s", "min .. max", "ratio", "p50 us", "p99 us", "CPU us", "ratio", "load %"
        );
        let first = self.runs[0].0.name;
        for (contender, runs) in &self.runs {
            let rounds = |metric| self.rounds(contender.name, metric).unwrap_or_default();
            let ratio = |metric| self.ratio(contender.name, first, metric).unwrap_or(f64::NAN);
            let calls = rounds(Metric::Calls);
            let load = Rounds(runs.iter().map(|run| 100.0 * run.load_cpu_s / run.seconds).collect());
            println!(
                "  {:<14}{:>10.0} {:>19} {:>7.2} {:>10.0} {:>10.0} {:>9.2} {:>7.2} {:>7.0}",
                contender.name,
                calls.median(),
                format!("{:.0} .. {:.0}", calls.min(), calls.max()),
                ratio(Metric::Calls),
                rounds(Metric::P50).median(),
                rounds(Metric::P99).median(),
                rounds(Metric::Cpu).median(),
                ratio(Metric::Cpu),
                load.median(),
            );
        }
    }
}

/// Measures those of the cells that are asked for.
pub(super) fn measure(
    bench: &'static str,
    cells: Vec<Cell>,
    contenders: &[&'static Contender],
    settings: &Settings,
) -> Result<(Vec<Measured>, Vec<Row>), MeasureError> {
    let cells: Vec<_> = cells.into_iter().filter(|cell| cell.is_among(&settings.only)).collect();
    if cells.is_empty() {
        let only = settings.only.iter().map(|(name, value)| format!("{name}={value}"));
        return Err(MeasureError::NoCell { bench, only: only.collect::<Vec<_>>().join(" ") });
    }
    let asked =
        |name: &str| settings.contenders.is_empty() || settings.contenders.iter().any(|own| own == name);
    let taking_part: Vec<_> = contenders.iter().copied().filter(|contender| asked(contender.name)).collect();
    if taking_part.is_empty() {
        let has = contenders.iter().map(|contender| contender.name).collect::<Vec<_>>().join(", ");
        return Err(MeasureError::NoContender { bench, has });
    }
    println!(
        "\n{bench}: {} rounds of {} ms; ratios to {}",
        settings.rounds, settings.measured_ms, taking_part[0].name
    );
    for contender in &taking_part {
        println!("  {:<14}{}", contender.name, contender.settings);
    }
    let (mut all, mut rows) = (Vec::new(), Vec::new());
    for cell in cells {
        let mut runs: Vec<_> = taking_part.iter().map(|&contender| (contender, Vec::new())).collect();
        for round in 1..=settings.rounds {
            for (contender, figures) in &mut runs {
                let (contender, cell_name) = (contender.name, cell.to_string());
                figures.push(run(cell, contender, settings).map_err(|source| MeasureError::Run {
                    bench,
                    cell: cell_name,
                    round,
                    contender,
                    source,
                })?);
            }
        }
        let measured = Measured { cell, runs };
        measured.print();
        rows.extend(measured.rows(bench));
        all.push(measured);
    }
    Ok((all, rows))
}

fn run(cell: Cell, contender: &str, settings: &Settings) -> Result<Figures, ChildError> {
    let server = ServerProcess::start(contender)?;
    load(&LoadSpec {
        address: server.address,
        server: server.id(),
        method: cell.method,
        payload: cell.payload,
        connections: cell.connections,
        in_flight: cell.in_flight,
        warm_up_ms: settings.warm_up_ms,
        measured_ms: settings.measured_ms,
    })
}
