//! Rehearses failures: plays a scenario of scripted services in a real manager and tells what happened.
//!
//! ```text
//! cargo run --example rehearsal -- FILE     # a scenario as JSON; `-` reads it from stdin
//! ```
//!
//! Prints one JSON object a line for each lifecycle event and, as the last line, the report; logs go to
//! stderr. Exits with the manager's exit code, or with 64 when the scenario cannot be understood.

use std::io::{Read, Write};
use std::process::exit;
use std::{env, fs, io};

use majordomo::events::{self, EventStream};
use majordomo::testing::Scenario;
use majordomo::{GetStatus, ManagerOptions, ShutdownReport, WaitForShutdown};

/// The command was used wrongly (`EX_USAGE` of sysexits.h).
const USAGE: i32 = 64;

#[actix::main]
async fn main() {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let scenario = read_scenario().unwrap_or_else(|error| {
        eprintln!("{error}");
        exit(USAGE)
    });

    let (observer, events) = events::channel();
    let manager = scenario.manager(ManagerOptions::new().observe(observer)).start();
    scenario.act(&manager);
    let printer = actix::spawn(print_events(events));

    let result = manager.send(WaitForShutdown).await.expect("a manager answers");
    let status = manager.send(GetStatus).await.expect("a manager answers");
    printer.await.expect("the printer does not panic");

    let error = result.as_ref().err();
    let exit_code = error.map_or(0, majordomo::ManagerError::exit_code);
    print_line(&Report {
        event: "report",
        ok: error.is_none(),
        exit_code,
        error: error.map(ToString::to_string),
        report: status.report.unwrap_or_default(),
    });
    exit(exit_code)
}

/// The last line.
#[derive(serde::Serialize)]
struct Report {
    event: &'static str,
    ok: bool,
    exit_code: i32,
    error: Option<String>,
    report: ShutdownReport,
}

fn read_scenario() -> Result<Scenario, String> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [from] = &args[..] else {
        return Err("usage: rehearsal FILE, where FILE is a scenario as JSON, or - for stdin".to_owned());
    };
    let mut text = String::new();
    let read = match from.as_str() {
        "-" => io::stdin().read_to_string(&mut text).map(drop),
        file => fs::read_to_string(file).map(|contents| text = contents),
    };
    read.map_err(|error| format!("could not read {from}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{from} is no scenario: {error}"))
}

async fn print_events(mut events: EventStream) {
    while let Some(event) = events.recv().await {
        print_line(&*event);
    }
}

fn print_line(value: &impl serde::Serialize) {
    let line = serde_json::to_string(value).expect("events are plain data");
    let mut out = io::stdout().lock();
    // Whoever reads may have gone; the exit code still tells.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
