//! A collector of other make: `receiver.py`, whose packages `.ci/otel` installs.

use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

pub struct Collector {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    pub http: String,
    pub grpc: String,
}

/// What it was sent.
pub struct Received(Vec<Value>);

impl Collector {
    pub fn start() -> Self {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        // Tests are in `target/debug/deps`.
        let test = std::env::current_exe().unwrap();
        let python = test.ancestors().nth(3).unwrap().join("otel/venv/bin/python");
        assert!(python.exists(), "{} is not there: run .ci/otel once", python.display());
        let mut command = Command::new(python);
        command.arg(here.join("tests/receiver.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Nothing of ours goes through a proxy.
        let mut child = command.env("no_proxy", "127.0.0.1").spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let ports: Value = serde_json::from_str(&out.next().expect("it says its ports").unwrap()).unwrap();
        let at = |name: &str| format!("http://127.0.0.1:{}", ports[name]);
        Self { child, out, http: at("http"), grpc: at("grpc") }
    }

    /// All that it was sent by now: it writes before it answers.
    pub fn received(mut self) -> Received {
        drop(self.child.stdin.take());
        let lines = self.out.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        let received = Received(lines.collect());
        assert!(self.child.wait().unwrap().success());
        received
    }
}

/// Numbers of `SpanKind`.
pub const SERVER: u64 = 2;
pub const CLIENT: u64 = 3;

impl Received {
    pub fn spans(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(|line| !line["span"].is_null())
    }

    /// The one span of this service and kind.
    #[track_caller]
    pub fn span(&self, service: &str, kind: u64) -> &Value {
        let is = |span: &&Value| span["resource"]["service.name"] == service && span["kind"] == kind;
        let found: Vec<_> = self.spans().filter(is).collect();
        let [one] = found[..] else { panic!("{service}, {kind}: {found:#?} of {:#?}", self.0) };
        one
    }

    /// The points of a metric of this service.
    #[track_caller]
    pub fn points(&self, service: &str, name: &str) -> Vec<&Value> {
        let is = |line: &&Value| line["metric"] == name && line["resource"]["service.name"] == service;
        let metric =
            self.0.iter().rev().find(is).unwrap_or_else(|| panic!("{service}, {name}: {:#?}", self.0));
        assert_eq!(metric["unit"], "s");
        metric["points"].as_array().unwrap().iter().collect()
    }
}
