//! What each command does. Each answers with its exit code.

mod events;
mod look;
mod order;
mod pages;
mod ready;

use std::io::{self, Write};

use crate::address::Address;
use crate::args::{Args, Command};
use crate::client::{Client, JSON};
use crate::error::CliError;
use crate::status::model::Status;
use crate::token::Token;

pub(crate) use order::Order;

/// Does what the command line says.
pub(crate) async fn run(args: Args) -> Result<u8, CliError> {
    match args.command {
        Command::Completions { shell } => return pages::completions(shell),
        Command::Man => return pages::man(),
        _ => {}
    }
    let (client, json) = (client(&args)?, args.json);
    match args.command {
        Command::Status => look::status_of(&client, json).await,
        Command::Why => look::why(&client, json).await,
        Command::Plan => look::plan(&client, json).await,
        Command::Events => events::follow(&client, json).await,
        Command::Ready { timeout } => ready::ready(&client, timeout, json).await,
        Command::Top if json => look::repeat(&client).await,
        Command::Top => crate::top::show(client).await,
        Command::Restart { id } => order::give(&client, &Order::Restart(id), json).await,
        Command::Stop { id } => order::give(&client, &Order::Stop(id), json).await,
        Command::StepDown { id, stay_out } => {
            order::give(&client, &Order::StepDown(id, stay_out), json).await
        }
        Command::Reload => order::give(&client, &Order::Reload, json).await,
        Command::Shutdown => order::give(&client, &Order::Shutdown, json).await,
        Command::Handover => order::give(&client, &Order::Handover, json).await,
        Command::Completions { .. } | Command::Man => Ok(crate::error::DONE),
    }
}

fn client(args: &Args) -> Result<Client, CliError> {
    let Some(at) = &args.at else {
        let missing = "say where the operations endpoint is: --at ADDRESS, or MAJORDOMO_AT (host:port, :port, or unix:PATH)";
        return Err(CliError::Usage(missing.to_owned()));
    };
    let address: Address = at.parse().map_err(|error| CliError::Usage(format!("{error}")))?;
    let token = args.token_file.as_deref().map(Token::read).transpose()?;
    Ok(Client::new(address, token))
}

/// A status, read, and as it came.
async fn status(client: &Client) -> Result<(Status, String), CliError> {
    let text = client.get("/status", JSON).await?;
    let status = Status::parse(&text).map_err(|error| CliError::Refused {
        error: format!("{} answers, but not with a status: {error}", client.address()),
        hint: "is this the operations endpoint of a manager?".to_owned(),
    })?;
    Ok((status, text))
}

/// Writes a text, and has it seen at once.
fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// The same, of one line.
fn print_line(line: &str) -> Result<(), CliError> {
    print(&format!("{line}\n"))
}
