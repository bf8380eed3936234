//! Who makes errors, and what of them may leave the process.

use std::backtrace::Backtrace;
use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use super::BoxError;
use super::api_error::ApiError;
use super::chain::{self, Found, Rich, Told};
use super::client::ErrorClientLayer;
use super::defaults::ERR_UNKNOWN;
use super::details;
use super::panic::{PanicError, Panicked};
use super::reissue::ReissueError;
use super::sentinel::SentinelError;
use super::server::ErrorServerLayer;
use super::size::{DEFAULT_MAX_DETAILS_SIZE, before_base64};
use super::wire::pkerr::TraceInfo;

/// Makes the rich errors of one service, and knows what of them callers may see. Answers to the seed's
/// `ErrorGenerator`. Cloning it is cheap.
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
    max_details_size: usize,
}

impl ErrorGenerator {
    /// Makes the errors of the service of this name, of which callers see nothing but the errors and the name.
    pub fn new(app_name: impl Into<String>) -> Self {
        Self(Arc::new(Settings {
            app_name: app_name.into(),
            app_host: String::new(),
            add_stack_trace: false,
            send_context: false,
            send_source: false,
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
        self.clone().with(|settings| settings.app_name = app_name.into())
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

    /// How many bytes the trailer `grpc-status-details-bin` may have; the message may have half of it. What is too
    /// much is cut: stack traces first, then contexts, sources, details, frames in the middle of the trace, and the
    /// message; never what identifies the error. Default: 8 KiB, since clients take 16 KiB of trailers in all.
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

    fn try_error(&self, sentinel: &SentinelError) -> Result<ApiError, ReissueError> {
        Ok(self.occurrence(sentinel, sentinel.issued()?))
    }

    fn occurrence(&self, sentinel: &SentinelError, issued: (Cow<'static, str>, u32)) -> ApiError {
        ApiError::of_sentinel(sentinel, issued, Some(self.clone())).complete(self)
    }

    /// The status of any error, as the [server layer](Self::server_layer) makes it: where the error is a rich one, or
    /// wraps one, that; otherwise [`ERR_UNKNOWN`] with its text.
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
            Ok(status) => return self.enrich(*status),
            Err(error) => error,
        };
        self.told(Arc::from(error), std::any::type_name::<E>(), |_| ())
    }

    /// The status of a panic.
    pub(super) fn panicked(&self, panicked: Panicked, seen: &PanicError) -> Status {
        self.told(Arc::new(panicked), "panic", |rich| {
            if let Some(stack) = seen.stack() {
                rich.replace_stack_trace(stack);
            }
        })
    }

    fn told(
        &self,
        error: Arc<dyn Error + Send + Sync>,
        kind: &str,
        then: impl FnOnce(&mut ApiError),
    ) -> Status {
        let (rich, told) = match chain::find_wrapped(&*error) {
            Some(found) => {
                let is_wrapped = found.context.is_some();
                (self.found(found, &*error), is_wrapped.then(|| Told::Error(Arc::clone(&error))))
            }
            None => {
                let unknown = self.unknown(Code::Unknown, &error.to_string(), Some((&*error, kind)));
                (unknown, error.source().is_some().then(|| Told::Below(Arc::clone(&error))))
            }
        };
        match rich {
            Ok(mut rich) => {
                then(&mut rich);
                let mut status = rich.into_status(MetadataMap::new());
                if let Some(told) = told {
                    status.set_source(Arc::new(told));
                }
                status
            }
            Err(cannot) => cannot_be_issued(&cannot),
        }
    }

    /// The same status, if it tells a rich error, or one that does and keeps code, message, details and metadata.
    pub(super) fn enrich(&self, status: Status) -> Status {
        // Where it was told already, the status tells all of it.
        let source = status.source().filter(|source| !source.is::<Told>());
        let found = source.and_then(|source| Some((chain::find_wrapped(source)?, source)));
        let rich = match (ApiError::from_status(&status), found) {
            (Some(rich), None | Some((Found { context: None, .. }, _))) => {
                if !rich.trace().is_empty()
                    && status.details().len() <= before_base64(self.max_size_of_details())
                {
                    return status;
                }
                Ok(rich.complete(self))
            }
            (_, Some((found, source))) => self.found(found, source),
            (None, None) => self
                .unknown(status.code(), status.message(), source.map(|source| (source, "")))
                .map(|unknown| unknown.with_others(details::others(status.details()))),
        };
        match rich {
            Ok(rich) => {
                let metadata = status.metadata().clone();
                let has_source = source.is_some();
                let mut rich = rich.into_status(metadata);
                if has_source {
                    rich.set_source(Arc::new(Told::By(status)));
                }
                rich
            }
            Err(cannot) => cannot_be_issued(&cannot),
        }
    }

    /// A rich error that was wrapped.
    fn found(&self, found: Found, whole: &(dyn Error + 'static)) -> Result<ApiError, ReissueError> {
        let mut rich = match found.error {
            Rich::Error(error) => error.complete(self),
            Rich::Sentinel(sentinel) => {
                let mut rich = self.try_error(&sentinel)?;
                if found.context.is_some() {
                    rich.send_source(whole.to_string(), "");
                }
                rich
            }
        };
        if let Some(context) = found.context.filter(|_| self.0.send_context) {
            rich.add_context(context);
        }
        Ok(rich)
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

    pub(super) fn sends_source(&self) -> bool {
        self.0.send_source
    }

    pub(crate) fn adds_stack_trace(&self) -> bool {
        self.0.add_stack_trace
    }

    pub(super) fn max_size_of_details(&self) -> usize {
        self.0.max_details_size
    }

    /// A layer around the handlers of a server: whatever error or panic they end by is answered as a rich error, in the
    /// middle of a stream, too. A manager has it by
    /// [`ManagerOptions::error_generator`](crate::ManagerOptions::error_generator); `tonic::transport::Server::layer`
    /// takes it as well. Answers to the seed's `UnaryServerMiddleware` and `StreamServerMiddleware`.
    ///
    /// A status that tells no rich error becomes [`ERR_UNKNOWN`] with its own code, message, details and metadata. A
    /// panic is told as what it was panicked with where that is a rich error, a sentinel, a status or a
    /// `Box<dyn Error + Send + Sync>`, and otherwise by its text or number.
    pub fn server_layer(&self) -> ErrorServerLayer {
        ErrorServerLayer::new(self.clone())
    }

    /// A layer around the [channel](tonic::transport::Channel) of a client: rich errors get this service's frame added
    /// to their trace, so that services that pass them on are told in order. Answers to the seed's
    /// `UnaryClientMiddleware` and `StreamClientMiddleware`.
    ///
    /// Details that cannot be read are taken off before tonic sees them, which panics at some; the status stays.
    ///
    /// ```no_run
    /// # async fn of() -> Result<(), Box<dyn std::error::Error>> {
    /// use majordomo::api_errors::{ApiError, ErrorGenerator};
    /// use majordomo::ping::PingClient;
    /// use tower::ServiceBuilder;
    ///
    /// let channel = tonic::transport::Channel::from_static("http://127.0.0.1:50051").connect().await?;
    /// let errors = ErrorGenerator::new("caller");
    /// let mut client = PingClient::new(ServiceBuilder::new().layer(errors.client_layer()).service(channel));
    /// if let Err(status) = client.ping(()).await {
    ///     println!("{:?}", ApiError::from_status(&status));
    /// }
    /// # Ok(()) }
    /// ```
    pub fn client_layer(&self) -> ErrorClientLayer {
        ErrorClientLayer::new(self.clone())
    }
}

fn cannot_be_issued(error: &ReissueError) -> Status {
    Status::internal(error.to_string())
}

fn host() -> String {
    let host = gethostname::gethostname().into_string().unwrap_or_default();
    if host.is_empty() { "[UNKNOWN]".to_owned() } else { host }
}
