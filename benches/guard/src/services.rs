//! Services as actors: messages, lives, restarts.

use std::time::Duration;

use actix::prelude::*;
use majordomo::testing::{paused, start_paused};
use majordomo::{
    BoxError, GenericService, Manager, ManagerOptions, RestartPolicy, Run, Service, ServiceSpec, Setup,
    Shutdown, StartShutdown, WaitForShutdown, WaitUntilRunning, resource_fn,
};
use tokio::sync::oneshot;

use crate::Failure;

type Answer = Result<(), BoxError>;

/// Answers, and crashes, as it is told to.
struct Worker {
    id: String,
    has_resource: bool,
    addr: Option<oneshot::Sender<Addr<Worker>>>,
    count: u64,
}

impl Worker {
    fn new(id: String) -> Self {
        Self { id, has_resource: true, addr: None, count: 0 }
    }

    fn known() -> (Self, oneshot::Receiver<Addr<Self>>) {
        let (tell, told) = oneshot::channel();
        (Self { has_resource: false, addr: Some(tell), ..Self::new("target".to_owned()) }, told)
    }
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if let Some(addr) = self.addr.take() {
            let _ = addr.send(ctx.address());
        }
    }
}

impl Supervised for Worker {}

impl Service for Worker {
    fn id(&self) -> String {
        self.id.clone()
    }
}

impl GenericService for Worker {}

impl Handler<Setup> for Worker {
    type Result = Answer;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Answer {
        if self.has_resource {
            setup.resources.start("r", resource_fn(|| async { Ok(()) }))?;
        }
        Ok(())
    }
}

impl Handler<Run> for Worker {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        Box::pin(async move {
            run.shutdown.requested().await;
            Ok(())
        })
    }
}

impl Handler<Shutdown> for Worker {
    type Result = Answer;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Answer {
        Ok(())
    }
}

#[derive(Message)]
#[rtype(result = "u64")]
struct Ask;

impl Handler<Ask> for Worker {
    type Result = u64;

    fn handle(&mut self, _: Ask, _: &mut Context<Self>) -> u64 {
        self.count += 1;
        self.count
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Tell;

impl Handler<Tell> for Worker {
    type Result = ();

    fn handle(&mut self, _: Tell, _: &mut Context<Self>) {
        self.count += 1;
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Handler<Crash> for Worker {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        panic!("as told")
    }
}

fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_ping_service(false).handle_signals(false)
}

/// Starts the manager, does that, and stops it.
async fn around(
    manager: Addr<Manager>,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    manager.send(WaitUntilRunning).await??;
    work.await?;
    manager.send(StartShutdown).await?;
    Ok(manager.send(WaitForShutdown).await??)
}

/// Both on one thread.
fn driven(
    drive: impl AsyncFnOnce(Addr<Worker>) -> Result<(), BoxError> + Send + 'static,
) -> Result<(), Failure> {
    System::new().block_on(async {
        let (worker, target) = Worker::known();
        let driver = majordomo::service_fn("driver", move |_: Run| async move { drive(target.await?).await });
        let manager = Manager::new(options().service_threads(1)).service(worker).service(driver).start();
        let (over, ended) = oneshot::channel::<()>();
        drop(over);
        around(manager, async {
            let _ = ended.await;
            Ok(())
        })
        .await
    })
}

pub(crate) fn ask(count: u32) -> Result<(), Failure> {
    driven(async move |target| {
        for _ in 0..count {
            target.send(Ask).await?;
        }
        Ok(())
    })
}

pub(crate) fn tell(count: u32) -> Result<(), Failure> {
    driven(async move |target| {
        for _ in 0..count / 1000 {
            for _ in 0..1000 {
                target.do_send(Tell);
            }
            target.send(Ask).await?;
        }
        Ok(())
    })
}

/// So many services with a resource each; all on one thread, since how threads meet is a matter of chance.
pub(crate) fn start_and_stop(count: u32) -> Result<(), Failure> {
    paused(|| async move {
        let workers = (0..count).map(|n| Worker::new(format!("s{n}")));
        let options = options().max_shutdown_duration(Duration::from_secs(600));
        around(start_paused(workers.fold(Manager::new(options), Manager::service)), async { Ok(()) }).await
    })
}

/// On one thread, too.
pub(crate) fn restart(count: u32) -> Result<(), Failure> {
    // What a panic prints is the terminal's.
    std::panic::set_hook(Box::new(|_| {}));
    paused(|| async move {
        let (worker, target) = Worker::known();
        let at_once = RestartPolicy::on_failure().unlimited().backoff(Duration::ZERO, Duration::ZERO);
        let manager = Manager::new(options()).service(ServiceSpec::new(worker).restart(at_once));
        around(start_paused(manager), async {
            let target = target.await?;
            for _ in 0..count {
                target.do_send(Crash);
                target.send(Ask).await?;
            }
            Ok(())
        })
        .await
    })
}
