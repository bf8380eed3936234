//! The service that answers from the index, in both versions.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::base::peer_text::shown;
use crate::grpc::register::descriptors::{DescriptorSet, Index};

/// The reflection service that a manager brings along. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reflection {
    /// Known when the server begins to serve.
    served: Arc<OnceLock<Served>>,
    draining: CancellationToken,
}

#[derive(Debug, Default)]
struct Served {
    services: Vec<&'static str>,
    index: Index,
}

impl Reflection {
    /// Takes note of the gRPC services that are served, and of what describes them.
    pub(crate) fn serve(&self, services: Vec<&'static str>, sets: Vec<DescriptorSet>) {
        self.served.get_or_init(|| Served { services, index: Index::new(sets) });
    }

    /// Ends every stream.
    pub(crate) fn drain(&self) {
        self.draining.cancel();
    }

    fn served(&self) -> &Served {
        self.served.get_or_init(Served::default)
    }
}

/// The versions differ in nothing but their name.
macro_rules! answers {
    ($version:ident) => {
        mod $version {
            use super::*;
            use tonic_reflection::pb::$version::server_reflection_request::MessageRequest as Asked;
            use tonic_reflection::pb::$version::server_reflection_response::MessageResponse as Answer;
            use tonic_reflection::pb::$version::server_reflection_server::ServerReflection;
            use tonic_reflection::pb::$version::{
                ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse, ListServiceResponse,
                ServerReflectionRequest, ServerReflectionResponse, ServiceResponse,
            };

            #[tonic::async_trait]
            impl ServerReflection for Reflection {
                type ServerReflectionInfoStream =
                    Pin<Box<dyn Stream<Item = Result<ServerReflectionResponse, Status>> + Send>>;

                async fn server_reflection_info(
                    &self,
                    requests: Request<Streaming<ServerReflectionRequest>>,
                ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
                    let state = (self.clone(), requests.into_inner());
                    let answers = unfold(state, |(reflection, mut requests)| async {
                        let request = tokio::select! {
                            biased;
                            () = reflection.draining.cancelled() => None,
                            request = requests.message() => request.transpose(),
                        };
                        let answer = request?.map(|request| answer(reflection.served(), request));
                        Some((answer, (reflection, requests)))
                    });
                    Ok(Response::new(Box::pin(answers)))
                }
            }

            fn answer(served: &Served, request: ServerReflectionRequest) -> ServerReflectionResponse {
                let index = &served.index;
                let files = |files: Option<_>| {
                    files.map(|file_descriptor_proto| {
                        Answer::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto })
                    })
                };
                let (found, what) = match &request.message_request {
                    Some(Asked::FileByFilename(name)) => {
                        (files(index.file(name)), format!("file {}", shown(name)))
                    }
                    Some(Asked::FileContainingSymbol(name)) => {
                        (files(index.symbol(name)), format!("symbol {}", shown(name)))
                    }
                    Some(Asked::FileContainingExtension(asked)) => {
                        let (of, number) = (&asked.containing_type, asked.extension_number);
                        (files(index.extension(of, number)), format!("extension {number} of {}", shown(of)))
                    }
                    Some(Asked::AllExtensionNumbersOfType(of)) => {
                        let found = index.extensions(of).map(|extension_number| {
                            let base_type_name = of.clone();
                            let numbers = ExtensionNumberResponse { base_type_name, extension_number };
                            Answer::AllExtensionNumbersResponse(numbers)
                        });
                        (found, format!("type {}", shown(of)))
                    }
                    Some(Asked::ListServices(_)) => {
                        let named = |name: &&str| ServiceResponse { name: (*name).to_owned() };
                        let service = served.services.iter().map(named).collect();
                        (Some(Answer::ListServicesResponse(ListServiceResponse { service })), String::new())
                    }
                    None => (Some(error(Code::InvalidArgument, "nothing was asked")), String::new()),
                };
                let answer =
                    found.unwrap_or_else(|| error(Code::NotFound, &format!("there is no {what} here")));
                ServerReflectionResponse {
                    valid_host: request.host.clone(),
                    original_request: Some(request),
                    message_response: Some(answer),
                }
            }

            fn error(code: Code, message: &str) -> Answer {
                let error_message = message.to_owned();
                Answer::ErrorResponse(ErrorResponse { error_code: code.into(), error_message })
            }
        }
    };
}

answers!(v1);
answers!(v1alpha);
