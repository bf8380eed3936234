//! A channel to another server of gRPC, which may come late.

use std::time::Duration;

use majordomo::clients::wait_for_grpc_server;
use majordomo::{RestartPolicy, ServiceSpec, Setup, WithSetup, provider_fn};
use tonic::transport::Endpoint;

pub fn peer(url: &str) -> ServiceSpec<WithSetup<()>> {
    let url = url.to_owned();
    let connect = move |setup: Setup| {
        let endpoint = Endpoint::from_shared(url.clone());
        async move {
            // Shorter than max_shutdown_duration: no call holds the shutdown up.
            let channel = endpoint?.timeout(Duration::from_secs(10)).connect_lazy();
            wait_for_grpc_server(channel.clone(), Duration::from_secs(2)).await?;
            setup.provide(channel);
            Ok(())
        }
    };
    let patient = RestartPolicy::on_failure().max_restarts(60).within(Duration::from_secs(300));
    provider_fn("peer", connect).retry_setup(patient)
}
