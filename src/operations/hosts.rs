//! Whom a request is for, and where it comes from, as a browser tells it.
//!
//! A page that is anywhere on the net can have a browser send requests here: to a name of its own that it lets lead to this machine (DNS
//! rebinding), or from its own origin. The first has a foreign `Host`, the second a foreign `Origin`.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::uri::{Authority, Uri};

use super::refusal::Refusal;
use crate::base::peer_text::shown;

/// The names by which the endpoint is called, in addition to those of loopback and the address of the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    pub(super) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| plain(&name)).collect())
    }

    /// Whom a request is for, where it may be for that; `local` is the address at which its connection was accepted.
    pub(super) fn check(&self, head: &Parts, local: IpAddr) -> Result<Authority, Refusal> {
        let authority = authority(head)?;
        let name = plain(authority.host());
        let known = match name.parse::<IpAddr>() {
            Ok(ip) => {
                let ip = ip.to_canonical();
                ip.is_loopback() || ip == local.to_canonical()
            }
            Err(_) => name == "localhost",
        };
        if known || self.0.contains(&name) {
            return Ok(authority);
        }
        Err(Refusal::forbidden(
            format!("the host {:?} is none of this endpoint's", shown(&name)),
            "ask by its address, or have the program name the host by Operations::allow_host",
        ))
    }
}

/// A name as it is compared.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).trim_matches(['[', ']']).to_ascii_lowercase()
}

/// Whom a request is for: its target, where that names a host, or its one `Host`.
fn authority(head: &Parts) -> Result<Authority, Refusal> {
    let wrong = |what: &str| Refusal::bad_request(what, "send exactly one Host, such as localhost:9000");
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()),
        (None, _) => return Err(wrong("the request has no Host")),
        (Some(_), Some(_)) => return Err(wrong("the request has more than one Host")),
    };
    let authority = match head.uri.authority() {
        Some(target) => Some(target.clone()),
        None => host,
    };
    authority.filter(|one| !one.as_str().contains('@')).ok_or_else(|| wrong("the request's Host is none"))
}

/// Whether a page of another origin had a browser send the request.
pub(super) fn is_foreign(head: &Parts, authority: Option<&Authority>) -> bool {
    if head.headers.get_all("sec-fetch-site").iter().any(|site| site == "cross-site") {
        return true;
    }
    head.headers.get_all(ORIGIN).iter().any(|origin| {
        let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
        let same = origin.zip(authority).is_some_and(|(origin, authority)| is_of(&origin, authority));
        !same
    })
}

/// Whether an origin is that host.
fn is_of(origin: &Uri, host: &Authority) -> bool {
    let usual = match origin.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return false,
    };
    let port = |of: &Authority| of.port_u16().unwrap_or(usual);
    origin.authority().is_some_and(|of| plain(of.host()) == plain(host.host()) && port(of) == port(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, StatusCode};

    fn head(fields: &[(&str, &str)]) -> Parts {
        let builder =
            fields.iter().fold(Request::get("/"), |builder, (name, value)| builder.header(*name, *value));
        builder.body(()).unwrap().into_parts().0
    }

    fn status(host: &str) -> Option<StatusCode> {
        let hosts = Hosts::new(["ops.example".to_owned()]);
        hosts.check(&head(&[("host", host)]), [10, 0, 0, 7].into()).err().map(|refusal| refusal.status)
    }

    #[test]
    fn g23_loopback_the_own_address_and_allowed_names_are_hosts_and_no_others() {
        for host in [
            "localhost",
            "LocalHost:9000",
            "localhost.",
            "127.0.0.1",
            "127.1.2.3:1",
            "[::1]:9000",
            "[::ffff:127.0.0.1]",
            "10.0.0.7:9000",
            "ops.example:443",
            "OPS.example.",
        ] {
            assert_eq!(status(host), None, "{host}");
        }
        for host in [
            "evil.example:9000",
            "localhost.evil.example",
            "10.0.0.8",
            "0.0.0.0",
            "127.0.0.1.evil.example",
            "xops.example",
            "[::2]",
        ] {
            assert_eq!(status(host), Some(StatusCode::FORBIDDEN), "{host}");
        }
        for host in ["", "a b", "localhost@evil.example"] {
            assert_eq!(status(host), Some(StatusCode::BAD_REQUEST), "{host}");
        }
    }

    #[test]
    fn g23_a_request_has_one_host_and_its_target_goes_before_it() {
        let check =
            |head: &Parts| Hosts::default().check(head, [127, 0, 0, 1].into()).map_err(|error| error.status);
        assert_eq!(check(&head(&[])), Err(StatusCode::BAD_REQUEST));
        assert_eq!(
            check(&head(&[("host", "localhost"), ("host", "localhost")])),
            Err(StatusCode::BAD_REQUEST)
        );
        let mut absolute = head(&[("host", "localhost")]);
        absolute.uri = "http://evil.example/".parse().unwrap();
        assert_eq!(check(&absolute), Err(StatusCode::FORBIDDEN));
    }

    #[test]
    fn g23_what_another_origin_had_a_browser_send_is_foreign() {
        let host: Authority = "localhost:9000".parse().unwrap();
        for (name, value, foreign) in [
            ("origin", "http://localhost:9000", false),
            ("origin", "http://localhost", true),
            ("origin", "http://localhost:3000", true),
            ("origin", "http://evil.example:9000", true),
            ("origin", "null", true),
            ("origin", "file://", true),
            ("sec-fetch-site", "cross-site", true),
            ("sec-fetch-site", "same-origin", false),
            ("sec-fetch-site", "none", false),
        ] {
            assert_eq!(is_foreign(&head(&[(name, value)]), Some(&host)), foreign, "{name}: {value}");
        }
        let behind_tls: Authority = "ops.example".parse().unwrap();
        assert!(!is_foreign(&head(&[("origin", "https://ops.example")]), Some(&behind_tls)));
        assert!(is_foreign(&head(&[("origin", "http://localhost")]), None), "no page asks by a Unix socket");
    }
}
