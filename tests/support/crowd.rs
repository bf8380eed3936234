//! Clients that connect anew for each request, as fast as they can, until they are refused.
//!
//! Whoever is connected and sends its request at once is to be answered, however close the end is: a client that is reset cannot know whether its
//! request was carried out.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::{Observed, within};

/// How many there are.
const CLIENTS: usize = 8;

/// A client that needed longer to connect and to send was held up by the machine, and the server need not have waited for it.
const AT_ONCE: Duration = Duration::from_millis(10);

/// The clients.
pub struct Crowd {
    clients: Vec<JoinHandle<Outcome>>,
    answered: Arc<Semaphore>,
}

/// What became of requests.
#[derive(Debug, Default)]
pub struct Outcome {
    pub answered: usize,
    /// What those were told that sent a request at once and got no answer.
    pub lost: Vec<String>,
}

impl Crowd {
    /// `answers` reads an answer, to its end.
    pub fn begin<S: Read + Write + 'static>(
        connect: impl Fn() -> io::Result<S> + Clone + Send + 'static,
        request: impl Into<Vec<u8>>,
        answers: fn(&mut S) -> io::Result<()>,
    ) -> Self {
        let (answered, request) = (Arc::new(Semaphore::new(0)), request.into());
        let client = |_| {
            let (answered, connect, request) = (Arc::clone(&answered), connect.clone(), request.clone());
            thread::spawn(move || ask(&connect, &request, answers, &answered))
        };
        Self { clients: (0..CLIENTS).map(client).collect(), answered }
    }

    /// Waits until so many requests were answered.
    pub async fn until_answered(&self, count: u32) {
        within("answers", self.answered.acquire_many(count)).await.unwrap().forget();
    }

    /// Waits until all were refused.
    pub fn refused(self) -> Outcome {
        let mut all = Outcome::default();
        for client in self.clients {
            let Outcome { answered, lost } = client.join().unwrap();
            all.answered += answered;
            all.lost.extend(lost);
        }
        all
    }
}

fn ask<S: Read + Write>(
    connect: impl Fn() -> io::Result<S>,
    request: &[u8],
    answers: fn(&mut S) -> io::Result<()>,
    answered: &Semaphore,
) -> Outcome {
    let mut outcome = Outcome::default();
    loop {
        let began = Instant::now();
        let mut stream = match connect() {
            Ok(stream) => stream,
            // The file of a Unix socket goes with its server.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound) => {
                return outcome;
            }
            Err(error) => panic!("neither connected nor refused: {error}"),
        };
        let sent = stream.write_all(request);
        let at_once = began.elapsed() < AT_ONCE;
        match sent.and_then(|()| answers(&mut stream)) {
            Ok(()) => {
                outcome.answered += 1;
                answered.add_permits(1);
            }
            Err(error) if at_once => outcome.lost.push(error.to_string()),
            Err(_) => {}
        }
    }
}

/// G19: whoever is connected when the drain begins is answered, and others are refused.
pub async fn nobody_is_lost(mut observed: Observed, crowd: Crowd) {
    crowd.until_answered(20).await;
    observed.shut_down();
    observed.ended().await.assert_ok();
    let outcome = tokio::task::spawn_blocking(|| crowd.refused()).await.unwrap();
    assert!(outcome.lost.is_empty(), "{outcome:?}");
}

/// How often a server is stopped. Where clients are lost at all, it happens in one of ten, or more.
pub const ROUNDS: usize = 30;

/// A request of HTTP/1.1 that is the only one of its connection.
pub const GET: &str = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

/// Reads its answer.
pub fn is_200(stream: &mut impl Read) -> io::Result<()> {
    let mut came = String::new();
    stream.read_to_string(&mut came)?;
    if came.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(io::Error::other(format!("{came:?}"))) }
}
