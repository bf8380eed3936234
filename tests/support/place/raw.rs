//! A bare HTTP/2 client, which goes on only while it is driven.

use std::future::Future;
use std::pin::{Pin, pin};

use http::{Request, Response};
use hyper::body::Bytes;

use super::Bytestream;

/// A gRPC message without any bytes.
const EMPTY: &[u8] = &[0; 5];

/// A connection.
pub struct Raw {
    sender: h2::client::SendRequest<Bytes>,
    pings: h2::PingPong,
    /// Gone with the connection: only then do its calls learn of an end by an error.
    drive: Option<Drive>,
}

/// What makes a connection go on, to its end.
pub type Drive = Pin<Box<dyn Future<Output = Result<(), h2::Error>> + Send>>;

/// A call over it.
pub struct RawCall {
    pub response: h2::client::ResponseFuture,
    pub request: h2::SendStream<Bytes>,
}

impl Raw {
    /// Its windows are as large as they get if `greedy`: then only the buffers beneath hold answers back.
    pub async fn over(stream: Bytestream, greedy: bool) -> Result<Self, h2::Error> {
        let mut builder = h2::client::Builder::new();
        if greedy {
            builder.initial_window_size((1 << 31) - 1).initial_connection_window_size((1 << 31) - 1);
        }
        let (sender, mut connection) = builder.handshake::<_, Bytes>(stream).await?;
        let pings = connection.ping_pong().expect("it is taken once");
        Ok(Self { sender, pings, drive: Some(Box::pin(connection)) })
    }

    /// Calls a method; nothing of the request is sent but its headers.
    pub fn begin(&mut self, path: &str, timeout: Option<&str>) -> Result<RawCall, h2::Error> {
        let mut request = Request::post(format!("http://localhost{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if let Some(timeout) = timeout {
            request = request.header("grpc-timeout", timeout);
        }
        let (response, request) = self.sender.send_request(request.body(()).unwrap(), false)?;
        Ok(RawCall { response, request })
    }

    /// Calls a method with one message, which is empty.
    pub fn call(&mut self, path: &str, timeout: Option<&str>) -> Result<RawCall, h2::Error> {
        let mut call = self.begin(path, timeout)?;
        call.request.send_data(Bytes::from_static(EMPTY), true)?;
        Ok(call)
    }

    /// Drives the connection until the other is done. What came with the connection's end is there for it, too.
    pub async fn beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        if let Some(drive) = &mut self.drive {
            tokio::select! {
                biased;
                done = &mut other => return done,
                _ = drive => self.drive = None,
            }
        }
        other.await
    }

    /// Resolves when the server has read what was sent so far; to whether it has.
    pub async fn arrived(&mut self) -> bool {
        let Some(drive) = &mut self.drive else { return false };
        tokio::select! {
            pong = self.pings.ping(h2::Ping::opaque()) => pong.is_ok(),
            _ = drive => {
                self.drive = None;
                false
            }
        }
    }

    /// Opens no call any more: driven, the connection ends in order when those that are open have ended.
    ///
    /// # Panics
    /// Where it has ended.
    pub fn close(self) -> Drive {
        self.drive.expect("the connection has not ended")
    }
}

/// Reads an answer to its end: its `grpc-status` and `grpc-message`. The connection must be driven beside.
pub async fn status_of(response: h2::client::ResponseFuture) -> Result<(u32, String), h2::Error> {
    let response: Response<h2::RecvStream> = response.await?;
    let headers = response.headers().clone();
    let mut body = response.into_body();
    while let Some(data) = body.data().await {
        let length = data?.len();
        body.flow_control().release_capacity(length)?;
    }
    let told = body.trailers().await?.unwrap_or(headers);
    let text = |name| told.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Ok((text("grpc-status").parse().unwrap_or(2), text("grpc-message")))
}
