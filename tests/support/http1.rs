//! Clients of HTTP/1.1, byte by byte.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Observed, within};

/// Where a service listens.
pub async fn address(observed: &Observed, id: &str) -> SocketAddr {
    let status = observed.status().await;
    let service = status.services.iter().find(|service| &*service.id == id).expect("it is there");
    service.addresses.first().and_then(|address| address.as_tcp()).expect("it listens")
}

/// A connection.
pub struct Client<S = TcpStream>(pub S);

/// What came.
#[derive(Debug)]
pub struct Came {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Client {
    pub async fn connect(at: SocketAddr) -> Self {
        Self(within("a connection", TcpStream::connect(at)).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub async fn send(&mut self, text: &str) {
        within("room for the request", self.0.write_all(text.as_bytes())).await.unwrap();
    }

    pub async fn get(&mut self, path: &str) -> Came {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
        self.answer().await
    }

    /// The head of the next answer.
    pub async fn head(&mut self) -> (u16, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within("the head of an answer", self.0.read_u8()).await.expect("an answer"));
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head)
    }

    /// The next answer, which says how long it is.
    pub async fn answer(&mut self) -> Came {
        let (status, head) = self.head().await;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        within("the body of an answer", self.0.read_exact(&mut body)).await.unwrap();
        Came { status, head, body: String::from_utf8(body).unwrap() }
    }

    /// All that comes until the server closes the connection, or resets it.
    pub async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = within("the end of the connection", self.0.read_to_end(&mut rest)).await;
        String::from_utf8_lossy(&rest).into_owned()
    }
}
