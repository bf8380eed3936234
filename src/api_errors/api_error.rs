//! One occurrence of an error, with all that is known of it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use prost::Name;
use prost_types::Any;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use uuid::Uuid;

use super::details::{self, Details};
use super::generator::ErrorGenerator;
use super::sentinel::SentinelError;
use super::size::{self, DEFAULT_MAX_DETAILS_SIZE};
use super::source_note::SourceNote;
use super::wire::{pkerr, rpc};
use crate::base::{BoxError, TraceId};

/// One occurrence of an error of a service: made by [`ErrorGenerator::error`], or received with a
/// [`Status`].
///
/// Its text is `(Name | Issuer | Code) message`, then ` | from: source` where something led to it. In a handler `?` and
/// `into` make a [`Status`] of it, with the details that tell it to the caller.
///
/// Errors are equal where issuer and code are: of two occurrences it tells whether they are of the same error.
#[derive(Clone)]
pub struct ApiError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    wire: pkerr::Error,
    /// What else the status tells.
    others: Vec<Any>,
    /// How much of the message is there whatever is said of this occurrence.
    default_message: usize,
    /// Whose settings hold. `None`: it came from elsewhere.
    generator: Option<ErrorGenerator>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl ApiError {
    fn new(wire: pkerr::Error, others: Vec<Any>, generator: Option<ErrorGenerator>) -> Self {
        let default_message = wire.message.len();
        Self(Box::new(Inner { wire, others, default_message, generator, source: None }))
    }

    /// A sentinel, of which nothing more is known.
    pub(super) fn of_sentinel(
        sentinel: &SentinelError,
        (issuer, code): (Cow<'static, str>, u32),
        generator: Option<ErrorGenerator>,
    ) -> Self {
        let wire = pkerr::Error {
            issuer: issuer.into_owned(),
            code,
            grpc_code: sentinel.grpc_code().into(),
            name: sentinel.name().to_owned(),
            message: sentinel.default_message().to_owned(),
            ..pkerr::Error::default()
        };
        Self::new(wire, Vec::new(), generator)
    }

    /// The rich error that a status tells. `None`: it tells none, or none that can be read; the status itself is as
    /// good as before.
    pub fn from_status(status: &Status) -> Option<Self> {
        let details = Details::decode(status.details())?;
        let mut error = Self::new(details.error, details.status.details, None);
        if error.grpc_code() != status.code() {
            error.0.wire.grpc_code = status.code().into();
        }
        Some(error)
    }

    /// Says more of this occurrence, after what is said of all: the message is then `default: message`. Said again, it
    /// replaces what was said.
    #[must_use]
    pub fn message(mut self, message: impl fmt::Display) -> Self {
        let default_message = self.0.default_message;
        let mut whole = std::mem::take(&mut self.0.wire.message);
        whole.truncate(default_message);
        let said = message.to_string();
        if !said.is_empty() {
            whole.extend([": ", &said]);
        }
        self.0.wire.message = whole;
        self
    }

    /// Gives a message along, which the receiver gets by its type. May be called several times.
    ///
    /// Types that prost generates have a [`Name`] where it is told to (`enable_type_names`).
    #[must_use]
    pub fn detail<M: Name>(mut self, detail: &M) -> Self {
        self.0.wire.details.push(details::packed(detail));
        self
    }

    /// Tells what led to it. Callers are told only by a generator that [may](ErrorGenerator::send_source).
    #[must_use]
    pub fn source<E: Into<BoxError>>(mut self, source: E) -> Self {
        let source: BoxError = source.into();
        self.send_source(source.to_string(), std::any::type_name::<E>());
        self.0.source = Some(Arc::from(source));
        self
    }

    /// Tells callers what led to it, if they may know.
    pub(super) fn send_source(&mut self, text: String, kind: &str) {
        if self.0.generator.as_ref().is_some_and(|generator| generator.switches().source) {
            (self.0.wire.source_error, self.0.wire.source_type) = (text, kind.to_owned());
        }
    }

    /// Answers it with another code than that of its sentinel.
    pub(super) fn with_grpc_code(mut self, code: Code) -> Self {
        self.0.wire.grpc_code = code.into();
        self
    }

    /// Tells less of it, or other things.
    pub(super) fn with_less(mut self, change: impl FnOnce(&mut pkerr::Error)) -> Self {
        change(&mut self.0.wire);
        self
    }

    /// What else its status tells.
    pub(super) fn with_others(mut self, others: Vec<Any>) -> Self {
        self.0.others = others;
        self
    }

    /// Tells what was missing: which occurrence it is, when it was, and who made it.
    pub(super) fn complete(mut self, generator: &ErrorGenerator) -> Self {
        let wire = &mut self.0.wire;
        wire.id.get_or_insert_with(|| pkerr_id(Uuid::new_v4()));
        wire.time.get_or_insert_with(|| SystemTime::now().into());
        if wire.trace.is_empty() {
            wire.trace.push(generator.frame());
        }
        self.0.generator.get_or_insert_with(|| generator.clone());
        self
    }

    #[cfg(test)]
    pub(super) fn with_trace(mut self, trace: Vec<pkerr::TraceInfo>) -> Self {
        self.0.wire.trace = trace;
        self
    }

    /// What the error was wrapped in on its way here.
    pub(super) fn add_context(&mut self, context: String) {
        if let Some(last) = self.0.wire.trace.last_mut() {
            last.additional_context = context;
        }
    }

    /// Tells the trace of the call that it ends, unless it ended another before.
    pub(super) fn add_trace_id(&mut self, trace: Option<TraceId>) {
        if let Some(id) = trace.filter(|_| self.trace_id().is_none()) {
            self.0.wire.trace_id = id.to_string();
        }
    }

    /// Tells that stack instead of its own.
    pub(super) fn replace_stack_trace(&mut self, stack: String) {
        if let Some(last) = self.0.wire.trace.last_mut().filter(|last| !last.stack_trace.is_empty()) {
            last.stack_trace = stack;
        }
    }

    /// Whether it is this error: issuer and code are the same, whatever its name.
    pub fn is(&self, sentinel: &SentinelError) -> bool {
        matches!(sentinel.issued(), Ok((issuer, code)) if issuer == self.issuer() && code == self.code())
    }

    /// Whether it is answered with this gRPC status code.
    pub fn is_code(&self, code: Code) -> bool {
        self.grpc_code() == code
    }

    /// Whose error it is.
    pub fn issuer(&self) -> &str {
        &self.0.wire.issuer
    }

    /// The issuer's code of it.
    pub fn code(&self) -> u32 {
        self.0.wire.code
    }

    /// Its name among people.
    pub fn name(&self) -> &str {
        &self.0.wire.name
    }

    /// The gRPC status code it is answered with.
    pub fn grpc_code(&self) -> Code {
        Code::from_i32(self.0.wire.grpc_code)
    }

    /// What happened, without what led to it.
    pub fn message_text(&self) -> &str {
        &self.0.wire.message
    }

    /// Which occurrence it is. `None`: whoever sent it did not tell.
    pub fn id(&self) -> Option<Uuid> {
        self.0.wire.id.as_ref().and_then(|id| Uuid::from_slice(&id.bin).ok())
    }

    /// When it happened, by the clock of whoever made it. `None`: that was not told, or is beyond what the system
    /// knows as time.
    pub fn time(&self) -> Option<SystemTime> {
        self.0.wire.time.and_then(|time| time.try_into().ok())
    }

    /// The text of what led to it, as it is sent. `None`: nothing led to it, or it is not told.
    pub fn source_text(&self) -> Option<&str> {
        Some(&*self.0.wire.source_error).filter(|text| !text.is_empty())
    }

    /// The type of what led to it, as the language of whoever made it has it.
    pub fn source_type(&self) -> Option<&str> {
        Some(&*self.0.wire.source_type).filter(|kind| !kind.is_empty())
    }

    /// The services it passed through, where it was made first.
    pub fn trace(&self) -> &[pkerr::TraceInfo] {
        &self.0.wire.trace
    }

    /// The W3C trace of the call that it ended where it was made: 32 hexadecimal digits in lower case. `None`: that call was of
    /// none.
    pub fn trace_id(&self) -> Option<&str> {
        Some(&*self.0.wire.trace_id).filter(|id| !id.is_empty())
    }

    /// The messages of this type that were given along and can be read.
    pub fn details_of<M: Name + Default>(&self) -> impl Iterator<Item = M> {
        self.0.wire.details.iter().filter_map(|detail| details::unpacked(detail))
    }

    /// The first of them.
    pub fn detail_of<M: Name + Default>(&self) -> Option<M> {
        self.details_of().next()
    }

    /// All of it as it is sent.
    pub fn wire(&self) -> &pkerr::Error {
        &self.0.wire
    }

    /// As a status, with these metadata.
    pub(super) fn into_status(self, metadata: MetadataMap) -> Status {
        // An error is none that is answered with OK, whoever says so.
        let code = Some(self.grpc_code()).filter(|code| *code != Code::Ok).unwrap_or(Code::Unknown);
        let limit =
            self.0.generator.as_ref().map_or(DEFAULT_MAX_DETAILS_SIZE, ErrorGenerator::max_size_of_details);
        let status =
            rpc::Status { code: code.into(), details: self.0.others.clone(), ..rpc::Status::default() };
        let details = size::fitted(Details { error: self.0.wire.clone(), status }, limit);
        let message = details.status.message.clone();
        let mut status = Status::with_details_and_metadata(code, message, details.encode().into(), metadata);
        if let Some(source) = self.0.source {
            status.set_source(Arc::new(SourceNote::Error(source)));
        }
        status
    }
}

fn pkerr_id(id: Uuid) -> super::wire::cereal::Uuid {
    super::wire::cereal::Uuid { bin: id.as_bytes().to_vec() }
}

impl PartialEq for ApiError {
    fn eq(&self, other: &Self) -> bool {
        (self.issuer(), self.code()) == (other.issuer(), other.code())
    }
}

impl PartialEq<SentinelError> for ApiError {
    fn eq(&self, sentinel: &SentinelError) -> bool {
        self.is(sentinel)
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        error.into_status(MetadataMap::new())
    }
}

/// Tells which error it is; the [server layer](ErrorGenerator::server_layer) adds what it knows of the occurrence. A
/// sentinel that cannot be [issued](SentinelError::issued) is answered INTERNAL with the reason.
impl From<&SentinelError> for Status {
    fn from(sentinel: &SentinelError) -> Self {
        match sentinel.issued() {
            Ok(issued) => ApiError::of_sentinel(sentinel, issued, None).into(),
            Err(error) => Status::internal(error.to_string()),
        }
    }
}

impl From<SentinelError> for Status {
    fn from(sentinel: SentinelError) -> Self {
        Self::from(&sentinel)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.source {
            Some(source) => {
                let pkerr::Error { name, issuer, code, message, .. } = &self.0.wire;
                write!(f, "({name} | {issuer} | {code}) {message} | from: {source}")
            }
            None => f.write_str(&size::text(&self.0.wire)),
        }
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { wire, source, .. } = &*self.0;
        f.debug_struct("ApiError").field("wire", wire).field("source", source).finish_non_exhaustive()
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}
