//! What is passed on of the errors of other services.
//!
//! ```text
//!   another service --error--> client layer --> a handler's `?` --> server layer --what PassOn leaves of it--> caller
//! ```

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use super::wire::pkerr::Error;

/// How many names a generator knows as its own. An error of a further name counts as another service's.
const MOST_NAMES: usize = 256;

/// What callers are told of an error that another service has made: see
/// [`ErrorGenerator::pass_on`](super::ErrorGenerator::pass_on).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PassOn {
    /// All of it: the service that made it decided what may be seen. For services within a backend.
    #[default]
    Everything,
    /// What this generator's own switches allow: hosts, stack traces, contexts and the source, of whatever service,
    /// are taken off where the switch is off. The message, details and the names of services stay.
    Allowed,
    /// Which error it is, and which occurrence: issuer, code, name, gRPC code, id and time. Neither message nor details,
    /// metadata, or trace: callers see but this service. Of a plain status only its code is left. For an edge whose
    /// callers know the sentinels.
    Identity,
    /// Nothing but the id, by which the occurrence is found in the logs: callers are answered
    /// [`ERR_UNKNOWN`](super::ERR_UNKNOWN) of this service. For an edge that maps by itself the errors that its callers may see.
    Nothing,
}

/// Which switches are on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Switches {
    pub(super) host: bool,
    pub(super) stack_trace: bool,
    pub(super) context: bool,
    pub(super) source: bool,
}

/// Takes off what is not allowed.
pub(super) fn keep_allowed(error: &mut Error, on: Switches) {
    for frame in &mut error.trace {
        for (text, is_allowed) in [
            (&mut frame.app_host, on.host),
            (&mut frame.stack_trace, on.stack_trace),
            (&mut frame.additional_context, on.context),
        ] {
            if !is_allowed {
                text.clear();
            }
        }
    }
    if !on.source {
        error.source_error.clear();
        error.source_type.clear();
    }
}

/// Takes off all but what identifies it, and the frames of these names.
pub(super) fn keep_identity(error: &mut Error, own: &Names) {
    let Error { id, issuer, code, grpc_code, name, time, mut trace, .. } = std::mem::take(error);
    trace.retain(|frame| own.contains(&frame.app_name));
    *error = Error { id, issuer, code, grpc_code, name, time, trace, ..Error::default() };
}

/// The names that a generator, and those derived from it, make errors under.
#[derive(Debug)]
pub(super) struct Names(RwLock<BTreeSet<String>>);

impl Names {
    pub(super) fn new(name: &str) -> Self {
        Self(RwLock::new(BTreeSet::from([name.to_owned()])))
    }

    /// One name more, if there is room.
    pub(super) fn add(&self, name: &str) {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if names.len() < MOST_NAMES {
            names.insert(name.to_owned());
        }
    }

    fn contains(&self, name: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// Whether such a generator made this error: the first frame is of its maker. A sentinel as it is has neither frame
    /// nor id; one that a client layer received has a frame and no id.
    pub(super) fn made(&self, error: &Error) -> bool {
        match error.trace.first() {
            Some(maker) => error.id.is_some() && self.contains(&maker.app_name),
            None => error.id.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_errors::wire::{cereal, pkerr};

    fn frame(app_name: &str) -> pkerr::TraceInfo {
        pkerr::TraceInfo { app_name: app_name.to_owned(), ..Default::default() }
    }

    fn error(id: bool, trace: &[&str]) -> Error {
        let id = id.then(|| cereal::Uuid { bin: vec![7; 16] });
        Error { id, trace: trace.iter().map(|name| frame(name)).collect(), ..Default::default() }
    }

    #[test]
    fn an_error_is_of_whoever_is_first_in_its_trace() {
        let names = Names::new("edge");
        names.add("part");
        for (error, own) in [
            (error(true, &["edge"]), true),
            (error(true, &["part"]), true),
            (error(true, &["part", "edge"]), true),
            (error(false, &[]), true),
            (error(true, &["inner", "edge"]), false),
            (error(true, &["inner"]), false),
            (error(true, &[]), false),
            (error(false, &["edge"]), false),
        ] {
            assert_eq!(names.made(&error), own, "{error:?}");
        }
    }

    #[test]
    fn names_are_bounded() {
        let names = Names::new("0");
        for at in 0..2 * MOST_NAMES {
            names.add(&at.to_string());
        }
        assert_eq!(names.0.read().unwrap().len(), MOST_NAMES);
        assert!(names.contains("0") && !names.contains(&MOST_NAMES.to_string()));
    }
}
