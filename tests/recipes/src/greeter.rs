//! gRPC of one's own contract.

use greeter_server::{Greeter, GreeterServer};
use majordomo::{GrpcServerOptions, Manager, ManagerOptions, grpc_service_fn};
use tonic::{Request, Response, Status};

tonic::include_proto!("greeter.v1");
const DESCRIBED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/greeter.bin"));

struct Polite;

#[tonic::async_trait]
impl Greeter for Polite {
    async fn greet(&self, request: Request<GreetRequest>) -> Result<Response<GreetResponse>, Status> {
        let text = format!("hello, {}", request.into_inner().name);
        Ok(Response::new(GreetResponse { text }))
    }
}

pub fn manager(address: &str) -> Manager {
    let greeter = grpc_service_fn("greeter", |_| async { Ok(GreeterServer::new(Polite)) });
    let server = GrpcServerOptions::new().addresses([address]).ping_service(false).reflection_service(true);
    Manager::new(ManagerOptions::new().grpc_server(server))
        .grpc_service(greeter.file_descriptor_set(DESCRIBED))
}
