//! What happens, as it happens.

use std::process::exit;
use std::{io, thread};

use tokio::signal::unix::{SignalKind, signal};

use super::{print, print_line};
use crate::client::Client;
use crate::error::{CliError, DONE};
use crate::status::event_text;
use crate::status::model::Event;
use crate::text::plain;

/// Prints what is remembered, then what happens, until the manager is over or Ctrl-C is pressed.
pub(super) async fn follow(client: &Client, json: bool) -> Result<u8, CliError> {
    end_by_ctrl_c()?;
    let mut events = client.events().await?;
    loop {
        match events.next().await {
            Ok(Some(line)) if json => print_line(&line)?,
            Ok(Some(line)) => print(&shown(&line))?,
            Ok(None) => return Ok(DONE),
            Err(why) => {
                return Err(CliError::Unreachable {
                    tried: format!("{} was followed", client.address()),
                    why: format!("the events broke off before `stopped`: {why}"),
                    hint: "the program was killed, or the connection was cut; `majordomo status` tells",
                });
            }
        }
    }
}

/// Ctrl-C ends it in order, also while nobody takes what is printed: a thread of its own sees to that.
fn end_by_ctrl_c() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut interrupts = {
        let _entered = runtime.enter();
        signal(SignalKind::interrupt())?
    };
    thread::spawn(move || {
        runtime.block_on(interrupts.recv());
        exit(DONE.into());
    });
    Ok(())
}

/// What is no event is shown as it came.
fn shown(line: &str) -> String {
    match serde_json::from_str::<Event>(line) {
        Ok(event) => event_text::line(&event) + "\n",
        Err(_) => plain(line) + "\n",
    }
}
