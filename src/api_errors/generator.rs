//! Who makes errors, and what of them may leave the process.

use std::backtrace::Backtrace;
use std::borrow::Cow;
use std::sync::Arc;

use tonic::Status;

use super::api_error::ApiError;
use super::pass_on::{Names, PassOn, Switches};
use super::reissue::ReissueError;
use super::sentinel::SentinelError;
use super::size::DEFAULT_MAX_DETAILS_SIZE;
use super::wire::pkerr::TraceInfo;
use crate::base::BoxError;

/// Makes the rich errors of one service, and knows what of them callers may see. Cloning it is cheap.
///
/// ```
/// use majordomo::api_errors::{ERR_VALIDATION, ErrorGenerator};
/// use tonic::Status;
///
/// fn checked(errors: &ErrorGenerator, name: &str) -> Result<(), Status> {
///     if name.is_empty() {
///         Err(errors.error(&ERR_VALIDATION).message("a pupil has a name"))?;
///     }
///     Ok(())
/// }
/// let errors = ErrorGenerator::new("SortingHat").add_host(true).send_source(true);
/// assert_eq!(
///     checked(&errors, "").unwrap_err().message(),
///     "(Validation | GRPEAKEC | 1003) client argument failed validation: a pupil has a name"
/// );
/// ```
#[derive(Debug, Clone)]
pub struct ErrorGenerator(Arc<Settings>);

#[derive(Debug, Clone)]
struct Settings {
    app_name: String,
    app_host: String,
    add_stack_trace: bool,
    send_context: bool,
    send_source: bool,
    pass_on: PassOn,
    /// Shared by all generators that are derived from one.
    names: Arc<Names>,
    max_details_size: usize,
}

impl ErrorGenerator {
    /// Makes the errors of the service of this name, of which callers see nothing but the errors and the name.
    pub fn new(app_name: impl Into<String>) -> Self {
        let app_name = app_name.into();
        Self(Arc::new(Settings {
            names: Arc::new(Names::new(&app_name)),
            app_name,
            app_host: String::new(),
            add_stack_trace: false,
            send_context: false,
            send_source: false,
            pass_on: PassOn::default(),
            max_details_size: DEFAULT_MAX_DETAILS_SIZE,
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// The same for a service, or a part of one, of another name.
    #[must_use]
    pub fn with_app_name(&self, app_name: impl Into<String>) -> Self {
        let app_name = app_name.into();
        self.0.names.add(&app_name);
        self.clone().with(|settings| settings.app_name = app_name)
    }

    /// Whether callers see the name of this host; `[UNKNOWN]` where it has none that is text. Default: no.
    #[must_use]
    pub fn add_host(self, on: bool) -> Self {
        self.with(|settings| settings.app_host = if on { host() } else { String::new() })
    }

    /// Whether callers see the stack where an error was made or received. It is captured whatever `RUST_BACKTRACE`
    /// says, which takes milliseconds an error. Default: no.
    #[must_use]
    pub fn add_stack_trace(self, on: bool) -> Self {
        self.with(|settings| settings.add_stack_trace = on)
    }

    /// Whether callers see what an error was wrapped in on its way. Default: no.
    #[must_use]
    pub fn send_context(self, on: bool) -> Self {
        self.with(|settings| settings.send_context = on)
    }

    /// Whether callers see the text and type of what led to an error, in the status message, too. Default: no.
    #[must_use]
    pub fn send_source(self, on: bool) -> Self {
        self.with(|settings| settings.send_source = on)
    }

    /// What callers are told of rich errors that another service has made, which handlers here pass on. The switches
    /// above are for what this service makes; unless told otherwise here, what others send is passed on as it came,
    /// source and stack traces included: within one backend that is the purpose of a trace. A service at the edge of it
    /// should choose. Default: [`PassOn::Everything`].
    ///
    /// An error is of the service that is first in its trace: each needs a name of its own. Errors of generators made by
    /// [`with_app_name`](Self::with_app_name) (of the first 256 names) are this service's. Within the process, and in the
    /// log of unary methods, nothing is taken off. A plain status, which tells no rich error, is another service's where a
    /// [client layer](Self::client_layer) of a generator with the same setting has received it; without one, nobody can see
    /// that it came from elsewhere.
    ///
    /// ```
    /// use majordomo::api_errors::{ERR_NOT_FOUND, ErrorGenerator, PassOn};
    /// use tonic::Status;
    ///
    /// let inner = ErrorGenerator::new("roster").send_source(true);
    /// let received = Status::from(inner.error(&ERR_NOT_FOUND).source("no row in pupils"));
    ///
    /// let edge = ErrorGenerator::new("edge").pass_on(PassOn::Identity);
    /// assert_eq!(edge.status(received).message(), "(ResourceExists | GRPEAKEC | 1001)");
    /// let own = edge.error(&ERR_NOT_FOUND).message("of this name");
    /// assert_eq!(
    ///     edge.status(own).message(),
    ///     "(ResourceExists | GRPEAKEC | 1001) requested resource not found: of this name"
    /// );
    /// ```
    #[must_use]
    pub fn pass_on(self, what: PassOn) -> Self {
        self.with(|settings| settings.pass_on = what)
    }

    /// How many bytes the trailer `grpc-status-details-bin` may have; the message may have half of it. What is too
    /// much is cut: stack traces first, then contexts, sources, details, frames in the middle of the trace, and the
    /// message; never what identifies the error. Default: 4 KiB, so that all trailers
    /// together stay below the 8 KiB that every client takes.
    #[must_use]
    pub fn max_details_size(self, bytes: usize) -> Self {
        self.with(|settings| settings.max_details_size = bytes)
    }

    /// An occurrence of this error, here and now.
    ///
    /// # Panics
    /// When the sentinel cannot be [issued](SentinelError::issued), since the environment asks for what cannot be. In a
    /// handler the [server layer](Self::server_layer) answers that with the reason.
    pub fn error(&self, sentinel: &SentinelError) -> ApiError {
        self.occurrence(sentinel, sentinel.must_be_issued())
    }

    pub(super) fn try_error(&self, sentinel: &SentinelError) -> Result<ApiError, ReissueError> {
        Ok(self.occurrence(sentinel, sentinel.issued()?))
    }

    fn occurrence(&self, sentinel: &SentinelError, issued: (Cow<'static, str>, u32)) -> ApiError {
        ApiError::of_sentinel(sentinel, issued, Some(self.clone())).complete(self)
    }

    /// The status of any error, as the [server layer](Self::server_layer) makes it: where the error is a rich one, or
    /// wraps one, that; otherwise [`ERR_UNKNOWN`](super::ERR_UNKNOWN) with its text.
    ///
    /// Streams need it for errors that wrap a rich one: tonic sends the status of a stream without its source, so that
    /// no layer sees what it came from.
    ///
    /// ```
    /// # use majordomo::api_errors::{ERR_NOT_FOUND, ErrorGenerator};
    /// # let errors = ErrorGenerator::new("SortingHat");
    /// let status = errors.status("a hat of straw");
    /// assert_eq!(status.message(), "(Unknown | GRPEAKEC | 1000) an unknown error occurred: a hat of straw");
    /// assert_eq!(errors.status(ERR_NOT_FOUND).code(), tonic::Code::NotFound);
    /// ```
    pub fn status<E: Into<BoxError>>(&self, error: E) -> Status {
        let error: BoxError = error.into();
        let error = match error.downcast::<Status>() {
            Ok(status) => return self.enrich(*status, None),
            Err(error) => error,
        };
        self.status_of(error, std::any::type_name::<E>())
    }

    /// This service, in a trace.
    pub(super) fn frame(&self) -> TraceInfo {
        let Settings { app_name, app_host, add_stack_trace, .. } = &*self.0;
        TraceInfo {
            app_name: app_name.clone(),
            app_host: app_host.clone(),
            stack_trace: if *add_stack_trace {
                Backtrace::force_capture().to_string()
            } else {
                String::new()
            },
            additional_context: String::new(),
        }
    }

    pub(super) fn switches(&self) -> Switches {
        let Settings { app_host, add_stack_trace, send_context, send_source, .. } = &*self.0;
        Switches {
            host: !app_host.is_empty(),
            stack_trace: *add_stack_trace,
            context: *send_context,
            source: *send_source,
        }
    }

    pub(super) fn passes_on(&self) -> PassOn {
        self.0.pass_on
    }

    /// Whether nothing that other services say is to be told.
    pub(super) fn withholds(&self) -> bool {
        matches!(self.0.pass_on, PassOn::Identity | PassOn::Nothing)
    }

    pub(super) fn names(&self) -> &Names {
        &self.0.names
    }

    pub(crate) fn adds_stack_trace(&self) -> bool {
        self.0.add_stack_trace
    }

    pub(super) fn max_size_of_details(&self) -> usize {
        self.0.max_details_size
    }
}

fn host() -> String {
    let host = gethostname::gethostname().into_string().unwrap_or_default();
    if host.is_empty() { "[UNKNOWN]".to_owned() } else { host }
}
