//! Which path is what.

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::managed::Order;
use super::refusal::Refusal;
use crate::base::peer_text::shown;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Index,
    Live,
    Ready,
    Started,
    Status,
    Plan,
    Report,
    Events,
    Metrics,
    Order(Order),
}

/// What `GET /` says.
pub(super) const INDEX: &str = "\
GET  /                             this, or in a browser a page that shows what happens
GET  /livez /readyz /startupz      ok, or who is not and what it is doing; ?verbose lists all
GET  /status /plan /report         JSON, or text by Accept: text/plain
GET  /events                       what is remembered, then what happens
GET  /metrics                      for Prometheus, in builds with the feature prometheus
POST /orders/restart/ID /orders/stop/ID /orders/step-down/ID
POST /orders/reload /orders/handover
POST /orders/shutdown /orders/force
";

const READS: &str = "GET, HEAD";
const ORDERS: &str = "POST";

/// What is asked for, by a method and a path without its query.
pub(super) fn route(method: &Method, path: &str) -> Result<Route, Refusal> {
    let (route, allow) = match path.strip_prefix("/orders/") {
        Some(order) => (Route::Order(ordered(order)?), ORDERS),
        None => (read(path)?, READS),
    };
    let reads = *method == Method::GET || *method == Method::HEAD;
    let orders = *method == Method::POST;
    match if allow == READS { reads } else { orders } {
        true => Ok(route),
        false => Err(Refusal::method(allow)),
    }
}

fn read(path: &str) -> Result<Route, Refusal> {
    Ok(match path {
        "/" => Route::Index,
        "/livez" => Route::Live,
        "/readyz" => Route::Ready,
        "/startupz" => Route::Started,
        "/status" => Route::Status,
        "/plan" => Route::Plan,
        "/report" => Route::Report,
        "/events" => Route::Events,
        "/metrics" => Route::Metrics,
        _ => return Err(unknown(path)),
    })
}

fn ordered(order: &str) -> Result<Order, Refusal> {
    let (what, id) = order.split_once('/').map_or((order, None), |(what, id)| (what, Some(id)));
    Ok(match (what, id) {
        ("restart", Some(id)) => Order::Restart(decoded(id)?),
        ("stop", Some(id)) => Order::Stop(decoded(id)?),
        ("step-down", Some(id)) => Order::StepDown(decoded(id)?, None),
        ("shutdown", None) => Order::Shutdown,
        ("force", None) => Order::Force,
        ("reload", None) => Order::Reload,
        ("handover", None) => Order::Handover,
        _ => return Err(unknown(&format!("/orders/{order}"))),
    })
}

/// The id that a path names.
fn decoded(id: &str) -> Result<String, Refusal> {
    match percent_decode_str(id).decode_utf8() {
        Ok(id) => Ok(id.into_owned()),
        Err(_) => Err(Refusal::bad_request(
            format!("the id {:?} is no UTF-8", shown(id)),
            "write the bytes of its UTF-8 as %XX where they are not plain",
        )),
    }
}

fn unknown(path: &str) -> Refusal {
    let error = format!("there is no {:?}", shown(path));
    Refusal::new(StatusCode::NOT_FOUND, error, "GET / lists what there is")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: Method, path: &str) -> u16 {
        route(&method, path).err().map_or(200, |refusal| refusal.status.as_u16())
    }

    #[test]
    fn every_path_that_the_index_lists_is_there_by_its_method_alone() {
        for line in INDEX.lines() {
            let mut words = line.split_whitespace();
            let (reads, paths) = (words.next() == Some("GET"), words.filter(|word| word.starts_with('/')));
            for path in paths {
                let (get, post) = if reads { (200, 405) } else { (405, 200) };
                assert_eq!(status(Method::GET, path), get, "{path}");
                assert_eq!(status(Method::HEAD, path), get, "{path}");
                assert_eq!(status(Method::POST, path), post, "{path}");
                for other in [Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH] {
                    assert_eq!(status(other, path), 405, "{path}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_found_by_any_method() {
        for path in [
            "/nowhere",
            "/status/",
            "/orders",
            "/orders/",
            "/orders/restart",
            "/orders/shutdown/a",
            "/LIVEZ",
            "*",
        ] {
            assert_eq!(status(Method::GET, path), 404, "{path}");
            assert_eq!(status(Method::POST, path), 404, "{path}");
        }
        let long = route(&Method::GET, &format!("/{}", "\u{202e}".repeat(2000))).unwrap_err();
        assert!(long.json().len() < 1000 && long.json().is_ascii(), "{}", long.json());
    }

    #[test]
    fn ids_are_percent_decoded() {
        let restart = |path: &str| route(&Method::POST, &format!("/orders/restart/{path}"));
        let order = |id: &str| Ok(Route::Order(Order::Restart(id.to_owned())));
        assert_eq!(restart("a"), order("a"));
        assert_eq!(restart("majordomo%20ping"), order("majordomo ping"));
        assert_eq!(restart("a%2Fb/c"), order("a/b/c"));
        assert_eq!(restart("%E5%AD%97"), order("字"));
        assert_eq!(restart("%ff").unwrap_err().status, StatusCode::BAD_REQUEST);
    }
}
