//! Clients that never rest, and remember every failure.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use majordomo::clients::wait_for_grpc_server;
use majordomo::ping::PingClient;
use tonic::transport::Endpoint;

/// No answer takes so long.
const HANG: Duration = Duration::from_secs(30);

/// The body of an answer, over a connection of its own.
pub fn get(at: SocketAddr, path: &str) -> Result<String, String> {
    let stream = TcpStream::connect(at).map_err(|error| format!("connecting: {error}"))?;
    stream.set_read_timeout(Some(HANG)).unwrap();
    ask(stream, path, true).map(|(body, _)| body)
}

/// The same at the file of a Unix socket.
pub fn get_from_file(file: &Path) -> Result<String, String> {
    let stream = UnixStream::connect(file).map_err(|error| format!("connecting to the file: {error}"))?;
    ask(stream, "/", true).map(|(body, _)| body)
}

/// The body of an answer, and whether the connection is to be used no more.
fn ask(mut stream: impl Read + Write, path: &str, last: bool) -> Result<(String, bool), String> {
    let close = if last { "Connection: close\r\n" } else { "" };
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n{close}\r\n");
    stream.write_all(request.as_bytes()).map_err(|error| format!("sending: {error}"))?;
    let mut came = Vec::new();
    let head = loop {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(0) => return Err(format!("closed after {came:?}")),
            Ok(_) => came.push(byte[0]),
            Err(error) => return Err(format!("reading: {error}")),
        }
        if came.ends_with(b"\r\n\r\n") {
            break String::from_utf8(std::mem::take(&mut came)).unwrap().to_lowercase();
        }
    };
    if !head.starts_with("http/1.1 200") {
        return Err(head);
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.ok_or("no length")?.parse().unwrap()];
    stream.read_exact(&mut body).map_err(|error| format!("reading the body: {error}"))?;
    Ok((String::from_utf8(body).unwrap(), last || head.contains("connection: close")))
}

/// Whether a call did not leave the client, since its connection was told to go away meanwhile. Clients of gRPC send such a call again by
/// themselves (gRPC A6, transparent retries); tonic's leaves that to its caller.
fn was_never_sent(status: &tonic::Status) -> bool {
    let mut source: Option<&(dyn Error + 'static)> = Some(status);
    while let Some(error) = source {
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled) {
            return true;
        }
        source = error.source();
    }
    false
}

/// Clients at work.
pub struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Vec<Result<String, String>>>>,
}

impl Load {
    /// Each of them one request after the other: over connections of their own, over one that is kept as long as the server likes, slow ones, by
    /// the file of a Unix socket, and calls of gRPC over one channel.
    pub fn start(web: SocketAddr, file: PathBuf, grpc: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = Vec::new();
        let mut client = |mut once: Box<dyn FnMut() -> Result<String, String> + Send>| {
            let stop = Arc::clone(&stop);
            clients.push(std::thread::spawn(move || {
                let mut all = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    all.push(once());
                }
                all
            }));
        };
        client(Box::new(move || get(web, "/")));
        client(Box::new(move || get(web, "/slow")));
        let mut kept: Option<TcpStream> = None;
        client(Box::new(move || {
            let stream = match &kept {
                Some(kept) => kept,
                None => kept.insert(TcpStream::connect(web).map_err(|error| format!("connecting: {error}"))?),
            };
            let answer = ask(stream, "/", false);
            if !matches!(answer, Ok((_, false))) {
                kept = None;
            }
            answer.map(|(body, _)| body)
        }));
        client(Box::new(move || get_from_file(&file)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let channel = {
            let _entered = runtime.enter();
            Endpoint::from_shared(format!("http://{grpc}")).unwrap().connect_lazy()
        };
        runtime.block_on(wait_for_grpc_server(channel.clone(), HANG)).unwrap();
        client(Box::new(move || {
            let mut client = PingClient::new(channel.clone());
            loop {
                match runtime.block_on(client.ping(())) {
                    Err(status) if was_never_sent(&status) => {}
                    answer => return answer.map(|_| "pong".to_owned()).map_err(|status| status.to_string()),
                }
            }
        }));
        Self { stop, clients }
    }

    /// Ends it: what was answered, by client. Panics where anything failed.
    pub fn end(self) -> Vec<Vec<String>> {
        self.end_but_for(0)
    }

    /// The same where so many requests of each client may have been those of a process that died.
    pub fn end_but_for(self, lost: usize) -> Vec<Vec<String>> {
        self.stop.store(true, Ordering::Relaxed);
        let all: Vec<_> = self.clients.into_iter().map(|client| client.join().unwrap()).collect();
        let failed = |client: &Vec<Result<String, String>>| -> Vec<String> {
            client.iter().filter_map(|one| one.as_ref().err().cloned()).collect()
        };
        let counts: Vec<_> = all.iter().map(Vec::len).collect();
        let failed: Vec<_> = all.iter().map(failed).collect();
        assert!(
            failed.iter().all(|client| client.len() <= lost),
            "of {counts:?} requests failed: {failed:?}"
        );
        all.into_iter().map(|client| client.into_iter().flatten().collect()).collect()
    }
}
