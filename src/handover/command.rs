//! What a successor is started as: how this process was started, and what a user would have different.
//!
//! ```text
//!   the manager starts: name, arguments, environment and directory are taken down
//!   a hand-over is asked: the name is looked up     /srv/shop/current/shop, a link that was switched
//!                                                   ./shop, a file that was replaced
//!                                                   shop, searched in PATH
//! ```
//!
//! A process may be called anything. So its name is looked up again only where it led to this very program at the start; else, and
//! where it leads nowhere by then, the path of the program counts.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::report::HandoverError;

/// Meant for one process alone.
const NOT_PASSED_ON: [&str; 5] =
    ["LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"];

/// How this process was started.
#[derive(Debug, Clone)]
pub(super) struct Start {
    /// What it was called.
    name: Option<OsString>,
    /// Where its program is, as far as the system tells.
    program: Option<PathBuf>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
}

/// What a user would have different.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    pub(super) program: Option<PathBuf>,
    pub(super) args: Option<Vec<OsString>>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) current_dir: Option<PathBuf>,
}

/// What to start, looked up anew each time.
#[derive(Debug, Clone)]
pub(super) struct SuccessorCommand {
    /// What it is called, and what is looked up.
    name: Option<OsString>,
    /// What it is started from where that leads nowhere.
    program: Option<PathBuf>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
}

impl Start {
    /// That of this process.
    pub(super) fn of_process() -> Self {
        let mut args = env::args_os();
        let (name, program) = (args.next(), env::current_exe().ok());
        let (env, directory) = (env::vars_os().collect(), env::current_dir().ok());
        let mut start = Self { name, program, args: args.collect(), env, directory };
        let led_here = start.name.as_deref().is_some_and(|name| start.leads_here(name));
        if start.program.is_some() && !led_here {
            start.name = None;
        }
        start
    }

    /// Whether the name is that of the program that runs.
    fn leads_here(&self, name: &OsStr) -> bool {
        let found = find(name, self.directory.as_deref(), path_of(&self.env));
        // On Linux the link leads to the file that runs, even if its path has another by now.
        let runs = fs::metadata("/proc/self/exe").or_else(|error| match &self.program {
            Some(program) => fs::metadata(program),
            None => Err(error),
        });
        match (found.ok().and_then(|found| fs::metadata(found).ok()), runs) {
            (Some(found), Ok(runs)) => (found.dev(), found.ino()) == (runs.dev(), runs.ino()),
            _ => false,
        }
    }
}

impl SuccessorCommand {
    pub(super) fn new(start: Start, changes: &Changes) -> Self {
        let (name, program) = match &changes.program {
            Some(program) => (Some(program.clone().into_os_string()), None),
            None => (start.name, start.program),
        };
        let not_passed_on = |key: &OsStr| NOT_PASSED_ON.iter().any(|variable| key == *variable);
        let mut env: Vec<_> = start.env.into_iter().filter(|(key, _)| !not_passed_on(key)).collect();
        for (key, value) in &changes.env {
            env.retain(|(known, _)| known != key);
            env.push((key.clone(), value.clone()));
        }
        Self {
            name,
            program,
            args: changes.args.clone().unwrap_or(start.args),
            env,
            directory: changes.current_dir.clone().or(start.directory),
        }
    }

    /// The command, if it can be started now.
    ///
    /// # Errors
    /// Which of program and directory cannot be used.
    pub(super) fn look_up(&self) -> Result<Command, HandoverError> {
        let directory = self.directory()?;
        let program = self.program(directory)?;
        let mut command = Command::new(program);
        if let Some(name) = &self.name {
            command.arg0(name);
        }
        command.args(&self.args).env_clear().envs(self.env.iter().map(|(key, value)| (key, value)));
        if let Some(directory) = directory {
            command.current_dir(directory);
        }
        Ok(command)
    }

    fn directory(&self) -> Result<Option<&Path>, HandoverError> {
        let Some(directory) = self.directory.as_deref() else { return Ok(None) };
        let reason = match fs::metadata(directory) {
            Ok(found) if found.is_dir() => return Ok(Some(directory)),
            Ok(_) => "it is no directory".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(HandoverError::Directory { directory: directory.to_owned(), reason })
    }

    fn program(&self, directory: Option<&Path>) -> Result<PathBuf, HandoverError> {
        let named = self.name.as_deref().map(|name| find(name, directory, path_of(&self.env)));
        let found = match (named, &self.program) {
            (Some(Ok(found)), _) => Ok(found),
            (_, Some(program)) => check(program).map(|()| program.clone()),
            (Some(Err(reason)), None) => Err(reason),
            (None, None) => Err("this process was started without a name".to_owned()),
        };
        let shown = || self.program.clone().or(self.name.as_ref().map(PathBuf::from)).unwrap_or_default();
        found.map_err(|reason| HandoverError::Program { program: shown(), reason })
    }
}

/// Where a program is found: in `PATH` where its name has no slash, else from the directory on.
fn find(name: &OsStr, directory: Option<&Path>, path: Option<&OsStr>) -> Result<PathBuf, String> {
    let from = |relative: &Path| directory.map_or(relative.to_owned(), |directory| directory.join(relative));
    if name.as_encoded_bytes().contains(&b'/') {
        let program = from(Path::new(name));
        return check(&program).map(|()| program);
    }
    let places = path.map(env::split_paths).into_iter().flatten();
    let mut programs = places.map(|place| from(&place).join(name)).filter(|program| check(program).is_ok());
    programs.next().ok_or_else(|| "it is nowhere in PATH".to_owned())
}

/// Whether it may be a program.
fn check(program: &Path) -> Result<(), String> {
    match fs::metadata(program) {
        Err(error) => Err(error.to_string()),
        Ok(found) if !found.is_file() => Err("it is no file".to_owned()),
        Ok(found) if found.permissions().mode() & 0o111 == 0 => Err("nobody may execute it".to_owned()),
        Ok(_) => Ok(()),
    }
}

fn path_of(env: &[(OsString, OsString)]) -> Option<&OsStr> {
    env.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.as_os_str())
}

#[cfg(test)]
mod tests;
