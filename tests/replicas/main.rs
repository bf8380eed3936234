//! A replica for `.ci/replicas`: its one service writes its epoch every 20 ms, as the example one-among-many does, and misbehaves when it is told to.
//!
//! `majordomo-replica URL TTL_MS MARGIN_MS STOP_MS`. On stdin, a line each: `ignore`, this run ignores its signal from now on; `block`, it blocks its thread. The
//! process ends where stdin does. On stdout, a line each, with the time of the clock that all processes of the machine share, in nanoseconds:
//! `began`, `wrote`, `refused`, `away`, `blocks`, `over`, and the epoch; `stands-by 0`. After a run it tries to write some more.

#[path = "../../examples/printer/mod.rs"]
mod printer;
#[path = "../../examples/14_one_among_many/reports.rs"]
mod reports;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use majordomo::events::LifecycleEvent;
use majordomo::{BoxError, Manager, ManagerOptions, RestartPolicy, Run, ServiceSpec, restartable_fn};
use printer::{complain, say};
use reports::{NotWritten, Reports, Store};
use rustix::time::{ClockId, clock_gettime};

const LEASE: &str = "replicas";
const PAUSE: Duration = Duration::from_millis(20);
/// How many writes are tried after a run is over.
const LATE_WRITES: u8 = 5;

fn tell(what: &str, epoch: u64) {
    let now = clock_gettime(ClockId::Monotonic);
    say(format_args!("{what} {epoch} {}", i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)));
}

/// What it was told.
#[derive(Default)]
struct Orders {
    ignore: AtomicBool,
    block: AtomicBool,
}

impl Orders {
    /// Reads them until nobody is there to give any.
    fn listen(&self) {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            match &*line {
                "ignore" => self.ignore.store(true, Ordering::Relaxed),
                "block" => self.block.store(true, Ordering::Relaxed),
                other => panic!("{other}: what is known is ignore and block"),
            }
        }
        std::process::exit(9)
    }
}

struct Writer {
    epoch: u64,
    reports: Reports,
}

impl Writer {
    async fn write(&mut self) {
        let came = match self.reports.append(self.epoch, self.epoch).await {
            Ok(()) => "wrote",
            Err(NotWritten::TooLate(error)) => failed("refused", &error),
            Err(NotWritten::Away(error)) => failed("away", &error),
        };
        tell(came, self.epoch);
    }

    /// What a program should not have: something that no manager knows, and that still writes when its run is over. Once a later life has written it must be refused.
    fn write_late(mut self) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            for _ in 0..LATE_WRITES {
                self.write().await;
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}

/// Tells of the end of a run, also of one that is cut.
struct Life {
    epoch: u64,
    writer: Option<Writer>,
}

impl Drop for Life {
    fn drop(&mut self) {
        tell("over", self.epoch);
        if let Some(writer) = self.writer.take() {
            std::thread::spawn(|| writer.write_late());
        }
    }
}

fn failed(came: &'static str, error: &BoxError) -> &'static str {
    complain(format_args!("{came}: {error}"));
    came
}

async fn write_all(run: Run, reports: Reports, orders: Arc<Orders>) -> Result<(), BoxError> {
    let epoch = run.epoch().ok_or("it runs with a lease")?;
    orders.ignore.store(false, Ordering::Relaxed);
    tell("began", epoch);
    let mut life = Life { epoch, writer: Some(Writer { epoch, reports }) };
    loop {
        if let Some(writer) = &mut life.writer {
            // It goes on, whatever comes: more so than a program should.
            writer.write().await;
        }
        if orders.block.load(Ordering::Relaxed) {
            tell("blocks", epoch);
            std::thread::sleep(Duration::from_secs(3600));
        }
        let is_asked = tokio::select! {
            _ = run.shutdown.requested(), if !orders.ignore.load(Ordering::Relaxed) => true,
            () = tokio::time::sleep(PAUSE) => false,
        };
        if is_asked {
            return Ok(());
        }
    }
}

#[actix::main]
async fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, ttl, margin, stop] = &*arguments else {
        return Err("usage: majordomo-replica URL TTL_MS MARGIN_MS STOP_MS".into());
    };
    let ms = |text: &str| text.parse().map(Duration::from_millis);
    let (ttl, margin, stop) = (ms(ttl)?, ms(margin)?, ms(stop)?);
    let store = Store::at(url)?;
    let orders = Arc::new(Orders::default());
    let listening = Arc::clone(&orders);
    std::thread::spawn(move || listening.listen());

    let lease = store.lease(LEASE).ttl(ttl).margin(margin);
    let run = move |run: Run| write_all(run, Reports::new(store.clone(), LEASE), Arc::clone(&orders));
    let writer = ServiceSpec::new(restartable_fn("writer", run))
        .only_with(lease)
        .stop_timeout(stop)
        .restart(RestartPolicy::on_failure());
    let (observer, mut events) = majordomo::events::channel();
    actix::spawn(async move {
        while let Some(timed) = events.recv().await {
            if let LifecycleEvent::Standby { .. } = timed.event {
                tell("stands-by", 0);
            }
        }
    });
    let options = ManagerOptions::new()
        .grpc_ping_service(false)
        .max_shutdown_duration(Duration::from_secs(5))
        .observe(observer);
    let result = Manager::new(options).service(writer).run().await;
    printer::finish();
    // A thread that blocks does not keep it.
    majordomo::exit(result)
}
