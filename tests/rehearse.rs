//! The rehearsal of a user's own manager.

use std::time::Duration;

use majordomo::testing::{ResourceScript, ScriptedService, ServiceScript, rehearse};
use majordomo::{Manager, ManagerOptions};

fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_ping_service(false).grpc_server_address("127.0.0.1:0")
}

fn scripted(id: &str, resources: &[&str]) -> ScriptedService {
    let resource = |name: &&str| ResourceScript { name: (*name).to_owned(), ..ResourceScript::default() };
    let resources = resources.iter().map(resource).collect();
    ScriptedService::new(ServiceScript { id: id.to_owned(), resources, ..ServiceScript::default() })
}

/// Two services, one of them with two resources.
fn obliging() -> Manager {
    Manager::new(options()).service(scripted("shop", &["database", "cache"])).service(scripted("clock", &[]))
}

#[test]
fn a_manager_of_obliging_services_survives_every_fault() {
    let rehearsed = rehearse(obliging).shutdown_within(Duration::from_millis(500)).run();
    assert_eq!(rehearsed.missed, [""; 0]);
    assert!(rehearsed.cases > 80, "{rehearsed}");
}

#[test]
fn so_does_one_with_a_grpc_server() {
    let manager = || {
        let options = ManagerOptions::new().grpc_server_address("127.0.0.1:0");
        Manager::new(options).service_and_grpc(scripted("both", &["pool"]))
    };
    let rehearsed = rehearse(manager).shutdown_within(Duration::from_millis(500)).run();
    assert_eq!(rehearsed.missed, [""; 0]);
}
