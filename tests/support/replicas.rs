//! Replicas of a service with a lease, for the tests of stores: in processes, where they can be killed, and side by side in this one.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use majordomo::testing::ManagerSuite;
use majordomo::{
    Lease, LeaseError, LeaseGrant, LeaseRequest, LeaseStore, Manager, RestartableFn, Run, ServiceSpec,
    restartable_fn, service_fn,
};
use tokio::sync::mpsc;

use crate::child::{self, Process};
use crate::{ms, options};

const SERVICE: &str = "reports";
/// The name of the lease, for a process.
const LEASE: &str = "MAJORDOMO_TEST_LEASE";

/// A service that runs until it is told to stop, with that lease. `began` is told its epochs.
fn replica(
    store: impl LeaseStore,
    lease: &str,
    ttl: Duration,
    began: impl Fn(u64) + Send + 'static,
) -> ServiceSpec<RestartableFn> {
    let service = restartable_fn(SERVICE, move |run: Run| {
        began(run.epoch().unwrap());
        async move {
            run.shutdown.requested().await;
            Ok(())
        }
    });
    ServiceSpec::new(service)
        .stop_timeout(ms(200))
        .only_with(Lease::new(store, lease).ttl(ttl).margin(ms(200)))
}

/// What `child_program` of a test of [`survives_a_kill`] does.
pub fn become_replica(store: impl LeaseStore) -> ! {
    let lease = std::env::var(LEASE).unwrap();
    let began = |epoch| println!("\nchild: epoch {epoch}");
    let service = replica(store, &lease, Duration::from_secs(3), began);
    majordomo::exit(Manager::new(options().handle_signals(true)).service(service).run_blocking())
}

fn start(module: &str, lease: &str) -> Process {
    let mut command = child::this();
    command.env(LEASE, lease).stderr(Stdio::inherit());
    child::start_by(command, module, "replica")
}

fn epoch(process: &mut Process) -> u64 {
    process.wait_for("child: epoch ").rsplit(' ').next().unwrap().parse().unwrap()
}

/// What this variable says, which `by` sets.
pub fn variable(variable: &str, by: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable}: run it by {by}"))
}

/// The server is killed, and starts again, by the program that this variable names: `by` sets it.
pub fn crash(variable: &str, by: &str) {
    run(variable, by, &[]);
}

/// The program that this variable names, which `by` sets, runs to its end.
pub(crate) fn run(program: &str, by: &str, arguments: &[PathBuf]) {
    let ran = Command::new(variable(program, by)).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

/// A lease outlives its server's crash, is found to be taken by whoever asks anew, and is its holder's still, with its epoch.
pub async fn outlives_a_crash<S: LeaseStore>(
    store: &S,
    anew: &S,
    [a, b]: [LeaseRequest; 2],
    crash: impl FnOnce(),
) {
    let granted = store.acquire(&a).await.unwrap();
    crash();
    // The old connection is found to be broken.
    store.renew(&a).await.unwrap();
    let other = anew.acquire(&b).await;
    assert!(matches!(&other, Err(LeaseError::Taken { by, .. }) if **by == *a.holder), "{other:?}");
    assert_eq!(store.acquire(&a).await.unwrap(), granted);
    store.release(&a).await.unwrap();
}

/// One of two processes is killed, after something has happened to the store: the other runs, with a greater epoch. The module's `child_program`
/// must call [`become_replica`].
pub fn survives_a_kill(module: &str, lease: &str, happens: impl FnOnce()) {
    let mut first = start(module, lease);
    let before = epoch(&mut first);
    let mut second = start(module, lease);
    happens();
    drop(first);
    let after = epoch(&mut second);
    assert!(after > before, "{after} comes after {before}");
    second.signal(rustix::process::Signal::TERM);
    assert_eq!(second.end().code(), Some(0));
}

/// One of two managers stops: the other runs, with a greater epoch, and goes on when the runtime in which the first asked the store is gone.
pub async fn hands_over<S: LeaseStore + Clone>(store: S, lease: &str) {
    takes_over(store, lease, Duration::from_secs(6), async || {}).await;
}

/// The same with a lease of that time to live: how long after the shutdown was asked for the other ran. `stands_by` resolves when the first is to stop.
pub async fn takes_over<S: LeaseStore + Clone>(
    store: S,
    lease: &str,
    ttl: Duration,
    stands_by: impl AsyncFnOnce(),
) -> Duration {
    let epochs: Arc<Mutex<Vec<u64>>> = Arc::default();
    let launch = || {
        let epochs = Arc::clone(&epochs);
        let service = replica(store.clone(), lease, ttl, move |epoch| epochs.lock().unwrap().push(epoch));
        ManagerSuite::launch(Manager::new(options()).service(service))
    };
    let first = launch();
    first.recorder().wait_for("run_started reports").await;
    let second = launch();
    second.recorder().wait_for("standby reports").await;
    second.recorder().assert_none("run_started reports");
    stands_by().await;
    let asked = Instant::now();
    let (_, _) = tokio::join!(first.shutdown(), second.recorder().wait_for("run_started reports"));
    let took = asked.elapsed();
    second.recorder().assert_none("lease_lost");
    second.shutdown().await;
    let epochs = epochs.lock().unwrap();
    assert!(epochs.len() == 2 && epochs[0] < epochs[1], "{epochs:?}");
    took
}

/// A manager whose store refuses for good ends before anything has begun, and says why.
pub async fn is_refused(store: impl LeaseStore, why: &str) {
    let service = replica(store, "never", Duration::from_secs(15), |_| {});
    let beside = service_fn("beside", |_| async { Ok(()) });
    let suite = ManagerSuite::launch(Manager::new(options()).service(beside).service(service));
    let recorder = suite.recorder().clone();
    let text = suite.ended().await.expect_err("it never has its lease").to_string();
    assert!(text.contains(why) && text.contains("never have the lease"), "{text}");
    recorder.assert_none("setup_started beside");
    recorder.assert_none("standby");
}

/// A store whose failures are told.
struct Overheard<S>(S, mpsc::UnboundedSender<String>);

impl<S: LeaseStore> Overheard<S> {
    fn tell<T>(&self, answer: Result<T, LeaseError>) -> Result<T, LeaseError> {
        answer.inspect_err(|error| drop(self.1.send(error.to_string())))
    }
}

impl<S: LeaseStore> LeaseStore for Overheard<S> {
    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseGrant, LeaseError> {
        self.tell(self.0.acquire(request).await)
    }

    async fn renew(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        self.tell(self.0.renew(request).await)
    }

    async fn release(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        self.tell(self.0.release(request).await)
    }
}

/// A manager whose store cannot be asked, for what its `check`, which is not called here, would refuse, goes on: it runs once that is mended.
pub async fn runs_once_mended(store: impl LeaseStore, lease: &str, why: &str, mend: impl FnOnce()) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let service = replica(Overheard(store, tell), lease, Duration::from_secs(6), |_| {});
    let suite = ManagerSuite::launch(Manager::new(options()).service(service));
    for _ in 0..2 {
        let text = told.recv().await.expect("it is asked again");
        assert!(text.contains(why), "{text}");
    }
    suite.recorder().assert_none("run_started reports");
    mend();
    suite.recorder().wait_for("run_started reports").await;
    suite.shutdown().await;
}

/// What a store says that is refused before anything runs.
pub fn refusal(checked: Result<(), LeaseError>) -> String {
    match checked {
        Err(LeaseError::Refused(error)) => error.to_string(),
        answer => panic!("it is refused: {answer:?}"),
    }
}

/// What a store says that may be asked again.
pub fn away<T: std::fmt::Debug>(answer: Result<T, LeaseError>) -> String {
    match answer {
        Err(LeaseError::Away(error)) => error.to_string(),
        answer => panic!("it is away: {answer:?}"),
    }
}

/// A server that takes connections and says nothing, as long as the test runs.
pub fn silent_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut taken: Vec<io::Result<_>> = Vec::new();
        taken.extend(listener.incoming());
    });
    address
}

/// A question to a store that does not answer ends by its own limit, as one that may be asked again.
pub async fn is_bounded(asked: impl Future<Output = Result<(), LeaseError>>) -> String {
    let began = Instant::now();
    let answer = tokio::time::timeout(Duration::from_secs(30), asked).await.expect("it has a limit");
    assert!(began.elapsed() >= ms(300), "it was given time");
    match answer {
        Err(LeaseError::Away(error)) => error.to_string(),
        answer => panic!("a server that hangs is away: {answer:?}"),
    }
}
