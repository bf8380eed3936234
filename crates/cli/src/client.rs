//! HTTP/1.1 with the endpoint: a connection a request.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::address::Address;
use crate::error::CliError;
use crate::event_lines::EventLines;
use crate::token::Token;

/// How long a connection may take to be made.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long what is asked for may take: the endpoint gives its manager 5 s.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// How large an answer may be: that of a hundred thousand services is less.
const MOST: usize = 256 << 20;

pub(crate) const JSON: &str = "application/json";
pub(crate) const TEXT: &str = "text/plain";

/// What is needed to ask: nothing is open in between.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    address: Address,
    token: Option<Token>,
}

/// An answer that is there as a whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// What a refusal says, as JSON.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    hint: String,
}

impl Client {
    pub(crate) fn new(address: Address, token: Option<Token>) -> Self {
        Self { address, token }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Whether there is a reason to believe that orders are taken.
    pub(crate) fn may_order(&self) -> bool {
        self.token.is_some() || matches!(self.address, Address::Unix(_))
    }

    /// Reads something; any status is an answer.
    pub(crate) async fn ask(&self, path: &str, accept: &str) -> Result<Answer, CliError> {
        let asked = timeout(ANSWER_TIME, async {
            self.whole(self.send(Method::GET, path, accept, String::new()).await?, path).await
        });
        asked
            .await
            .unwrap_or_else(|_| Err(self.unreachable(path, format!("no answer within {ANSWER_TIME:?}"))))
    }

    /// Reads something that is to be there.
    pub(crate) async fn get(&self, path: &str, accept: &str) -> Result<String, CliError> {
        self.ask(path, accept).await?.expect_ok()
    }

    /// Gives an order. It is answered when it has been carried out, however long that takes.
    pub(crate) async fn order(&self, path: &str, body: String) -> Result<Answer, CliError> {
        let response = self.send(Method::POST, path, JSON, body).await?;
        self.whole(response, path).await
    }

    /// Follows what happens.
    pub(crate) async fn events(&self) -> Result<EventLines, CliError> {
        let response =
            self.send(Method::GET, "/events", "text/event-stream, application/json", String::new());
        let response = timeout(ANSWER_TIME, response);
        let response = response.await.unwrap_or_else(|_| {
            Err(self.unreachable("/events", format!("no answer within {ANSWER_TIME:?}")))
        })?;
        if response.status().is_success() {
            return Ok(EventLines::new(response.into_body()));
        }
        Err(self.whole(response, "/events").await?.refusal())
    }

    async fn whole(&self, response: Response<Incoming>, path: &str) -> Result<Answer, CliError> {
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MOST).collect().await;
        let body = body
            .map_err(|error| self.unreachable(path, format!("the answer broke off: {error}")))?
            .to_bytes();
        Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: String,
    ) -> Result<Response<Incoming>, CliError> {
        let exchanged = async {
            match &self.address {
                Address::Tcp(address) => {
                    self.exchange(in_time(TcpStream::connect(address)).await?, method, path, accept, body)
                        .await
                }
                Address::Unix(file) => {
                    self.exchange(in_time(UnixStream::connect(file)).await?, method, path, accept, body).await
                }
            }
        };
        exchanged.await.map_err(|error| self.unreachable(path, error.to_string()))
    }
}

/// Connects, if that is possible soon.
async fn in_time<S>(connecting: impl Future<Output = std::io::Result<S>>) -> std::io::Result<S> {
    let late = || Error::new(ErrorKind::TimedOut, format!("no connection within {CONNECT_TIME:?}"));
    timeout(CONNECT_TIME, connecting).await.unwrap_or_else(|_| Err(late()))
}

impl Client {
    async fn exchange<S>(
        &self,
        stream: S,
        method: Method,
        path: &str,
        accept: &str,
        body: String,
    ) -> Result<Response<Incoming>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut request = Request::builder()
            .method(&method)
            .uri(path)
            .header(HOST, self.address.host())
            .header(ACCEPT, accept);
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, JSON);
            if let Some(Token(token)) = &self.token {
                request = request.header(AUTHORIZATION, token);
            }
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(Error::other)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Error::other)?;
        // It ends with the answer, or with whoever reads that.
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(Error::other)
    }

    fn unreachable(&self, path: &str, why: String) -> CliError {
        let tried = format!("{} was asked for {path}", self.address);
        CliError::Unreachable {
            tried,
            why,
            hint: "is the program running, and is its operations endpoint there? See ManagerOptions::operations",
        }
    }
}

impl Answer {
    pub(crate) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn expect_ok(self) -> Result<String, CliError> {
        if self.is_ok() { Ok(self.body) } else { Err(self.refusal()) }
    }

    /// What it says where it is a refusal.
    pub(crate) fn refusal(&self) -> CliError {
        match serde_json::from_str::<Refusal>(&self.body) {
            Ok(Refusal { error, hint }) => CliError::Refused { error, hint },
            Err(_) => {
                let error = match self.body.trim() {
                    "" => format!("the answer is {}", self.status),
                    text => format!("the answer is {}: {}", self.status, crate::text::cut(text, 200)),
                };
                CliError::Refused { error, hint: "is this the operations endpoint of a manager?".to_owned() }
            }
        }
    }
}
