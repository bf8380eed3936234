//! Sockets for servers of other make: bound in set-up, listening once all services run.
//!
//! ```text
//!   ServerSocket --bind, in Setup--> BoundSockets --listen, in Run--> ListeningSockets --serving--> event `serving`
//!                                    refused                          connected; it waits until the server accepts
//! ```
//!
//! This is for a service that runs a server with an accept loop of its own, such as actix-web's. It has what
//! [`http_service`](crate::http_service) has up to the first connection: the kinds of addresses, what is refused before anything
//! starts, the patience with a port in use, the same port after a restart, [`ServiceStatus::addresses`](crate::ServiceStatus::addresses).
//!
//! ```
//! use actix::prelude::*;
//! use majordomo::sockets::{BoundSockets, ServerSocket, StdListener};
//! use majordomo::{BoxError, GenericService, Manager, ManagerOptions, Run, Service, ServiceSpec, Setup, Shutdown};
//!
//! struct Echo {
//!     socket: ServerSocket,
//!     bound: Option<BoundSockets>,
//! }
//! impl Actor for Echo { type Context = Context<Self>; }
//! impl Service for Echo { fn id(&self) -> String { "echo".into() } }
//! impl GenericService for Echo {}
//!
//! impl Handler<Setup> for Echo {
//!     type Result = ResponseActFuture<Self, Result<(), BoxError>>;
//!     fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
//!         let socket = self.socket.clone();
//!         let binding = async move { socket.bind(&setup.shutdown).await };
//!         Box::pin(binding.into_actor(self).map(|bound, echo, _| {
//!             echo.bound = Some(bound?);
//!             Ok(())
//!         }))
//!     }
//! }
//! impl Handler<Run> for Echo {
//!     type Result = ResponseFuture<Result<(), BoxError>>;
//!     fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
//!         let bound = self.bound.take();
//!         Box::pin(async move {
//!             let mut sockets = bound.ok_or("it was not set up")?.listen()?;
//!             for listener in sockets.take_listeners() {
//!                 let StdListener::Tcp(listener) = listener else { continue };
//!                 let listener = tokio::net::TcpListener::from_std(listener)?;
//!                 tokio::task::spawn_local(async move {
//!                     while let Ok((mut stream, _)) = listener.accept().await {
//!                         tokio::task::spawn_local(async move {
//!                             let (mut from, mut to) = stream.split();
//!                             let _ = tokio::io::copy(&mut from, &mut to).await;
//!                         });
//!                     }
//!                 });
//!             }
//!             sockets.serving();
//!             run.shutdown.requested().await;
//!             Ok(())
//!         })
//!     }
//! }
//! impl Handler<Shutdown> for Echo {
//!     type Result = Result<(), BoxError>;
//!     fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result { Ok(()) }
//! }
//!
//! # #[actix::main]
//! # async fn main() {
//! let socket = ServerSocket::new("127.0.0.1:0");
//! let echo = ServiceSpec::new(Echo { socket: socket.clone(), bound: None }).listens_at(&socket);
//! let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(echo).start();
//! # manager.send(majordomo::WaitUntilRunning).await.unwrap().unwrap();
//! # let at = manager.send(majordomo::GetStatus).await.unwrap().services[0].addresses[0].as_tcp().unwrap();
//! # std::net::TcpStream::connect(at).unwrap();
//! # manager.do_send(majordomo::StartShutdown);
//! # manager.send(majordomo::WaitForShutdown).await.unwrap().unwrap();
//! # }
//! ```

pub use crate::server::listen::StdListener;
pub use crate::server::sockets::{BindError, BoundSockets, ListeningSockets, ServerSocket};
