//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

/// What is shown under `--help`, after all else.
const EXAMPLES: &str = "\
Examples:
  majordomo --at :9000 status                     how things stand, and every service
  majordomo --at unix:/run/example/ops.sock why   what is wrong, since when, and what to do
  majordomo --at :9000 ready --timeout 30         wait until it is ready, for 30 seconds at most
  majordomo --at :9000 --token-file token restart database
  MAJORDOMO_AT=ops.example:9000 majordomo top     a live view; q leaves it

Exit codes: 0 done, or all is well; 1 no, or refused; 2 nobody could be reached; 64 a wrong command line.";

/// Shows a manager of Majordomo that runs, and gives it orders, by its operations endpoint.
#[derive(Debug, Parser)]
#[command(name = "majordomo", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the operations endpoint is: host:port, :port (of this machine), or unix:PATH
    #[arg(long, global = true, env = "MAJORDOMO_AT", value_name = "ADDRESS", hide_env_values = true)]
    pub(crate) at: Option<String>,

    /// A file with the token that orders over TCP need; over a Unix socket the user counts
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Print JSON: answers as they come, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell how things stand: one sentence, then every service
    Status,
    /// Tell what is wrong, a line a fault: who, since when, what to do; 0 where nothing is
    Why,
    /// Show it live, and give orders by keys
    Top,
    /// Follow what happens, from what is remembered on, until it is over
    Events,
    /// Tell in which order, and in what time, it starts and stops
    Plan,
    /// Tell whether it is ready: 0 if so, 1 if not, 2 if nobody answers
    Ready {
        /// Wait so long for it; without, ask once
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "0", hide_default_value = true)]
        timeout: f64,
    },
    /// Stop a service and start it again, with those that depend on it; done when it is up
    Restart {
        /// Its id
        id: String,
    },
    /// Stop a service, and leave it so until it is restarted; done when it is down
    Stop {
        /// Its id
        id: String,
    },
    /// Have a service give its lease away, so that another replica has it; done when it is given back
    StepDown {
        /// Its id
        id: String,
        /// For how long it asks for no lease then, such as 30s or 5m; without, twice the lease's time to live
        #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
        stay_out: Option<Duration>,
    },
    /// Have settings read again, by services that can
    Reload,
    /// Have the whole program shut down in order; done when that has begun
    Shutdown,
    /// Have a successor take over
    Handover,
    /// Print completions for a shell
    Completions {
        /// Which
        shell: Shell,
    },
    /// Print the man page
    Man,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        // A year: more is a mistake, and too much for a clock.
        Ok(seconds) if (0.0..=31_536_000.0).contains(&seconds) => Ok(seconds),
        _ => Err("give seconds, such as 30 or 0.5".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn where_and_how_may_stand_before_the_command_or_after_it() {
        for line in [
            &["majordomo", "--at", ":1", "--json", "--token-file", "t", "restart", "a"][..],
            &["majordomo", "restart", "a", "--token-file", "t", "--at", ":1", "--json"],
        ] {
            let args = Args::try_parse_from(line).unwrap();
            assert!(args.json && args.at.as_deref() == Some(":1") && args.token_file.is_some());
            assert!(matches!(args.command, Command::Restart { id } if id == "a"));
        }
    }

    #[test]
    fn seconds_are_a_number_that_a_clock_can_take() {
        for wrong in ["", "-1", "soon", "inf", "NaN", "1e300"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(seconds("0.5"), Ok(0.5));
    }
}
