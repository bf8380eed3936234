//! tokio-graceful-shutdown.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex, mpsc as blocking};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_graceful_shutdown::{SubsystemBuilder, SubsystemHandle, Toplevel};
use tokio_util::sync::CancellationToken;

use super::lifecycle::{Life, Stopwatch};
use super::many_threads;
use super::shutdown::{LIMIT, Plan};
use crate::cell::Cell;
use crate::measure::Failure;

pub(super) const SETTINGS: &str =
    "a subsystem for each service with a nested one as its resource; multi-thread runtime";

async fn wait_for_the_end(handle: &mut SubsystemHandle) -> Result<(), Infallible> {
    handle.on_shutdown_requested().await;
    Ok(())
}

pub(super) fn lifecycle(cell: &Cell) -> Result<Life, Failure> {
    let count = cell.count("services");
    many_threads()?.block_on(async move {
        let mut watch = Stopwatch::start()?;
        let stop = CancellationToken::new();
        let (up, mut ups) = mpsc::unbounded_channel();
        let top: Toplevel = Toplevel::new_with_shutdown_token(
            async move |top: &mut SubsystemHandle| {
                for n in 0..count {
                    let up = up.clone();
                    top.start(SubsystemBuilder::new(
                        format!("s{n}"),
                        async move |handle: &mut SubsystemHandle| -> Result<(), Infallible> {
                            handle.start(SubsystemBuilder::new("r", wait_for_the_end));
                            // Counted as long as anybody counts.
                            let _ = up.send(());
                            handle.on_shutdown_requested().await;
                            Ok(())
                        },
                    ));
                }
            },
            stop.clone(),
        );
        for _ in 0..count {
            ups.recv().await.ok_or("a subsystem is lost")?;
        }
        watch.running()?;
        stop.cancel();
        top.handle_shutdown_requests(Duration::from_secs(600)).await?;
        watch.over(count)
    })
}

/// How long a shutdown takes that some do not follow.
pub(super) fn overshoot(cell: &Cell) -> Result<Duration, Failure> {
    let plan = Plan::of(cell);
    let runtime = many_threads()?;
    let (free, lock) = blocking::channel::<()>();
    let lock = Arc::new(Mutex::new(lock));
    let took = runtime.block_on(async move {
        let stop = CancellationToken::new();
        let (up, mut ups) = mpsc::unbounded_channel();
        let all = plan.hanging + plan.blocked;
        let top: Toplevel = Toplevel::new_with_shutdown_token(
            async move |top: &mut SubsystemHandle| {
                for n in 0..all {
                    let (up, lock) = (up.clone(), Arc::clone(&lock));
                    top.start(SubsystemBuilder::new(
                        format!("s{n}"),
                        async move |_: &mut SubsystemHandle| -> Result<(), Infallible> {
                            // Counted as long as anybody counts.
                            let _ = up.send(());
                            if n >= plan.hanging {
                                // Until the measurement is over.
                                let _ = lock.lock().expect("nobody panics").recv();
                            }
                            pending().await
                        },
                    ));
                }
            },
            stop.clone(),
        );
        for _ in 0..all {
            ups.recv().await.ok_or("a subsystem is lost")?;
        }
        let began = Instant::now();
        stop.cancel();
        // That it failed is what is expected of it.
        top.handle_shutdown_requests(LIMIT).await.err().ok_or("it ended, though some hang")?;
        Ok::<_, Failure>(began.elapsed())
    });
    drop(free);
    runtime.shutdown_background();
    took
}

/// Runs until a signal ends it.
pub(super) fn until_a_signal(
    cell: &Cell,
    running: impl FnOnce() + Send + Sync + 'static,
) -> Result<(), Failure> {
    let count = cell.count("services");
    let running = Mutex::new(Some(running));
    many_threads()?.block_on(async move {
        let (up, mut ups) = mpsc::unbounded_channel();
        let top: Toplevel = Toplevel::new(async move |top: &mut SubsystemHandle| {
            for n in 0..count {
                // Counted as long as anybody counts.
                let _ = up.send(());
                top.start(SubsystemBuilder::new(format!("s{n}"), wait_for_the_end));
            }
        })
        .catch_signals();
        for _ in 0..count {
            ups.recv().await.ok_or("a subsystem is lost")?;
        }
        if let Some(running) = running.lock().expect("nobody panics").take() {
            running();
        }
        Ok(top.handle_shutdown_requests(Duration::from_secs(10)).await?)
    })
}
