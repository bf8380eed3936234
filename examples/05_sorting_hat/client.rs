//! The other end: calls, and what is made of errors.

use majordomo::BoxError;
use majordomo::api_errors::{ApiError, ErrorClient, ErrorGenerator};
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};
use tower::Layer;

use crate::sortinghat::sorting_hat_client::SortingHatClient;
use crate::sortinghat::{House, Pupil, Sorted};

/// A client that adds its own frame to the errors it gets.
pub type Client = SortingHatClient<ErrorClient<Channel>>;

pub async fn connect(address: &str) -> Result<Client, BoxError> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let channel = endpoint.connect().await.map_err(|error| format!("nobody serves at {address}: {error}"))?;
    let errors = ErrorGenerator::new("Deputy Headmistress").add_host(true);
    Ok(SortingHatClient::new(errors.client_layer().layer(channel)))
}

pub async fn sort(address: &str, name: &str) -> Result<(), BoxError> {
    let sorted = connect(address).await?.sort(pupil(name)).await;
    print(name, sorted)
}

pub async fn find(address: &str, name: &str) -> Result<(), BoxError> {
    let found = connect(address).await?.find(pupil(name)).await;
    print(name, found)
}

pub fn pupil(name: &str) -> Pupil {
    Pupil { name: name.to_owned() }
}

fn print(name: &str, answer: Result<Response<Sorted>, Status>) -> Result<(), BoxError> {
    let house = answer.map_err(|status| told(&status))?.into_inner().house;
    println!("{name}: {:?}", House::try_from(house)?);
    Ok(())
}

/// All that a caller knows of an error.
pub fn told(status: &Status) -> String {
    let Some(error) = ApiError::from_status(status) else {
        return format!("{:?}: {}", status.code(), status.message());
    };
    let mut text = error.to_string();
    for pupil in error.details_of::<Pupil>() {
        text.push_str(&format!("\n  pupil: {}", pupil.name));
    }
    for frame in error.trace() {
        text.push_str(&format!("\n  at {} on {}", frame.app_name, frame.app_host));
    }
    if let Some(id) = error.id() {
        text.push_str(&format!("\n  occurrence {id}"));
    }
    text
}
