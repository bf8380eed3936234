use majordomo::ping::PingClient;
use majordomo::testing::ManagerSuite;
use majordomo::{Manager, ManagerOptions, Run, Setup, service_with_setup};
use recipes::peer::peer;
use support::Folder;
use tokio::sync::mpsc;
use tonic::transport::Channel;

#[actix::test]
async fn a_channel_waits_for_its_server_and_serves_those_that_require_it() {
    let folder = Folder::new();
    let address = format!("unix:{}", folder.path("peer").display());
    let (pinged, mut pings) = mpsc::unbounded_channel();
    let ping = move |_: Run, channel: Channel| {
        let pinged = pinged.clone();
        async move {
            PingClient::new(channel).ping(()).await?;
            pinged.send(()).unwrap();
            Ok(())
        }
    };
    let caller = service_with_setup("caller", |setup: Setup| async move { Ok(setup.require()?) }, ping);
    let manager = Manager::new(ManagerOptions::new().without_grpc().handle_signals(false))
        .service(peer(&address))
        .service(caller.depends_on("peer"));
    let mut suite = ManagerSuite::launch(manager);
    suite.recorder().wait_for("setup_retried peer").await;
    let status = suite.status().await.to_string();
    assert!(status.contains("no gRPC server answered within 2s"), "{status}");
    let server = ManagerOptions::new().grpc_server_address(&address).handle_signals(false);
    let server = ManagerSuite::start(Manager::new(server)).await;
    suite.until_running().await;
    support::within("the ping", pings.recv()).await.unwrap();
    suite.shutdown().await;
    server.shutdown().await;
}
