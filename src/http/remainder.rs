//! What of an answer is still to be sent, so that one that was broken off is told from one that was sent to its end.

use http::{Response, StatusCode, header};
use http_body::Body;

/// What is still to be sent, as far as the head of an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remainder {
    /// So many bytes. Whoever sends them may drop the body without having seen its end.
    Bytes(u64),
    /// All that the body has.
    Body,
}

impl Remainder {
    /// `has_none`: what is asked for, or what the connection speaks from here on, has no body.
    pub(crate) fn of<B: Body>(response: &Response<B>, has_none: bool) -> Self {
        let status = response.status();
        if has_none || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return Self::Bytes(0);
        }
        if response.body().size_hint().exact().is_some() {
            return Self::Body;
        }
        let length = response.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        length.map_or(Self::Body, Self::Bytes)
    }

    /// So many bytes have been handed on.
    pub(crate) fn less(&mut self, bytes: usize) {
        if let Self::Bytes(left) = self {
            *left = left.saturating_sub(bytes as u64);
        }
    }

    /// Whether nothing is, where this is what is left of the body.
    pub(crate) fn is_nothing(self, body: &impl Body) -> bool {
        self == Self::Bytes(0) || body.is_end_stream() || body.size_hint().exact() == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes_of::Endless;

    mod bytes_of {
        use std::convert::Infallible;
        use std::pin::Pin;
        use std::task::{Context, Poll};

        use http_body::{Body, Frame};
        use hyper::body::Bytes;

        /// A body that does not know its end.
        #[derive(Debug, Default)]
        pub(super) struct Endless;

        impl Body for Endless {
            type Data = Bytes;
            type Error = Infallible;

            fn poll_frame(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
                Poll::Pending
            }
        }
    }

    #[test]
    fn an_answer_is_whole_when_its_head_or_its_body_says_so() {
        let of = |head: http::response::Builder, has_none| {
            let response = head.body(Endless).unwrap();
            Remainder::of(&response, has_none)
        };
        let mut five = of(Response::builder().header("content-length", "5"), false);
        five.less(3);
        assert!(!five.is_nothing(&Endless));
        five.less(2);
        assert!(five.is_nothing(&Endless));
        assert!(!of(Response::builder(), false).is_nothing(&Endless));
        assert!(of(Response::builder(), true).is_nothing(&Endless));
        assert!(of(Response::builder().status(204), false).is_nothing(&Endless));
        let full = Response::new(http_body_util::Full::new(hyper::body::Bytes::from_static(b"five!")));
        let remainder = Remainder::of(&full, false);
        assert!(!remainder.is_nothing(full.body()));
        assert!(remainder.is_nothing(&http_body_util::Empty::<hyper::body::Bytes>::new()));
    }
}
