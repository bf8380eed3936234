//! `/metrics`: its formats, whose it is, and what it costs.

use majordomo::metrics::Metrics;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use support::{Journal, Probe, observe, options, serving};

use crate::scraped::{Scraped, address, operations, scrape};

/// Every family of the contract.
const FAMILIES: [(&str, &str); 17] = [
    ("http_server_request_duration_seconds", "histogram"),
    ("majordomo_build_info", "gauge"),
    ("majordomo_calls_ended_total", "counter"),
    ("majordomo_connections", "gauge"),
    ("majordomo_forced_total", "counter"),
    ("majordomo_generation", "gauge"),
    ("majordomo_handovers_total", "counter"),
    ("majordomo_lease_epoch", "gauge"),
    ("majordomo_lease_held", "gauge"),
    ("majordomo_lease_transitions_total", "counter"),
    ("majordomo_open_calls", "gauge"),
    ("majordomo_service_restarts_left", "gauge"),
    ("majordomo_service_restarts_total", "counter"),
    ("majordomo_service_state", "gauge"),
    ("majordomo_shutdown_seconds", "gauge"),
    ("majordomo_stall_seconds", "gauge"),
    ("rpc_server_call_duration_seconds", "histogram"),
];

#[actix::test]
async fn metrics_are_told_without_an_option_and_every_family_is_there_from_the_start() {
    let journal = Journal::default();
    let observed = observe(options().operations(operations()), |m| m.service(Probe::new("a", &journal)));
    observed.running().await;
    let scraped = Scraped::from(address(&observed).await).await;
    let families: Vec<_> = scraped.types.iter().map(|(name, kind)| (&**name, &**kind)).collect();
    assert_eq!(families, FAMILIES, "{}", scraped.text);
    for name in scraped.types.keys() {
        assert!(scraped.text.contains(&format!("# HELP {name} ")), "{name} has no help");
    }
    assert_eq!(scraped.labels("majordomo_build_info")[0].len(), 1);
}

#[actix::test]
async fn the_format_is_the_one_that_is_asked_for() {
    let observed = observe(serving().operations(operations()), |manager| manager);
    observed.running().await;
    let at = address(&observed).await;
    const OPEN: &str = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    const OLD: &str = "content-type: text/plain; version=0.0.4; charset=utf-8\r\n";
    for (accept, kind) in [
        ("Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", OPEN),
        ("Accept: text/plain", OLD),
        ("Accept: */*", OLD),
        ("X: no Accept at all", OLD),
    ] {
        let came = scrape(at, &[accept]).await;
        assert!(came.status == 200 && came.head.contains(kind), "{accept}: {came:?}");
        assert_eq!(came.body.ends_with("# EOF\n"), kind == OPEN, "{}", came.body);
        let unit = "# UNIT rpc_server_call_duration_seconds seconds\n";
        assert_eq!(came.body.contains(unit), kind == OPEN, "{}", came.body);
    }
}

#[actix::test]
async fn a_registry_of_a_users_tells_them_beside_its_own_before_and_after_a_life() {
    let metrics = Metrics::new();
    let mut registry = Registry::with_prefix("shop");
    let own = Counter::<u64>::default();
    registry.register("orders", "Orders that were taken", own.clone());
    registry.register_collector(metrics.collector());
    let told = || {
        let mut text = String::new();
        prometheus_client::encoding::prometheus_text::encode(&mut text, &registry).unwrap();
        Scraped::parse(&text)
    };
    assert_eq!(told().value("shop_orders_total", &[]), 0.0);
    let journal = Journal::default();
    let mut observed = observe(options().metrics(&metrics), |m| m.service(Probe::new("a", &journal)));
    observed.running().await;
    own.inc();
    assert_eq!(told().value("shop_orders_total", &[]), 1.0);
    let state = [("service", "a"), ("state", "running")];
    assert_eq!(told().value("shop_majordomo_service_state", &state), 1.0);
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert_eq!(told().value("shop_majordomo_service_state", &state), 0.0);
}
