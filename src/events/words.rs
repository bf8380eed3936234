//! Words of the rules, on the wire.

use serde::{Serialize, Serializer};

use super::Name;
use crate::base::as_text;
use crate::lifecycle::{
    Cause, ErrorStage, HandoverEnd, Outcome, ReloadEnd, ReloadStep, RestartCause, Stage, Step, WaitsFor,
};

/// The rules know no wire format; their words are written here as they read.
macro_rules! serialize_as_text {
    ($($word:ty),+) => {$(
        impl Serialize for $word {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                as_text(self, serializer)
            }
        }
    )+};
}
serialize_as_text!(Outcome, Stage, Step, ErrorStage, ReloadStep, ReloadEnd, HandoverEnd, WaitsFor);
serialize_as_text!(Cause<Name>, RestartCause<Name>);
