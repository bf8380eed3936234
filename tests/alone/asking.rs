//! G16: whatever is asked of a manager, by however many, the end does not stand behind it.
//!
//! In real time, measured against the machine's own pace: how late threads are that only sleep, meanwhile.
#![cfg(unix)]

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use support::child;

use actix::{Actor, Addr, Arbiter, Context, Handler, MailboxError};
use majordomo::clients::InMemory;
use majordomo::events::{self, EventStream, LifecycleEvent};
use majordomo::ping::{Ping, PingClient, PingServer};
use majordomo::{
    BoxError, ForceShutdown, GetStatus, GrpcService, Manager, ManagerOptions, RegisterOnServer,
    RemoveService, RestartService, Run, Service, ServiceFn, Setup, StartShutdown, StopService, Subscribe,
    WaitForShutdown, WaitUntilRunning, nested, service_fn,
};
use rustix::process::{Signal, getpid, kill_process};

/// What the guarantee says.
const AT_ONCE: Duration = Duration::from_millis(20);
/// How long the end may take.
const LIMIT: Duration = Duration::from_millis(500);
const SERVICES: usize = 10;
const ASKERS: usize = 1_000;

/// How late a thread is that sleeps, at worst: what no program here can be blamed for.
struct Pace {
    worst: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Pace {
    fn measure() -> Self {
        let (worst, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let sleeper = || {
            let (worst, over) = (Arc::clone(&worst), Arc::clone(&over));
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    thread::sleep(Duration::from_millis(1));
                    worst.fetch_max(began.elapsed().as_micros() as u64, Ordering::Relaxed);
                }
            })
        };
        let threads = (0..2).map(|_| sleeper()).collect();
        Self { worst, over, threads }
    }

    /// How much longer than at an idle machine something may take: several threads have to be woken one after the other.
    fn allowance(self) -> Duration {
        self.over.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        8 * Duration::from_micros(self.worst.load(Ordering::Relaxed))
    }
}

fn obliging(id: String) -> ServiceFn {
    service_fn(id, |run: Run| async move {
        run.shutdown.requested().await;
        Ok(())
    })
}

async fn start(options: ManagerOptions) -> (Addr<Manager>, EventStream) {
    start_with(options, |manager| manager).await
}

async fn start_with(
    options: ManagerOptions,
    more: impl FnOnce(Manager) -> Manager,
) -> (Addr<Manager>, EventStream) {
    let (sender, events) = events::channel();
    let options = options.grpc_ping_service(false).max_shutdown_duration(LIMIT).observe(sender);
    let mut manager = more(Manager::new(options)).service(service_fn("deaf", |_: Run| pending()));
    for number in 0..SERVICES {
        manager = manager.service(obliging(format!("s{number}")));
    }
    let child = || {
        let options = ManagerOptions::new().max_shutdown_duration(LIMIT);
        Manager::new(options).service(obliging("inner".into()))
    };
    let manager = manager.service(nested("child", child)).start();
    manager.send(WaitUntilRunning).await.unwrap().unwrap();
    (manager, events)
}

/// How the end is asked for, and what shows that it has been heard.
type Ask = fn(&Addr<Manager>);

/// Asks for the end beside a load; it must take effect at once, and be over in time.
async fn ends_in_time(name: &str, load: fn(&Addr<Manager>) -> Load, ask: Ask) {
    let _alone = crate::alone().await;
    let (manager, events) = start(ManagerOptions::new().handle_signals(false)).await;
    end_in_time(name, manager, events, load, ask).await;
}

async fn end_in_time(
    name: &str,
    manager: Addr<Manager>,
    mut events: EventStream,
    load: impl FnOnce(&Addr<Manager>) -> Load,
    ask: Ask,
) {
    let heard = thread::spawn(move || {
        let is_end = |event: &LifecycleEvent| matches!(event, LifecycleEvent::ShutdownRequested { .. });
        while !is_end(&events.blocking_recv().expect("the end is told").event) {}
        Instant::now()
    });
    let load = load(&manager);
    load.has_begun();
    let pace = Pace::measure();
    let asked = Instant::now();
    ask(&manager);
    let end = tokio::time::timeout(Duration::from_secs(60), manager.send(WaitForShutdown)).await;
    let ended = asked.elapsed();
    let heard = heard.join().unwrap() - asked;
    let (allowance, handled) = (pace.allowance(), load.end());
    println!(
        "{name}: heard after {heard:?}, over after {ended:?}, pace allows {allowance:?}, {handled} asked"
    );
    let error = end.expect("it ends").unwrap().expect_err("one is deaf");
    assert!(error.to_string().contains("deaf"), "{error}");
    assert!(heard < AT_ONCE + allowance, "{name}: heard after {heard:?}, beside a pace of {allowance:?}");
    // Many more have to be woken until all is over.
    let most = LIMIT + Duration::from_millis(100) + 4 * allowance;
    assert!(ended < most, "{name}: over after {ended:?}, beside a pace of {allowance:?}");
}

/// What is asked meanwhile.
struct Load {
    count: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    arbiters: Vec<Arbiter>,
}

impl Load {
    fn new() -> Self {
        let (count, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        Self { count, over, threads: Vec::new(), arbiters: Vec::new() }
    }

    /// Until it goes on by itself.
    fn has_begun(&self) {
        while self.count.load(Ordering::Relaxed) < 2_000 {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn end(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        for arbiter in self.arbiters {
            arbiter.stop();
            arbiter.join().unwrap();
        }
        self.count.load(Ordering::Relaxed)
    }
}

/// How many different things are asked.
const KINDS: usize = 7;

/// Tasks that each have a question open, one after the other.
fn tasks(manager: &Addr<Manager>, kinds: usize) -> Load {
    let mut load = Load::new();
    let elsewhere = Arbiter::new();
    for number in 0..ASKERS {
        let (manager, count) = (manager.clone(), Arc::clone(&load.count));
        elsewhere.spawn(async move {
            let mut kept = None;
            for turn in number.. {
                if let Err(actix::MailboxError::Closed) = ask(&manager, turn % kinds).await {
                    break;
                }
                count.fetch_add(1, Ordering::Relaxed);
                if turn % 64 == 0 {
                    kept = manager.send(Subscribe).await.ok();
                    // Answers that are there at once must not keep the thread.
                    tokio::task::yield_now().await;
                }
            }
            drop(kept);
        });
    }
    load.arbiters.push(elsewhere);
    load
}

async fn ask(manager: &Addr<Manager>, kind: usize) -> Result<(), actix::MailboxError> {
    const PATIENCE: Duration = Duration::from_millis(20);
    match kind {
        0 => manager.send(GetStatus).timeout(PATIENCE).await.map(drop),
        1 => manager.send(Subscribe).timeout(PATIENCE).await.map(drop),
        2 => manager.send(WaitForShutdown).timeout(PATIENCE).await.map(drop),
        3 => manager.send(StopService("none".into())).timeout(PATIENCE).await.map(drop),
        4 => manager.send(WaitUntilRunning).timeout(PATIENCE).await.map(drop),
        5 => manager.send(RestartService("s0".into())).timeout(PATIENCE).await.map(drop),
        _ => manager.send(RemoveService("none".into())).timeout(PATIENCE).await.map(drop),
    }
}

fn questions(manager: &Addr<Manager>) -> Load {
    tasks(manager, 1)
}

fn everything(manager: &Addr<Manager>) -> Load {
    tasks(manager, KINDS)
}

fn four_threads(manager: &Addr<Manager>, send: fn(&Addr<Manager>)) -> Load {
    let mut load = Load::new();
    for _ in 0..4 {
        let (manager, count, over) = (manager.clone(), Arc::clone(&load.count), Arc::clone(&load.over));
        load.threads.push(thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                send(&manager);
                count.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    load
}

fn sent_in_a_loop(manager: &Addr<Manager>) -> Load {
    four_threads(manager, |manager| {
        manager.do_send(GetStatus);
        manager.do_send(WaitForShutdown);
        manager.do_send(StopService("none".into()));
        manager.do_send(Subscribe);
    })
}

fn observers_that_ask(manager: &Addr<Manager>) -> Load {
    let mut load = sent_in_a_loop(manager);
    let elsewhere = Arbiter::new();
    for _ in 0..100 {
        let manager = manager.clone();
        elsewhere.spawn(async move {
            let Ok(mut stream) = manager.send(Subscribe).await else { return };
            while stream.recv().await.is_some() {
                let _ = manager.send(GetStatus).await;
            }
        });
    }
    load.arbiters.push(elsewhere);
    load
}

/// Its handlers ask the manager.
struct Curious(Arc<OnceLock<Addr<Manager>>>);

impl Actor for Curious {
    type Context = Context<Self>;
}

impl Service for Curious {
    fn id(&self) -> String {
        "curious".into()
    }
}

impl GrpcService for Curious {}

impl Handler<Setup> for Curious {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl Handler<RegisterOnServer> for Curious {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, on: RegisterOnServer, _: &mut Context<Self>) -> Self::Result {
        on.server.add_service(PingServer::new(Asks(Arc::clone(&self.0))));
        Ok(())
    }
}

struct Asks(Arc<OnceLock<Addr<Manager>>>);

#[tonic::async_trait]
impl Ping for Asks {
    async fn ping(&self, _: tonic::Request<()>) -> Result<tonic::Response<()>, tonic::Status> {
        let gone = |error: MailboxError| tonic::Status::unavailable(error.to_string());
        let manager = self.0.get().ok_or_else(|| tonic::Status::unavailable("not yet"))?;
        manager.send(GetStatus).await.map_err(gone)?;
        Ok(tonic::Response::new(()))
    }
}

#[actix::test]
async fn g16_handlers_that_ask_delay_no_end() {
    let _alone = crate::alone().await;
    let (memory, address) = (InMemory::new(), Arc::new(OnceLock::new()));
    let options = ManagerOptions::new().handle_signals(false).grpc_in_memory(&memory);
    let curious = Curious(Arc::clone(&address));
    let (manager, events) = start_with(options, |manager| manager.grpc_service(curious)).await;
    address.set(manager.clone()).expect("it is set once");
    let load = move |_: &Addr<Manager>| {
        let mut load = Load::new();
        let elsewhere = Arbiter::new();
        for _ in 0..8 {
            let (memory, count) = (memory.clone(), Arc::clone(&load.count));
            elsewhere.spawn(async move {
                // Made here: a channel's own task lives where it was made.
                let channel = memory.channel();
                let calls = (0..64).map(|_| async {
                    let mut client = PingClient::new(channel.clone());
                    while client.ping(()).await.is_ok() {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
                futures_util::future::join_all(calls).await;
            });
        }
        load.arbiters.push(elsewhere);
        load
    };
    end_in_time("handlers", manager, events, load, |manager| manager.do_send(StartShutdown)).await;
}

#[actix::test]
async fn g16_a_thousand_who_ask_for_the_status_delay_no_end() {
    ends_in_time("status", questions, |manager| manager.do_send(StartShutdown)).await;
}

#[actix::test]
async fn g16_a_thousand_who_ask_for_everything_delay_no_end() {
    ends_in_time("everything", everything, |manager| manager.do_send(StartShutdown)).await;
}

#[actix::test]
async fn g16_four_threads_that_send_in_a_loop_delay_no_end() {
    ends_in_time("do_send", sent_in_a_loop, |manager| manager.do_send(StartShutdown)).await;
}

#[actix::test]
async fn g16_observers_that_ask_delay_no_end() {
    ends_in_time("observers", observers_that_ask, |manager| manager.do_send(StartShutdown)).await;
}

#[actix::test]
async fn g16_the_order_to_end_sent_in_a_loop_delays_no_forced_end() {
    let _alone = crate::alone().await;
    let (manager, events) = start(ManagerOptions::new().handle_signals(false)).await;
    let load = four_threads(&manager, |manager| manager.do_send(StartShutdown));
    load.has_begun();
    let pace = Pace::measure();
    let asked = Instant::now();
    manager.do_send(ForceShutdown);
    manager.send(WaitForShutdown).await.unwrap().unwrap_err();
    let (ended, allowance) = (asked.elapsed(), pace.allowance());
    drop((events, load.end()));
    // Being forced, and seeing that it was obeyed, take some time of their own: the last call and the wait for the threads.
    let most = AT_ONCE + Duration::from_millis(200) + 4 * allowance;
    println!("forced: over after {ended:?}, pace allows {allowance:?}");
    assert!(ended < most, "over after {ended:?}, beside a pace of {allowance:?}");
}

/// A process of its own, for a real signal.
#[test]
fn child_program() {
    let Some(program) = child::program() else { return };
    let load = if program == "questions" { everything } else { sent_in_a_loop };
    actix::System::new().block_on(async move {
        let (manager, events) = start(ManagerOptions::new()).await;
        let ask: Ask = |_| kill_process(getpid(), Signal::TERM).unwrap();
        end_in_time("SIGTERM", manager, events, load, ask).await;
    });
    println!("\nchild: in time");
}

#[test]
fn g12_g16_a_signal_is_heard_at_once_whatever_is_asked() {
    let _alone = crate::ALONE.blocking_lock();
    for program in ["questions", "do_send"] {
        let mut child = child::start(module_path!(), program);
        println!("{program}: {}", child.wait_for("heard after"));
        child.wait_for("child: in time");
        assert!(child.end().success());
    }
}
