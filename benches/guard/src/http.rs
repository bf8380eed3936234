//! Requests over HTTP/1.1, and scrapes of the metrics, by a client of the standard library.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use actix::prelude::*;
use majordomo::http::{Body, HttpServerOptions};
use majordomo::metrics::Metrics;
use majordomo::{
    Manager, ManagerOptions, Operations, StartShutdown, WaitForShutdown, WaitUntilRunning, http_service,
    service_fn,
};

use crate::Failure;

fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_ping_service(false).handle_signals(false)
}

/// Asks for that so often, on one connection.
fn ask(address: SocketAddr, path: &str, count: u32) -> Result<(), Failure> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_nodelay(true)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let (mut buffer, mut filled) = (vec![0; 1 << 20], 0);
    for _ in 0..count {
        connection.write_all(request.as_bytes())?;
        filled = 0;
        while !is_whole(&buffer[..filled]) {
            let read = connection.read(&mut buffer[filled..])?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            filled += read;
        }
    }
    let status = String::from_utf8_lossy(&buffer[..filled.min(15)]).into_owned();
    if count > 0 && status != "HTTP/1.1 200 OK" { Err(status.into()) } else { Ok(()) }
}

/// Whether an answer with a length has come to its end.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    length
        .and_then(|length| length.trim().parse::<usize>().ok())
        .is_some_and(|length| bytes.len() >= head + 4 + length)
}

pub(crate) fn get(count: u32) -> Result<(), Failure> {
    let hello = tower::service_fn(|_: tonic::codegen::http::Request<Body>| async {
        Ok::<_, Infallible>(tonic::codegen::http::Response::new(Body::from("hello, world!")))
    });
    System::new().block_on(async {
        let web = http_service("web", "127.0.0.1:0", hello).options(HttpServerOptions::new().workers(1));
        let manager = Manager::new(options()).service(web).start();
        manager.send(WaitUntilRunning).await??;
        let status = manager.send(majordomo::GetStatus).await?;
        let address =
            status.services.iter().flat_map(|service| &service.addresses).find_map(|at| at.as_tcp());
        ask(address.ok_or("it serves")?, "/", count)?;
        manager.send(StartShutdown).await?;
        Ok(manager.send(WaitForShutdown).await??)
    })
}

/// Of a hundred services.
pub(crate) fn scrape(count: u32) -> Result<(), Failure> {
    System::new().block_on(async {
        let services = (0..100).map(|n| {
            service_fn(format!("s{n}"), |run| async move {
                run.shutdown.requested().await;
                Ok(())
            })
        });
        let options = options().operations(Operations::new("127.0.0.1:0")).metrics(&Metrics::new());
        let manager = services.fold(Manager::new(options), Manager::service).start();
        manager.send(WaitUntilRunning).await??;
        let status = manager.send(majordomo::GetStatus).await?;
        let address = status.operations_addresses.iter().find_map(|at| at.as_tcp());
        ask(address.ok_or("it answers")?, "/metrics", count)?;
        manager.send(StartShutdown).await?;
        Ok(manager.send(WaitForShutdown).await??)
    })
}
