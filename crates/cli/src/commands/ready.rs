//! Whether it is ready: for the health check of a container, and for scripts that wait.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::{print, print_line};
use crate::client::{Answer, Client, TEXT};
use crate::error::{CliError, DONE, NO};
use crate::text::plain_lines;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// What one answer has at least, however little of the time is left.
const LEAST: Duration = Duration::from_secs(1);

/// Asks until it is ready or the time is up. While nobody answers the program may still be starting.
pub(super) async fn ready(client: &Client, seconds: f64, json: bool) -> Result<u8, CliError> {
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    loop {
        let left = until.saturating_duration_since(Instant::now()).max(LEAST);
        let asked = timeout(left, client.ask("/readyz", TEXT)).await;
        let asked = asked.unwrap_or_else(|_| {
            let tried = format!("{} was asked for /readyz", client.address());
            let hint = "its thread may be without processor time: look at the machine's load";
            Err(CliError::Unreachable { tried, why: format!("no answer within {left:.0?}"), hint })
        });
        match asked {
            Ok(answer) if answer.is_ok() => return told(true, &answer, json),
            Ok(answer) if answer.status != 503 => return Err(answer.refusal()),
            Ok(answer) if Instant::now() + PAUSE > until => return told(false, &answer, json),
            Err(error) if Instant::now() + PAUSE > until => return Err(error),
            _ => sleep(PAUSE).await,
        }
    }
}

/// Says so; who is not ready, and what it is doing, a line each.
fn told(ready: bool, answer: &Answer, json: bool) -> Result<u8, CliError> {
    let waiting: Vec<&str> = answer.body.lines().filter(|_| !ready).collect();
    match (json, ready) {
        (true, _) => print_line(&json!({"ready": ready, "waiting": waiting}).to_string())?,
        (false, true) => print_line("ready")?,
        (false, false) => print(&format!("not ready\n{}", plain_lines(&answer.body)))?,
    }
    Ok(if ready { DONE } else { NO })
}
