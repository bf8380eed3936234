//! Orders.

use std::fmt;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::print_line;
use crate::client::Client;
use crate::error::{CliError, DONE, NO};

/// What stands in a path as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    Restart(String),
    Stop(String),
    /// And for how long it asks for no lease.
    StepDown(String, Option<Duration>),
    Reload,
    Shutdown,
    Handover,
}

impl Order {
    pub(crate) fn path(&self) -> String {
        let (what, id) = match self {
            Self::Restart(id) => ("restart/", id.as_str()),
            Self::Stop(id) => ("stop/", id.as_str()),
            Self::StepDown(id, _) => ("step-down/", id.as_str()),
            Self::Reload => ("reload", ""),
            Self::Shutdown => ("shutdown", ""),
            Self::Handover => ("handover", ""),
        };
        format!("/orders/{what}{}", utf8_percent_encode(id, ENCODED))
    }

    /// What is to be said beside the path.
    pub(crate) fn body(&self) -> String {
        match self {
            Self::StepDown(_, Some(stay_out)) => {
                // More than there is room for is more than is taken.
                let stay_out_ms = u64::try_from(stay_out.as_millis()).unwrap_or(u64::MAX);
                json!({"stay_out_ms": stay_out_ms}).to_string()
            }
            _ => String::new(),
        }
    }

    /// What has come of it, where it was carried out.
    pub(crate) fn done(&self) -> String {
        match self {
            Self::Restart(id) => format!("{id} was restarted, and is up"),
            Self::Stop(id) => format!("{id} was stopped, and stays so until it is restarted"),
            Self::StepDown(id, _) => {
                format!("{id} has given its lease away: `majordomo status` tells when it asks for it again")
            }
            Self::Reload => "all settings were read again".to_owned(),
            Self::Shutdown => "the shutdown has begun: `majordomo why` tells who is waited for".to_owned(),
            Self::Handover => "the successor has taken over".to_owned(),
        }
    }
}

impl fmt::Display for Order {
    /// As a question has it: `restart database`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restart(id) => write!(f, "restart {id}"),
            Self::Stop(id) => write!(f, "stop {id}"),
            Self::StepDown(id, _) => write!(f, "have {id} give its lease away"),
            Self::Reload => f.write_str("reload all settings"),
            Self::Shutdown => f.write_str("shut the whole program down"),
            Self::Handover => f.write_str("hand over to a successor"),
        }
    }
}

/// Gives it, and prints what came of it.
pub(super) async fn give(client: &Client, order: &Order, json: bool) -> Result<u8, CliError> {
    let answer = client.order(&order.path(), order.body()).await?;
    if json && serde_json::from_str::<serde_json::Value>(&answer.body).is_ok() {
        print_line(answer.body.trim_end())?;
        return Ok(if answer.is_ok() { DONE } else { NO });
    }
    answer.expect_ok()?;
    print_line(&crate::text::plain(&order.done()))?;
    Ok(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_any_characters_is_one_part_of_the_path() {
        assert_eq!(Order::Restart("a b/ä?#%".into()).path(), "/orders/restart/a%20b%2F%C3%A4%3F%23%25");
        assert_eq!(Order::Stop("a-b_c.d~e".into()).path(), "/orders/stop/a-b_c.d~e");
        assert_eq!(Order::Shutdown.path(), "/orders/shutdown");
        assert_eq!(Order::StepDown("a b".into(), None).path(), "/orders/step-down/a%20b");
    }

    #[test]
    fn for_how_long_a_service_stays_out_is_said_in_whole_milliseconds_or_not_at_all() {
        let order = |stay_out| Order::StepDown("a".into(), stay_out).body();
        assert_eq!(order(Some(Duration::from_secs(90))), r#"{"stay_out_ms":90000}"#);
        assert_eq!((order(None), Order::Stop("a".into()).body()), (String::new(), String::new()));
    }
}
