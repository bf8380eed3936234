//! This crate.

use std::sync::mpsc as blocking;
use std::time::{Duration, Instant};

use actix::prelude::*;
use majordomo::{
    GenericService, GetStatus, Manager, ManagerOptions, Operations, RestartPolicy, Run, Service, ServiceSpec,
    Setup, Shutdown, StartShutdown, WaitForShutdown, WaitUntilRunning,
};
use tokio::sync::oneshot;

use super::ask::{Amount, time_asks, time_tells};
use super::lifecycle::{Life, Stopwatch};
use super::panic_in_silence;
use super::restart::time_restarts;
use super::shutdown::{LIMIT, Plan};
use super::worker::{Answer, Ask, Crash, Tell, Worker};
use crate::cell::Cell;
use crate::grpc::Registers;
use crate::measure::{Failure, Figures};

pub(super) const SETTINGS: &str = "services of a Manager with default options, as users have it";

fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_ping_service(false).handle_signals(false)
}

type Drive = fn(Amount, Addr<Worker>) -> ResponseFuture<Figures>;

/// Asks another service, from its own thread.
struct Driver {
    amount: Amount,
    target: Option<oneshot::Receiver<Addr<Worker>>>,
    drive: Drive,
    figures: Option<oneshot::Sender<Figures>>,
}

impl Actor for Driver {
    type Context = Context<Self>;
}

impl Supervised for Driver {}

impl Service for Driver {
    fn id(&self) -> String {
        "driver".to_owned()
    }
}

impl GenericService for Driver {}

impl Handler<Setup> for Driver {
    type Result = Answer;

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Answer {
        Ok(())
    }
}

impl Handler<Run> for Driver {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, _: Run, _: &mut Context<Self>) -> Self::Result {
        let (target, figures) = (self.target.take(), self.figures.take());
        let (drive, amount) = (self.drive, self.amount);
        Box::pin(async move {
            let (target, figures) = target.zip(figures).ok_or("it runs once")?;
            let measured = drive(amount, target.await?).await;
            figures.send(measured).map_err(|_| "nobody wants the figures".into())
        })
    }
}

impl Handler<Shutdown> for Driver {
    type Result = Answer;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Answer {
        Ok(())
    }
}

/// One service drives another, on the same thread or on the next.
pub(super) fn with_driver(cell: &Cell, drive: Drive) -> Result<Figures, Failure> {
    System::new().block_on(async {
        let (worker, target) = Worker::known();
        let (figures, measured) = oneshot::channel();
        let driver = Driver { amount: Amount::of(cell), target: Some(target), drive, figures: Some(figures) };
        let options = options().service_threads(cell.count("threads"));
        let manager = Manager::new(options).service(worker).service(driver).start();
        let measured = measured.await?;
        manager.send(StartShutdown).await?;
        manager.send(WaitForShutdown).await??;
        Ok(measured)
    })
}

async fn ask(target: &Addr<Worker>) {
    target.send(Ask).await.expect("it answers");
}

pub(super) fn asks(amount: Amount, target: Addr<Worker>) -> ResponseFuture<Figures> {
    Box::pin(async move { time_asks(amount.asks, async || ask(&target).await).await })
}

pub(super) fn tells(amount: Amount, target: Addr<Worker>) -> ResponseFuture<Figures> {
    Box::pin(
        async move { time_tells(amount.batch, || target.do_send(Tell), async || ask(&target).await).await },
    )
}

pub(super) fn lifecycle(cell: &Cell) -> Result<Life, Failure> {
    let count = cell.count("services");
    System::new().block_on(async move {
        let mut watch = Stopwatch::start()?;
        let workers = (0..count).map(|n| Worker { has_resource: true, ..Worker::new(format!("s{n}")) });
        let options = options().max_shutdown_duration(Duration::from_secs(600));
        let manager = workers.fold(Manager::new(options), Manager::service).start();
        manager.send(WaitUntilRunning).await??;
        watch.running()?;
        manager.send(StartShutdown).await?;
        manager.send(WaitForShutdown).await??;
        watch.over(count)
    })
}

pub(super) fn restarts(cell: &Cell) -> Result<Figures, Failure> {
    panic_in_silence();
    System::new().block_on(async move {
        let (worker, target) = Worker::known();
        let at_once = RestartPolicy::on_failure().unlimited().backoff(Duration::ZERO, Duration::ZERO);
        let neighbours = (0..cell.count("neighbours")).map(|n| Worker::new(format!("s{n}")));
        let manager = neighbours.fold(Manager::new(options()), Manager::service);
        let manager = manager.service(ServiceSpec::new(worker).restart(at_once)).start();
        manager.send(WaitUntilRunning).await??;
        let target = target.await?;
        let figures = time_restarts(async || {
            target.do_send(Crash);
            ask(&target).await;
        });
        let figures = figures.await?;
        manager.send(StartShutdown).await?;
        manager.send(WaitForShutdown).await??;
        Ok(figures)
    })
}

/// How long a shutdown takes that some do not follow.
pub(super) fn overshoot(cell: &Cell) -> Result<Duration, Failure> {
    let plan = Plan::of(cell);
    System::new().block_on(async move {
        let (free, lock) = blocking::channel();
        let mut lock = Some(lock);
        let options = options().max_shutdown_duration(LIMIT).grpc_server_address("127.0.0.1:0");
        let hanging = (0..plan.hanging).map(|n| Worker { hangs: true, ..Worker::new(format!("s{n}")) });
        let mut manager = hanging.fold(Manager::new(options), Manager::service);
        if plan.blocked > 0 {
            manager = manager.service(Worker { blocks: lock.take(), ..Worker::new("blocked") });
        }
        if plan.streams > 0 {
            manager = manager.grpc_service(Registers);
        }
        let manager = manager.start();
        manager.send(WaitUntilRunning).await??;
        let streams = match manager.send(GetStatus).await?.grpc_address {
            Some(address) if plan.streams > 0 => {
                Some(crate::grpc::open_streams(&address.to_string(), plan.streams).await?)
            }
            _ => None,
        };
        let began = Instant::now();
        manager.send(StartShutdown).await?;
        // That it failed is what is expected of it.
        manager.send(WaitForShutdown).await?.err().ok_or("it ended well, though some hang")?;
        let took = began.elapsed();
        drop((free, streams));
        Ok(took)
    })
}

/// Runs until a signal ends it.
pub(super) fn until_a_signal(cell: &Cell, running: impl FnOnce()) -> Result<(), Failure> {
    System::new().block_on(async move {
        let workers = (0..cell.count("services"))
            .map(|n| Worker { has_resource: true, ..Worker::new(format!("s{n}")) });
        let options = options().handle_signals(true);
        let manager = workers.fold(Manager::new(options), Manager::service).start();
        manager.send(WaitUntilRunning).await??;
        running();
        Ok(manager.send(WaitForShutdown).await??)
    })
}

pub(super) fn idle(cell: &Cell) -> Result<Figures, Failure> {
    System::new().block_on(async move {
        let workers = (0..cell.count("services"))
            .map(|n| Worker { has_resource: true, ..Worker::new(format!("s{n}")) });
        let options = options().grpc_server_address("127.0.0.1:0");
        let options = match cell.get("seen") {
            0 => options,
            _ => options.operations(Operations::new("127.0.0.1:0")),
        };
        let manager = workers.fold(Manager::new(options), Manager::service).grpc_service(Registers).start();
        manager.send(WaitUntilRunning).await??;
        let status = manager.send(GetStatus).await?;
        let address = status.grpc_address.ok_or("it serves no gRPC")?;
        let operations = status.operations_addresses.first().and_then(|address| address.as_tcp());
        let figures = super::idle::watched(super::idle::watch(cell, address, operations)).await;
        manager.send(StartShutdown).await?;
        manager.send(WaitForShutdown).await??;
        figures
    })
}
