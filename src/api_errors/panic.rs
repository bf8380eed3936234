//! A panic of a handler, as an error that is sent.

use std::any::Any;
use std::error::Error;
use std::fmt;

use tonic::Status;

use super::api_error::ApiError;
use super::sentinel::SentinelError;
use crate::base::{BoxError, PanicError, discard};

/// A panic of a handler as an error, which has as its source what it was panicked with where that is one.
#[derive(Debug)]
pub(super) struct Panicked {
    text: String,
    source: Option<BoxError>,
}

impl Panicked {
    pub(super) fn new(payload: Box<dyn Any + Send>) -> Self {
        let payload = match as_error(payload) {
            Ok(source) => return Self { text: source.to_string(), source: Some(source) },
            Err(payload) => payload,
        };
        let text = number(&*payload).unwrap_or_else(|| PanicError::message_of(&*payload));
        discard(payload);
        Self { text, source: None }
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panic recovered: {}", self.text)
    }
}

impl Error for Panicked {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

/// A payload that is an error.
fn as_error(payload: Box<dyn Any + Send>) -> Result<BoxError, Box<dyn Any + Send>> {
    fn is<E: Error + Send + Sync + 'static>(
        payload: Box<dyn Any + Send>,
    ) -> Result<BoxError, Box<dyn Any + Send>> {
        payload.downcast::<E>().map(|error| error as BoxError)
    }
    (payload.downcast::<BoxError>().map(|error| *error))
        .or_else(is::<ApiError>)
        .or_else(is::<Status>)
        .or_else(is::<SentinelError>)
        .or_else(|payload| Ok(Box::new(**payload.downcast::<&'static SentinelError>()?)))
}

/// A payload that is a number.
fn number(payload: &(dyn Any + Send)) -> Option<String> {
    macro_rules! one_of {
        ($($number:ty),*) => {
            None$(.or_else(|| payload.downcast_ref::<$number>().map(ToString::to_string)))*
        };
    }
    one_of!(i32, u32, i64, u64, usize, isize, i128, u128, i16, u16, i8, u8, f64, f32)
}
