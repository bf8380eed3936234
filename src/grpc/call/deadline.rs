//! How long a call may take: the client's `grpc-timeout` and the server's own limit, the shorter counts.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use tonic::Status;

use crate::base::peer_text;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// When a call is answered DEADLINE_EXCEEDED.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    message: &'static str,
}

impl Deadline {
    /// The deadline of a call of these headers that arrives now, if it has one.
    ///
    /// # Errors
    /// INTERNAL, as in grpc-go, when `grpc-timeout` is not as gRPC has it.
    pub(crate) fn of(headers: &HeaderMap, own: Option<Duration>) -> Result<Option<Self>, Status> {
        // Of a few headers a look at each is faster than the map's own way.
        let theirs = match headers.iter().find(|(name, _)| **name == GRPC_TIMEOUT) {
            Some((_, value)) => Some(timeout(value)?),
            None => None,
        };
        let (limit, message) = match (theirs, own) {
            (None, None) => return Ok(None),
            (Some(theirs), own) if own.is_none_or(|own| theirs <= own) => (theirs, "deadline exceeded"),
            (_, own) => (own.unwrap_or(Duration::MAX), "the server's request timeout has passed"),
        };
        // No clock reaches as far as 99,999,999 hours everywhere: then there is nothing to wait for.
        Ok(Instant::now().checked_add(limit).map(|at| Self { at, message }))
    }

    pub(crate) fn has_passed(&self) -> bool {
        self.at <= Instant::now()
    }

    pub(crate) fn exceeded(&self) -> Status {
        Status::deadline_exceeded(self.message)
    }
}

/// `TimeoutValue TimeoutUnit`: one to eight digits and one of `H M S m u n`.
fn timeout(value: &HeaderValue) -> Result<Duration, Status> {
    let malformed = || {
        let value = peer_text::shown_bytes(value.as_bytes());
        Status::internal(format!(
            "malformed grpc-timeout: \"{value}\": send 1 to 8 digits and one of H, M, S, m, u, n"
        ))
    };
    let Some((unit, digits)) = value.as_bytes().split_last() else { return Err(malformed()) };
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(malformed());
    }
    let count = digits.iter().fold(0, |count, digit| count * 10 + u64::from(digit - b'0'));
    Ok(match unit {
        b'H' => Duration::from_secs(count * 60 * 60),
        b'M' => Duration::from_secs(count * 60),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _ => return Err(malformed()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    fn header(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(GRPC_TIMEOUT, text.parse().unwrap())])
    }

    #[test]
    fn a_timeout_is_one_to_eight_digits_and_a_unit() {
        for (text, expected) in [
            ("0n", Duration::ZERO),
            ("99999999n", Duration::from_nanos(99_999_999)),
            ("5u", Duration::from_micros(5)),
            ("00000250m", Duration::from_millis(250)),
            ("3S", Duration::from_secs(3)),
            ("2M", Duration::from_secs(120)),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
        ] {
            assert_eq!(timeout(&text.parse().unwrap()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_timeout_is_internal_as_in_grpc_go() {
        for text in ["", "S", "5", "123456789S", "5s", "5 S", "-5S", "+5S", "1.5S", "S5", "5SS", "inf"] {
            let status = Deadline::of(&header(text), None).unwrap_err();
            assert_eq!(status.code(), Code::Internal, "{text}");
            assert!(status.message().starts_with("malformed grpc-timeout"), "{status}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_shorter_of_both_limits_counts() {
        let (now, seconds) = (Instant::now(), Duration::from_secs);
        let of = |headers: &HeaderMap, own: Option<u64>| {
            Deadline::of(headers, own.map(seconds)).unwrap().map(|deadline| (deadline.at - now).as_secs())
        };
        assert_eq!(of(&HeaderMap::new(), None), None);
        assert_eq!(of(&HeaderMap::new(), Some(9)), Some(9));
        assert_eq!(of(&header("3S"), None), Some(3));
        assert_eq!(of(&header("3S"), Some(9)), Some(3));
        assert_eq!(of(&header("3M"), Some(9)), Some(9));
    }
}
