//! Work for many cores.

use std::ops::Range;
use std::time::Duration;

use majordomo::{
    Release, Run, ServiceSpec, Setup, WithSetup, provider_fn, resource_fn_with, service_with_setup,
};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking, yield_now};
use tokio::time::Instant;

/// Ends in the background where its release never came: a thread of tasks may not wait for it.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A runtime with many threads, whose `Handle` others require.
pub fn cores(threads: usize) -> ServiceSpec<WithSetup<()>> {
    let begin = move |setup: Setup| async move {
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
        setup.provide(runtime.handle().clone());
        let mut threads = Threads(Some(runtime));
        let end = move |release: Release| async move {
            let runtime = threads.0.take().ok_or("it was released already")?;
            let left = release.shutdown.deadline().map(|at| Instant::from_std(at) - Instant::now());
            // A little less: what is told after the deadline is told to nobody.
            let left = left.unwrap_or(Duration::from_secs(10)).saturating_sub(Duration::from_millis(250));
            // A runtime waits for its threads, which a thread of tasks must not.
            let ended = spawn_blocking(move || {
                let began = std::time::Instant::now();
                runtime.shutdown_timeout(left);
                began.elapsed() < left
            });
            match ended.await? {
                true => Ok(()),
                false => Err("a task still computes, without an await: have it yield now and then".into()),
            }
        };
        setup.resources.start("threads", resource_fn_with(end))?;
        Ok(())
    };
    provider_fn("cores", begin)
}

async fn sum(range: Range<u64>) -> u64 {
    let mut sum = 0_u64;
    for number in range {
        sum = sum.wrapping_add(number);
        if number % 1024 == 0 {
            yield_now().await; // here it can be ended
        }
    }
    sum
}

/// Sums up a range in pieces, on all cores, and sends the result.
pub fn sums(pieces: u64, each: u64, results: mpsc::UnboundedSender<u64>) -> ServiceSpec<WithSetup<Handle>> {
    let run = move |run: Run, cores: Handle| {
        let results = results.clone();
        async move {
            let mut tasks = JoinSet::new();
            for piece in 0..pieces {
                tasks.spawn_on(sum(piece * each..(piece + 1) * each), &cores);
            }
            tokio::select! {
                sums = tasks.join_all() => results.send(sums.iter().sum())?,
                () = run.shutdown.requested() => {} // with `tasks`, they are aborted
            }
            Ok(())
        }
    };
    let sums = service_with_setup("sums", |setup: Setup| async move { Ok(setup.require()?) }, run);
    sums.depends_on("cores")
}
