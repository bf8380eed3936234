//! The one error of a manager, by stage.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::config_error::ConfigError;
use super::services::ServicesErrors;
use super::shutdown_report::ShutdownReport;
use crate::lifecycle::ErrorStage;

/// What went wrong in a manager's life: at most one error a stage, and the report of the shutdown.
///
/// It comes from `Manager::run` and `WaitForShutdown` when the manager has ended, and from `WaitUntilRunning` when it will not run.
/// [`exit_code`](Self::exit_code) is 1 to 3 by the stage; [`exit`](crate::exit) and [`Exit`](crate::Exit) end the process with it.
#[derive(Clone)]
pub struct ManagerError(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    setup: Option<StageError>,
    run: Option<StageError>,
    shutdown: Option<StageError>,
    report: ShutdownReport,
}

/// What went wrong in one stage.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// Services, or their resources, failed.
    #[error(transparent)]
    Services(#[from] ServicesErrors),
    /// What the manager was given cannot work. Nothing was started.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The manager stopped without ever having run, though nothing failed: it was asked to.
    #[error("the manager is not running, since it was asked to stop: start another one to go on")]
    NotRunning,
    /// The manager's actor is gone: its system was stopped under it.
    #[error(
        "the manager is gone ({0}): the actix system was stopped before it had finished; wait for WaitForShutdown first"
    )]
    Gone(String),
}

impl StageError {
    /// The errors of services that are managers themselves.
    fn nested(&self) -> impl Iterator<Item = &ManagerError> {
        let services = if let Self::Services(services) = self { services.errors() } else { &[] };
        services.iter().filter_map(|error| error.source.downcast_ref())
    }
}

impl ManagerError {
    pub(crate) fn new(
        setup: Option<StageError>,
        run: Option<StageError>,
        shutdown: Option<StageError>,
        report: ShutdownReport,
    ) -> Self {
        Self(Arc::new(Parts { setup, run, shutdown, report }))
    }

    pub(crate) fn config(error: ConfigError) -> Self {
        Self::new(Some(error.into()), None, None, ShutdownReport::default())
    }

    pub(crate) fn gone(reason: String) -> Self {
        Self::new(None, Some(StageError::Gone(reason)), None, ShutdownReport::default())
    }

    /// What went wrong before every set-up had succeeded.
    pub fn setup(&self) -> Option<&StageError> {
        self.0.setup.as_ref()
    }

    /// What went wrong while services ran.
    pub fn run(&self) -> Option<&StageError> {
        self.0.run.as_ref()
    }

    /// What went wrong while services stopped and resources were released.
    pub fn shutdown(&self) -> Option<&StageError> {
        self.0.shutdown.as_ref()
    }

    /// What asked for the shutdown, and how each service and resource ended.
    pub fn report(&self) -> &ShutdownReport {
        &self.0.report
    }

    /// 1: set-up failed, 2: run failed, 3: shutdown failed; the highest where several did, those of
    /// [nested managers](crate::nested) among them: what was forced there is the cause of what failed here.
    pub fn exit_code(&self) -> i32 {
        let codes = self.stages().flat_map(|(stage, error)| {
            let own = match stage {
                ErrorStage::Setup => 1,
                ErrorStage::Run => 2,
                ErrorStage::Shutdown => 3,
            };
            error.nested().map(Self::exit_code).chain([own])
        });
        codes.max().unwrap_or(0)
    }

    fn stages(&self) -> impl Iterator<Item = (ErrorStage, &StageError)> {
        let stages = [
            (ErrorStage::Setup, self.setup()),
            (ErrorStage::Run, self.run()),
            (ErrorStage::Shutdown, self.shutdown()),
        ];
        stages.into_iter().filter_map(|(stage, error)| Some((stage, error?)))
    }
}

impl fmt::Display for ManagerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the manager failed:")?;
        let mut stages = Indented(f);
        for (stage, error) in self.stages() {
            write!(stages, "\n{stage}: ")?;
            write!(Indented(&mut stages), "{error}")?;
        }
        Ok(())
    }
}

/// Indents what follows a line break by two more.
struct Indented<W>(W);

impl<W: fmt::Write> fmt::Write for Indented<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.split_inclusive('\n').try_for_each(|line| {
            self.0.write_str(line)?;
            if line.ends_with('\n') { self.0.write_str("  ") } else { Ok(()) }
        })
    }
}

impl fmt::Debug for ManagerError {
    /// As it displays, so that `fn main() -> Result<(), ManagerError>` prints something readable.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for ManagerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.stages().next().map(|(_, error)| error as _)
    }
}
