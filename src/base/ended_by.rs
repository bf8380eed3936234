//! What ended a call, in words.

use std::fmt;

/// What ended a call of gRPC, or a request over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum EndedBy {
    /// The handler, or a layer around it.
    Handler,
    /// Its panic.
    Panic,
    /// Its error, over HTTP: in place of an answer, or in the middle of one.
    Failure,
    /// Its request, which is broken, too long, or did not come: what nobody could handle.
    Request,
    /// The server, before it was handled: its head is none that can be accepted, or its service is down.
    Refusal,
    /// The same, since it was one too many.
    Shedding,
    /// Its deadline: the client's, or the server's own.
    Deadline,
    /// A message of the answer was longer than the server may send.
    Limit,
    /// The drain called it off.
    Drain,
    /// The server cut the connection.
    Cut,
    /// The client cancelled it, or went.
    Client,
}

impl EndedBy {
    pub(crate) const ALL: [Self; 11] = [
        Self::Handler,
        Self::Panic,
        Self::Failure,
        Self::Request,
        Self::Refusal,
        Self::Shedding,
        Self::Deadline,
        Self::Limit,
        Self::Drain,
        Self::Cut,
        Self::Client,
    ];

    /// In place of a number: it is not known yet.
    pub(crate) const UNKNOWN: u8 = u8::MAX;

    /// From its number; the handler, where it is not known.
    pub(crate) fn from(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Handler)
    }

    /// Its word, in the log and in metrics.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Handler => "handler",
            Self::Panic => "panic",
            Self::Failure => "failure",
            Self::Request => "request",
            Self::Refusal => "refusal",
            Self::Shedding => "shedding",
            Self::Deadline => "deadline",
            Self::Limit => "limit",
            Self::Drain => "drain",
            Self::Cut => "cut",
            Self::Client => "client",
        }
    }
}

impl fmt::Display for EndedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ended_a_call_is_known_by_its_number() {
        for by in EndedBy::ALL {
            assert_eq!(EndedBy::from(by as u8), by);
        }
        assert_eq!(EndedBy::from(EndedBy::UNKNOWN), EndedBy::Handler);
    }
}
