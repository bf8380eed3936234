//! All that a client may do.

use std::time::Duration;

use http::uri::PathAndQuery;
use hyper::body::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::client::Client;
use support::place::{Bytestream, Raw, RawCall, status_of};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
/// The head of a TLS record that announces a greeting of 512 bytes.
const HALF_A_GREETING: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0];

pub(super) const ACTIONS: &[&str] = &[
    "connect and go",
    "half a preface",
    "half a handshake",
    "garbage",
    "garbage after the preface",
    "calls that are reset",
    "half a request",
    "calls, and gone",
    "an answer that is not read",
    "a deadline that passes",
    "heavy calls",
    "calls, then closed in order",
    "call",
    "call by tonic",
    "call by tonic",
    "call by tonic that is cancelled",
    "call by tonic with a deadline",
    "stream read to its end",
    "stream let go of",
    "flood let go of",
    "chat let go of",
    "panic",
    "panic midway",
    "channel let go of",
];

/// Does one of them; to what came of it.
pub(super) async fn take(client: &mut Client, action: &str) -> String {
    let done = match action {
        "connect and go" => touch(client, Vec::new(), false).await,
        "half a preface" => {
            let length = client.random.usize(1..PREFACE.len());
            touch(client, PREFACE[..length].to_vec(), true).await
        }
        "half a handshake" => touch(client, HALF_A_GREETING.to_vec(), true).await,
        "garbage" => {
            let garbage = garbage(client);
            touch(client, garbage, true).await
        }
        "garbage after the preface" => garbage_after_the_preface(client).await,
        "panic" | "panic midway" | "channel let go of" | "chat let go of" => {
            return by_tonic(client, action).await;
        }
        _ if action.contains("tonic") || action.starts_with("stream") || action.starts_with("flood") => {
            return by_tonic(client, action).await;
        }
        _ => {
            return bare(client, action).await.unwrap_or_else(|error| {
                client.told(format!("{action}: {error}"), "OK");
                "connection lost".to_owned()
            });
        }
    };
    done.unwrap_or_else(|error| format!("{:?}", error.kind()))
}

fn garbage(client: &mut Client) -> Vec<u8> {
    let length = client.random.usize(1..300);
    (0..length).map(|_| client.random.u8(..)).collect()
}

/// Connects, sends that, and stays for a while or not.
async fn touch(client: &mut Client, sent: Vec<u8>, stays: bool) -> std::io::Result<String> {
    let mut stream = client.place().reach().await?;
    stream.write_all(&sent).await?;
    linger(client, stream, stays).await
}

async fn garbage_after_the_preface(client: &mut Client) -> std::io::Result<String> {
    let garbage = garbage(client);
    let mut stream = client.place().open().await?;
    stream.write_all(&[PREFACE, EMPTY_SETTINGS, &garbage].concat()).await?;
    linger(client, stream, true).await
}

/// Reads until the server closes the connection, though not for long.
async fn linger(client: &mut Client, mut stream: Bytestream, stays: bool) -> std::io::Result<String> {
    let patience = if stays { client.random.u64(..15) } else { 0 };
    let closed = timeout(Duration::from_millis(patience), stream.read_to_end(&mut Vec::new())).await.is_ok();
    Ok(if closed { "closed by the server" } else { "dropped" }.to_owned())
}

fn path(method: &str) -> String {
    format!("/test.Soaked/{method}")
}

async fn all_of(calls: Vec<RawCall>) -> Vec<Result<(u32, String), h2::Error>> {
    let mut all = Vec::new();
    for call in calls {
        all.push(status_of(call.response).await);
    }
    all
}

/// What is done over bare HTTP/2.
async fn bare(client: &mut Client, action: &str) -> Result<String, h2::Error> {
    let Ok(stream) = client.place().open().await else {
        return Ok(client.told("not connected".into(), "OK"));
    };
    let greedy = client.random.bool();
    let mut raw = Raw::over(stream, greedy).await?;
    let some = client.random.usize(1..8);
    match action {
        "calls that are reset" => {
            for _ in 0..some * 3 {
                let method = client.random.choice(["Hold", "Endless", "Echo", "Chat"]).unwrap();
                let mut call = raw.begin(&path(method), None)?;
                if client.random.bool() {
                    raw.arrived().await;
                }
                call.request.send_reset(h2::Reason::CANCEL);
            }
            // Whoever resets too many is sent away.
            return Ok(if raw.arrived().await { "OK" } else { "sent away" }.to_owned());
        }
        "half a request" => {
            let mut call = raw.begin(&path("Echo"), None)?;
            call.request.send_data(Bytes::from_static(&[0, 0, 0]), false)?;
            raw.arrived().await;
        }
        "calls, and gone" => {
            let methods = ["Hold", "Endless", "Flood", "Chat", "Later"];
            let method = path(client.random.choice(methods).unwrap());
            let _calls = (0..some).map(|_| raw.call(&method, None)).collect::<Result<Vec<_>, _>>()?;
            if client.random.bool() {
                raw.arrived().await;
            } else {
                // At least it is written.
                let _ = timeout(Duration::from_millis(1), raw.beside(std::future::pending::<()>())).await;
            }
        }
        "an answer that is not read" => {
            let call = raw.call(&path("Big"), None)?;
            let response = raw.beside(call.response).await?;
            raw.arrived().await;
            drop((raw, response));
        }
        "a deadline that passes" => {
            let limit = format!("{}m", client.random.u8(1..20));
            let method = client.random.choice(["Hold", "Endless", "Flood"]).unwrap();
            let call = raw.call(&path(method), Some(&limit))?;
            let told = match raw.beside(status_of(call.response)).await {
                Ok((code, _)) => format!("{:?}", Code::from(code.cast_signed())),
                // One that reads too slowly is not told, since the status would come after all that it has to read.
                Err(error) if method == "Flood" && error.reason() == Some(h2::Reason::CANCEL) => {
                    return Ok("reset".to_owned());
                }
                Err(error) => return Err(error),
            };
            return Ok(client.told(told, "DeadlineExceeded"));
        }
        "heavy calls" | "call" => {
            let heavy = action == "heavy calls";
            let (method, count) = if heavy { ("Heavy", some) } else { ("Echo", 1) };
            let calls = (0..count).map(|_| raw.call(&path(method), None)).collect::<Result<_, _>>()?;
            for told in raw.beside(all_of(calls)).await {
                client.told(format!("{}", told?.0), "0");
            }
        }
        _ => {
            let calls = (0..some).map(|_| raw.call(&path("Later"), None)).collect::<Result<_, _>>()?;
            let end = raw.close();
            let (end, all) = tokio::join!(end, all_of(calls));
            end?;
            for told in all {
                client.told(format!("{}", told?.0), "0");
            }
        }
    }
    Ok("OK".to_owned())
}

type Grpc = tonic::client::Grpc<Channel>;
type Messages = ProstCodec<Vec<u8>, Vec<u8>>;

fn at(method: &str) -> PathAndQuery {
    path(method).parse().unwrap()
}

fn code<T>(answer: &Result<T, Status>) -> String {
    format!("{:?}", answer.as_ref().map_or_else(Status::code, |_| Code::Ok))
}

/// What is done by tonic's client, over the channel that is kept.
async fn by_tonic(client: &mut Client, action: &str) -> String {
    let mut grpc = Grpc::new(client.channel());
    if let Err(error) = grpc.ready().await {
        return client.told(format!("not ready: {error}"), "OK");
    }
    let message = vec![7; client.random.usize(..2000)];
    let some = client.random.usize(..4);
    let codec = Messages::default;
    match action {
        "call by tonic" => {
            let answer = grpc.unary(Request::new(message.clone()), at("Echo"), codec()).await;
            if let Ok(answer) = &answer {
                assert_eq!(*answer.get_ref(), message);
            }
            client.told(code(&answer), "Ok")
        }
        "call by tonic that is cancelled" => {
            let patience = Duration::from_micros(client.random.u64(..3000));
            let _ = timeout(patience, grpc.unary(Request::new(message), at("Hold"), codec())).await;
            "cancelled".to_owned()
        }
        "call by tonic with a deadline" => {
            let mut request = Request::new(message);
            request.set_timeout(Duration::from_millis(client.random.u64(1..10)));
            // Whose clock is first, the client's or the server's.
            let answer = grpc.unary(request, at("Hold"), codec()).await;
            let told = code(&answer).replace("Cancelled", "DeadlineExceeded");
            client.told(told, "DeadlineExceeded")
        }
        "panic" => {
            let answer = grpc.unary(Request::new(message), at("Panic"), codec()).await;
            client.told(code(&answer), "Internal")
        }
        "channel let go of" => {
            client.kept = None;
            "OK".to_owned()
        }
        "chat let go of" => {
            let words = tokio_stream::iter(vec![message; some]);
            let chat = grpc.streaming(Request::new(words), at("Chat"), codec()).await;
            read(client, chat, some, "Ok").await
        }
        _ => {
            let (method, count, expected) = match action {
                "stream read to its end" => ("Some", 9, "Ok"),
                "stream let go of" => ("Endless", some, "Ok"),
                "flood let go of" => ("Flood", some, "Ok"),
                _ => ("PanicMidway", 9, "Internal"),
            };
            let answer = grpc.server_streaming(Request::new(message), at(method), codec()).await;
            read(client, answer, count, expected).await
        }
    }
}

/// Reads so many messages at most.
async fn read(
    client: &Client,
    answer: Result<tonic::Response<Streaming<Vec<u8>>>, Status>,
    count: usize,
    expected: &str,
) -> String {
    let mut told = code(&answer);
    if let Ok(answer) = answer {
        let mut messages = answer.into_inner();
        for _ in 0..count {
            let message = messages.message().await;
            told = code(&message);
            if !matches!(message, Ok(Some(_))) {
                break;
            }
        }
    }
    client.told(told, expected)
}
