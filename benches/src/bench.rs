//! Majordomo beside its peers, in one run.
//!
//! ```text
//!   majordomo-bench NAME            measures: starts the others, in turns, and prints
//!        |-- server CONTENDER       a server, in a process of its own
//!        +-- load SPEC              the load on it, in another
//! ```
//!
//! What is measured, how, and why that is fair: `README.md` beside this crate.

mod actors;
mod args;
mod cell;
mod child;
mod cpu;
mod figures;
mod grpc;
mod http;
mod load;
mod measure;
mod servers;
mod targets;
mod turn;

use std::error::Error;
use std::process::ExitCode;

use args::{Part, USAGE};
use measure::Bench;

const BENCHES: [&Bench; 14] = [
    &actors::ASK,
    &actors::TELL,
    &actors::LIFECYCLE,
    &actors::MEMORY,
    &actors::RESTART,
    &actors::SHUTDOWN,
    &actors::EXIT,
    &actors::IDLE,
    &actors::IDLE_LEASES,
    &grpc::UNARY,
    &grpc::STREAM,
    &grpc::BUSY,
    &http::HTTP,
    &grpc::LAYERS,
];

fn main() -> ExitCode {
    let part = match args::parse(lexopt::Parser::from_env()) {
        Ok(part) => part,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return ExitCode::from(64);
        }
    };
    match play(part) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("majordomo-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn play(part: Part) -> Result<(), Box<dyn Error + Send + Sync>> {
    match part {
        Part::Help => println!("{USAGE}"),
        Part::Server(contender) => match servers::serve(&contender)? {},
        Part::Load(spec) => {
            let figures = load::run(&serde_json::from_str(&spec)?)?;
            println!("{}", serde_json::to_string(&figures)?);
        }
        Part::UntilSignal { contender, cell } => {
            actors::until_signal(&contender, &serde_json::from_str(&cell)?)?;
        }
        Part::Turn { bench, contender, cell } => {
            measure::be_like_a_service();
            let figures = measure::play(&BENCHES, &bench, &contender, &serde_json::from_str(&cell)?)?;
            println!("{}", serde_json::to_string(&figures)?);
        }
        Part::Measure { names, settings, json } => {
            let known = BENCHES.map(|bench| bench.name);
            if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
                return Err(
                    format!("there is no benchmark {unknown:?}; there are {}", known.join(", ")).into()
                );
            }
            let mut rows = Vec::new();
            for bench in
                BENCHES.iter().filter(|bench| names.is_empty() || names.iter().any(|name| name == bench.name))
            {
                rows.extend(bench.measure(&settings)?);
                // What has been measured is there, whatever becomes of the others.
                if let Some(path) = &json {
                    std::fs::write(path, serde_json::to_string_pretty(&rows)?)?;
                }
            }
        }
    }
    Ok(())
}
