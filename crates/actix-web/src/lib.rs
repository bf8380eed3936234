//! actix-web servers as services of [Majordomo](majordomo).
//!
//! ```
//! use actix_web::{App, web};
//! use majordomo::{Manager, ManagerOptions};
//! use majordomo_actix_web::actix_web_service;
//!
//! # #[actix_web::main]
//! # async fn main() {
//! let web = actix_web_service("web", "127.0.0.1:0", || App::new().route("/", web::get().to(async || "hello")));
//! let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(web).start();
//! # manager.send(majordomo::WaitUntilRunning).await.unwrap().unwrap();
//! # manager.do_send(majordomo::StartShutdown);
//! # manager.send(majordomo::WaitForShutdown).await.unwrap().unwrap();
//! # }
//! ```
//!
//! It is bound in set-up, refuses connections until all services run, and drains within the one deadline. The guide is
//! `docs/actix-web.md`.
//!
//! A request's extensions hold the [`ShutdownSignal`](majordomo::ShutdownSignal) of the service: a handler takes it as
//! `web::ReqData<ShutdownSignal>`.

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

mod activity;
mod conduct;
mod error;
mod factory;
mod functions;
mod open_body;
mod options;
mod server;
mod workers;

pub use error::{ActixWebDrainError, BlockedWorker};
pub use factory::AppFactory;
pub use functions::{actix_web_service, actix_web_service_fn, actix_web_service_with};
pub use options::ActixWebOptions;
pub use server::ActixWebServer;

/// Compiles every block of Rust that the page shows.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/actix-web.md")]
mod guide {}
