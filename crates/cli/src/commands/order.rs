//! Orders.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::print_line;
use crate::client::Client;
use crate::error::{CliError, DONE, NO};

/// What stands in a path as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    Restart(String),
    Stop(String),
    Reload,
    Shutdown,
    Handover,
}

impl Order {
    pub(crate) fn path(&self) -> String {
        let (what, id) = match self {
            Self::Restart(id) => ("restart/", id.as_str()),
            Self::Stop(id) => ("stop/", id.as_str()),
            Self::Reload => ("reload", ""),
            Self::Shutdown => ("shutdown", ""),
            Self::Handover => ("handover", ""),
        };
        format!("/orders/{what}{}", utf8_percent_encode(id, ENCODED))
    }

    /// What has come of it, where it was carried out.
    pub(crate) fn done(&self) -> String {
        match self {
            Self::Restart(id) => format!("{id} was restarted, and is up"),
            Self::Stop(id) => format!("{id} was stopped, and stays so until it is restarted"),
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
            Self::Reload => f.write_str("reload all settings"),
            Self::Shutdown => f.write_str("shut the whole program down"),
            Self::Handover => f.write_str("hand over to a successor"),
        }
    }
}

/// Gives it, and prints what came of it.
pub(super) async fn give(client: &Client, order: &Order, json: bool) -> Result<u8, CliError> {
    let answer = client.order(&order.path()).await?;
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
    }
}
