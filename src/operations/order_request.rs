//! An order, from its request to its answer.

use http::{Response, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::IgnoredAny;
use tokio::time::timeout;

use super::answer::{self, Body, JSON};
use super::bounds::{BODY, BODY_TIME};
use super::managed::{Managed, Order};
use super::refusal::Refusal;

/// Reads the body, which says nothing, and has the order carried out.
pub(super) async fn carry_out<B>(
    order: Order,
    body: B,
    managed: &dyn Managed,
) -> Result<Response<Body>, Refusal>
where
    B: HttpBody,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    check_body(body).await?;
    match managed.order(order).await {
        Some(Ok(())) => Ok(answer::whole(StatusCode::OK, JSON, r#"{"ok":true}"#)),
        Some(Err(refusal)) => Err(refusal),
        None => Err(Refusal::over()),
    }
}

/// Whether a body is short, there in time, and JSON if it is anything.
async fn check_body<B>(body: B) -> Result<(), Refusal>
where
    B: HttpBody,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let too_long = || {
        let error = format!("the body has more than {BODY} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error, "send {} or nothing")
    };
    if body.size_hint().lower() > BODY as u64 {
        return Err(too_long());
    }
    let read = timeout(BODY_TIME, Limited::new(body, BODY).collect()).await.map_err(|_| {
        let error = format!("the body did not come whole within {BODY_TIME:?}");
        Refusal::new(StatusCode::REQUEST_TIMEOUT, error, "send {} or nothing, at once")
    })?;
    let bytes = match read {
        Ok(read) => read.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_long()),
        Err(_) => return Err(Refusal::bad_request("the body could not be read", "send {} or nothing")),
    };
    if bytes.trim_ascii().is_empty() || serde_json::from_slice::<IgnoredAny>(&bytes).is_ok() {
        return Ok(());
    }
    Err(Refusal::bad_request("the body is no JSON", "send {} or nothing"))
}
