//! The errors of this program.

use majordomo::api_errors::{ErrorGenerator, SentinelError, SentinelIssuer};
use tonic::Code;

/// Who issues them. `Hogwarts_ERROR_ISSUER` and `Hogwarts_ERROR_CODE_OFFSET` in the environment issue them otherwise.
static HOGWARTS: SentinelIssuer = SentinelIssuer::new("Hogwarts", true);

/// The database that keeps the roster failed.
pub(crate) static ROSTER_UPDATE: SentinelError =
    HOGWARTS.sentinel("RosterUpdate", 2000, Code::Internal, "the roster could not be read or updated");

/// Makes the server's errors.
pub(crate) fn of_server() -> ErrorGenerator {
    // So that there is something to see. A server for strangers keeps its host and its database's errors to itself.
    ErrorGenerator::new("SortingHat").add_host(true).send_source(true)
}

/// Adds the client to the trace of errors: she calls the names.
pub(crate) fn of_client() -> ErrorGenerator {
    ErrorGenerator::new("Deputy Headmistress").add_host(true)
}
