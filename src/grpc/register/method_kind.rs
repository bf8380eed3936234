//! How many messages a method takes and answers.

use std::fmt;

/// How many messages go each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MethodKind {
    Unary,
    ClientStreaming,
    ServerStreaming,
    BidiStreaming,
}

impl MethodKind {
    pub(crate) fn new(client_streaming: bool, server_streaming: bool) -> Self {
        match (client_streaming, server_streaming) {
            (false, false) => Self::Unary,
            (true, false) => Self::ClientStreaming,
            (false, true) => Self::ServerStreaming,
            (true, true) => Self::BidiStreaming,
        }
    }

    /// As metrics call it.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Unary => "unary",
            Self::ClientStreaming => "client_stream",
            Self::ServerStreaming => "server_stream",
            Self::BidiStreaming => "bidi_stream",
        }
    }

    pub(crate) fn is_unary(self) -> bool {
        self == Self::Unary
    }

    pub(crate) fn answers_once(self) -> bool {
        matches!(self, Self::Unary | Self::ClientStreaming)
    }
}

impl fmt::Display for MethodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unary => "unary",
            Self::ClientStreaming => "client_streaming",
            Self::ServerStreaming => "server_streaming",
            Self::BidiStreaming => "bidi_streaming",
        })
    }
}
