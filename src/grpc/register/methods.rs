//! The methods of services, as their descriptor sets tell of them.

use std::collections::HashMap;
use std::sync::Arc;

use prost_types::MethodDescriptorProto;

use crate::grpc::builtin::reflection::DescriptorSet;
use crate::grpc::call::context::CallContext;
use crate::grpc::register::availability::Availability;
use crate::grpc::register::method_kind::MethodKind;
use crate::metrics::MethodMeter;
use crate::server::worker::balance::Cost;

/// A method that is served. One stands for all methods of a service that nothing describes, and one for
/// everything that is not served at all.
#[derive(Debug, Default)]
pub(crate) struct Method {
    pub(crate) cost: Cost,
    /// What counts its calls.
    pub(crate) meter: MethodMeter,
    /// What all calls of the server have in common.
    pub(crate) context: Arc<CallContext>,
    /// `None` where nothing describes it.
    pub(crate) described: Option<Described>,
    /// Whether it is of a service of the server's own, health or reflection, with no layers of users around it.
    pub(crate) built_in: bool,
    /// Whether anything answers it.
    pub(crate) served: bool,
    /// `None`: it is always open.
    pub(crate) availability: Option<Arc<Availability>>,
}

impl Method {
    /// `/package.Service/Method`, where it is described.
    pub(crate) fn path(&self) -> Option<&str> {
        self.described.as_ref().map(|described| &*described.path)
    }

    /// Whether its calls are open for as long as their clients like, though it is the server's own.
    pub(crate) fn is_watch(&self) -> bool {
        self.built_in && self.described.as_ref().is_some_and(|described| !described.kind.is_unary())
    }
}

/// What a descriptor set tells of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// `/package.Service/Method`.
    pub(crate) path: Box<str>,
    pub(crate) kind: MethodKind,
    /// The full names of its messages, without a dot before them.
    pub(crate) input: String,
    pub(crate) output: String,
}

/// The methods of each service that descriptor sets tell of, by the service's full name.
#[derive(Debug, Default)]
pub(crate) struct Descriptions(HashMap<String, Vec<Described>>);

impl Descriptions {
    /// What is described twice is as the first set says.
    pub(crate) fn new<'a>(sets: impl IntoIterator<Item = &'a DescriptorSet>) -> Self {
        let mut services = HashMap::new();
        for (name, service) in sets.into_iter().flat_map(DescriptorSet::services) {
            let methods = || service.method.iter().map(|method| described(&name, method)).collect();
            services.entry(name.clone()).or_insert_with(methods);
        }
        Self(services)
    }

    pub(crate) fn has(&self, service: &str) -> bool {
        self.0.contains_key(service)
    }

    /// The methods of a service; `None` where nothing describes it.
    pub(crate) fn of(&self, service: &str) -> Option<&[Described]> {
        self.0.get(service).map(Vec::as_slice)
    }
}

fn described(service: &str, method: &MethodDescriptorProto) -> Described {
    let full = |name: &str| name.trim_start_matches('.').to_owned();
    Described {
        path: format!("/{service}/{}", method.name()).into(),
        kind: MethodKind::new(method.client_streaming(), method.server_streaming()),
        input: full(method.input_type()),
        output: full(method.output_type()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::builtin::health;

    #[test]
    fn methods_are_known_by_path_kind_and_messages() {
        let set = DescriptorSet::decode(health::FILE_DESCRIPTOR_SET).unwrap();
        let descriptions = Descriptions::new([&set]);
        let methods = descriptions.of(health::NAME).unwrap();
        let find = |path: &str| methods.iter().find(|method| &*method.path == path).unwrap();
        let watch = find("/grpc.health.v1.Health/Watch");
        assert_eq!(watch.kind, MethodKind::ServerStreaming);
        assert_eq!(watch.input, "grpc.health.v1.HealthCheckRequest");
        assert_eq!(watch.output, "grpc.health.v1.HealthCheckResponse");
        assert!(find("/grpc.health.v1.Health/Check").kind.is_unary());
        assert!(!descriptions.has("grpc.health.v1"));
    }
}
