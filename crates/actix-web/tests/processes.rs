//! G10, G12, G15: whole processes. Signals are the manager's, and no thread is left.

use std::time::{Duration, Instant};

use actix_web::{App, web};
use majordomo::{
    ForceShutdown, GetStatus, Manager, ManagerError, ManagerOptions, RestartPolicy, RestartService,
    StartShutdown, WaitForShutdown, WaitUntilRunning,
};
use majordomo_actix_web::{ActixWebServer, actix_web_service_with};
use rustix::process::Signal;
use support::{Client, child, ms};
use tokio::net::TcpStream;

use crate::two;

/// What the processes of these tests do.
#[test]
fn child_program() {
    let Some(program) = child::program() else { return };
    let of_tokio = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let result = match program.as_str() {
        "actix" => actix::System::new().block_on(serve()),
        "tokio" => of_tokio().block_on(serve()),
        "threads" => actix::System::new().block_on(count_threads()),
        other => panic!("no program {other:?}"),
    };
    println!("\nchild: end {:?}", result.as_ref().err().map(ToString::to_string));
    majordomo::exit(result)
}

fn web() -> majordomo::ServiceSpec<ActixWebServer> {
    let factory = || {
        let hang = async || {
            println!("\nchild: entered");
            std::future::pending::<()>().await;
            "never"
        };
        App::new().route("/", web::get().to(async || "hello")).route("/hang", web::get().to(hang))
    };
    actix_web_service_with("web", "127.0.0.1:0", two(), factory).restart(RestartPolicy::on_failure())
}

async fn serve() -> Result<(), ManagerError> {
    let options = ManagerOptions::new().grpc_ping_service(false).max_shutdown_duration(ms(1500));
    let manager = Manager::new(options).service(web()).start();
    manager.send(WaitUntilRunning).await??;
    println!("\nchild: at {}", manager.send(GetStatus).await?.services[0].addresses[0]);
    manager.send(WaitForShutdown).await?
}

/// The names of all threads of this process, as far as the kernel keeps them.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.ok()?.path().join("comm")).ok()
    };
    let mut names: Vec<_> = tasks.filter_map(name).map(|name| name.trim().to_owned()).collect();
    names.sort();
    names
}

/// The threads of servers of actix-web and of managers, once there are so many: a thread is there for a moment after it has ended.
fn actix_threads(wanted: usize) -> Vec<String> {
    let began = Instant::now();
    loop {
        let found: Vec<_> = threads().into_iter().filter(|name| name.starts_with("actix-")).collect();
        if found.len() == wanted || began.elapsed() > Duration::from_secs(10) {
            return found;
        }
        std::thread::yield_now();
    }
}

/// Prints how many there are: while it serves, after a restart, after its end, and after a forced end.
async fn count_threads() -> Result<(), ManagerError> {
    for forced in [false, true] {
        let options = ManagerOptions::new().grpc_ping_service(false);
        let manager = Manager::new(options).service(web()).start();
        manager.send(WaitUntilRunning).await??;
        println!("\nchild: serves {:?}", actix_threads(4));
        manager.send(RestartService("web".into())).await?.expect("it can be restarted");
        println!("\nchild: restarted {:?}", actix_threads(4));
        let at = manager.send(GetStatus).await?.services[0].addresses[0].as_tcp().unwrap();
        let mut client = Client::connect(at).await;
        assert_eq!(client.get("/").await.status, 200);
        if forced {
            client.send("GET /hang HTTP/1.1\r\nHost: test\r\n\r\n").await;
            while manager.send(GetStatus).await?.services[0].http.as_ref().unwrap().open() == 0 {
                tokio::task::yield_now().await;
            }
            manager.do_send(ForceShutdown);
        } else {
            manager.do_send(StartShutdown);
        }
        let result = manager.send(WaitForShutdown).await?;
        assert_eq!(result.is_err(), forced, "{result:?}");
        drop(manager);
        println!("\nchild: ended {:?}", actix_threads(0));
    }
    Ok(())
}

#[test]
fn g10_no_thread_of_a_server_is_left_after_its_end_a_restart_or_a_forced_end() {
    let mut child = child::start(module_path!(), "threads");
    for _ in 0..2 {
        for what in ["serves", "restarted"] {
            let line = child.wait_for(&format!("child: {what}"));
            // The manager has one, too.
            assert_eq!(line.matches("actix-rt").count(), 3, "{line}");
            assert_eq!(line.matches("actix-server").count(), 1, "{line}");
        }
        let line = child.wait_for("child: ended");
        assert_eq!(line, "child: ended []");
    }
    assert!(child.end().success());
}

/// Starts such a program: the process, and where it serves.
fn started(program: &str) -> (child::Process, String) {
    let mut child = child::start(module_path!(), program);
    let line = child.wait_for("child: at ");
    (child, line.trim_start_matches("child: at ").to_owned())
}

#[actix::test]
async fn g12_sigterm_is_the_managers_and_ends_the_process_in_order_in_any_runtime() {
    for program in ["actix", "tokio"] {
        let (mut child, at) = started(program);
        let mut client = Client(TcpStream::connect(at).await.unwrap());
        assert_eq!(client.get("/").await.body, "hello");
        child.signal(Signal::TERM);
        assert_eq!(child.wait_for("child: end"), "child: end None", "{program}");
        assert_eq!(child.end().code(), Some(0), "{program}");
    }
}

#[actix::test]
async fn g15_a_request_that_hangs_is_cut_at_the_deadline_and_the_exit_code_is_3() {
    let (mut child, at) = started("actix");
    let mut client = Client(TcpStream::connect(at).await.unwrap());
    client.send("GET /hang HTTP/1.1\r\nHost: test\r\n\r\n").await;
    child.wait_for("child: entered");
    // actix-web itself would end at once, with all that it carries.
    child.signal(Signal::INT);
    assert_eq!(client.rest().await, "");
    let line = child.wait_for("child: end");
    assert!(line.contains("web (shutdown)") && line.contains("GET /hang"), "{line}");
    assert_eq!(child.end().code(), Some(3));
}
