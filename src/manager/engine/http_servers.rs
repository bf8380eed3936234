//! HTTP servers among the services: what they tell, and what they are told.

use std::sync::Arc;

use super::inbox::ManagerInput;
use super::shell::Shell;
use crate::events::LifecycleEvent;
use crate::http::HttpNotice;
use crate::lifecycle::{Input, ServiceIx};
use crate::manager::observe::event_log::Detail;

impl Shell {
    /// An HTTP server of that place tells its manager from here on.
    pub(crate) fn connect_http(&self, ix: ServiceIx) {
        let Some(http) = &self.services[ix.0 as usize].http else { return };
        let sender = self.sender.clone();
        http.tell(Box::new(move |notice| sender.send(ManagerInput::Http(ix, notice))), self.stuck_after);
    }

    pub(crate) fn on_http_notice(&mut self, ix: ServiceIx, notice: HttpNotice) {
        let service = Arc::clone(self.event_log.id(ix));
        match notice {
            HttpNotice::Serving(addresses) => {
                self.services[ix.0 as usize].addresses.clone_from(&addresses);
                for address in addresses {
                    let service = Arc::clone(&service);
                    self.event_log.emit(LifecycleEvent::ServiceServing { service, address });
                }
                self.feed(Input::Serving(ix), Detail::None);
            }
            HttpNotice::Stall(stall) => self.on_worker_stall(service, stall),
            HttpNotice::StreamsEnded(count) => {
                self.event_log.emit(LifecycleEvent::StreamsEnded { service, count: count as u64 });
            }
        }
    }

    /// Clients are told to come back by another connection.
    pub(crate) fn close_http(&self) {
        for http in self.services.iter().filter_map(|slot| slot.http.as_ref()) {
            http.begin_closing();
        }
    }
}
