//! Servers among the services: what they tell, and what they are told.

use std::sync::Arc;

use super::inbox::ManagerInput;
use super::shell::Shell;
use crate::events::LifecycleEvent;
use crate::grpc::GrpcAddress;
use crate::lifecycle::{Input, Kind, ServiceIx};
use crate::manager::api::definition::OPERATIONS;
use crate::manager::api::pending_service::PendingService;
use crate::manager::observe::event_log::Detail;
use crate::metrics::ReadLoad;
use crate::report::ConfigError;
use crate::server::notice::ServerNotice;

impl Shell {
    /// A service of that place is counted from here on.
    pub(crate) fn meter_service(&self, ix: ServiceIx) {
        let slot = &self.services[ix.0 as usize];
        let lease = slot.lease.as_ref().map(|slot| slot.lease.name());
        self.meter.add_service(&slot.id, slot.restarts.policy(), lease, || match slot.kind {
            Kind::Server => self.load(),
            _ => slot.server.as_ref()?.load(),
        });
    }

    /// Reads what the gRPC server carries.
    #[cfg(feature = "prometheus")]
    fn load(&self) -> Option<ReadLoad> {
        let gauge = self.gauge.clone();
        Some(Arc::new(move || gauge.load()))
    }

    /// Nobody does.
    #[cfg(not(feature = "prometheus"))]
    fn load(&self) -> Option<ReadLoad> {
        None
    }

    /// A server of that place tells its manager from here on.
    pub(crate) fn connect_server(&self, ix: ServiceIx) {
        let Some(server) = &self.services[ix.0 as usize].server else { return };
        let sender = self.sender.clone();
        let on_notice = Arc::new(move |notice| sender.send(ManagerInput::Server(ix, notice)));
        server.connect(on_notice, &self.workers, &self.meter);
    }

    pub(crate) fn on_server_notice(&mut self, ix: ServiceIx, notice: ServerNotice) {
        let service = Arc::clone(self.event_log.id(ix));
        match notice {
            ServerNotice::Serving(addresses) => {
                let slot = &mut self.services[ix.0 as usize];
                slot.addresses.clone_from(&addresses);
                let is_grpc = slot.kind == Kind::Server;
                for address in addresses {
                    let service = Arc::clone(&service);
                    self.event_log.emit(match is_grpc {
                        true => LifecycleEvent::Serving { address },
                        false => LifecycleEvent::ServiceServing { service, address },
                    });
                }
                self.feed(Input::Serving(ix), Detail::None);
                self.store_sockets();
            }
            ServerNotice::Stall(stall) => self.on_worker_stall(service, stall),
            ServerNotice::StreamsEnded(count) => {
                self.event_log.emit(LifecycleEvent::StreamsEnded { service, count: count as u64 });
            }
            ServerNotice::GaveWay => self.feed(Input::GaveWay(ix), Detail::None),
        }
    }

    /// Whether a server that is added has its address for itself.
    pub(crate) fn check_address(&self, added: &PendingService) -> Result<(), ConfigError> {
        let Some(server) = &added.server else { return Ok(()) };
        let address = server.address()?;
        let shown = address.to_string();
        let same = |first: &str| {
            let (first, second) = (first.to_owned(), added.id.to_string());
            Err(ConfigError::SameAddress { first, second, address: shown.clone() })
        };
        if self.endpoint.iter().any(|bound| bound.to_string() == shown) {
            return same(OPERATIONS);
        }
        for place in self.event_log.report().places() {
            let slot = &self.services[place];
            let bound = slot.addresses.iter().any(|bound| bound.to_string() == shown);
            let other = slot.server.as_ref().and_then(|other| other.address().ok());
            if bound || other.is_some_and(|other| other.is_also(&address)) {
                return same(&slot.id);
            }
        }
        Ok(())
    }

    /// Where the gRPC server accepts calls, once it does.
    pub(crate) fn grpc_addresses(&self) -> Vec<GrpcAddress> {
        let server = self.services.iter().find(|slot| slot.kind == Kind::Server);
        server.map(|slot| slot.addresses.clone()).unwrap_or_default()
    }

    /// Has a server give way, or resume.
    pub(super) fn give_way_of(&self, ix: ServiceIx, on: bool) {
        let slot = &self.services[ix.0 as usize];
        match (&slot.server, &self.give_way) {
            (Some(server), _) if on => server.give_way(),
            (Some(server), _) => server.resume(),
            (None, Some(grpc)) if on => grpc.give_way(),
            (None, Some(grpc)) => grpc.resume(),
            (None, None) => {}
        }
    }

    /// Clients are told to come back by another connection.
    pub(crate) fn begin_closing(&self) {
        for server in self.services.iter().filter_map(|slot| slot.server.as_ref()) {
            server.begin_closing();
        }
    }
}
