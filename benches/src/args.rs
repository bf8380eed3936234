//! The command line.

use std::path::PathBuf;

use lexopt::prelude::*;

pub(crate) const USAGE: &str = "\
cargo run --release -p majordomo-bench -- [NAME..] [--quick] [--json FILE] [--only PARAM=VALUE].. [--contender NAME]..

  NAME         which benchmarks; without, all
  --quick      one short round of few and small cells: that all works, not how fast it is
  --rounds N   how many rounds, whatever else is said
  --json FILE  writes every figure to the file, as an array of rows
  --only       only cells with this value of the parameter; several values of one are alternatives
  --contender  only these, in the order of the table; the first is what the others are compared with";

/// How to measure.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Few and small cells.
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) warm_up_ms: u64,
    pub(crate) measured_ms: u64,
    pub(crate) only: Vec<(String, u64)>,
    pub(crate) contenders: Vec<String>,
}

/// What the program is to do.
#[derive(Debug)]
pub(crate) enum Part {
    Measure {
        names: Vec<String>,
        settings: Settings,
        json: Option<PathBuf>,
    },
    /// Hidden: the part of a process that [`child`](crate::child) starts.
    Server(String),
    Load(String),
    UntilSignal {
        contender: String,
        cell: String,
    },
    Turn {
        bench: String,
        contender: String,
        cell: String,
    },
    Help,
}

/// Reads the command line.
pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Part, lexopt::Error> {
    let (mut names, mut quick, mut rounds) = (Vec::new(), false, None);
    let (mut json, mut only, mut contenders) = (None, Vec::new(), Vec::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Value(word) if names.is_empty() && word == "server" => {
                return Ok(Part::Server(parser.value()?.string()?));
            }
            Value(word) if names.is_empty() && word == "load" => {
                return Ok(Part::Load(parser.value()?.string()?));
            }
            Value(word) if names.is_empty() && word == "until-signal" => {
                let (contender, cell) = (parser.value()?.string()?, parser.value()?.string()?);
                return Ok(Part::UntilSignal { contender, cell });
            }
            Value(word) if names.is_empty() && word == "turn" => {
                let mut next = || parser.value()?.string();
                let (bench, contender, cell) = (next()?, next()?, next()?);
                return Ok(Part::Turn { bench, contender, cell });
            }
            Value(name) => names.push(name.string()?),
            Long("quick") => quick = true,
            Long("rounds") => rounds = Some(parser.value()?.parse()?),
            Long("json") => json = Some(parser.value()?.into()),
            Long("only") => only.push(cell_filter(&parser.value()?.string()?)?),
            Long("contender") => contenders.push(parser.value()?.string()?),
            Long("help") | Short('h') => return Ok(Part::Help),
            other => return Err(other.unexpected()),
        }
    }
    let (usual, warm_up_ms, measured_ms) = if quick { (1, 100, 200) } else { (5, 150, 500) };
    let rounds = rounds.unwrap_or(usual);
    if rounds == 0 {
        return Err("--rounds is 0: at least one is needed for a figure".into());
    }
    let settings = Settings { quick, rounds, warm_up_ms, measured_ms, only, contenders };
    Ok(Part::Measure { names, settings, json })
}

fn cell_filter(text: &str) -> Result<(String, u64), lexopt::Error> {
    let parts = text.split_once('=').and_then(|(name, value)| Some((name, value.parse().ok()?)));
    let (name, value) = parts.ok_or_else(|| format!("--only {text}: it takes PARAM=NUMBER"))?;
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Part, lexopt::Error> {
        parse(lexopt::Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn a_line_says_what_is_measured_and_how() {
        let Ok(Part::Measure { names, settings, json, .. }) =
            parsed("grpc_busy --quick --only burn_us=50 --json /tmp/x")
        else {
            panic!("that is a line to measure by")
        };
        assert_eq!((names, json), (vec!["grpc_busy".to_owned()], Some("/tmp/x".into())));
        assert_eq!((settings.rounds, settings.only), (1, vec![("burn_us".to_owned(), 50)]));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for line in ["--only burn_us", "--only burn_us=x", "--rounds 0", "--what"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
