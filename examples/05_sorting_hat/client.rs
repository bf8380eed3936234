//! The client's end: asks, and tells all that is known of an error.

use std::error::Error;
use std::time::Duration;

use majordomo::api_errors::pkerr::TraceInfo;
use majordomo::api_errors::{ApiError, ErrorClient};
use prost::Name;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tower::ServiceBuilder;

use crate::errors;
use crate::sortinghat::sorting_hat_client::SortingHatClient;
use crate::sortinghat::{House, Pupil, Sorted};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// A server's address as the server prints it.
pub(crate) fn endpoint(address: &str) -> Result<Endpoint, String> {
    let uri = if address.starts_with("unix:") || address.contains("://") {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    let endpoint = Endpoint::from_shared(uri).map_err(|error| format!("ADDRESS {address:?}: {error}"))?;
    Ok(endpoint.connect_timeout(PATIENCE))
}

/// A client with a connection of its own.
#[derive(Clone)]
pub(crate) struct Client(SortingHatClient<ErrorClient<Channel>>);

impl Client {
    /// Connects when it is first asked.
    pub(crate) fn new(server: Endpoint) -> Self {
        let layer = errors::of_client().client_layer();
        Self(SortingHatClient::new(ServiceBuilder::new().layer(layer).service(server.connect_lazy())))
    }

    pub(crate) async fn sort(&mut self, name: &str) -> Result<House, Status> {
        house(self.0.sort(pupil(name)).await?.get_ref())
    }

    pub(crate) async fn find(&mut self, name: &str) -> Result<House, Status> {
        house(self.0.find(pupil(name)).await?.get_ref())
    }
}

fn pupil(name: &str) -> Request<Pupil> {
    let mut request = Request::new(Pupil { name: name.to_owned() });
    request.set_timeout(PATIENCE);
    request
}

fn house(sorted: &Sorted) -> Result<House, Status> {
    House::try_from(sorted.house)
        .map_err(|error| Status::data_loss(format!("the server sorts to a house that is none: {error}")))
}

/// What is known of an error, on several lines. An error of no server is told with what led to it.
pub(crate) fn describe(status: &Status) -> String {
    let Some(error) = ApiError::from_status(status) else {
        let mut text = format!("{:?}: {}", status.code(), status.message());
        let mut cause = status.source();
        while let Some(error) = cause {
            text = format!("{text}\n  since: {error}");
            cause = error.source();
        }
        return text;
    };
    let mut lines = vec![error.to_string()];
    lines.extend(error.details_of::<Pupil>().map(|pupil| format!("pupil: {}", pupil.name)));
    let kinds = error.wire().details.iter().map(|detail| &*detail.type_url);
    let unknown = kinds.filter(|kind| kind.rsplit('/').next() != Some(&*Pupil::full_name()));
    lines.extend(unknown.map(|kind| format!("a detail that this client does not know: {kind}")));
    lines.extend(error.trace().iter().map(frame));
    lines.extend(error.id().map(|id| format!("occurrence {id}")));
    lines.join("\n  ")
}

fn frame(frame: &TraceInfo) -> String {
    let mut line = format!("at {}", frame.app_name);
    for (before, told) in [(" on ", &frame.app_host), (", ", &frame.additional_context)] {
        if !told.is_empty() {
            line.extend([before, told]);
        }
    }
    line
}
