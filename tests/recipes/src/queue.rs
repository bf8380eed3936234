//! Workers of a queue that lose no job.

use std::future::Future;
use std::sync::Arc;

use majordomo::{
    BoxError, Manager, RestartPolicy, Run, ServiceSpec, Setup, WithSetup, provider_fn, resource_fn,
    service_with_setup,
};
use tokio::sync::{Mutex, mpsc};

pub type Job = u32;

/// Stands for a broker: jobs wait there, and those that are not done go back to it.
#[derive(Clone)]
pub struct Queue {
    waiting: Arc<Mutex<mpsc::Receiver<Job>>>,
    back: mpsc::UnboundedSender<Job>,
}

/// A job that a worker has taken. Whatever becomes of the worker (it fails, panics or is cut off), the job goes back unless it is done.
struct Taken<'a> {
    job: Job,
    done: bool,
    queue: &'a Queue,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if !self.done {
            let _ = self.queue.back.send(self.job);
        }
    }
}

impl Queue {
    pub fn new(waiting: mpsc::Receiver<Job>, back: mpsc::UnboundedSender<Job>) -> Self {
        Self { waiting: Arc::new(Mutex::new(waiting)), back }
    }

    /// Loses nothing where it is dropped while it waits. `None` when no more jobs come.
    async fn take(&self) -> Option<Taken<'_>> {
        let job = self.waiting.lock().await.recv().await?;
        Some(Taken { job, done: false, queue: self })
    }

    /// Gives back what nobody has begun.
    async fn close(&self) {
        self.waiting.lock().await.close();
        while self.take().await.is_some() {}
    }
}

/// Adds the queue and its workers.
pub fn workers<F, Fut>(mut manager: Manager, queue: Queue, count: usize, work: F) -> Manager
where
    F: Fn(Job) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), BoxError>> + 'static,
{
    let open = move |setup: Setup| {
        let (queue, closing) = (queue.clone(), queue.clone());
        async move {
            let close = move || async move {
                closing.close().await;
                Ok(())
            };
            setup.resources.start("jobs", resource_fn(close))?;
            setup.provide(queue);
            Ok(())
        }
    };
    manager = manager.service(provider_fn("queue", open));
    for number in 0..count {
        let worker = worker(format!("worker {number}"), work.clone());
        manager =
            manager.service(worker.depends_on("queue").restart(RestartPolicy::on_failure().unlimited()));
    }
    manager
}

fn worker<F, Fut>(id: String, work: F) -> ServiceSpec<WithSetup<Queue>>
where
    F: Fn(Job) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), BoxError>> + 'static,
{
    let run = move |run: Run, queue: Queue| {
        let work = work.clone();
        async move {
            loop {
                let taken = tokio::select! {
                    biased;
                    () = run.shutdown.requested() => return Ok(()),
                    taken = queue.take() => taken,
                };
                let Some(mut taken) = taken else { return Ok(()) };
                work(taken.job).await?;
                taken.done = true;
            }
        }
    };
    service_with_setup(id, |setup: Setup| async move { Ok(setup.require()?) }, run)
}
