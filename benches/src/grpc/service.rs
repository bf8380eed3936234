//! What all servers answer.

use std::hint::spin_loop;
use std::pin::Pin;
use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};
use tokio_stream::Stream;
use tokio_stream::StreamExt;
use tonic::{Request, Response, Status, Streaming};

use super::pb::bench_server::Bench;
pub(crate) use super::pb::bench_server::BenchServer;
use super::pb::{Payload, Work};

/// How often is computed between two looks at the clock, which cost about 0.2 us.
const SPINS: usize = 16;

/// Answers what it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Echoes;

#[tonic::async_trait]
impl Bench for Echoes {
    type EchoStreamStream = Pin<Box<dyn Stream<Item = Result<Payload, Status>> + Send>>;

    async fn echo(&self, request: Request<Payload>) -> Result<Response<Payload>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn burn(&self, request: Request<Work>) -> Result<Response<Payload>, Status> {
        let Work { body, micros } = request.into_inner();
        burn(Duration::from_micros(micros.into()));
        Ok(Response::new(Payload { body }))
    }

    async fn echo_stream(
        &self,
        request: Request<Streaming<Payload>>,
    ) -> Result<Response<Self::EchoStreamStream>, Status> {
        Ok(Response::new(Box::pin(request.into_inner().map(|message| message))))
    }
}

/// Computes for so much CPU time of this thread: what it is kept from the CPU meanwhile doesn't count.
fn burn(time: Duration) {
    if time.is_zero() {
        return;
    }
    let until = thread_time() + time;
    while thread_time() < until {
        for _ in 0..SPINS {
            spin_loop();
        }
    }
}

fn thread_time() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(tv_sec.unsigned_abs(), u32::try_from(tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_burns_what_it_is_told_to() {
        let began = thread_time();
        burn(Duration::from_millis(2));
        assert!(thread_time() - began >= Duration::from_millis(2));
    }
}
