//! The page for people: one file, which asks for nothing from anywhere else.
//!
//! Its script and its style are let run by a nonce that is new in each answer; nothing else is, whatever a service is called or says
//! (Content Security Policy Level 3).

use http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};
use http::{Response, StatusCode};
use uuid::Uuid;

use super::answer::{self, Body};

const HTML: &str = "text/html; charset=utf-8";
const FRAME: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const MODEL: &str = include_str!("page/model.js");
const VIEW: &str = include_str!("page/view.js");

/// The page, for one who reads it.
pub(super) fn answer() -> Response<Body> {
    let nonce = Uuid::new_v4().simple().to_string();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = answer::whole(StatusCode::OK, HTML, text(&nonce));
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}

fn text(nonce: &str) -> String {
    let script = format!("(() => {{\n{MODEL}\n{VIEW}\n}})();");
    let mut text = String::with_capacity(FRAME.len() + STYLE.len() + script.len() + 64);
    let mut rest = FRAME;
    while let Some((before, (mark, after))) = mark(rest) {
        text.push_str(before);
        text.push_str(match mark {
            "nonce" => nonce,
            "style" => STYLE,
            _ => &script,
        });
        rest = after;
    }
    text + rest
}

/// The next mark of the frame: what is before it, its name, and what is after it.
fn mark(text: &str) -> Option<(&str, (&str, &str))> {
    let (before, rest) = text.split_once('@')?;
    Some((before, rest.split_once('@')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g23_nothing_of_a_page_runs_but_what_has_its_nonce() {
        let (one, other) = (answer(), answer());
        let policy = |of: &Response<Body>| of.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert_ne!(policy(&one), policy(&other), "each has a nonce of its own");
        assert!(policy(&one).starts_with("default-src 'none'; script-src 'nonce-"));
        assert!(!policy(&one).contains("unsafe-inline") && !policy(&one).contains("unsafe-eval"));
    }

    #[test]
    fn the_page_is_whole_and_asks_nobody_else() {
        let text = text("NONCE");
        assert!(text.starts_with("<!doctype html>") && text.trim_end().ends_with("</html>"));
        assert_eq!(text.matches("nonce=\"NONCE\"").count(), 2);
        assert!(
            !text.contains("@style@") && !text.contains("@script@") && text.contains("function sentence(")
        );
        for elsewhere in ["https://", "http://", "import(", "innerHTML", "eval("] {
            assert!(!text.replace("http://www.w3.org/2000/svg", "").contains(elsewhere), "{elsewhere}");
        }
    }
}
