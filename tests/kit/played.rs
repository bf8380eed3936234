//! The rehearsal, run as its users run it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use support::pace::Pace;

/// Where cargo puts the example, from where it put this test.
fn program() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.set_file_name("examples");
    path.push("rehearsal");
    path.set_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.exists(), "build the examples first: cargo build --examples ({})", path.display());
    path
}

pub struct Played {
    pub code: i32,
    pub lines: Vec<Value>,
    pub errors: String,
    /// By how many milliseconds this machine was late meanwhile.
    pub late: u64,
}

pub fn play_text(scenario: &str) -> Played {
    let pace = Pace::watch();
    let mut child = Command::new(program())
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(scenario.as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let lines = String::from_utf8(stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let (errors, late) = (String::from_utf8(stderr).unwrap(), pace.allowance().as_millis() as u64);
    Played { code: status.code().unwrap(), lines, errors, late }
}

pub fn play(scenario: &Value) -> Played {
    play_text(&scenario.to_string())
}

impl Played {
    pub fn report(&self) -> &Value {
        self.lines.last().unwrap()
    }

    /// The places of the events of this name, and of this service and resource where they are given.
    pub fn places(&self, event: &str, service: Option<&str>, resource: Option<&str>) -> Vec<usize> {
        let is = |value: &Value, wanted: Option<&str>| wanted.is_none_or(|wanted| value == wanted);
        let wanted = |line: &Value| {
            line["event"] == event && is(&line["service"], service) && is(&line["resource"], resource)
        };
        (0..self.lines.len()).filter(|&at| wanted(&self.lines[at])).collect()
    }

    pub fn at(&self, event: &str, service: Option<&str>, resource: Option<&str>) -> usize {
        let places = self.places(event, service, resource);
        let [at] = places[..] else {
            panic!("{event} of {service:?} {resource:?} {} times: {:#?}", places.len(), self.lines)
        };
        at
    }

    pub fn millis(&self, event: &str) -> u64 {
        self.lines[self.at(event, None, None)]["at_ms"].as_u64().unwrap()
    }
}
