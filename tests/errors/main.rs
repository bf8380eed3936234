//! Rich errors on the wire.

mod api_errors;
mod failing;
mod layers;
mod passed_on;
mod reissued;
mod traced;
