//! grpc-go, where it is installed: a program in Go, built when it is first needed.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::Served;
use crate::cell::Cell;

/// Where Debian's golang-google-grpc-dev puts its sources.
const GOPATH: &str = "/usr/share/gocode";

const SOURCE: &str = include_str!("../../go/server.go");

/// Becomes the server: it keeps this process' id.
pub(super) fn serve() -> Served {
    let server = built().as_ref().map_err(String::as_str)?;
    Err(Command::new(server).env("GOMAXPROCS", super::WORKERS.to_string()).exec().into())
}

/// Why there are no figures of it here.
pub(crate) fn without_go(_: &Cell) -> Option<String> {
    built().as_ref().err().cloned()
}

fn built() -> &'static Result<PathBuf, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(build)
}

fn build() -> Result<PathBuf, String> {
    if !Path::new(GOPATH).join("src/google.golang.org/grpc").is_dir() {
        return Err("not installed here: it takes golang-go and golang-google-grpc-dev".to_owned());
    }
    let own = std::env::current_exe().map_err(|error| format!("this program is not to be found: {error}"))?;
    let (source, server) = (own.with_file_name("grpc_go_server.go"), own.with_file_name("grpc-go-server"));
    let same = std::fs::read_to_string(&source).is_ok_and(|known| known == SOURCE);
    if same && server.is_file() {
        return Ok(server);
    }
    std::fs::write(&source, SOURCE).map_err(|error| format!("its source cannot be written: {error}"))?;
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&server).arg(&source).env("GO111MODULE", "off").env("GOPATH", GOPATH);
    let output = go.output().map_err(|error| format!("go is not installed here: {error}"))?;
    if output.status.success() {
        return Ok(server);
    }
    // Half a build is none.
    let _ = std::fs::remove_file(&server);
    Err(format!("go does not build it: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
