//! The man page, and completions for shells: made from the command line's own definition, so that they are never behind it.

use clap::CommandFactory;
use clap_complete::Shell;

use super::print;
use crate::args::Args;
use crate::error::{CliError, DONE};

pub(super) fn completions(shell: Shell) -> Result<u8, CliError> {
    // Written in one go: the generator panics where nobody reads.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "majordomo", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(DONE)
}

pub(super) fn man() -> Result<u8, CliError> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut text)?;
    print(&String::from_utf8_lossy(&text))?;
    Ok(DONE)
}
