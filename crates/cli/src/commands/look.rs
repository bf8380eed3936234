//! How things stand: `status`, `why`, `plan`.

use std::time::Duration;

use serde_json::json;

use super::{print, print_line, status};
use crate::client::{Client, JSON, TEXT};
use crate::error::{CliError, DONE, NO};
use crate::status::faults::faults;
use crate::status::sentence::sentence;
use crate::status::table;
use crate::text::plain_lines;

/// Between two looks of one who watches.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn status_of(client: &Client, json: bool) -> Result<u8, CliError> {
    let (status, text) = status(client).await?;
    if json {
        print_line(text.trim_end())?;
        return Ok(DONE);
    }
    let wrong = match faults(&status).len() {
        0 => String::new(),
        1 => "One thing is wrong: `majordomo why` tells it.\n".to_owned(),
        more => format!("{more} things are wrong: `majordomo why` tells them.\n"),
    };
    let handover = status.handover.as_ref().map(|handover| format!("{handover}\n")).unwrap_or_default();
    print(&format!("{}\n{handover}{wrong}\n{}", sentence(&status), table::text(&status)))?;
    Ok(DONE)
}

/// Tells each fault; 1 where there is one.
pub(super) async fn why(client: &Client, json: bool) -> Result<u8, CliError> {
    let (status, _) = status(client).await?;
    let faults = faults(&status);
    if json {
        print_line(&json!({"state": sentence(&status), "faults": faults}).to_string())?;
    } else if faults.is_empty() {
        print_line(&format!("nothing is wrong: {}", sentence(&status)))?;
    } else {
        print(&faults.iter().map(|fault| format!("{fault}\n")).collect::<String>())?;
    }
    Ok(if faults.is_empty() { DONE } else { NO })
}

pub(super) async fn plan(client: &Client, json: bool) -> Result<u8, CliError> {
    let text = client.get("/plan", if json { JSON } else { TEXT }).await?;
    match json {
        true => print_line(text.trim_end())?,
        false => print(&plain_lines(&text))?,
    }
    Ok(DONE)
}

/// `top` for programs: a status a second, each on a line, until nobody answers or reads any more.
pub(super) async fn repeat(client: &Client) -> Result<u8, CliError> {
    loop {
        print_line(client.get("/status", JSON).await?.trim_end())?;
        tokio::time::sleep(PAUSE).await;
    }
}
