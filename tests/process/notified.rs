//! systemd is told of a process: by a real socket, as sd_notify(3) says.

mod systemd;

use std::process::Stdio;
use std::time::Duration;

use majordomo::{
    Manager, ManagerError, ManagerOptions, Run, ServiceSpec, WaitForShutdown, WaitUntilRunning, nested,
    restartable_fn,
};
use rustix::process::Signal;
use support::phoenix::at_once;
use support::{Call, Folder, Journal, Probe, child, ms};

use systemd::{Systemd, extended};

/// Where the programs of the processes are.
const PROGRAMS: &str = module_path!();

const WATCHDOG: (&str, &str) = ("WATCHDOG_USEC", "800000");

fn patient(id: &str) -> Probe {
    Probe::new(id, &Journal::default()).run(|run| async move {
        run.shutdown.requested().await;
        Ok(())
    })
}

fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_ping_service(false).max_shutdown_duration(ms(20_000)).stuck_after(ms(200))
}

/// What the processes of these tests do.
#[test]
fn child_program() {
    let Some(program) = child::program() else { return };
    if program == "logs" {
        tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    }
    let result = actix::System::new().block_on(async move {
        match program.as_str() {
            "slow" => {
                // Until it is told to go on.
                let slow = patient("slow").setup(|_| async {
                    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
                    Ok(())
                });
                live(Manager::new(options()).service(slow).service(patient("other"))).await
            }
            "stuck" => stuck(false).await,
            "starved" => stuck(true).await,
            "replaced" => {
                // Blocks its thread until there is a line to read.
                let blocks = restartable_fn("worker", |_| async {
                    std::io::stdin().read_line(&mut String::new())?;
                    Ok(())
                });
                let another = || {
                    restartable_fn("worker", |run: Run| async move {
                        run.shutdown.requested().await;
                        Ok(())
                    })
                };
                let worker = ServiceSpec::new(blocks).restart(at_once()).critical();
                live(Manager::new(options()).service(worker.replace_when_stuck(ms(150), another))).await
            }
            "switched off" => {
                live(Manager::new(options().notify_systemd(false)).service(patient("a"))).await?;
                // It has not spoken, so this one does.
                live(Manager::new(options()).service(patient("b"))).await?;
                live(Manager::new(options()).service(patient("c"))).await
            }
            "nested" => {
                let tenants = nested("tenants", || {
                    Manager::new(options().notify_systemd(true))
                        .service(patient("acme"))
                        .service(patient("umbrella"))
                });
                live(Manager::new(options()).service(tenants)).await
            }
            "nested and stuck" => {
                let region = nested("region", || Manager::new(options()).service(nested("tenants", acme)));
                live(Manager::new(options()).service(region)).await
            }
            "threads" | "logs" => live(Manager::new(options()).service(patient("a"))).await,
            other => panic!("no program {other:?}"),
        }
    });
    majordomo::exit(result)
}

/// A manager with one that blocks its thread from one line of the standard input to the next.
fn acme() -> Manager {
    let blocks = patient("acme").run(|run| async move {
        tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
        std::io::stdin().read_line(&mut String::new())?;
        run.shutdown.requested().await;
        Ok(())
    });
    Manager::new(options()).service(ServiceSpec::new(blocks).critical())
}

async fn live(manager: Manager) -> Result<(), ManagerError> {
    let manager = manager.start();
    manager.send(WaitUntilRunning).await??;
    let threads = std::fs::read_dir("/proc/self/task").unwrap().filter_map(|task| {
        let name = std::fs::read_to_string(task.unwrap().path().join("comm")).ok()?;
        name.starts_with("majordomo-notif").then_some(())
    });
    println!("\nchild: running, {} to notify", threads.count());
    manager.send(WaitForShutdown).await?
}

/// Has one of two services block its thread, as lines of the standard input say.
async fn stuck(on_one_thread: bool) -> Result<(), ManagerError> {
    let (critical, address) = patient("critical").with_address();
    let (other, others) = patient("other").with_address();
    let (critical, other) = (ServiceSpec::new(critical).critical(), ServiceSpec::new(other));
    let manager = match on_one_thread {
        true => Manager::new(options().service_threads(1)).service(critical).service(other),
        false => {
            Manager::new(options()).service(critical.dedicated_thread()).service(other.dedicated_thread())
        }
    };
    let manager = manager.start();
    manager.send(WaitUntilRunning).await??;
    let (critical, other) = (address.await.unwrap(), others.await.unwrap());
    // Both have handled their `Run` then, and nothing has woken them since. Who is woken and waits for its thread is starved.
    for idle in [&critical, &other, &critical, &other] {
        idle.send(Call::now(|_| ())).await?;
    }
    std::thread::spawn(move || {
        let (mut key, mut lines) = (None, std::io::stdin().lines());
        while let Some(Ok(line)) = lines.next() {
            // The one before is let go.
            let (next, lock) = std::sync::mpsc::channel::<()>();
            drop(key.replace(next));
            let (begins, has_begun) = std::sync::mpsc::channel::<()>();
            let blocks = Call::now(move |_| {
                let _ = begins.send(());
                assert!(lock.recv().is_err());
            });
            match line.as_str() {
                "block critical" => critical.do_send(blocks),
                "block other" => other.do_send(blocks),
                "ask critical too" => {
                    other.do_send(blocks);
                    // Sooner it might be handled before the thread is blocked.
                    has_begun.recv().unwrap();
                    critical.do_send(Call::now(|_| ()));
                }
                _ => {}
            }
        }
    });
    println!("\nchild: running");
    manager.send(WaitForShutdown).await?
}

/// A slow set-up asks for time and says who is waited for; then all run, until a signal stops them.
fn a_life(systemd: &Systemd) {
    let mut process = systemd.start_with_input("slow", &[]);
    let first = systemd.next();
    assert!(first[0].starts_with("STATUS=Starting"), "{first:?}");
    assert!(extended(&first).is_some_and(|time| time > Duration::from_secs(25)), "{first:?}");
    systemd.until("STATUS=Starting: slow (setup) for ");
    process.write("go on\n");
    let (ready, _) = systemd.until("READY=1");
    assert_eq!(ready, ["READY=1", "STATUS=Running, 2 of 2 up"]);
    process.wait_for("child: running, 1 to notify");
    process.signal(Signal::TERM);
    let (stopping, before) = systemd.until("STOPPING=1");
    assert_eq!((stopping[0].as_str(), before), ("STOPPING=1", vec![]));
    assert!(
        stopping[1].starts_with("STATUS=Stopping for ") && stopping[1].contains("; forced in "),
        "{stopping:?}"
    );
    let (asked, most) = (extended(&stopping).unwrap(), ms(21_000));
    assert!(ms(15_000) < asked && asked <= most, "{asked:?}");
    assert_eq!(process.end().code(), Some(0));
    assert!(systemd.rest().iter().flatten().all(|line| line.starts_with("STATUS=Stopping")));
}

#[test]
fn systemd_is_told_of_a_whole_life_at_a_path() {
    a_life(&Systemd::at_path(&Folder::new()));
}

#[test]
#[cfg(target_os = "linux")]
fn systemd_is_told_of_a_whole_life_at_an_abstract_address() {
    a_life(&Systemd::abstract_address("life"));
}

#[test]
fn a_stuck_critical_service_ends_the_signs_of_life_until_it_goes_on() {
    let folder = Folder::new();
    let systemd = Systemd::at_path(&folder);
    let mut process = systemd.start_with_input("stuck", &[WATCHDOG]);
    process.wait_for("child: running");
    systemd.until("WATCHDOG=1");
    // Who is not critical may be stuck.
    process.write("block other\n");
    (0..3).for_each(|_| drop(systemd.until("WATCHDOG=1")));
    process.write("block critical\n");
    systemd.until("STATUS=Running, 2 of 2 up; stuck: critical");
    systemd.sees_no_sign_of_life_for(ms(1_500));
    process.write("go on\n");
    systemd.until("WATCHDOG=1");
    systemd.until("STATUS=Running, 2 of 2 up");
    process.signal(Signal::TERM);
    systemd.until("STOPPING=1");
    assert_eq!(process.end().code(), Some(0));
}

#[test]
fn who_is_stuck_in_a_nested_manager_counts_and_is_named_with_its_managers() {
    let folder = Folder::new();
    let systemd = Systemd::at_path(&folder);
    let mut process = systemd.start_with_input("nested and stuck", &[WATCHDOG]);
    process.wait_for("child: running");
    systemd.until("WATCHDOG=1");
    process.write("block\n");
    systemd.until("STATUS=Running, 1 of 1 up; stuck: region/tenants/acme");
    systemd.sees_no_sign_of_life_for(ms(1_000));
    process.write("go on\n");
    systemd.until("WATCHDOG=1");
    process.signal(Signal::TERM);
    systemd.until("STOPPING=1");
    assert_eq!(process.end().code(), Some(0));
}

#[test]
fn a_critical_service_that_is_starved_by_another_holds_back_the_signs_of_life_too() {
    let folder = Folder::new();
    let systemd = Systemd::at_path(&folder);
    let mut process = systemd.start_with_input("starved", &[WATCHDOG]);
    process.wait_for("child: running");
    // It has nothing to do, so it misses nothing.
    process.write("block other\n");
    (0..3).for_each(|_| drop(systemd.until("WATCHDOG=1")));
    process.write("ask critical too\n");
    systemd.until("STATUS=Running, 2 of 2 up; stuck: critical");
    process.write("go on\n");
    systemd.until("WATCHDOG=1");
    process.signal(Signal::TERM);
    assert_eq!(process.end().code(), Some(0));
}

#[test]
fn a_critical_service_that_was_replaced_is_alive_though_its_first_thread_is_blocked_still() {
    let folder = Folder::new();
    let systemd = Systemd::at_path(&folder);
    let mut process = systemd.start_with_input("replaced", &[WATCHDOG]);
    systemd.until("READY=1");
    // Twice of the watchdog's time, and more than it may be stuck.
    (0..5).for_each(|_| drop(systemd.until("WATCHDOG=1")));
    process.write("go on\n");
    process.signal(Signal::TERM);
    systemd.until("STOPPING=1");
    assert_eq!(process.end().code(), Some(0));
}

#[test]
fn a_watchdog_of_another_process_is_none_of_ours() {
    let folder = Folder::new();
    let systemd = Systemd::at_path(&folder);
    let mut process = systemd.start("threads", &[("WATCHDOG_USEC", "1000"), ("WATCHDOG_PID", "1")]);
    let (_, before) = systemd.until("READY=1");
    process.wait_for("child: running");
    process.signal(Signal::TERM);
    assert_eq!(process.end().code(), Some(0));
    let all: Vec<String> = before.into_iter().chain(systemd.rest()).flatten().collect();
    assert!(!all.contains(&"WATCHDOG=1".to_owned()), "{all:?}");
}

#[test]
fn one_manager_of_a_process_speaks_for_it_the_first_that_may() {
    let folder = Folder::new();
    let systemd = Systemd::at_path(&folder);
    let mut process = systemd.start("switched off", &[]);
    process.wait_for("child: running, 0 to notify");
    process.signal(Signal::TERM);
    process.wait_for("child: running, 1 to notify");
    assert_eq!(systemd.until("READY=1").0[1], "STATUS=Running, 1 of 1 up");
    process.signal(Signal::TERM);
    systemd.until("STOPPING=1");
    process.wait_for("child: running");
    process.signal(Signal::TERM);
    assert_eq!(process.end().code(), Some(0));
    let rest = systemd.rest();
    assert!(rest.iter().flatten().all(|line| line.starts_with("STATUS=Stopping")), "after the end: {rest:?}");
}

#[test]
fn a_nested_manager_does_not_speak() {
    let folder = Folder::new();
    let systemd = Systemd::at_path(&folder);
    let mut process = systemd.start("nested", &[]);
    assert_eq!(systemd.until("READY=1").0, ["READY=1", "STATUS=Running, 1 of 1 up"]);
    process.wait_for("child: running, 1 to notify");
    process.signal(Signal::TERM);
    systemd.until("STOPPING=1");
    assert_eq!(process.end().code(), Some(0));
    assert!(systemd.rest().iter().flatten().all(|line| line.starts_with("STATUS=Stopping")));
}

#[test]
fn g14_who_was_not_started_by_systemd_has_no_thread_for_it() {
    let mut command = child::this();
    command.env("WATCHDOG_USEC", "1000");
    let mut process = child::start_by(command, PROGRAMS, "threads");
    process.wait_for("child: running, 0 to notify");
    process.signal(Signal::TERM);
    assert_eq!(process.end().code(), Some(0));
}

#[test]
fn g18_a_socket_that_is_none_is_logged_once_and_changes_nothing() {
    for address in ["/nowhere/at/all", "vsock:2:1"] {
        let mut command = child::this();
        command.env("NOTIFY_SOCKET", address).env("WATCHDOG_USEC", "20000").stderr(Stdio::piped());
        let mut process = child::start_by(command, PROGRAMS, "logs");
        let logged = process.wait_for_error("NOTIFY_SOCKET");
        assert!(logged.contains("WARN") && logged.contains(address), "{logged}");
        process.wait_for("child: running");
        process.signal(Signal::TERM);
        assert_eq!(process.end().code(), Some(0));
        let again = process.rest_of_errors();
        assert!(!again.contains("NOTIFY_SOCKET"), "told again: {again}");
    }
}
