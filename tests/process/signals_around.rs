//! G12 and G18: what signals did before the first manager they do after the last, and what a process inherits is
//! respected.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::child;

use actix::Addr;
use actix_rt::signal::unix::{SignalKind, signal};
use majordomo::{
    Manager, ManagerError, ManagerOptions, Run, StartShutdown, WaitForShutdown, WaitUntilRunning, service_fn,
};
use rustix::process::{Signal, getpid, kill_process};

/// What the processes of these tests do.
#[test]
fn child_program() {
    let Some(program) = child::program() else { return };
    let result = actix::System::new().block_on(async move {
        match program.as_str() {
            "running" => run(manager()).await,
            "over" => over().await,
            "pending" => pending_signal().await,
            "own handler" => own_handler().await,
            "several" => several().await,
            "first" => first().await,
            other => panic!("no program {other:?}"),
        }
    });
    majordomo::exit(result)
}

fn manager() -> Addr<Manager> {
    let service = service_fn("obliging", |run: Run| async move {
        run.shutdown.requested().await;
        println!("\nchild: asked");
        Ok(())
    });
    Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(service).start()
}

async fn run(manager: Addr<Manager>) -> Result<(), ManagerError> {
    manager.send(WaitUntilRunning).await??;
    println!("\nchild: running");
    manager.send(WaitForShutdown).await?
}

/// A manager's whole life.
async fn live() -> Result<(), ManagerError> {
    let manager = manager();
    manager.send(WaitUntilRunning).await??;
    manager.do_send(StartShutdown);
    manager.send(WaitForShutdown).await?
}

async fn over() -> Result<(), ManagerError> {
    live().await?;
    println!("\nchild: over");
    std::future::pending().await
}

/// Waits until a signal waits for it that it has blocked.
async fn pending_signal() -> Result<(), ManagerError> {
    live().await?;
    // On a starved machine the thread that had it unblocked may take longer than a manager waits for it.
    let is_there = |task: std::io::Result<fs::DirEntry>| {
        let name = fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default();
        name.starts_with("majordomo-signa")
    };
    while fs::read_dir("/proc/self/task").unwrap().any(is_there) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("\nchild: over");
    let is_pending = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap().trim();
        u64::from_str_radix(pending, 16).unwrap() & (1 << (15 - 1)) != 0
    };
    while !is_pending() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// The program has a handler of its own for what would otherwise kill it.
async fn own_handler() -> Result<(), ManagerError> {
    let mut own = signal(SignalKind::user_defined1()).unwrap();
    live().await?;
    println!("\nchild: over");
    for _ in 0..2 {
        own.recv().await.unwrap();
        println!("\nchild: seen by itself");
    }
    Ok(())
}

async fn several() -> Result<(), ManagerError> {
    let (one, other) = (manager(), manager());
    one.send(WaitUntilRunning).await??;
    other.send(WaitUntilRunning).await??;
    one.do_send(StartShutdown);
    one.send(WaitForShutdown).await??;
    println!("\nchild: one of two is over");
    other.send(WaitForShutdown).await??;
    println!("\nchild: both are over");
    run(manager()).await
}

/// The first process of a container, to which the kernel sends nothing that it has no handler for.
async fn first() -> Result<(), ManagerError> {
    assert_eq!(std::process::id(), 1);
    for signal in [Signal::TERM, Signal::INT, Signal::USR1, Signal::QUIT] {
        live().await?;
        kill_process(getpid(), signal).unwrap();
    }
    run(manager()).await
}

fn start_with(options: &[&str], program: &str) -> child::Process {
    let mut command = child::with_signals(options, std::env::current_exe().unwrap());
    command.stderr(Stdio::piped());
    child::start_by(command, module_path!(), program)
}

#[test]
fn g12_a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let mut process = start_with(&["--ignore-signal=INT,QUIT", "--default-signal=TERM,USR1"], "running");
    process.wait_for("child: running");
    process.signal(Signal::INT);
    process.signal(Signal::QUIT);
    process.signal(Signal::USR1);
    process.wait_for_error("majordomo: running");
    process.signal(Signal::TERM);
    process.wait_for("child: asked");
    assert_eq!(process.end().code(), Some(0));
}

#[test]
fn g18_a_signal_that_was_ignored_is_ignored_after_the_last_manager_too() {
    let mut process = start_with(&["--ignore-signal=INT", "--default-signal=TERM"], "over");
    process.wait_for("child: over");
    process.signal(Signal::INT);
    process.signal(Signal::TERM);
    assert_eq!(process.end().signal(), Some(15));
}

#[test]
fn g12_a_signal_that_the_process_was_started_with_blocked_shuts_down() {
    for signal in [Signal::TERM, Signal::INT] {
        let options = ["--default-signal=INT,TERM,QUIT,USR1", "--block-signal=INT,TERM,QUIT,USR1"];
        let mut process = start_with(&options, "running");
        process.wait_for("child: running");
        process.signal(Signal::USR1);
        process.wait_for_error("majordomo: running");
        process.signal(signal);
        process.wait_for("child: asked");
        assert_eq!(process.end().code(), Some(0));
    }
}

#[test]
fn g18_a_signal_that_was_blocked_waits_after_the_last_manager() {
    let mut process = start_with(&["--default-signal=TERM", "--block-signal=TERM"], "pending");
    process.wait_for("child: over");
    process.signal(Signal::TERM);
    assert_eq!(process.end().code(), Some(0));
}

#[test]
fn g18_a_handler_of_the_programs_own_is_called_after_the_last_manager() {
    let mut process = child::start(module_path!(), "own handler");
    process.wait_for("child: over");
    for _ in 0..2 {
        process.signal(Signal::USR1);
        process.wait_for("child: seen by itself");
    }
    assert_eq!(process.end().code(), Some(0));
}

#[test]
fn g12_each_manager_of_a_process_hears_of_signals_and_so_does_the_next() {
    let mut process = child::start(module_path!(), "several");
    process.wait_for("child: one of two is over");
    process.signal(Signal::TERM);
    process.wait_for("child: both are over");
    process.wait_for("child: running");
    process.signal(Signal::TERM);
    process.wait_for("child: asked");
    assert_eq!(process.end().code(), Some(0));
}

#[test]
fn g18_the_first_process_of_a_container_outlives_signals_after_the_last_manager() {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child"]);
        command
    };
    if !unshare().arg("true").status().is_ok_and(|status| status.success()) {
        println!("SKIPPED: needs the right to make a PID namespace (root, or unshare)");
        return;
    }
    let mut command = unshare();
    command.args(["env", "--default-signal=INT,QUIT,TERM,USR1"]).arg(std::env::current_exe().unwrap());
    command.stderr(Stdio::piped());
    let mut process = child::start_by(command, module_path!(), "first");
    process.wait_for("child: running");
    // It is the only child of `unshare`, which itself ignores the signal.
    let children = format!("/proc/{0}/task/{0}/children", process.id());
    let first = fs::read_to_string(children).unwrap().trim().parse().unwrap();
    kill_process(rustix::process::Pid::from_raw(first).unwrap(), Signal::TERM).unwrap();
    process.wait_for("child: asked");
    assert_eq!(process.end().code(), Some(0));
}
