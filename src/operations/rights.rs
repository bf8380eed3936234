//! Who may ask, and who may give orders.
//!
//! | | over TCP | over a Unix socket |
//! |---|---|---|
//! | to ask | a `Host` of ours, no foreign page | whoever may connect |
//! | to order | the same, and the token, and a JSON content type | the same user, or root |

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::credentials::Peer;
use super::hosts::{Hosts, is_foreign};
use super::refusal::Refusal;
use super::token::Token;

/// Root may do everything.
const ROOT: u32 = 0;

/// What rights are measured by.
#[derive(Debug, Clone)]
pub(super) struct Rights {
    pub(super) token: Option<Token>,
    pub(super) hosts: Hosts,
    /// The user that this process works for.
    pub(super) user: u32,
}

impl Rights {
    /// Whether a request may be answered at all.
    pub(super) fn check_request(&self, peer: Peer, head: &Parts) -> Result<(), Refusal> {
        let authority = match peer {
            Peer::Tcp(local) => Some(self.hosts.check(head, local)?),
            Peer::Unix(_) => None,
        };
        if is_foreign(head, authority.as_ref()) && !follows_a_link(head) {
            return Err(foreign());
        }
        Ok(())
    }

    /// Whether it may give an order, when it [may be answered](Self::check_request).
    pub(super) fn check_order(&self, peer: Peer, head: &Parts) -> Result<(), Refusal> {
        // A page of another port of the same host is one of another program.
        let site = head.headers.get_all("sec-fetch-site").iter();
        if site.into_iter().any(|site| site != "same-origin" && site != "none") {
            return Err(foreign());
        }
        match peer {
            Peer::Unix(user) => self.check_user(user),
            Peer::Tcp(_) => {
                self.check_token(&head.headers)?;
                check_content_type(&head.headers)
            }
        }
    }

    fn check_user(&self, user: Option<u32>) -> Result<(), Refusal> {
        if user.is_some_and(|user| user == self.user || user == ROOT) {
            return Ok(());
        }
        let error = "orders are taken from the user that the program works for, and from root";
        Err(Refusal::forbidden(error, "give the order as one of these, by sudo for instance"))
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else {
            return Err(Refusal::forbidden(
                "no orders are taken over TCP, since the program has set no token",
                "have it set one by Operations::token or token_file, or give orders over a Unix socket",
            ));
        };
        match bearer(headers) {
            Some(given) if token.is(given) => Ok(()),
            given => {
                let what = if given.is_some() { "the token is another" } else { "the order has no token" };
                let hint = "send the token that the program has as Authorization: Bearer TOKEN";
                Err(Refusal::new(StatusCode::UNAUTHORIZED, what, hint))
            }
        }
    }
}

fn foreign() -> Refusal {
    let hint = "use the endpoint's own page, or a program such as curl";
    Refusal::forbidden("a page of another origin sent this request", hint)
}

/// Whether somebody followed a link to here: what comes is shown, not read by the page that it stood on.
fn follows_a_link(head: &Parts) -> bool {
    let is = |name: &str, wanted: &str| head.headers.get(name).is_some_and(|value| value == wanted);
    let reads = head.method == http::Method::GET || head.method == http::Method::HEAD;
    reads && is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

/// The one token that was sent as it should be.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (all.next()?.as_bytes(), all.next()) else { return None };
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// Any page can have a form sent here, but not as JSON, without being asked whether it may.
fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    let json = match (all.next(), all.next()) {
        (Some(one), None) => one.to_str().is_ok_and(|one| {
            one.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
        }),
        _ => false,
    };
    if json {
        return Ok(());
    }
    let hint = "send Content-Type: application/json, with {} or nothing as the body";
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "an order over TCP is sent as JSON", hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const TOKEN: &str = "0123456789abcdef";
    const USER: u32 = 1000;
    const TCP: Peer = Peer::Tcp(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn rights(token: Option<&str>) -> Rights {
        let token = token.map(|token| Token::new(token).unwrap());
        Rights { token, hosts: Hosts::default(), user: USER }
    }

    fn order(fields: &[(&str, &str)]) -> Parts {
        let begun = Request::post("/orders/shutdown").header("host", "localhost");
        let builder = fields.iter().fold(begun, |builder, (name, value)| builder.header(*name, *value));
        builder.body(()).unwrap().into_parts().0
    }

    fn status(rights: &Rights, peer: Peer, head: &Parts) -> u16 {
        let checked = rights.check_request(peer, head).and_then(|()| rights.check_order(peer, head));
        checked.err().map_or(200, |refusal| refusal.status.as_u16())
    }

    #[test]
    fn g23_an_order_over_tcp_needs_the_token_in_its_place() {
        let json = ("content-type", "application/json");
        let tcp = |token, fields: &[(&str, &str)]| status(&rights(token), TCP, &order(fields));
        let bearer = |text| ("authorization", text);
        assert_eq!(tcp(Some(TOKEN), &[json, bearer("Bearer 0123456789abcdef")]), 200);
        assert_eq!(tcp(Some(TOKEN), &[json, bearer("bearer  0123456789abcdef")]), 200);
        for wrong in
            ["Bearer 0123456789abcdeF", "Bearer", "Bearer ", "0123456789abcdef", "Basic 0123456789abcdef"]
        {
            assert_eq!(tcp(Some(TOKEN), &[json, bearer(wrong)]), 401, "{wrong}");
        }
        let twice = bearer("Bearer 0123456789abcdef");
        assert_eq!(tcp(Some(TOKEN), &[json, twice, twice]), 401);
        assert_eq!(tcp(Some(TOKEN), &[json]), 401);
        assert_eq!(tcp(Some(TOKEN), &[json, ("x-token", TOKEN), ("cookie", TOKEN)]), 401);
        assert_eq!(tcp(None, &[json, bearer("Bearer 0123456789abcdef")]), 403);
    }

    #[test]
    fn g23_an_order_over_tcp_is_sent_as_json_which_no_form_can() {
        let tcp = |kinds: &[&'static str]| {
            let mut head = order(&[("authorization", "Bearer 0123456789abcdef")]);
            for kind in kinds {
                head.headers.append(CONTENT_TYPE, kind.parse().unwrap());
            }
            status(&rights(Some(TOKEN)), TCP, &head)
        };
        for kind in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(tcp(&[kind]), 200, "{kind}");
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
        ] {
            assert_eq!(tcp(&[kind]), 415, "{kind}");
        }
        assert_eq!(tcp(&[]), 415);
        assert_eq!(tcp(&["application/json", "text/plain"]), 415);
    }

    #[test]
    fn g23_over_a_unix_socket_the_same_user_and_root_give_orders() {
        for (user, wanted) in [(Some(USER), 200), (Some(0), 200), (Some(1001), 403), (None, 403)] {
            assert_eq!(status(&rights(None), Peer::Unix(user), &order(&[])), wanted, "{user:?}");
            // A token gives no right there.
            let token = [("authorization", "Bearer 0123456789abcdef")];
            assert_eq!(status(&rights(Some(TOKEN)), Peer::Unix(user), &order(&token)), wanted, "{user:?}");
        }
    }

    #[test]
    fn g23_no_page_of_another_origin_gives_orders_whatever_else_it_has() {
        let with = |field| {
            let fields =
                [("authorization", "Bearer 0123456789abcdef"), ("content-type", "application/json"), field];
            status(&rights(Some(TOKEN)), TCP, &order(&fields))
        };
        for (name, value, wanted) in [
            ("origin", "http://localhost", 200),
            ("origin", "http://evil.example", 403),
            ("origin", "null", 403),
            ("sec-fetch-site", "same-origin", 200),
            ("sec-fetch-site", "none", 200),
            ("sec-fetch-site", "same-site", 403),
            ("sec-fetch-site", "cross-site", 403),
        ] {
            assert_eq!(with((name, value)), wanted, "{name}: {value}");
        }
    }

    #[test]
    fn g23_a_link_may_be_followed_but_nothing_else_is_foreign() {
        let get = |fields: &[(&str, &str)]| {
            let begun = Request::get("/status").header("host", "localhost");
            let builder = fields.iter().fold(begun, |builder, (name, value)| builder.header(*name, *value));
            let head = builder.body(()).unwrap().into_parts().0;
            rights(None).check_request(TCP, &head).is_ok()
        };
        let (site, mode) = (("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"));
        assert!(get(&[site, mode, ("sec-fetch-dest", "document")]));
        assert!(!get(&[site, mode, ("sec-fetch-dest", "iframe")]));
        assert!(!get(&[site, ("sec-fetch-mode", "no-cors")]));
        assert!(!get(&[("origin", "http://evil.example")]));
        assert!(get(&[]));
    }
}
