//! Measures cells, in turns, and prints each as soon as it is known.

use crate::args::Settings;
use crate::cell::Cell;
use crate::child::{self, ChildError};
use crate::figures::{Rounds, Row};
use crate::targets::Target;

/// A benchmark: what is varied, who takes part, and what is to be reached.
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    /// What is done, for the table.
    pub(crate) about: &'static str,
    pub(crate) metrics: &'static [Metric],
    /// The cells; few and small ones, where it is to be quick.
    pub(crate) cells: fn(quick: bool) -> Vec<Cell>,
    /// The first is what others are compared with.
    pub(crate) contenders: &'static [Contender],
    pub(crate) targets: &'static [Target],
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
}

/// One figure for each metric, in their order.
pub(crate) type Figures = Vec<f64>;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One that takes part.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// How it was set up, for the table.
    pub(crate) settings: &'static str,
    pub(crate) turn: Turn,
    /// Why it has no figures in a cell.
    pub(crate) cannot: fn(&Cell) -> Option<String>,
}

/// How a contender has its turn.
#[derive(Clone, Copy)]
pub(crate) enum Turn {
    /// In a process of its own.
    Apart(fn(&Cell) -> Result<Figures, Failure>),
    /// Starts the processes that it needs itself.
    Here(fn(&Cell, &Settings) -> Result<Figures, Failure>),
}

/// It takes part in every cell.
pub(crate) fn can(_: &Cell) -> Option<String> {
    None
}

/// Why a benchmark has no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeasureError {
    #[error("{bench}, {cell}, round {round}, {contender}: {source}")]
    Run { bench: &'static str, cell: Cell, round: usize, contender: &'static str, source: Failure },
    #[error("{bench} has no cell of --only {only}: its parameters are {params}")]
    NoCell { bench: &'static str, only: String, params: String },
    #[error("{bench} has none of the contenders asked for; it has {has}")]
    NoContender { bench: &'static str, has: String },
}

/// A cell with its runs.
pub(crate) struct Measured {
    pub(crate) cell: Cell,
    metrics: &'static [Metric],
    /// Of each contender, in the order in which they were named.
    runs: Vec<(&'static Contender, Vec<Figures>)>,
}

impl Measured {
    /// A metric of a contender, if that took part.
    pub(crate) fn rounds(&self, contender: &str, metric: &str) -> Option<Rounds> {
        let at = self.metrics.iter().position(|known| known.name == metric)?;
        let (_, runs) = self.runs.iter().find(|(own, runs)| own.name == contender && !runs.is_empty())?;
        Some(Rounds(runs.iter().map(|figures| figures[at]).collect()))
    }

    /// The median of the rounds' ratios of one contender to another.
    pub(crate) fn ratio(&self, own: &str, theirs: &str, metric: &str) -> Option<f64> {
        Some(self.rounds(own, metric)?.over(&self.rounds(theirs, metric)?).median())
    }

    fn rows(&self, bench: &'static str) -> Vec<Row> {
        let first = self.runs[0].0.name;
        let mut rows = Vec::new();
        for (contender, _) in &self.runs {
            for metric in self.metrics {
                let Some(rounds) = self.rounds(contender.name, metric.name) else { continue };
                rows.push(Row {
                    bench,
                    contender: contender.name,
                    params: self.cell.params(),
                    metric: metric.name,
                    unit: metric.unit,
                    median: rounds.median(),
                    min: rounds.min(),
                    max: rounds.max(),
                    runs: rounds.0.len(),
                    ratio_to_first: self
                        .ratio(contender.name, first, metric.name)
                        .filter(|ratio| ratio.is_finite()),
                });
            }
        }
        rows
    }

    fn print(&self) {
        print!("\n{}\n  {:<16}", self.cell, "");
        for metric in self.metrics {
            print!("{:>38}", format!("{}, {}", metric.name, metric.unit));
        }
        println!();
        let first = self.runs[0].0.name;
        for (contender, _) in &self.runs {
            print!("  {:<16}", contender.name);
            if let Some(why) = (contender.cannot)(&self.cell) {
                println!("  {why}");
                continue;
            }
            for metric in self.metrics {
                let rounds = self.rounds(contender.name, metric.name).unwrap_or_default();
                let ratio = self.ratio(contender.name, first, metric.name).filter(|ratio| ratio.is_finite());
                let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}x"));
                let spread = format!("{}..{}", short(rounds.min()), short(rounds.max()));
                print!("{:>10} {spread:>18} {ratio:>8}", short(rounds.median()));
            }
            println!();
        }
    }
}

/// To three digits or more.
fn short(figure: f64) -> String {
    match figure.abs() {
        large if large >= 100.0 => format!("{figure:.0}"),
        middle if middle >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.3}"),
    }
}

impl Bench {
    /// Measures those of the cells that are asked for, prints them and what was to be reached.
    pub(crate) fn measure(&self, settings: &Settings) -> Result<Vec<Row>, MeasureError> {
        let all = (self.cells)(settings.quick);
        let cells: Vec<_> = all.iter().filter(|cell| cell.is_among(&settings.only)).cloned().collect();
        if cells.is_empty() {
            let only = settings.only.iter().map(|(name, value)| format!("{name}={value}"));
            let params = all.first().map(|cell| cell.names().collect::<Vec<_>>().join(", "));
            let (only, params) = (only.collect::<Vec<_>>().join(" "), params.unwrap_or_default());
            return Err(MeasureError::NoCell { bench: self.name, only, params });
        }
        let asked =
            |name: &str| settings.contenders.is_empty() || settings.contenders.iter().any(|own| own == name);
        let part: Vec<_> = self.contenders.iter().filter(|contender| asked(contender.name)).collect();
        if part.is_empty() {
            let has = self.contenders.iter().map(|contender| contender.name).collect::<Vec<_>>().join(", ");
            return Err(MeasureError::NoContender { bench: self.name, has });
        }
        println!(
            "\n== {}: {}; {} rounds, ratios to {}",
            self.name, self.about, settings.rounds, part[0].name
        );
        for contender in &part {
            println!("  {:<16}{}", contender.name, contender.settings);
        }
        let mut measured = Vec::new();
        for cell in cells {
            let cell = self.cell(cell, &part, settings)?;
            cell.print();
            measured.push(cell);
        }
        crate::targets::print(&measured, self.targets);
        Ok(measured.iter().flat_map(|cell| cell.rows(self.name)).collect())
    }

    fn cell(
        &self,
        cell: Cell,
        part: &[&'static Contender],
        settings: &Settings,
    ) -> Result<Measured, MeasureError> {
        let mut runs: Vec<_> = part.iter().map(|&contender| (contender, Vec::new())).collect();
        for round in 1..=settings.rounds {
            for (contender, figures) in &mut runs {
                if (contender.cannot)(&cell).is_some() {
                    continue;
                }
                let turn = || {
                    let turn = match contender.turn {
                        Turn::Apart(_) => {
                            child::turn(self.name, contender.name, &cell).map_err(Failure::from)
                        }
                        Turn::Here(turn) => turn(&cell, settings),
                    };
                    turn.and_then(|figures| self.complete(figures)).map_err(|source| MeasureError::Run {
                        bench: self.name,
                        cell: cell.clone(),
                        round,
                        contender: contender.name,
                        source,
                    })
                };
                // One failure, of however many turns, is told, and does not undo what was measured before.
                figures.push(turn().or_else(|error| {
                    eprintln!("majordomo-bench: {error}; once more");
                    turn()
                })?);
            }
        }
        Ok(Measured { cell, metrics: self.metrics, runs })
    }

    fn complete(&self, figures: Figures) -> Result<Figures, Failure> {
        if figures.len() == self.metrics.len() && figures.iter().all(|figure| figure.is_finite()) {
            return Ok(figures);
        }
        Err(format!("{figures:?} are not {} figures", self.metrics.len()).into())
    }
}

/// No service has but one thread, and an allocator is faster where nobody could disturb it: every contender's process has
/// a second thread, which sleeps.
pub(crate) fn be_like_a_service() {
    std::thread::spawn(|| {
        loop {
            std::thread::park();
        }
    });
}

/// A contender's turn, in the process that is for it.
pub(crate) fn play(
    benches: &[&Bench],
    bench: &str,
    contender: &str,
    cell: &Cell,
) -> Result<Figures, Failure> {
    let bench = benches.iter().find(|known| known.name == bench).ok_or(ChildError::Unknown)?;
    let contender =
        bench.contenders.iter().find(|known| known.name == contender).ok_or(ChildError::Unknown)?;
    match contender.turn {
        Turn::Apart(turn) => turn(cell),
        Turn::Here(_) => Err(ChildError::Unknown.into()),
    }
}
