//! Peers of a server: of HTTP/1.1, byte by byte, and of HTTP/2.

use http::{Request, Uri};
use hyper::body::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tower::Service;

use crate::server::listen::InMemory;
use crate::server::tests::rig::soon;

pub(crate) async fn connect(memory: &InMemory) -> DuplexStream {
    memory.clone().call(Uri::from_static("http://test")).await.unwrap().into_inner()
}

/// A connection of HTTP/1.1.
pub(crate) struct Http1<I>(pub(crate) I);

impl<I: AsyncRead + AsyncWrite + Unpin> Http1<I> {
    pub(crate) async fn send(&mut self, path: &str) {
        self.send_text(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads to the end of that.
    pub(crate) async fn read_to(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            let byte = soon(self.0.read_u8()).await;
            read.push(byte.unwrap_or_else(|_| panic!("it ended: {:?}", String::from_utf8_lossy(&read))));
        }
        String::from_utf8_lossy(&read).into_owned()
    }

    /// The answer that ends so. Returns whether it says that the connection ends.
    pub(crate) async fn is_last(&mut self, end: &str) -> bool {
        let answer = self.read_to(&format!("\r\n\r\n{end}")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer.contains("connection: close")
    }

    /// A request and its answer. Returns whether that says that the connection ends.
    pub(crate) async fn get(&mut self) -> bool {
        self.send("/").await;
        self.is_last("hello").await
    }

    /// The rest, to the end of the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        soon(self.0.read_to_end(&mut rest)).await.unwrap();
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// A connection of HTTP/2.
pub(crate) struct Http2 {
    sender: h2::client::SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Http2 {
    pub(crate) async fn connect(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) = h2::client::handshake(io).await.unwrap();
        Self { sender, connection: tokio::spawn(connection) }
    }

    /// Begins a request.
    pub(crate) async fn send(&mut self, path: &str) -> h2::client::ResponseFuture {
        let mut sender = self.sender.clone().ready().await.unwrap();
        let request = Request::get(format!("http://test{path}")).body(()).unwrap();
        sender.send_request(request, true).unwrap().0
    }

    /// Resolves when it was told to go away, and has.
    pub(crate) async fn goes_away(self) {
        soon(self.connection).await.unwrap().unwrap();
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.connection.is_finished()
    }

    /// Whether it may begin another.
    pub(crate) async fn may_send(&self) -> bool {
        self.sender.clone().ready().await.is_ok()
    }
}

/// The body of an answer.
pub(crate) async fn body(answer: h2::client::ResponseFuture) -> String {
    let mut body = soon(answer).await.unwrap().into_body();
    let mut read = Vec::new();
    while let Some(data) = soon(body.data()).await {
        read.extend_from_slice(&data.unwrap());
    }
    String::from_utf8(read).unwrap()
}
