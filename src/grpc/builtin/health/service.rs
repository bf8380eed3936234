//! The service that answers from the statuses.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use crate::base::peer_text;
use crate::events::{LifecycleEvent, Name};
use crate::grpc::builtin::health::statuses::Statuses;
use crate::grpc::builtin::health::{
    Health, HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse, ServingStatus,
};

/// How many bytes a name may have that is watched.
const LONGEST_NAME: usize = 256;

/// The health service that a manager brings along. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct HealthService(Arc<watch::Sender<Statuses>>);

impl HealthService {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Statuses::default())))
    }

    /// Takes note of something that happened. Nobody can make this wait.
    pub(crate) fn observe(&self, event: &LifecycleEvent) {
        self.0.send_if_modified(|statuses| statuses.observe(event));
    }

    /// Takes note of the gRPC services that are served, and of whose each is.
    pub(crate) fn serve(&self, owners: BTreeMap<&'static str, Name>) {
        self.0.send_modify(|statuses| statuses.serve(owners));
    }
}

#[tonic::async_trait]
impl Health for HealthService {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let name = request.into_inner().service;
        let status = self.0.borrow().of(&name);
        match status {
            Some(status) => Ok(Response::new(response(status))),
            None => Err(Status::not_found(format!(
                "there is no service \"{}\": List tells those that there are",
                peer_text::shown(&name)
            ))),
        }
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        let statuses = self.0.borrow();
        let all = statuses.all().map(|(name, status)| (name.to_owned(), response(status)));
        Ok(Response::new(HealthListResponse { statuses: all.collect() }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let name = request.into_inner().service;
        // It would be kept for as long as the watch, for nothing: no service has such a name.
        if name.len() > LONGEST_NAME {
            let long = format!("a service's name has at most {LONGEST_NAME} bytes, not {}", name.len());
            return Err(Status::invalid_argument(long));
        }
        let watch = Watch { statuses: self.0.subscribe(), name, last: None };
        let stream = unfold(watch, |mut watch| async {
            let status = watch.next().await?;
            Some((Ok(response(status)), watch))
        });
        Ok(Response::new(Box::pin(stream)))
    }
}

/// One who wants to be told of every change.
struct Watch {
    statuses: watch::Receiver<Statuses>,
    name: String,
    last: Option<ServingStatus>,
}

impl Watch {
    /// The next status that is not the last; `None` when the drain has begun.
    async fn next(&mut self) -> Option<ServingStatus> {
        loop {
            let (status, draining) = {
                let statuses = self.statuses.borrow_and_update();
                let status = statuses.of(&self.name).unwrap_or(ServingStatus::ServiceUnknown);
                (status, statuses.is_draining())
            };
            if self.last != Some(status) {
                self.last = Some(status);
                return self.last;
            }
            if draining {
                return None;
            }
            self.statuses.changed().await.ok()?;
        }
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::builtin::ids::SERVER_ID;
    use crate::lifecycle::Cause;
    use futures_util::StreamExt;
    use tonic::Code;

    fn happen(health: &HealthService, events: impl IntoIterator<Item = LifecycleEvent>) {
        for event in events {
            health.observe(&event);
        }
    }

    async fn watch(
        health: &HealthService,
        service: &str,
    ) -> impl Stream<Item = ServingStatus> + Unpin + use<> {
        let request = Request::new(HealthCheckRequest { service: service.to_owned() });
        health.watch(request).await.unwrap().into_inner().map(|response| response.unwrap().status())
    }

    #[tokio::test]
    async fn g05_a_watch_of_an_unknown_service_stays_open_until_there_is_one() {
        let health = HealthService::new();
        let mut watch = watch(&health, "late").await;
        assert_eq!(watch.next().await, Some(ServingStatus::ServiceUnknown));
        happen(&health, [LifecycleEvent::SetupStarted { service: "late".into() }]);
        assert_eq!(watch.next().await, Some(ServingStatus::NotServing));
        happen(&health, [LifecycleEvent::Running]);
        assert_eq!(watch.next().await, Some(ServingStatus::Serving));
    }

    #[tokio::test]
    async fn g05_a_watch_sends_changes_alone_and_the_last_before_it_ends_with_the_drain() {
        let health = HealthService::new();
        let mut watch = watch(&health, "").await;
        happen(&health, [LifecycleEvent::Running]);
        assert_eq!(watch.next().await, Some(ServingStatus::Serving));
        // Others come and go, and all is asked to stop and drained, before the watch is looked at again.
        let of = |id: &str| Name::from(id);
        happen(
            &health,
            [
                LifecycleEvent::RunStarted { service: of("other") },
                LifecycleEvent::ShutdownRequested { cause: Cause::StartShutdown },
                LifecycleEvent::ShutdownStarted { service: of(SERVER_ID) },
            ],
        );
        assert_eq!(watch.next().await, Some(ServingStatus::NotServing));
        assert_eq!(watch.next().await, None);
    }

    #[tokio::test]
    async fn g17_a_name_that_no_service_can_have_is_neither_watched_nor_repeated_whole() {
        let health = HealthService::new();
        let ask = |service: String| Request::new(HealthCheckRequest { service });
        let refused = health.watch(ask("x".repeat(257))).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(health.watch(ask("x".repeat(256))).await.is_ok());
        let unknown = health.check(ask("\u{202e}".repeat(1000))).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
        assert!(unknown.message().is_ascii() && unknown.message().len() < 400, "{unknown}");
    }

    #[tokio::test]
    async fn g05_a_watch_that_comes_during_the_drain_is_told_and_ended() {
        let health = HealthService::new();
        happen(&health, [LifecycleEvent::ShutdownStarted { service: SERVER_ID.into() }]);
        let told: Vec<_> = watch(&health, "").await.collect().await;
        assert_eq!(told, [ServingStatus::NotServing]);
    }
}
