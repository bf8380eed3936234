//! What is said to a peer whose request did not come in time: hyper has no answer without a request.

use std::time::SystemTime;

use hyper::body::Bytes;

const TEXT: &str = "the request's head did not come in time: send it again\n";

/// The answer, as far as it has been said.
#[derive(Debug, Default)]
pub(crate) struct LateHead(Option<Bytes>);

impl LateHead {
    /// What is still to be said; `None`: nothing.
    pub(crate) fn rest(&mut self) -> Option<Bytes> {
        let rest = self.0.get_or_insert_with(answer);
        (!rest.is_empty()).then(|| rest.clone())
    }

    pub(crate) fn said(&mut self, bytes: usize) {
        if let Some(rest) = &mut self.0 {
            // A socket that takes nothing takes nothing more.
            let said = if bytes == 0 { rest.len() } else { bytes.min(rest.len()) };
            let _ = rest.split_to(said);
        }
    }
}

/// 408, after which the connection ends (RFC 9110, section 15.5.9), with the date that each such answer has (section 6.6.1).
fn answer() -> Bytes {
    let (length, date) = (TEXT.len(), httpdate::fmt_http_date(SystemTime::now()));
    format!(
        "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {length}\r\ndate: {date}\r\n\r\n{TEXT}"
    )
    .into()
}
