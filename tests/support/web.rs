//! Calls of gRPC-Web, frame by frame.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::within;

/// Sends a request over a connection of its own, which speaks this version.
pub async fn send(at: SocketAddr, version: Version, request: Request<Full<Bytes>>) -> Response<Incoming> {
    let io = TokioIo::new(within("a connection", TcpStream::connect(at)).await.unwrap());
    let answer = if version == Version::HTTP_2 {
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        within("an answer", sender.send_request(request)).await
    } else {
        let (mut sender, connection) = http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        within("an answer", sender.send_request(request)).await
    };
    answer.unwrap()
}

/// A message of these bytes, framed.
pub fn message(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend((bytes.len() as u32).to_be_bytes());
    frame.extend(bytes);
    frame
}

/// A call of this method, with one message.
pub fn call(at: SocketAddr, path: &str, content_type: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    Request::post(format!("http://{at}{path}"))
        .header("host", at.to_string())
        .header("content-type", content_type)
        .header("accept", content_type)
        .body(Full::new(body.into()))
        .unwrap()
}

/// What came of a call.
#[derive(Debug)]
pub struct Answered {
    pub http: StatusCode,
    pub headers: HeaderMap,
    pub messages: Vec<Vec<u8>>,
    /// The last frame, as it was written.
    pub trailers: String,
}

impl Answered {
    /// The status in the trailers, which are in the body.
    pub fn code(&self) -> i32 {
        let status = self.trailers.lines().find_map(|line| line.strip_prefix("grpc-status:"));
        status.unwrap_or_else(|| panic!("no status: {self:?}")).trim().parse().unwrap()
    }
}

/// Reads an answer to its end; `decode` makes frames of its bytes.
pub async fn read(response: Response<Incoming>, decode: impl Fn(&[u8]) -> Vec<u8>) -> Answered {
    let (head, body) = response.into_parts();
    let body = within("the rest of an answer", body.collect()).await.unwrap().to_bytes();
    let (mut messages, mut trailers) = (Vec::new(), String::new());
    let decoded = decode(&body);
    let mut rest = &decoded[..];
    while !rest.is_empty() {
        assert!(trailers.is_empty(), "something comes after the trailers");
        let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
        let payload = &rest[5..5 + length];
        match rest[0] {
            0 => messages.push(payload.to_vec()),
            0x80 => trailers = String::from_utf8(payload.to_vec()).unwrap(),
            flag => panic!("no such flag: {flag}"),
        }
        rest = &rest[5 + length..];
    }
    Answered { http: head.status, headers: head.headers, messages, trailers }
}

/// A call from its beginning to its end, in binary.
pub async fn binary(at: SocketAddr, version: Version, path: &str) -> Answered {
    let request = call(at, path, "application/grpc-web+proto", message(b""));
    read(send(at, version, request).await, <[u8]>::to_vec).await
}
