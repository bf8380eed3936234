//! G18: what becomes of stdout and stderr changes neither the end of a process nor its exit code.
#![cfg(target_os = "linux")]

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use support::child;

use majordomo::{
    Exit, Manager, ManagerError, ManagerOptions, Run, WaitForShutdown, WaitUntilRunning, service_fn,
};
use rustix::process::{Pid, Signal, kill_process};

/// How far apart two of the same signal are that count as two.
const APART: Duration = Duration::from_millis(100);
/// Nothing here takes so long.
const HANG: Duration = Duration::from_secs(60);

/// What the processes of these tests do.
#[test]
fn child_program() {
    use std::process::Termination;
    let Some(program) = child::program() else { return };
    let result = actix::System::new().block_on(run(&program));
    match program.as_str() {
        "obliging, returns" | "stubborn, returns" => drop(Exit::from(result).report()),
        _ => majordomo::exit(result),
    }
}

async fn run(program: &str) -> Result<(), ManagerError> {
    let (obliges, partial) = (program.starts_with("obliging"), program.ends_with("half a line"));
    let service = service_fn("service", move |run: Run| async move {
        run.shutdown.requested().await;
        if partial {
            // Stays in the buffer of stdout.
            print!("half a line");
        } else {
            println!("\nchild: asked");
        }
        if obliges { Ok(()) } else { std::future::pending().await }
    });
    let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(service).start();
    manager.send(WaitUntilRunning).await??;
    println!("\nchild: running");
    manager.send(WaitForShutdown).await?
}

/// What a process may find in the place of stdout or stderr.
#[derive(Debug, Clone, Copy)]
enum Output {
    /// Nobody reads what it writes, and there is no room left.
    Stuck,
    /// Whoever read has gone.
    Broken,
    /// Every write fails, as on a full disk.
    Full,
}

const OUTPUTS: [Output; 3] = [Output::Stuck, Output::Broken, Output::Full];

impl Output {
    /// It, and what has to be kept as long as it is to be so.
    fn make(self) -> (Stdio, Option<UnixStream>) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let kept = match self {
            Self::Stuck => {
                fill(&theirs);
                Some(ours)
            }
            Self::Broken => None,
            Self::Full => return (OpenOptions::new().write(true).open("/dev/full").unwrap().into(), None),
        };
        (OwnedFd::from(theirs).into(), kept)
    }
}

/// Writes until there is no room left.
fn fill(mut stream: &UnixStream) {
    stream.set_nonblocking(true).unwrap();
    loop {
        match stream.write(&[b'x'; 4096]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    stream.set_nonblocking(false).unwrap();
}

fn end(child: &mut Child) -> Option<i32> {
    let began = Instant::now();
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status.code(),
            None if began.elapsed() > HANG => {
                child.kill().unwrap();
                panic!("the process has not ended within {HANG:?}")
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    }
}

#[test]
fn g18_whatever_stderr_is_the_end_comes_with_its_code() {
    for program in ["stubborn", "stubborn, returns"] {
        for output in OUTPUTS {
            let (stderr, _kept) = output.make();
            let mut command = child::this();
            command.stderr(stderr);
            let mut process = child::start_by(command, module_path!(), program);
            process.wait_for("child: running");
            process.signal(Signal::TERM);
            process.wait_for("child: asked");
            process.signal(Signal::INT);
            assert_eq!(process.end().code(), Some(3), "{program}, {output:?}");
        }
    }
}

#[test]
fn g18_a_closed_stderr_changes_no_exit_code() {
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" 2>&-"]).arg(std::env::current_exe().unwrap());
    let mut process = child::start_by(command, module_path!(), "stubborn");
    process.wait_for("child: running");
    process.signal(Signal::TERM);
    process.wait_for("child: asked");
    thread::sleep(APART);
    process.signal(Signal::TERM);
    assert_eq!(process.end().code(), Some(3));
}

#[test]
fn g18_half_a_line_for_a_stdout_that_nobody_reads_does_not_delay_the_end() {
    for (program, code) in
        [("obliging, half a line", 0), ("stubborn, half a line", 3), ("obliging, returns, half a line", 0)]
    {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut command = child::this();
        command.args(child::to_become(module_path!()));
        command.env("MAJORDOMO_TEST_PROGRAM", program).stderr(Stdio::null());
        command.stdout(Stdio::from(OwnedFd::from(theirs.try_clone().unwrap())));
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(&ours).lines();
        lines.find(|line| line.as_ref().unwrap().contains("child: running")).unwrap().unwrap();
        fill(&theirs);
        signal(&process, Signal::TERM);
        if code == 3 {
            // Not before it has been asked, which it cannot say.
            wait_until(|| has_caught_up(&process));
            signal(&process, Signal::INT);
        }
        assert_eq!(end(&mut process), Some(code), "{program}");
    }
}

/// Whether no signal waits for it any more.
fn has_caught_up(process: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap().trim();
    u64::from_str_radix(pending, 16).unwrap() == 0
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < HANG, "it is not so within {HANG:?}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn signal(process: &Child, signal: Signal) {
    kill_process(Pid::from_child(process), signal).unwrap();
}

#[test]
fn g18_statuses_that_nobody_reads_take_one_thread_however_many_are_asked_for() {
    let (stderr, _kept) = Output::Stuck.make();
    let mut command = child::this();
    command.stderr(stderr);
    let mut process = child::start_by(command, module_path!(), "obliging");
    process.wait_for("child: running");
    let names = |id: u32| -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{id}/task")).unwrap();
        // A thread that ends meanwhile has no name any more.
        tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok()).collect()
    };
    let before = names(process.id()).len();
    for _ in 0..5 {
        for _ in 0..100 {
            process.signal(Signal::USR1);
            process.signal(Signal::QUIT);
        }
        // The next ones count again.
        thread::sleep(APART);
    }
    let printers = || names(process.id()).iter().filter(|name| name.starts_with("majordomo-print")).count();
    wait_until(|| printers() > 0);
    assert_eq!(printers(), 1);
    assert!(names(process.id()).len() <= before + 1, "{:?}", names(process.id()));
    process.signal(Signal::TERM);
    process.wait_for("child: asked");
    assert_eq!(process.end().code(), Some(0));
}

/// Where cargo puts the examples, from where it put this test.
fn example(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.set_file_name("examples");
    path.push(name);
    assert!(path.exists(), "build the examples first: cargo build --examples ({})", path.display());
    path
}

#[test]
fn g18_the_example_of_signals_ends_with_its_code_whatever_its_outputs_are() {
    for output in OUTPUTS {
        let folder = std::env::temp_dir().join(format!("majordomo-outputs-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("socket");
        let ((stdout, _out), (stderr, _err)) = (output.make(), output.make());
        let mut process = child::with_signals(&["--default-signal=INT,TERM"], example("03_signals"))
            .arg(format!("unix:{}", socket.display()))
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        wait_until(|| UnixStream::connect(&socket).is_ok());
        signal(&process, Signal::TERM);
        // It may take the first one in late.
        thread::sleep(5 * APART);
        signal(&process, Signal::TERM);
        assert_eq!(end(&mut process), Some(3), "{output:?}");
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn g18_a_rehearsal_ends_with_its_code_whatever_its_outputs_are() {
    let scenario = |run: &str, code: i32| {
        // What fails ends it by itself.
        let actions = if code == 2 { "" } else { r#"{"at_ms": 50, "do": "start_shutdown"}"# };
        format!(
            r#"{{"max_shutdown_ms": 1000, "actions": [{actions}],
                "services": [{{"id": "a", "run": "{run}"}}, {{"id": "b"}}]}}"#
        )
    };
    for output in OUTPUTS {
        for (run, code) in
            [("until_shutdown", 0), ("error_after:10", 2), ("panic_after:10", 2), ("ignore_shutdown", 3)]
        {
            let ((stdout, _out), (stderr, _err)) = (output.make(), output.make());
            let mut process = Command::new(example("rehearsal"))
                .arg("-")
                .stdin(Stdio::piped())
                .stdout(stdout)
                .stderr(stderr)
                .spawn()
                .unwrap();
            process.stdin.take().unwrap().write_all(scenario(run, code).as_bytes()).unwrap();
            assert_eq!(end(&mut process), Some(code), "{run}, {output:?}");
        }
        let (stderr, _err) = output.make();
        let mut process = Command::new(example("rehearsal"))
            .arg("/nowhere")
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        assert_eq!(end(&mut process), Some(64), "{output:?}");
    }
}
