//! What the processes of these tests do: gRPC, two web servers, an operations endpoint, and what exists once.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use majordomo::events::{self, EventSender};
use majordomo::testing::{HandoverStep, on_handover_step};
use majordomo::{
    GetStatus, Handover, Manager, ManagerError, ManagerOptions, Operations, RestartPolicy, Run, Setup,
    WaitForShutdown, WaitUntilRunning, http_service, resource_fn, service_with_setup,
};
use support::child;

use crate::locked;

/// What goes wrong: the name of a [`Fault`], or `Dies:STEP` or `Stalls:STEP` with one of [`HandoverStep::ALL`].
pub const FAULT: &str = "HANDOVER_TEST_FAULT";
/// Where what exists once leaves its marks, and sockets have their files.
pub const FOLDER: &str = "HANDOVER_TEST_FOLDER";
/// The file in that folder that keeps what exists once from being given back, and an answer from being given, as long as it is there.
pub const HELD: &str = "held";
/// How long a successor may take, in milliseconds.
pub const TIMEOUT: &str = "HANDOVER_TEST_TIMEOUT";

/// What a successor does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It ends before it has a manager.
    Exits,
    /// It panics there.
    Panics,
    /// It never has one.
    Idles,
    /// A set-up fails.
    FailsSetup,
    /// A set-up panics.
    PanicsInSetup,
    /// A set-up does not end.
    HangsInSetup,
    /// It ends when all run and it has been told that it is in charge.
    DiesInCharge,
}

impl Fault {
    pub const ALL: [Self; 7] = [
        Self::Exits,
        Self::Panics,
        Self::Idles,
        Self::FailsSetup,
        Self::PanicsInSetup,
        Self::HangsInSetup,
        Self::DiesInCharge,
    ];
}

fn is_successor() -> bool {
    std::env::var_os("MAJORDOMO_HANDOVER").is_some()
}

/// What this process is to do wrong.
fn fault() -> Option<Fault> {
    let wanted = std::env::var(FAULT).ok().filter(|_| is_successor())?;
    Fault::ALL.into_iter().find(|fault| format!("{fault:?}") == wanted)
}

/// At which step this process is to die, or to stall.
fn fault_at_step() {
    let Ok(wanted) = std::env::var(FAULT) else { return };
    let Some((what, step)) = wanted.split_once(':') else { return };
    let step = HandoverStep::ALL.into_iter().find(|known| format!("{known:?}") == step).expect("a step");
    // Each process has steps of its own; the successor of a successor has none of either.
    if step.is_successor_s() != is_successor() {
        return;
    }
    let dies = what == "Dies";
    on_handover_step(move |at| {
        if at == step {
            say(&format!("at {step:?}"));
            if dies {
                let _ =
                    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            }
            loop {
                std::thread::park();
            }
        }
    });
}

#[test]
fn child_program() {
    let Some(program) = child::program() else { return };
    match fault() {
        Some(Fault::Exits) => std::process::exit(7),
        Some(Fault::Panics) => panic!("the successor panics"),
        Some(Fault::Idles) => loop {
            std::thread::park();
        },
        _ => {}
    }
    fault_at_step();
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let result = actix::System::new().block_on(play(&program, folder));
    say(&format!("ends: {:?}", result.as_ref().err().map(ToString::to_string)));
    majordomo::exit(result)
}

/// A line on standard output, written in one piece, since processes that follow each other share the pipe.
fn say(what: &str) {
    let line = format!("\n{} {what}\n", std::process::id());
    let mut out = std::io::stdout().lock();
    // Whoever reads may have gone.
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

/// A line in the file of marks: who, and what.
fn mark(folder: &Path, what: &str) {
    let mut marks = OpenOptions::new().create(true).append(true).open(folder.join("marks")).unwrap();
    writeln!(marks, "{} {what}", std::process::id()).unwrap();
}

async fn play(program: &str, folder: PathBuf) -> Result<(), ManagerError> {
    let (observer, mut told) = events::channel();
    std::thread::spawn(move || {
        while let Some(event) = told.blocking_recv() {
            say(&serde_json::to_string(&*event).unwrap());
            let took_over = matches!(event.event, events::LifecycleEvent::TookOver { .. });
            if took_over && fault() == Some(Fault::DiesInCharge) {
                std::process::abort();
            }
        }
    });
    let manager = manager(program, folder, observer).start();
    manager.send(WaitUntilRunning).await??;
    let status = manager.send(GetStatus).await?;
    let web = status.services.iter().find(|service| &*service.id == "web").unwrap();
    say(&format!("serves {} {}", status.grpc_address.unwrap(), web.addresses[0]));
    manager.send(WaitForShutdown).await?
}

fn manager(program: &str, folder: PathBuf, observer: EventSender) -> Manager {
    assert_eq!(program, "server");
    let limit = std::env::var(TIMEOUT).map_or(20_000, |limit| limit.parse().unwrap());
    let handover = Handover::new().timeout(Duration::from_millis(limit));
    let options = ManagerOptions::new()
        .grpc_server_address("127.0.0.1:0")
        .operations(Operations::new(format!("unix:{}/operations.sock", folder.display())))
        .observe(observer)
        .handover(handover);
    let pid = move || async { std::process::id().to_string() };
    let slow = move || async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        std::process::id().to_string()
    };
    let held = folder.join(HELD);
    let held = move || async move {
        say("answers nobody yet");
        until_gone(&held).await;
        std::process::id().to_string()
    };
    let routes =
        || Router::new().route("/held", get(held.clone())).route("/", get(pid)).route("/slow", get(slow));
    // They can be started again, by an order.
    let never = RestartPolicy::never;
    let web = http_service("web", "127.0.0.1:0", routes()).restart(never());
    let file = http_service("file", format!("unix:{}/web.sock", folder.display()), routes()).restart(never());
    let faulty = service_with_setup(
        "faulty",
        |_: Setup| async {
            match fault() {
                Some(Fault::FailsSetup) => Err("no such table".into()),
                Some(Fault::PanicsInSetup) => panic!("a set-up panics"),
                Some(Fault::HangsInSetup) => std::future::pending().await,
                _ => Ok(()),
            }
        },
        until_shutdown,
    );
    let once = service_with_setup(
        "once",
        move |setup: Setup| {
            let folder = folder.clone();
            async move {
                mark(&folder, "has it");
                let released = move || async move {
                    until_gone(&folder.join(HELD)).await;
                    mark(&folder, "gave it back");
                    Ok(())
                };
                setup.resources.start("it", resource_fn(released))?;
                Ok(())
            }
        },
        until_shutdown,
    );
    let manager = Manager::new(options).service(web).service(file).service(faulty);
    manager.service(once.after_handover()).grpc_service(locked::service())
}

async fn until_gone(file: &Path) {
    while file.exists() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn until_shutdown(run: Run, (): ()) -> Result<(), majordomo::BoxError> {
    run.shutdown.requested().await;
    Ok(())
}
