//! Erlang/OTP, where it is installed: a script of its own.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::restart::CRASHES;
use crate::args::Settings;
use crate::cell::Cell;
use crate::measure::{Failure, Figures};

const SCRIPT: &str = include_str!("../../erlang/restart.erl");

pub(super) fn restarts(cell: &Cell, _: &Settings) -> Result<Figures, Failure> {
    let script = std::env::temp_dir().join(format!("majordomo-bench-{}.erl", std::process::id()));
    std::fs::write(&script, SCRIPT)?;
    let output = Command::new("escript")
        .arg(&script)
        .args([cell.get("neighbours").to_string(), CRASHES.to_string()])
        .stdin(Stdio::null())
        .output();
    std::fs::remove_file(&script)?;
    let output = output?;
    if !output.status.success() {
        return Err(format!("escript: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Why there are no figures of it here.
pub(super) fn without_erlang(_: &Cell) -> Option<String> {
    static WITHOUT: OnceLock<bool> = OnceLock::new();
    let without = WITHOUT.get_or_init(|| {
        let mut erl = Command::new("erl");
        erl.args(["-noshell", "-eval", "halt(0)."]).stdin(Stdio::null());
        !erl.status().is_ok_and(|status| status.success())
    });
    without.then(|| "not installed here: it takes erlang-base".to_owned())
}
