//! Telemetry, as a collector of other make gets it, or does not.

mod chain;
mod collector;
mod dead;
mod ends;
mod processes;
#[cfg(feature = "reqwest")]
mod requests;

use majordomo::{ManagerOptions, Run};
use majordomo_otel::{Otel, OtelOptions};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

/// A manager's options, whose spans are this telemetry's.
fn traced(otel: &Otel, options: ManagerOptions) -> ManagerOptions {
    let subscriber = tracing_subscriber::registry().with(otel.layer());
    otel.grpc(options.dispatch(Dispatch::new(subscriber)))
}

fn otel(service: &str, endpoint: &str) -> Otel {
    Otel::new(OtelOptions::new(service).endpoint(endpoint)).unwrap()
}

/// A service that runs until it is asked to stop.
async fn until_asked(run: Run) -> Result<(), majordomo::BoxError> {
    run.shutdown.requested().await;
    Ok(())
}
