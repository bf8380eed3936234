//! What was scraped, as series and their values.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use majordomo::Operations;
use majordomo::metrics::Metrics;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;
use support::{Came, Client, within};

pub type Labels = BTreeMap<String, String>;

/// Every series by its name and labels.
#[derive(Debug, Clone, Default)]
pub struct Scraped {
    pub series: BTreeMap<(String, Labels), f64>,
    /// Of each family, as it is told.
    pub types: BTreeMap<String, String>,
    pub text: String,
}

impl Scraped {
    pub fn parse(text: &str) -> Self {
        let mut all = Self { text: text.to_owned(), ..Self::default() };
        for line in text.lines() {
            if let Some(of) = line.strip_prefix("# TYPE ") {
                let (name, kind) = of.split_once(' ').expect(line);
                assert!(all.types.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').expect(line);
                let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
                let series = (name.to_owned(), parse_labels(labels));
                let value = value.parse().expect(line);
                assert!(all.series.insert(series, value).is_none(), "a series is there twice: {line}");
            }
        }
        all
    }

    /// What a registry of a user's with these metrics tells.
    pub fn of(metrics: &Metrics) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(metrics.collector());
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry).unwrap();
        Self::parse(&text)
    }

    pub async fn from(at: SocketAddr) -> Self {
        let came = scrape(at, &[]).await;
        assert_eq!(came.status, 200, "{came:?}");
        Self::parse(&came.body)
    }

    /// Scrapes again until that holds: what counts is another thread, which nobody waits for.
    pub async fn until(at: SocketAddr, what: &str, holds: impl Fn(&Self) -> bool) -> Self {
        let scraping = async {
            loop {
                let scraped = Self::from(at).await;
                if holds(&scraped) {
                    return scraped;
                }
            }
        };
        within(what, scraping).await
    }

    /// The value of the series of exactly these labels.
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.series.get(&(name.to_owned(), labels)).copied()
    }

    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.get(name, labels).unwrap_or_else(|| panic!("no {name} {labels:?} in:\n{}", self.text))
    }

    /// The labels of all series of that name.
    pub fn labels(&self, name: &str) -> Vec<&Labels> {
        self.series.keys().filter(|(of, _)| of == name).map(|(_, labels)| labels).collect()
    }

    /// How many calls of a method ended with that code.
    pub fn calls(&self, method: &str, code: &str) -> f64 {
        let mut labels =
            vec![("rpc_method", method), ("rpc_response_status_code", code), ("rpc_system_name", "grpc")];
        labels.extend((code != "OK").then_some(("error_type", code)));
        self.get("rpc_server_call_duration_seconds_count", &labels).unwrap_or_default()
    }

    /// How many calls something else than a handler ended.
    #[track_caller]
    pub fn ended(&self, protocol: &str, by: &str) -> f64 {
        self.value("majordomo_calls_ended_total", &[("protocol", protocol), ("ended_by", by)])
    }

    /// What a service is doing.
    #[track_caller]
    pub fn state(&self, service: &str) -> &str {
        let is = |labels: &&Labels| labels["service"] == service;
        let of_service = self.labels("majordomo_service_state").into_iter().filter(is);
        let now: Vec<_> = of_service
            .filter(|labels| self.series[&("majordomo_service_state".to_owned(), (*labels).clone())] == 1.0)
            .collect();
        assert_eq!(now.len(), 1, "one state of {service}:\n{}", self.text);
        &now[0]["state"]
    }

    /// The names of labels of each name of a series.
    pub fn names(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut names = BTreeMap::<_, BTreeSet<_>>::new();
        for (name, labels) in self.series.keys() {
            names.entry(&**name).or_default().extend(labels.keys().map(String::as_str));
        }
        names
    }
}

fn parse_labels(text: &str) -> Labels {
    let text = text.strip_suffix('}').expect(text);
    let pair = |pair: &str| {
        let (name, value) = pair.split_once("=\"").expect(pair);
        (name.to_owned(), value.trim_end_matches('"').to_owned())
    };
    text.split("\",").filter(|pair| !pair.is_empty()).map(pair).collect()
}

pub fn operations() -> Operations {
    Operations::new("0")
}

/// A scrape, with these fields.
pub async fn scrape(at: SocketAddr, fields: &[&str]) -> Came {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let mut client = Client::connect(at).await;
    client.send(&format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")).await;
    client.answer().await
}

/// Where a manager that runs is seen.
pub async fn address(observed: &support::Observed) -> SocketAddr {
    let status = observed.status().await;
    let at = status.operations_addresses.first().and_then(|address| address.as_tcp());
    at.expect("it is one of TCP")
}
