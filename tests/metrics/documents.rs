//! Dashboard and alerts ask for nothing that is not there, and the page tells of all that is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use axum::Router;
use majordomo::http::HttpServerOptions;
use majordomo::metrics::Metrics;
use majordomo::testing::MemoryLeases;
use majordomo::{Lease, RestartPolicy, ServiceSpec, http_service, provider_fn, restartable_fn};
use serde_json::Value;
use support::rpc::{Calls, connect, ping, unary};
use support::{Client, Journal, Probe, observe, rpc};

use crate::scraped::{Scraped, address, operations};
use crate::told::register;

/// A scrape in which every metric has every label that it may have.
async fn everything() -> Scraped {
    let (calls, _held) = Calls::new();
    let metrics = Metrics::new();
    let service = Probe::new("a", &Journal::default()).register_at_once(register(calls));
    let by_route = majordomo::http::name_routes(|request: &http::Extensions| {
        request.get::<axum::extract::MatchedPath>().map(axum::extract::MatchedPath::as_str)
    });
    let panics = || async {
        if true {
            panic!("a panic on purpose");
        }
    };
    let router = Router::new().route("/panic", axum::routing::get(panics)).route_layer(by_route);
    let web = http_service("web", "127.0.0.1:0", router).options(HttpServerOptions::new());
    let options = rpc::options().metrics(&metrics).operations(operations());
    let bounded = provider_fn("bounded", |_| async { Ok(()) }).restart(RestartPolicy::on_failure());
    let lease = Lease::new(MemoryLeases::new(), "nightly");
    let alone = ServiceSpec::new(restartable_fn("alone", |_| async { Ok(()) })).only_with(lease);
    let observed = observe(options, |m| m.grpc_service(service).service(web).service(bounded).service(alone));
    let channel = connect(observed.grpc_address().await).await;
    ping(channel.clone()).await.unwrap();
    unary(channel, "Panic").await.unwrap_err();
    let web = support::address(&observed, "web").await;
    assert_eq!(Client::connect(web).await.get("/panic").await.status, 500);
    Scraped::until(address(&observed).await, "the panic", |all| all.ended("http", "panic") == 1.0).await
}

fn document(path: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    std::fs::read_to_string(docs.join(path)).unwrap()
}

/// Words of an expression, and what comes right after each.
fn words(expression: &str) -> Vec<(&str, &str)> {
    let mut words = Vec::new();
    let mut rest = expression;
    while let Some(begin) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '"') {
        rest = &rest[begin..];
        if let Some(text) = rest.strip_prefix('"') {
            // Texts are values.
            rest = &text[text.find('"').unwrap() + 1..];
            continue;
        }
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        words.push((&rest[..end], &rest[end..]));
        rest = &rest[end..];
    }
    words
}

/// What an expression asks for: metrics, and labels.
fn asked(expression: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let ours = |word: &str| {
        ["majordomo_", "rpc_server_", "http_server_"].iter().any(|prefix| word.starts_with(prefix))
    };
    let words = words(expression);
    let metrics: BTreeSet<_> = words.iter().map(|(word, _)| *word).filter(|word| ours(word)).collect();
    let matched = |after: &str| ["=", "!="].iter().any(|sign| after.starts_with(sign));
    let mut labels: BTreeSet<_> =
        words.iter().filter(|(_, after)| matched(after)).map(|(word, _)| *word).collect();
    for (by, after) in words.iter().filter(|(word, _)| *word == "by") {
        let list = after.split_once('(').expect(by).1.split_once(')').expect(by).0;
        labels.extend(list.split(',').map(str::trim));
    }
    (metrics, labels)
}

/// Whether all that is asked for is there. `job` and `instance` are of Prometheus itself.
#[track_caller]
fn assert_there(expression: &str, legend: &str, names: &BTreeMap<&str, BTreeSet<&str>>) {
    let (metrics, mut labels) = asked(expression);
    assert!(!metrics.is_empty(), "{expression} asks for nothing of ours");
    labels.extend(
        legend
            .split("{{")
            .skip(1)
            .map(|rest| rest.split_once("}}").unwrap().0.trim().trim_start_matches("$labels.")),
    );
    for metric in metrics {
        let known = names.get(metric).unwrap_or_else(|| panic!("there is no {metric}: {expression}"));
        for label in labels.iter().filter(|label| !["job", "instance"].contains(label)) {
            assert!(known.contains(label), "{metric} has no {label}: {expression} {legend}");
        }
    }
}

#[actix::test]
async fn the_dashboard_asks_for_what_is_there() {
    let scraped = everything().await;
    let names = scraped.names();
    let dashboard: Value = serde_json::from_str(&document("metrics/grafana.json")).unwrap();
    let mut used = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let (expression, legend) = (target["expr"].as_str().unwrap(), &target["legendFormat"]);
            assert_there(expression, legend.as_str().unwrap(), &names);
            used.extend(asked(expression).0.into_iter().map(family));
        }
    }
    let all: BTreeSet<_> = scraped.types.keys().map(String::as_str).map(family).collect();
    assert_eq!(used, all, "the dashboard shows every metric");
}

/// The family of a series.
fn family(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

#[actix::test]
async fn the_eleven_alerts_ask_for_what_is_there() {
    let scraped = everything().await;
    let rules = document("metrics/alerts.yml");
    let of = |key: &str| -> Vec<String> {
        let values = rules.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key));
        values.map(|value| value.trim().to_owned()).collect()
    };
    let (alerts, expressions, summaries) = (of("alert:"), of("expr:"), of("summary:"));
    assert_eq!((alerts.len(), expressions.len(), summaries.len()), (11, 11, 11));
    for (expression, summary) in expressions.iter().zip(&summaries) {
        let legend = summary.replace("{{ $value", "").replace("| humanizeDuration }}", "");
        assert_there(expression, &legend.replace("| humanizePercentage }}", ""), &scraped.names());
    }
    let (page, tests) = (document("metrics.md"), document("metrics/alerts.test.yml"));
    for alert in alerts {
        assert!(page.contains(&format!("`{alert}`")), "docs/metrics.md does not tell of {alert}");
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} is not tested");
    }
}

#[actix::test]
async fn the_page_tells_of_every_metric_and_label() {
    let scraped = everything().await;
    let page = document("metrics.md");
    for name in scraped.types.keys() {
        assert!(page.contains(&format!("`{name}`")), "docs/metrics.md does not tell of {name}");
    }
    let labels: BTreeSet<_> = scraped.names().into_values().flatten().collect();
    for label in labels.into_iter().filter(|label| *label != "le") {
        assert!(page.contains(&format!("`{label}`")), "docs/metrics.md does not tell of {label}");
    }
}
