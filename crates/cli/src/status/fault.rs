//! Something that is wrong.

use std::fmt;

use serde::Serialize;

use crate::text::{lasted, plain, some_of};

/// Who, what, since when, and what to do.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Fault {
    /// A service, `service/resource`, or `majordomo`, which is the manager itself.
    pub(crate) who: String,
    pub(crate) what: String,
    /// For how long.
    pub(crate) for_ms: Option<f64>,
    /// What to do.
    pub(crate) hint: String,
    /// Who does not get on before this one does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) held_up: Vec<String>,
}

impl fmt::Display for Fault {
    /// One line: `database, for 3.2 s: its set-up fails: no route; it holds up web -> look whether what it reaches for is up`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&plain(&self.who))?;
        if let Some(ms) = self.for_ms {
            write!(f, ", for {}", lasted(ms))?;
        }
        write!(f, ": {}", plain(&self.what))?;
        if !self.held_up.is_empty() {
            write!(f, "; it holds up {}", plain(&some_of(&self.held_up)))?;
        }
        if !self.hint.is_empty() {
            write!(f, " -> {}", plain(&self.hint))?;
        }
        Ok(())
    }
}

impl Fault {
    pub(crate) fn new(
        who: &str,
        what: impl Into<String>,
        for_ms: Option<f64>,
        hint: impl Into<String>,
    ) -> Self {
        Self { who: who.to_owned(), what: what.into(), for_ms, hint: hint.into(), held_up: Vec::new() }
    }

    pub(crate) fn holding_up(self, held_up: Vec<String>) -> Self {
        Self { held_up, ..self }
    }
}
