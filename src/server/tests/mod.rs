//! A life of a server on its workers, without a service around it.

mod give_way;
mod give_way_sockets;
pub(crate) mod peers;
mod rig;
