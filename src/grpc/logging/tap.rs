//! Logs the messages of one direction of a call as they pass.

use std::fmt;

use hyper::body::Bytes;
use prost_reflect::MessageDescriptor;
use tracing::Level;
use tracing::field::display;

use crate::grpc::logging::encoding::{Encoding, NotInflated};
use crate::grpc::logging::frames::{Framed, Frames};
use crate::grpc::logging::id::CallId;
use crate::grpc::logging::json;
use crate::grpc::logging::level::at_level;
use crate::grpc::logging::target::{TARGET, quietly};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
}

/// What is seen of the messages.
#[derive(Debug)]
pub(crate) struct Tap {
    frames: Frames,
    log: MessageLog,
}

/// How one message is logged.
#[derive(Debug)]
pub(crate) struct MessageLog {
    pub(crate) direction: Direction,
    pub(crate) level: Level,
    pub(crate) id: CallId,
    pub(crate) method: Box<str>,
    pub(crate) encoding: Encoding,
    /// `None`: messages are logged by their size.
    pub(crate) message: Option<MessageDescriptor>,
    pub(crate) max_json_length: usize,
    /// How many have passed.
    pub(crate) number: u64,
}

impl Tap {
    pub(crate) fn new(log: MessageLog) -> Self {
        Self { frames: Frames::default(), log }
    }

    /// Looks at the bytes that pass next. Whatever goes wrong with it costs the call nothing.
    pub(crate) fn pass(&mut self, bytes: &Bytes) {
        let Self { frames, log } = self;
        quietly(|| frames.pass(bytes.clone(), |framed| log.log(framed)));
    }
}

/// What can be told of a message beside its size.
#[derive(Debug, Default)]
struct MessageDetails {
    json: Option<String>,
    cut: Option<bool>,
    compressed: Option<Box<str>>,
    malformed: Option<String>,
    too_long: Option<bool>,
}

impl MessageLog {
    fn log(&mut self, framed: Framed) {
        self.number += 1;
        let size = framed.size;
        let MessageDetails { json, cut, compressed, malformed, too_long } = self.details(framed);
        let (json, compressed, malformed) = (json.as_deref(), compressed.as_deref(), malformed.as_deref());
        let method = &*self.method;
        let (call_id, number) = (display(self.id), self.number);
        at_level!(
            self.level,
            event!([target: TARGET, parent: None,]
                { method, call_id, number, size, json, cut, compressed, malformed, too_long },
                "gRPC {}",
                self.direction
            )
        );
    }

    fn details(&self, framed: Framed) -> MessageDetails {
        let nothing = MessageDetails::default();
        let Some(message) = self.message.as_ref().filter(|_| self.max_json_length > 0) else {
            return nothing;
        };
        let too_long = MessageDetails { too_long: Some(true), ..MessageDetails::default() };
        let Some(bytes) = framed.bytes else { return too_long };
        let bytes = match framed.compressed.then(|| self.encoding.inflate(&bytes)) {
            None => bytes,
            Some(Ok(inflated)) => inflated,
            Some(Err(NotInflated::TooLong)) => return too_long,
            Some(Err(NotInflated::Unknown(name))) => {
                return MessageDetails { compressed: Some(name), ..nothing };
            }
            Some(Err(NotInflated::Malformed(why))) => {
                return MessageDetails { malformed: Some(why), ..nothing };
            }
        };
        match json::show(bytes, message, self.max_json_length) {
            Ok(shown) => MessageDetails { json: Some(shown.json), cut: shown.cut.then_some(true), ..nothing },
            Err(why) => MessageDetails { malformed: Some(why), ..nothing },
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Response => "response",
        })
    }
}
