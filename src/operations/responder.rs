//! From a request to its answer.

use std::sync::Arc;

use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::accept::{prefers_page, prefers_text};
use super::answer::{self, Body, JSON, TEXT};
use super::bounds::{ANSWER_TIME, EVENTS, FOLLOWERS};
use super::credentials::Peer;
use super::event_stream::{self, EVENT_STREAM};
use super::health::Health;
use super::managed::{Document, Later, Managed};
use super::metrics;
use super::order_request;
use super::page;
use super::probes::{self, Probe};
use super::refusal::Refusal;
use super::rights::Rights;
use super::route::{INDEX, Route, route};
use crate::metrics::Meter;

/// Answers requests, of any connection.
pub(super) struct Responder {
    managed: Arc<dyn Managed>,
    health: Health,
    meter: Meter,
    rights: Rights,
    followers: Arc<Semaphore>,
}

impl Responder {
    pub(super) fn new(managed: Arc<dyn Managed>, health: Health, meter: Meter, rights: Rights) -> Self {
        Self { managed, health, meter, rights, followers: Arc::new(Semaphore::new(FOLLOWERS)) }
    }

    pub(super) async fn respond<B>(&self, peer: Peer, request: Request<B>) -> Response<Body>
    where
        B: HttpBody,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let reads = head.method == Method::GET || head.method == Method::HEAD;
        let as_text = reads && prefers_text(&head.headers);
        match self.answer(peer, &head, body, as_text).await {
            Ok(response) => response,
            Err(refusal) => answer::refused(&refusal, as_text),
        }
    }

    async fn answer<B>(
        &self,
        peer: Peer,
        head: &Parts,
        body: B,
        as_text: bool,
    ) -> Result<Response<Body>, Refusal>
    where
        B: HttpBody,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.rights.check_request(peer, head)?;
        let managed = &*self.managed;
        let probe = |probe| probes::answer(probe, is_verbose(head), managed, &self.health);
        Ok(match route(&head.method, head.uri.path())? {
            Route::Index if prefers_page(&head.headers) => page::answer(),
            Route::Index => answer::whole(StatusCode::OK, TEXT, INDEX),
            Route::Live => probe(Probe::Live).await,
            Route::Ready => probe(Probe::Ready).await,
            Route::Started => probe(Probe::Started).await,
            Route::Status => shown(&*in_time(managed.status()).await?, as_text),
            Route::Report => shown(&*in_time(managed.report()).await?, as_text),
            Route::Plan => shown(&*managed.plan(), as_text),
            Route::Events => self.events(head).await?,
            Route::Metrics => metrics::answer(&self.meter, &head.headers)?,
            Route::Order(order) => {
                self.rights.check_order(peer, head)?;
                order_request::carry_out(order, body, managed).await?
            }
        })
    }

    async fn events(&self, head: &Parts) -> Result<Response<Body>, Refusal> {
        if head.method == Method::HEAD {
            return Ok(answer::open(StatusCode::OK, EVENT_STREAM, Body::default()));
        }
        let place = Arc::clone(&self.followers).try_acquire_owned().map_err(|_| {
            let error = format!("{FOLLOWERS} connections follow the events, and no more may");
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                error,
                "close those that are not needed, and come back",
            )
        })?;
        let follower = in_time(self.managed.follow(EVENTS)).await?;
        let body = event_stream::body(follower, Arc::clone(&self.managed), place);
        Ok(answer::open(StatusCode::OK, EVENT_STREAM, body))
    }
}

fn shown(document: &dyn Document, as_text: bool) -> Response<Body> {
    match as_text {
        true => answer::whole(StatusCode::OK, TEXT, document.text() + "\n"),
        false => answer::whole(StatusCode::OK, JSON, document.json()),
    }
}

async fn in_time<T>(answer: Later<T>) -> Result<T, Refusal> {
    match timeout(ANSWER_TIME, answer).await {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(Refusal::over()),
        Err(_) => Err(Refusal::silent()),
    }
}

fn is_verbose(head: &Parts) -> bool {
    let words = head.uri.query().unwrap_or_default().split('&');
    words.into_iter().any(|word| word.split('=').next() == Some("verbose"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::bounds::PROBE_TIME;
    use crate::operations::fake::Fake;
    use http_body_util::{BodyExt, Empty};
    use hyper::body::Bytes;
    use tokio::time::Instant;

    async fn get(responder: &Responder, path: &str, accept: &str) -> (u16, String) {
        let request = Request::get(path).header("host", "localhost").header("accept", accept);
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let response = responder.respond(Peer::Tcp([127, 0, 0, 1].into()), request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn g22_a_manager_that_does_not_answer_is_not_live() {
        let (responder, began) = (Fake::responder(false), Instant::now());
        let (status, text) = get(&responder, "/livez", "*/*").await;
        assert_eq!((status, began.elapsed()), (503, PROBE_TIME));
        assert_eq!(text, "the manager does not answer\n");
        assert_eq!(get(&responder, "/readyz", "*/*").await.0, 503);
        assert!(began.elapsed() <= 2 * PROBE_TIME);
        let (status, text) = get(&responder, "/status", "*/*").await;
        assert_eq!((status, began.elapsed()), (503, 2 * PROBE_TIME + ANSWER_TIME));
        assert!(text.starts_with(r#"{"error":"the manager does not answer","hint":"#), "{text}");
        assert_eq!(get(&responder, "/plan", "*/*").await.0, 200, "it is known");
    }

    #[tokio::test]
    async fn what_is_shown_is_json_unless_text_is_preferred_and_so_are_refusals() {
        let responder = Fake::responder(true);
        assert_eq!(get(&responder, "/status", "*/*").await, (200, "\"status\"".to_owned()));
        assert_eq!(get(&responder, "/report", "text/plain").await, (200, "report\n".to_owned()));
        assert_eq!(
            get(&responder, "/readyz", "application/json").await,
            (503, "a: setup for 1.0 s\n".to_owned())
        );
        let json = get(&responder, "/nowhere", "application/json").await;
        assert_eq!(json.0, 404);
        assert!(json.1.starts_with(r#"{"error":"there is no \"/nowhere\"","hint":""#), "{}", json.1);
        let text = get(&responder, "/nowhere", "text/plain").await;
        assert_eq!(text, (404, "there is no \"/nowhere\"\nGET / lists what there is\n".to_owned()));
    }

    #[tokio::test]
    async fn g17_some_connections_are_left_to_those_that_follow_no_events() {
        let responder = Fake::responder(true);
        let follow = || async {
            let request =
                Request::get("/events").header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
            responder.respond(Peer::Unix(None), request).await
        };
        let mut all = Vec::new();
        for _ in 0..FOLLOWERS {
            all.push(follow().await);
        }
        assert!(all.iter().all(|response| response.status() == StatusCode::OK));
        assert_eq!(follow().await.status(), StatusCode::SERVICE_UNAVAILABLE);
        all.pop();
        assert_eq!(follow().await.status(), StatusCode::OK, "there is room again");
    }
}
