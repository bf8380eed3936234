//! Does one thing, so often: to be counted by callgrind. `benches/guard/check` does that, and compares with `table.json`.

mod calls;
mod http;
mod services;
// Those of the benchmarks.
#[path = "../../src/actors/worker.rs"]
mod worker;

use std::error::Error;
use std::process::ExitCode;

type Failure = Box<dyn Error + Send + Sync>;

/// What is counted, and what does it so often.
type Case = (&'static str, fn(u32) -> Result<(), Failure>);

const CASES: [Case; 9] = [
    ("ask", services::ask),
    ("tell", services::tell),
    ("start_and_stop", services::start_and_stop),
    ("restart", services::restart),
    ("grpc_unary", calls::unary),
    ("grpc_unary_logged", calls::logged),
    ("grpc_stream_message", calls::stream),
    ("http_get", http::get),
    ("scrape", http::scrape),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (name, count) = (arguments.next(), arguments.next().and_then(|count| count.parse().ok()));
    let case = CASES.into_iter().find(|(known, _)| name.as_deref() == Some(known));
    let (Some((_, play)), Some(count)) = (case, count) else {
        eprintln!("usage: majordomo-guard NAME COUNT, NAME of: {}", CASES.map(|(name, _)| name).join(" "));
        return ExitCode::from(64);
    };
    match play(count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("majordomo-guard: {error}");
            ExitCode::FAILURE
        }
    }
}
