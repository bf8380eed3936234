//! A session at another server, over reqwest.

use std::sync::Arc;
use std::time::Duration;

use majordomo::{
    BoxError, Release, Run, ServiceSpec, Setup, ShutdownSignal, WithSetup, provider_fn, resource_fn_with,
    service_with_setup,
};
use reqwest::Client;
use tokio::time::{Instant, sleep};

const REQUEST: Duration = Duration::from_secs(10);
/// How long before a deadline it is time to give up.
const MARGIN: Duration = Duration::from_millis(250);

/// How long a request may take: less than is left of a shutdown, if there is one.
fn time_left(shutdown: &ShutdownSignal) -> Duration {
    let until = |at: std::time::Instant| Instant::from_std(at).duration_since(Instant::now());
    shutdown.deadline().map_or(REQUEST, |at| until(at).saturating_sub(MARGIN).min(REQUEST))
}

#[derive(Clone)]
pub struct Partner {
    client: Client,
    url: Arc<str>,
}

impl Partner {
    /// Asks, and gives up where the shutdown leaves no more time.
    async fn rate(&self, shutdown: &ShutdownSignal) -> Result<Option<String>, BoxError> {
        let given_up = async {
            shutdown.requested().await;
            sleep(time_left(shutdown)).await;
        };
        let asked = async {
            let answer = self.client.get(format!("{}/rate", self.url)).send().await?;
            Ok(Some(answer.error_for_status()?.text().await?))
        };
        tokio::select! {
            rate = asked => rate,
            () = given_up => Ok(None),
        }
    }
}

/// Logs in at the partner, provides a client, and logs out when nobody needs it any more.
pub fn partner(url: &str) -> ServiceSpec<WithSetup<()>> {
    let url: Arc<str> = url.into();
    let log_in = move |setup: Setup| {
        let url = Arc::clone(&url);
        async move {
            let client = Client::builder().timeout(REQUEST).build()?;
            let session = format!("{url}/session");
            client.post(&session).send().await?.error_for_status()?;
            let leaving = client.clone();
            let log_out = |release: Release| async move {
                let farewell = leaving.delete(session).timeout(time_left(&release.shutdown));
                farewell.send().await?.error_for_status()?;
                Ok(())
            };
            setup.resources.start("session", resource_fn_with(log_out))?;
            setup.provide(Partner { client, url });
            Ok(())
        }
    };
    provider_fn("partner", log_in)
}

/// Asks the partner for a rate, again and again.
pub fn rates() -> ServiceSpec<WithSetup<Partner>> {
    let ask = |run: Run, partner: Partner| async move {
        while !run.shutdown.is_requested() {
            if let Some(rate) = partner.rate(&run.shutdown).await? {
                println!("the rate is {rate}");
            }
            tokio::select! {
                () = run.shutdown.requested() => {}
                () = sleep(Duration::from_secs(1)) => {}
            }
        }
        Ok(())
    };
    let rates = service_with_setup("rates", |setup: Setup| async move { Ok(setup.require()?) }, ask);
    rates.depends_on("partner")
}
