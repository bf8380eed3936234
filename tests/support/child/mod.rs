//! Runs a test's program in a process of its own, so that real signals and exits can be tested.
//!
//! The test program starts itself again, asking for one test alone; that test finds its program's name in
//! the environment and becomes it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const PROGRAM: &str = "MAJORDOMO_TEST_PROGRAM";

/// No process that is to end, or to print something, takes so long.
const HANG: Duration = Duration::from_secs(60);

/// The program that this process is to become, if it is a child.
pub fn program() -> Option<String> {
    std::env::var(PROGRAM).ok()
}

/// A process that runs one of a test's programs. Killed when it is dropped.
pub struct Process {
    child: Child,
    /// The lines that it has printed.
    out: Receiver<String>,
    err: Option<BufReader<ChildStderr>>,
}

/// Starts `program` in a process of its own. The module, given by `module_path!`, must have a test `child_program` that runs it.
pub fn start(module: &str, program: &str) -> Process {
    let mut command = this();
    command.stderr(Stdio::piped());
    start_by(command, module, program)
}

/// This test program, with the signals of a program in the foreground: where the tests run in the background of a shell,
/// SIGINT and SIGQUIT are ignored, and stay so.
pub fn this() -> Command {
    let this = std::env::current_exe().unwrap();
    if !cfg!(target_os = "linux") {
        return Command::new(this);
    }
    with_signals(&["--default-signal=HUP,INT,QUIT,TERM,USR1"], this)
}

/// A program that coreutils' `env` starts with these options.
pub fn with_signals(options: &[&str], program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("env");
    command.args(options).arg(program);
    // Where the tests run under systemd, none of their processes is to speak to it.
    command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
    command
}

/// The arguments by which a test program becomes a program of one of its modules.
pub fn to_become(module: &str) -> [String; 4] {
    // As libtest names tests: without the crate.
    let module = module.split_once("::").map_or(String::new(), |(_, module)| format!("{module}::"));
    let test = format!("{module}child_program");
    ["--exact".to_owned(), test, "--nocapture".to_owned(), "--test-threads=1".to_owned()]
}

/// The same by a command that passes its arguments on to the test program.
pub fn start_by(mut command: Command, module: &str, program: &str) -> Process {
    let mut child =
        command.args(to_become(module)).env(PROGRAM, program).stdout(Stdio::piped()).spawn().unwrap();
    let out = lines_of(child.stdout.take().unwrap());
    let err = child.stderr.take().map(BufReader::new);
    Process { child, out, err }
}

/// Its lines, read as they come, to its end or that of whoever would hear of them.
fn lines_of(out: ChildStdout) -> Receiver<String> {
    let (tell, told) = channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines() {
            if tell.send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    told
}

/// Runs `program` to its end by such a command: how it ended, and what it printed.
pub fn output(command: Command, module: &str, program: &str) -> (ExitStatus, String, String) {
    let mut process = start_by(command, module, program);
    let status = process.end();
    let out: Vec<String> = process.out.iter().collect();
    let mut err = String::new();
    if let Some(stderr) = &mut process.err {
        stderr.read_to_string(&mut err).unwrap();
    }
    (status, out.join("\n"), err)
}

impl Process {
    /// Waits until it has printed a line that contains `what`.
    pub fn wait_for(&mut self, what: &str) -> String {
        let (mut seen, until) = (Vec::new(), Instant::now() + HANG);
        loop {
            match self.out.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(what) => return line,
                Ok(line) => seen.push(line),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended without printing {what:?}; printed {seen:#?}")
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {what:?} within {HANG:?}; printed {seen:#?}"),
            }
        }
    }

    /// Waits until it has printed a line that contains `what` on stderr.
    pub fn wait_for_error(&mut self, what: &str) -> String {
        let err = self.err.as_mut().unwrap();
        let mut seen = String::new();
        loop {
            let before = seen.len();
            assert_ne!(err.read_line(&mut seen).unwrap(), 0, "no {what:?} on stderr: {seen}");
            if seen[before..].contains(what) {
                return seen[before..].to_owned();
            }
        }
    }

    /// What else it has printed on stderr, once it has ended.
    pub fn rest_of_errors(&mut self) -> String {
        let mut rest = String::new();
        self.err.as_mut().unwrap().read_to_string(&mut rest).unwrap();
        rest
    }

    /// Writes to its standard input, which the command must have piped.
    pub fn write(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end, within a limit that only a hang reaches.
    pub fn end(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return status,
                None if began.elapsed() > HANG => panic!("the process has not ended within {HANG:?}"),
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
