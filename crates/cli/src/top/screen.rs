//! The terminal.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::time::{MissedTickBehavior, interval};

use super::draw::draw;
use super::feed;
use super::keys::{Action, press};
use super::view::View;
use crate::client::Client;
use crate::error::{CliError, DONE};

/// How often times are drawn anew while nothing comes.
const TICK: Duration = Duration::from_secs(1);

/// How much waits to be drawn.
const WAITING: usize = 256;

/// Shows it until `q` is pressed; the terminal is then as it was.
pub(crate) async fn show(client: Client) -> Result<u8, CliError> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        let else_where = "top needs a terminal: elsewhere, `majordomo status` tells it once, and `majordomo top --json` a line a second";
        return Err(CliError::Usage(else_where.to_owned()));
    }
    let mut terminal = ratatui::try_init()?;
    let shown = run(&mut terminal, client).await;
    ratatui::restore();
    shown
}

async fn run(terminal: &mut ratatui::DefaultTerminal, client: Client) -> Result<u8, CliError> {
    let mut view = View::new(client.address().to_string(), client.may_order());
    let (tell, mut news) = mpsc::channel(WAITING);
    let happened = Arc::new(Notify::new());
    tokio::spawn(feed::look(client.clone(), tell.clone(), Arc::clone(&happened)));
    tokio::spawn(feed::follow(client.clone(), tell.clone(), happened));
    let mut keys = read_keys();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut terminated, mut hung_up) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    loop {
        let now = Instant::now();
        terminal.draw(|frame| draw(frame, &view, now))?;
        tokio::select! {
            key = keys.recv() => match key {
                // A resize has it drawn anew, as everything has.
                Some(Ok(Event::Key(key))) => match press(&mut view, key, Instant::now()) {
                    Some(Action::Quit) => return Ok(DONE),
                    Some(Action::Order(order)) => drop(tokio::spawn(feed::order(client.clone(), order, tell.clone()))),
                    None => {}
                },
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(DONE),
            },
            Some(first) = news.recv() => {
                view.tell(first, Instant::now());
                while let Ok(more) = news.try_recv() {
                    view.tell(more, Instant::now());
                }
            }
            _ = tick.tick() => {}
            _ = terminated.recv() => return Ok(DONE),
            _ = hung_up.recv() => return Ok(DONE),
        }
    }
}

/// Keys and resizes, read by a thread that ends with the process.
fn read_keys() -> mpsc::Receiver<io::Result<Event>> {
    let (tell, keys) = mpsc::channel(WAITING);
    std::thread::spawn(move || {
        loop {
            let read = event::read();
            let is_over = read.is_err();
            if tell.blocking_send(read).is_err() || is_over {
                return;
            }
        }
    });
    keys
}
