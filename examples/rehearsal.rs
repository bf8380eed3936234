//! Rehearses failures: plays a scenario of scripted services in a real manager and tells what happened.
//!
//! ```text
//! cargo run --example rehearsal -- FILE     # a scenario as JSON; `-` reads it from stdin
//! ```
//!
//! Prints one JSON object a line for each lifecycle event and, as the last line, the report; logs go to
//! stderr. Exits with the manager's exit code, or with 64 when the scenario cannot be understood.
//!
//! What has become of stdout changes neither the end nor the code: lines that nobody takes for 100 ms after the end are
//! given up.

mod printer;

use std::io::{Read, Write};
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use majordomo::events::{self, EventStream};
use majordomo::testing::Scenario;
use majordomo::{GetStatus, Handover, ManagerOptions, ShutdownReport, WaitForShutdown};

/// The command was used wrongly (`EX_USAGE` of sysexits.h).
const USAGE: i32 = 64;
/// What a process that was handed over to plays: what its predecessor did.
const SCENARIO: &str = "REHEARSAL_SCENARIO";
/// How long the end waits for stdout to take a line.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long it waits for all of them.
const MOST: Duration = Duration::from_secs(1);

#[actix::main]
async fn main() {
    tracing_subscriber::fmt().with_writer(printer::stderr).init();
    let (scenario, text) = read_scenario().unwrap_or_else(|error| {
        printer::complain(error);
        printer::finish();
        exit(USAGE)
    });

    let (observer, events) = events::channel();
    let printing = Printing::start(events);
    let mut options = ManagerOptions::new().observe(observer);
    if scenario.handover {
        // Of a successor, stdin is its way to the predecessor.
        options = options.handover(Handover::new().env(SCENARIO, text));
    }
    let manager = scenario.manager(options).start();
    scenario.act(&manager);

    let result = manager.send(WaitForShutdown).await.expect("a manager answers");
    let status = manager.send(GetStatus).await.expect("a manager answers");

    let error = result.as_ref().err();
    let exit_code = error.map_or(0, majordomo::ManagerError::exit_code);
    printing.finish(&Report {
        event: "report",
        ok: error.is_none(),
        exit_code,
        error: error.map(ToString::to_string),
        report: status.report.unwrap_or_default(),
    });
    printer::finish();
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

fn read_scenario() -> Result<(Scenario, String), String> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [from] = &args[..] else {
        return Err("usage: rehearsal FILE, where FILE is a scenario as JSON, or - for stdin".to_owned());
    };
    let mut text = String::new();
    let read = match from.as_str() {
        "-" => match env::var(SCENARIO) {
            Ok(kept) => {
                text = kept;
                Ok(())
            }
            Err(_) => io::stdin().read_to_string(&mut text).map(drop),
        },
        file => fs::read_to_string(file).map(|contents| text = contents),
    };
    read.map_err(|error| format!("could not read {from}: {error}"))?;
    let scenario: Scenario =
        serde_json::from_str(&text).map_err(|error| format!("{from} is no scenario: {error}"))?;
    scenario.check().map_err(|error| format!("{from} is no scenario: {error}"))?;
    Ok((scenario, text))
}

/// A thread that prints events as they come, and then the report: it alone waits for whoever reads them.
struct Printing {
    report: Sender<String>,
    printed: Arc<AtomicU64>,
    /// Ends with the thread.
    over: Receiver<()>,
}

impl Printing {
    fn start(mut events: EventStream) -> Self {
        let (report, last) = mpsc::channel::<String>();
        let (ends, over) = mpsc::channel();
        let printed = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&printed);
        let print = move || {
            let _ends: Sender<()> = ends;
            while let Some(event) = events.blocking_recv() {
                print_line(&line(&*event));
                count.fetch_add(1, Ordering::Relaxed);
            }
            if let Ok(report) = last.recv() {
                print_line(&report);
            }
        };
        // Without it the exit code still tells.
        let _ = thread::Builder::new().name("stdout".to_owned()).spawn(print);
        Self { report, printed, over }
    }

    /// Prints the last line, and waits for it as long as others before it go out.
    fn finish(self, report: &Report) {
        let began = Instant::now();
        let _ = self.report.send(line(report));
        loop {
            let before = self.printed.load(Ordering::Relaxed);
            let waited = self.over.recv_timeout(PATIENCE);
            let stuck = self.printed.load(Ordering::Relaxed) == before || began.elapsed() >= MOST;
            if waited != Err(RecvTimeoutError::Timeout) || stuck {
                return;
            }
        }
    }
}

fn line(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("events are plain data")
}

fn print_line(line: &str) {
    let mut out = io::stdout().lock();
    // Whoever reads may have gone; the exit code still tells.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
