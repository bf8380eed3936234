//! An order, from its request to its answer.

use std::time::Duration;

use http::{Response, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::timeout;

use super::answer::{self, Body, JSON};
use super::bounds::{BODY, BODY_TIME};
use super::managed::{Managed, Order};
use super::refusal::Refusal;
use crate::base::peer_text::shown;

/// What the body of an order to step down may say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepDownBody {
    /// For how long the service asks for no lease.
    stay_out_ms: Option<u64>,
}

/// Reads the body, which says nothing but for `step-down`, and has the order carried out.
pub(super) async fn carry_out<B>(
    order: Order,
    body: B,
    managed: &dyn Managed,
) -> Result<Response<Body>, Refusal>
where
    B: HttpBody,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let bytes = read_body(body).await?;
    match managed.order(detailed(order, &bytes)?).await {
        Some(Ok(())) => Ok(answer::whole(StatusCode::OK, JSON, r#"{"ok":true}"#)),
        Some(Err(refusal)) => Err(refusal),
        None => Err(Refusal::over()),
    }
}

/// The order with what its body says of it.
fn detailed(order: Order, body: &Bytes) -> Result<Order, Refusal> {
    match order {
        Order::StepDown(id, None) if !body.trim_ascii().is_empty() => {
            let hint =
                r#"send {"stay_out_ms": 60000}, in whole milliseconds, or {} or nothing for the usual time"#;
            let read = serde_json::from_slice::<StepDownBody>(body);
            let StepDownBody { stay_out_ms } = read.map_err(|error| {
                Refusal::bad_request(
                    format!("the body does not say for how long: {}", shown(&error.to_string())),
                    hint,
                )
            })?;
            Ok(Order::StepDown(id, stay_out_ms.map(Duration::from_millis)))
        }
        order => Ok(order),
    }
}

/// A body that is short, there in time, and JSON if it is anything.
async fn read_body<B>(body: B) -> Result<Bytes, Refusal>
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
        return Ok(bytes);
    }
    Err(Refusal::bad_request("the body is no JSON", "send {} or nothing"))
}
