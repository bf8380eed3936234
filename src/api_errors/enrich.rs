//! The status of whatever error a handler ends by.

use std::error::Error;
use std::sync::Arc;

use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use super::api_error::ApiError;
use super::chain::{self, Found, Rich};
use super::defaults::ERR_UNKNOWN;
use super::details;
use super::generator::ErrorGenerator;
use super::headers;
use super::panic::Panicked;
use super::pass_on::{self, PassOn};
use super::reissue::ReissueError;
use super::size::before_base64;
use super::source_note::SourceNote;
use crate::base::BoxError;
use crate::base::{PanicError, TraceId};

/// A rich error as callers are told it.
struct Telling {
    rich: ApiError,
    /// Whether it is less than what was found, as another service has made it.
    less: bool,
}

impl Telling {
    fn completed_by(self, generator: &ErrorGenerator) -> Self {
        Self { rich: self.rich.complete(generator), ..self }
    }
}

impl ErrorGenerator {
    /// The status of an error that is none itself.
    pub(super) fn status_of(&self, error: BoxError, kind: &str) -> Status {
        self.told(Arc::from(error), kind, None, |_| ())
    }

    /// The status of a panic.
    pub(super) fn panicked(&self, panicked: Panicked, seen: &PanicError, trace: Option<TraceId>) -> Status {
        self.told(Arc::new(panicked), "panic", trace, |rich| {
            if let Some(stack) = seen.stack() {
                rich.replace_stack_trace(stack);
            }
        })
    }

    fn told(
        &self,
        error: Arc<dyn Error + Send + Sync>,
        kind: &str,
        trace: Option<TraceId>,
        then: impl FnOnce(&mut ApiError),
    ) -> Status {
        let (telling, told) = match chain::find_wrapped(&*error) {
            Some(found) => {
                let is_wrapped = found.context.is_some();
                let telling = self.found(found, &*error);
                let is_less = telling.as_ref().is_ok_and(|telling| telling.less);
                (telling, (is_wrapped || is_less).then(|| SourceNote::Error(Arc::clone(&error))))
            }
            None => {
                let unknown = self.unknown(Code::Unknown, &error.to_string(), Some((&*error, kind)));
                let telling = unknown.map(|rich| Telling { rich, less: false });
                (telling, error.source().is_some().then(|| SourceNote::Below(Arc::clone(&error))))
            }
        };
        match telling {
            Ok(Telling { mut rich, .. }) => {
                then(&mut rich);
                rich.add_trace_id(trace);
                let mut status = rich.into_status(MetadataMap::new());
                if let Some(told) = told {
                    status.set_source(Arc::new(told));
                }
                status
            }
            Err(cannot) => cannot_be_issued(&cannot),
        }
    }

    /// The same status, if it tells a rich error that callers may see, or one that does and keeps code, message, details
    /// and metadata. `trace`: that of the call that it ends.
    pub(super) fn enrich(&self, mut status: Status, trace: Option<TraceId>) -> Status {
        let is_received = headers::take_received(&mut status);
        // Where it was told already, the status tells all of it.
        let source = status.source().filter(|source| !source.is::<SourceNote>());
        let found = source.and_then(|source| Some((chain::find_wrapped(source)?, source)));
        let telling = match (ApiError::from_status(&status), found) {
            (Some(rich), None | Some((Found { context: None, .. }, _))) => {
                let telling = self.passed_on(rich, is_received);
                let lacks_trace_id = |rich: &ApiError| trace.is_some() && rich.trace_id().is_none();
                let is_told = |telling: &Telling| {
                    !telling.less && !telling.rich.trace().is_empty() && !lacks_trace_id(&telling.rich)
                };
                if telling.as_ref().is_ok_and(is_told)
                    && status.details().len() <= before_base64(self.max_size_of_details())
                {
                    return status;
                }
                telling.map(|telling| telling.completed_by(self))
            }
            (_, Some((found, source))) => self.found(found, source),
            (None, None) if is_received && self.withholds() => self.withheld(status.code()),
            (None, None) => self
                .unknown(status.code(), status.message(), source.map(|source| (source, "")))
                .map(|unknown| unknown.with_others(details::others(status.details())))
                .map(|rich| Telling { rich, less: false }),
        };
        match telling {
            Ok(Telling { mut rich, less }) => {
                rich.add_trace_id(trace);
                let hides_metadata = less && self.withholds();
                let metadata = if hides_metadata { MetadataMap::new() } else { status.metadata().clone() };
                let has_source = source.is_some();
                let mut rich = rich.into_status(metadata);
                if has_source || less {
                    rich.set_source(Arc::new(SourceNote::By(status)));
                }
                rich
            }
            Err(cannot) => cannot_be_issued(&cannot),
        }
    }

    /// A rich error that was wrapped.
    fn found(&self, found: Found, whole: &(dyn Error + 'static)) -> Result<Telling, ReissueError> {
        let Telling { mut rich, less } = match found.error {
            Rich::Error(error) => self.passed_on(error, false)?.completed_by(self),
            Rich::Received(code) => self.withheld(code)?,
            Rich::Sentinel(sentinel) => {
                let mut rich = self.try_error(&sentinel)?;
                if found.context.is_some() {
                    rich.send_source(whole.to_string(), "");
                }
                Telling { rich, less: false }
            }
        };
        if let Some(context) = found.context.filter(|_| self.switches().context) {
            rich.add_context(context);
        }
        Ok(Telling { rich, less })
    }

    /// An error that is not rich.
    fn unknown(
        &self,
        code: Code,
        message: &str,
        source: Option<(&(dyn Error + 'static), &str)>,
    ) -> Result<ApiError, ReissueError> {
        let mut unknown = self.try_error(&ERR_UNKNOWN)?.message(message).with_grpc_code(code);
        if let Some((source, kind)) = source {
            unknown.send_source(source.to_string(), kind);
        }
        Ok(unknown)
    }

    /// What callers are told of another service's status that tells no rich error, and is withheld.
    fn withheld(&self, code: Code) -> Result<Telling, ReissueError> {
        let code = if self.passes_on() == PassOn::Nothing { Code::Unknown } else { code };
        Ok(Telling { rich: self.unknown(code, "", None)?, less: true })
    }

    /// What callers are told of a rich error, whoever has made it.
    fn passed_on(&self, rich: ApiError, is_received: bool) -> Result<Telling, ReissueError> {
        let is_own = || !is_received && self.names().made(rich.wire());
        if self.passes_on() == PassOn::Everything || is_own() {
            return Ok(Telling { rich, less: false });
        }
        let rich = match self.passes_on() {
            PassOn::Everything => rich,
            PassOn::Allowed => rich.with_less(|error| pass_on::keep_allowed(error, self.switches())),
            PassOn::Identity => {
                rich.with_less(|error| pass_on::keep_identity(error, self.names())).with_others(Vec::new())
            }
            PassOn::Nothing => {
                let id = rich.wire().id.clone();
                self.try_error(&ERR_UNKNOWN)?.with_less(|error| error.id = id.or(error.id.take()))
            }
        };
        Ok(Telling { rich, less: true })
    }
}

fn cannot_be_issued(error: &ReissueError) -> Status {
    Status::internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_errors::ERR_NOT_FOUND;

    /// All that the log has of a status: its text, and its sources.
    fn logged(status: &Status) -> String {
        let mut text = status.message().to_owned();
        let mut next = status.source();
        while let Some(source) = next {
            text = format!("{text}; {source}");
            next = source.source();
        }
        text
    }

    #[test]
    fn what_callers_are_not_told_is_among_the_sources_for_the_log() {
        let inner = ErrorGenerator::new("inner").send_source(true);
        let sent = Status::from(inner.error(&ERR_NOT_FOUND).source("no row"));
        // What it was made of stays where it was made.
        let received = || Status::with_details(sent.code(), sent.message(), sent.details().to_vec().into());
        for what in [PassOn::Allowed, PassOn::Identity, PassOn::Nothing] {
            let edge = ErrorGenerator::new("edge").pass_on(what);
            for status in [edge.status(received()), edge.status(ApiError::from_status(&received()).unwrap())]
            {
                assert!(!status.message().contains("no row"), "{what:?}: {status}");
                assert!(logged(&status).contains("| from: no row"), "{what:?}: {}", logged(&status));
            }
        }
    }

    #[test]
    fn only_the_id_is_left_of_what_is_not_passed_on() {
        let error = ErrorGenerator::new("inner").error(&ERR_NOT_FOUND);
        let edge = ErrorGenerator::new("edge").pass_on(PassOn::Nothing);
        let passed = ApiError::from_status(&edge.status(error.clone())).unwrap();
        assert!(passed.is(&ERR_UNKNOWN) && passed.id() == error.id());
    }

    #[test]
    fn metadata_and_other_details_of_another_service_go_with_its_message() {
        let inner = ErrorGenerator::new("inner").error(&ERR_NOT_FOUND);
        let mut received = Status::from(inner.with_others(vec![details::packed(&"other".to_owned())]));
        received.metadata_mut().insert("x-inner", "1".parse().unwrap());
        for (what, kept) in [(PassOn::Allowed, 1), (PassOn::Identity, 0), (PassOn::Nothing, 0)] {
            let passed = ErrorGenerator::new("edge").pass_on(what).status(received.clone());
            let others = details::others(passed.details()).len() - 1;
            assert_eq!((passed.metadata().len(), others), (kept, kept), "{what:?}");
        }
    }
}
