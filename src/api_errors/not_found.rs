//! Handlers that find nothing.
//!
//! ```text
//!   None.or_nothing() --> an empty message, marked --NotFoundLayer--> ERR_NOT_FOUND
//! ```

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tonic::Status;
use tower::{Layer, Service};

use super::defaults::ERR_NOT_FOUND;

/// Marks an answer that is no more than a place for one.
#[derive(Debug, Clone, Copy)]
struct Nothing;

/// How a unary handler answers "nothing".
///
/// In Go a handler may return neither a message nor an error; here it says so. With the
/// [not-found middleware](crate::ManagerOptions::err_not_found_middleware) the caller is answered [`ERR_NOT_FOUND`],
/// without it an empty message.
///
/// ```
/// use majordomo::api_errors::OrNothing;
/// use tonic::{Response, Status};
///
/// fn house_of(pupil: &str) -> Result<Response<String>, Status> {
///     (pupil == "Harry").then(|| "Gryffindor".to_owned()).or_nothing()
/// }
/// assert_eq!(house_of("Harry").unwrap().into_inner(), "Gryffindor");
/// assert_eq!(house_of("Dudley").unwrap().into_inner(), "");
/// ```
pub trait OrNothing<T> {
    /// The answer of a handler.
    ///
    /// # Errors
    /// None by itself: the middleware is what makes nothing an error.
    fn or_nothing(self) -> Result<tonic::Response<T>, Status>;
}

impl<T: Default> OrNothing<T> for Option<T> {
    fn or_nothing(self) -> Result<tonic::Response<T>, Status> {
        let found = self.is_some();
        let mut response = tonic::Response::new(self.unwrap_or_default());
        if !found {
            response.extensions_mut().insert(Nothing);
        }
        Ok(response)
    }
}

/// Answers [`ERR_NOT_FOUND`] where a handler [answers nothing](OrNothing).
///
/// A manager has it by [`ManagerOptions::err_not_found_middleware`](crate::ManagerOptions::err_not_found_middleware).
/// Elsewhere the [error layer](super::ErrorGenerator::server_layer) belongs around it: that adds what is known of the
/// occurrence.
#[derive(Debug, Clone, Copy, Default)]
pub struct NotFoundLayer;

impl<S> Layer<S> for NotFoundLayer {
    type Service = NotFound<S>;

    fn layer(&self, inner: S) -> NotFound<S> {
        NotFound { inner }
    }
}

/// What [`NotFoundLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct NotFound<S> {
    inner: S,
}

impl<S, A, B> Service<Request<A>> for NotFound<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Default,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = NotFoundFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        NotFoundFuture { answer: self.inner.call(request) }
    }
}

pin_project! {
    /// An answer of [`NotFound`] on its way.
    pub struct NotFoundFuture<F> {
        #[pin]
        answer: F,
    }
}

impl<F, B, E> Future for NotFoundFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.project().answer.poll(cx))?;
        Poll::Ready(Ok(match response.extensions().get::<Nothing>() {
            Some(Nothing) => Status::from(&ERR_NOT_FOUND).into_http(),
            None => response,
        }))
    }
}

impl<F> fmt::Debug for NotFoundFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotFoundFuture").finish_non_exhaustive()
    }
}
