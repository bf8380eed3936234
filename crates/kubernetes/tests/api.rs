//! A server that speaks as much of `coordination.k8s.io/v1` as leases need: objects with `uid` and `resourceVersion`, conflicts, what it does
//! not take, and bearer tokens. By <https://kubernetes.io/docs/reference/using-api/api-concepts/> and
//! <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/>.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use majordomo_kubernetes::KubernetesLeases;
use serde_json::{Value, json};

/// The one namespace that there is.
pub(crate) const NAMESPACE: &str = "shop";

#[derive(Default)]
pub(crate) struct Inner {
    objects: Mutex<BTreeMap<String, Value>>,
    /// The latest version of all that is kept.
    version: AtomicU64,
    /// Only this token is let in, where there is one.
    token: Mutex<Option<&'static str>>,
    /// What is written is refused.
    read_only: AtomicBool,
    /// What comes before the next write, of another's.
    before_write: Mutex<Option<Value>>,
}

/// A server, as long as its test's runtime runs.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

type Answer = Result<Json<Value>, Response>;

fn status(code: StatusCode, reason: &str, message: String) -> Response {
    let code_number = code.as_u16();
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
                      "reason": reason, "code": code_number});
    (code, Json(body)).into_response()
}

fn not_found(name: &str) -> Response {
    let message = format!("leases.coordination.k8s.io \"{name}\" not found");
    status(StatusCode::NOT_FOUND, "NotFound", message)
}

fn invalid(name: &str, what: &str) -> Response {
    let message = format!("Lease.coordination.k8s.io \"{name}\" is invalid: {what}");
    status(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
}

impl Inner {
    fn version(&self) -> String {
        (self.version.fetch_add(1, Ordering::Relaxed) + 1).to_string()
    }

    /// Why the API does not take an object.
    fn refusal(name: &str, object: &Value) -> Option<Response> {
        if object["apiVersion"] != "coordination.k8s.io/v1" || object["kind"] != "Lease" {
            return Some(status(StatusCode::BAD_REQUEST, "BadRequest", format!("no Lease: {object}")));
        }
        let spec = &object["spec"];
        if spec["leaseDurationSeconds"].as_i64().is_some_and(|lasts| lasts <= 0) {
            return Some(invalid(name, "spec.leaseDurationSeconds: must be greater than 0"));
        }
        if spec["leaseTransitions"].as_i64().is_some_and(|count| count < 0) {
            return Some(invalid(name, "spec.leaseTransitions: must be greater than or equal to 0"));
        }
        for time in ["acquireTime", "renewTime"] {
            let text = spec[time].as_str().unwrap_or("2024-01-01T00:00:00.000000Z");
            // RFC 3339 with six digits of a second.
            if text.len() != 27 || !text.ends_with('Z') || &text[10..11] != "T" || &text[19..20] != "." {
                return Some(status(StatusCode::BAD_REQUEST, "BadRequest", format!("spec.{time}: {text}")));
            }
        }
        None
    }
}

async fn let_in(State(inner): State<Arc<Inner>>, request: Request, next: Next) -> Response {
    let token = *inner.token.lock().unwrap();
    let given = request.headers().get("authorization").and_then(|given| given.to_str().ok());
    if token.is_some_and(|token| given != Some(&format!("Bearer {token}"))) {
        return status(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized".to_owned());
    }
    if inner.read_only.load(Ordering::Relaxed) && request.method() != "GET" {
        let message = "leases.coordination.k8s.io is forbidden: User \"shop\" cannot write".to_owned();
        return status(StatusCode::FORBIDDEN, "Forbidden", message);
    }
    next.run(request).await
}

async fn read(State(inner): State<Arc<Inner>>, Path((namespace, name)): Path<(String, String)>) -> Answer {
    let objects = inner.objects.lock().unwrap();
    let object = objects.get(&name).filter(|_| namespace == NAMESPACE);
    object.cloned().map(Json).ok_or_else(|| not_found(&name))
}

async fn create(
    State(inner): State<Arc<Inner>>,
    Path(namespace): Path<String>,
    Json(mut object): Json<Value>,
) -> Answer {
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    if namespace != NAMESPACE {
        let message = format!("namespaces \"{namespace}\" not found");
        return Err(status(StatusCode::NOT_FOUND, "NotFound", message));
    }
    if let Some(refusal) = Inner::refusal(&name, &object) {
        return Err(refusal);
    }
    let mut objects = inner.objects.lock().unwrap();
    if objects.contains_key(&name) {
        let message = format!("leases.coordination.k8s.io \"{name}\" already exists");
        return Err(status(StatusCode::CONFLICT, "AlreadyExists", message));
    }
    let version = inner.version();
    object["metadata"]["uid"] = format!("uid-{version}").into();
    object["metadata"]["resourceVersion"] = version.into();
    objects.insert(name, object.clone());
    Ok(Json(object))
}

async fn replace(
    State(inner): State<Arc<Inner>>,
    Path((namespace, name)): Path<(String, String)>,
    Json(mut object): Json<Value>,
) -> Answer {
    if let Some(refusal) = Inner::refusal(&name, &object) {
        return Err(refusal);
    }
    let mut objects = inner.objects.lock().unwrap();
    let there = objects.get_mut(&name).filter(|_| namespace == NAMESPACE).ok_or_else(|| not_found(&name))?;
    if let Some(spec) = inner.before_write.lock().unwrap().take() {
        there["spec"] = spec;
        there["metadata"]["resourceVersion"] = inner.version().into();
    }
    if object["metadata"]["resourceVersion"].as_str().is_none_or(str::is_empty) {
        return Err(invalid(&name, "metadata.resourceVersion: must be specified for an update"));
    }
    if object["metadata"]["resourceVersion"] != there["metadata"]["resourceVersion"] {
        let message = format!(
            "Operation cannot be fulfilled on leases.coordination.k8s.io \"{name}\": the object has been modified; \
             please apply your changes to the latest version and try again"
        );
        return Err(status(StatusCode::CONFLICT, "Conflict", message));
    }
    object["metadata"]["uid"] = there["metadata"]["uid"].clone();
    object["metadata"]["resourceVersion"] = inner.version().into();
    *there = object.clone();
    Ok(Json(object))
}

impl Api {
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Inner::default());
        let leases = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases";
        let router = Router::new()
            .route(leases, axum::routing::post(create))
            .route(&format!("{leases}/{{name}}"), get(read).put(replace))
            .layer(from_fn_with_state(Arc::clone(&inner), let_in))
            .with_state(Arc::clone(&inner));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// A store with that token.
    pub(crate) fn leases_with(&self, token: Option<&str>) -> KubernetesLeases {
        let mut config = kube::Config::new(self.url.parse().unwrap());
        config.default_namespace = NAMESPACE.to_owned();
        config.auth_info.token = token.map(Into::into);
        KubernetesLeases::new(config)
    }

    pub(crate) fn leases(&self) -> KubernetesLeases {
        self.leases_with(None)
    }

    pub(crate) fn only(&self, token: Option<&'static str>) {
        *self.inner.token.lock().unwrap() = token;
    }

    pub(crate) fn read_only(&self, read_only: bool) {
        self.inner.read_only.store(read_only, Ordering::Relaxed);
    }

    /// What an object is: its `spec`.
    pub(crate) fn spec(&self, name: &str) -> Value {
        self.inner.objects.lock().unwrap()[name]["spec"].clone()
    }

    /// Somebody writes an object.
    pub(crate) fn set(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut objects = self.inner.objects.lock().unwrap();
        let object = objects.get_mut(name).unwrap();
        change(&mut object["spec"]);
        object["metadata"]["resourceVersion"] = self.inner.version().into();
    }

    /// Another replaces the object after whoever writes next has read it.
    pub(crate) fn before_write(&self, spec: Value) {
        *self.inner.before_write.lock().unwrap() = Some(spec);
    }
}
