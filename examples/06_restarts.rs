//! A service that fails now and then, and is started again: when, how often and how soon, by its `RestartPolicy`.
//!
//! ```text
//! cargo run --example 06_restarts
//! ```
//!
//! The worker crashes over the third job of each batch. It keeps its address and the jobs that wait in its mailbox; the job it
//! crashed over is gone, as it would be in OTP. `restarting` brings its state back to what it was at first.

mod printer;

use std::time::Duration;

use actix::prelude::*;
use majordomo::{
    BoxError, Exit, GenericService, Manager, ManagerError, ManagerOptions, RestartPolicy, Run, Service,
    ServiceSpec, Setup, Shutdown, StartShutdown, WaitForShutdown, WaitUntilRunning, resource_fn,
};
use printer::say;
use tokio::sync::oneshot;

pub(crate) struct Worker {
    done: u32,
    addr: Option<oneshot::Sender<Addr<Worker>>>,
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if let Some(addr) = self.addr.take() {
            let _ = addr.send(ctx.address());
        }
    }
}

impl Supervised for Worker {
    fn restarting(&mut self, _: &mut Context<Self>) {
        say(format!("restarting after {} jobs", self.done));
        self.done = 0;
    }
}

impl Service for Worker {
    fn id(&self) -> String {
        "worker".to_owned()
    }
}

impl GenericService for Worker {}

impl Handler<Setup> for Worker {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        // Each life has resources of its own: those of the one before have been released.
        setup.resources.start(
            "scratch file",
            resource_fn(|| async {
                say("scratch file released");
                Ok(())
            }),
        )?;
        Ok(())
    }
}

impl Handler<Run> for Worker {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        Box::pin(async move {
            run.shutdown.requested().await;
            Ok(())
        })
    }
}

impl Handler<Shutdown> for Worker {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Job(u32);

impl Handler<Job> for Worker {
    type Result = ();

    fn handle(&mut self, Job(number): Job, _: &mut Context<Self>) {
        assert!(number % 3 > 0, "job {number} is too much");
        self.done += 1;
        say(format!("job {number} done"));
    }
}

/// The manager, not yet started, and the worker's address once it has started.
pub(crate) fn manager() -> (Manager, oneshot::Receiver<Addr<Worker>>) {
    let (addr, worker) = oneshot::channel();
    let policy = RestartPolicy::on_failure()
        .max_restarts(5)
        .within(Duration::from_secs(10))
        .backoff(Duration::from_millis(10), Duration::from_secs(1));
    let worker_spec = ServiceSpec::new(Worker { done: 0, addr: Some(addr) }).restart(policy);
    let options = ManagerOptions::new().grpc_ping_service(false);
    (Manager::new(options).service(worker_spec), worker)
}

#[actix::main]
async fn main() -> Exit {
    let result = run().await;
    printer::finish();
    result.into()
}

async fn run() -> Result<(), ManagerError> {
    let (manager, worker) = manager();
    let manager = manager.start();
    manager.send(WaitUntilRunning).await??;
    let worker = worker.await.expect("the worker has started");
    for number in 1..=7 {
        worker.do_send(Job(number));
    }
    // Comes after the jobs, whatever they did to the worker.
    worker.send(Job(8)).await.expect("the worker answers");
    manager.do_send(StartShutdown);
    manager.send(WaitForShutdown).await?
}
