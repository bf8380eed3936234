//! G18: a process that may have no more threads says for what it needed one, gives back what it has, and ends with an exit code.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use support::child;

use majordomo::{
    GrpcServerOptions, Manager, ManagerError, ManagerOptions, ResourceSpec, ServiceSpec, StartShutdown,
    WaitForShutdown, WaitUntilRunning,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use support::{Folder, Journal, Probe};

/// A manager needs no more threads than that here, nor does the test program beside it.
const ENOUGH: u64 = 24;

/// A manager that needs a thread for everything that there is a thread for. It may have so many in all.
fn run_with(threads: u64) -> ! {
    let limit = Rlimit { current: Some(threads), maximum: Some(threads) };
    setrlimit(Resource::Nproc, limit).unwrap();
    // Somebody listens, so that there is a log.
    let log = tracing_subscriber::fmt().with_writer(io::sink).finish();
    let options = ManagerOptions::new()
        .grpc_server_address("127.0.0.1:0")
        .grpc_server(GrpcServerOptions::new().workers(2))
        .dispatch(log.into());
    let journal = Journal::default();
    let setup = |journal: &Journal| {
        let (shared, own) = (Probe::new("a/r", journal), Probe::new("a/own", journal));
        Probe::new("a", journal).setup(|setup| async move {
            setup.resources.start("r", shared)?;
            setup.resources.start("own", ResourceSpec::new(own).dedicated_thread())?;
            Ok(())
        })
    };
    let result = actix::System::new().block_on(async {
        let manager = Manager::new(options)
            // Its set-up comes when the others have their threads.
            .service(ServiceSpec::new(setup(&journal)).depends_on("b").depends_on("c"))
            .service(Probe::new("b", &journal))
            .service(ServiceSpec::new(Probe::new("c", &journal)).dedicated_thread())
            .start();
        let _ = manager.send(WaitUntilRunning).await.unwrap();
        manager.do_send(StartShutdown);
        manager.send(WaitForShutdown).await.unwrap()
    });
    println!("\nended with {}: {result:?}", result.as_ref().err().map_or(0, ManagerError::exit_code));
    if let Err(error) = &result {
        println!("{error}\nover");
    }
    // What was started is gone, whatever was not.
    let entries = journal.entries();
    let started = entries.iter().filter_map(|entry| entry.strip_suffix(": started"));
    let alive: Vec<_> = started.filter(|who| !entries.contains(&format!("{who}: dropped"))).collect();
    println!("alive: {alive:?}");
    majordomo::exit(result)
}

#[test]
fn child_program() {
    if let Some(threads) = child::program() {
        run_with(threads.parse().unwrap());
    }
}

#[test]
fn g18_a_thread_that_cannot_be_had_is_an_error_wherever_it_is_needed() {
    if !rustix::process::geteuid().is_root() {
        println!("only root can become a user that has no other threads");
        return;
    }
    // A user whose threads are all the test's own.
    let user = 1_000_000_000 + std::process::id();
    let folder = Folder::new();
    let program = folder.path("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut needed = BTreeSet::new();
    for threads in 1.. {
        assert!(threads < ENOUGH, "never enough; was refused for {needed:?}");
        let mut command = Command::new(&program);
        command.uid(user).gid(user).env("RUST_BACKTRACE", "0").stderr(Stdio::piped());
        let (status, out, err) = child::output(command, module_path!(), &threads.to_string());
        let told = format!("with {threads} threads: {status}\n{out}\n{err}");
        assert!(!err.contains("panicked"), "{told}");
        let code = status.code().unwrap_or_else(|| panic!("{told}"));
        assert!(out.contains("alive: []"), "{told}");
        assert!(out.contains(&format!("ended with {code}")), "{told}");
        if code == 0 {
            break;
        }
        let (_, whom) = out.split_once("could not start a thread for ").unwrap_or_else(|| panic!("{told}"));
        assert!(whom.contains("raise the limits of the process"), "{told}");
        needed.insert(whom.split_once(" (").unwrap().0.to_owned());
        // Set-up fails, but for the gRPC server's threads, which come with its run.
        assert_eq!(code, if whom.starts_with("the gRPC server") { 2 } else { 1 }, "{told}");
    }
    let everything = [
        "a's resource \"own\"",
        "a's resource \"r\"",
        "services",
        "signals",
        "the gRPC server",
        "the log",
        "the manager",
    ];
    assert_eq!(needed.iter().map(String::as_str).collect::<Vec<_>>(), everything);
}
