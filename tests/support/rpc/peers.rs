//! Bare TCP peers.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::within;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const ACKNOWLEDGED_SETTINGS: &[u8] = &[0, 0, 0, 4, 1, 0, 0, 0, 0];
/// The types of HTTP/2 frames.
const SETTINGS: u8 = 4;
pub const GOAWAY: u8 = 7;

/// A port that is bound and not listened on, so that the system gives it to nobody who asks for any port; who asks
/// for this one may have it all the same.
pub struct Reserved {
    pub address: SocketAddr,
    _socket: Socket,
}

impl Reserved {
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        Self { address, _socket: socket }
    }
}

/// Whether connecting is refused.
pub async fn is_refused(address: SocketAddr) -> bool {
    match within("a connection or its refusal", TcpStream::connect(address)).await {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => true,
        // One that was in the backlog when the listener was closed.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
        Err(error) => panic!("connecting to {address}: {error}"),
    }
}

/// Resolves when connecting is refused, as it is when a drain has begun.
pub async fn refused(address: SocketAddr) {
    let refusal = async {
        while !is_refused(address).await {
            tokio::task::yield_now().await;
        }
    };
    within("refusal", refusal).await;
}

/// A peer that has sent so much and nothing else.
pub async fn silent(address: SocketAddr, sent: &str) -> TcpStream {
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(sent.as_bytes()).await.unwrap();
    peer
}

/// A peer that speaks HTTP/2, has no call open, and from here on neither reads nor writes by itself. The server has
/// read all that it sent.
pub async fn idle(address: SocketAddr) -> TcpStream {
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(PREFACE).await.unwrap();
    peer.write_all(EMPTY_SETTINGS).await.unwrap();
    let settings = within("the server's settings", frame(&mut peer)).await.unwrap();
    assert_eq!(settings.kind, SETTINGS);
    peer.write_all(ACKNOWLEDGED_SETTINGS).await.unwrap();
    // The acknowledgement of ours: the server has read them.
    loop {
        let next = within("the acknowledgement", frame(&mut peer)).await.unwrap();
        if (next.kind, next.flags) == (SETTINGS, 1) {
            return peer;
        }
    }
}

struct Frame {
    kind: u8,
    flags: u8,
    payload: Vec<u8>,
}

/// `None` at the end of the connection, in whatever way it came.
async fn frame(peer: &mut TcpStream) -> Option<Frame> {
    let mut head = [0; 9];
    peer.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let mut payload = vec![0; length];
    peer.read_exact(&mut payload).await.ok()?;
    Some(Frame { kind: head[3], flags: head[4], payload })
}

/// What an [`idle`] peer was sent before its connection ended.
pub struct FramesUntilEnd {
    pub kinds: Vec<u8>,
    /// The error codes of the GOAWAYs.
    pub codes: Vec<u32>,
}

/// Reads to the connection's end.
pub async fn until_end(mut peer: TcpStream) -> FramesUntilEnd {
    let mut frames = FramesUntilEnd { kinds: Vec::new(), codes: Vec::new() };
    while let Some(Frame { kind, payload, .. }) = within("a frame, or the end", frame(&mut peer)).await {
        frames.kinds.push(kind);
        if kind == GOAWAY {
            frames.codes.push(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
    }
    frames
}

/// Resolves when the peer sees the end of its connection: closed, or reset.
pub async fn until_closed(mut peer: TcpStream) {
    let mut rest = Vec::new();
    let _ = within("the end of the connection", peer.read_to_end(&mut rest)).await;
}

/// All that a client sends that connects and asks for health, and waits for nothing in between.
pub fn whole_check() -> Vec<u8> {
    const HEADERS: u8 = 1;
    const DATA: u8 = 0;
    let frame = |kind: u8, flags: u8, payload: &[u8]| {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    };
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    // RFC 7541: indexed fields, and literals whose names are indexed, or are not.
    let head = [
        vec![0x83, 0x86, 0x44],
        text("/grpc.health.v1.Health/Check"),
        vec![0x41],
        text("test"),
        vec![0x5f],
        text("application/grpc"),
        vec![0x40],
        text("te"),
        text("trailers"),
    ];
    [PREFACE, EMPTY_SETTINGS, &frame(HEADERS, 4, &head.concat()), &frame(DATA, 1, &[0; 5])].concat()
}

/// Reads the answer to it: a message, and the trailers.
pub fn is_answered(peer: &mut impl io::Read) -> io::Result<()> {
    let mut kinds = Vec::new();
    loop {
        let mut head = [0; 9];
        peer.read_exact(&mut head)?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        peer.read_exact(&mut payload)?;
        kinds.push(head[3]);
        // HEADERS that end the stream.
        if head[3] == 1 && head[4] & 1 == 1 {
            return if kinds.contains(&0) { Ok(()) } else { Err(io::Error::other("no message")) };
        }
    }
}
