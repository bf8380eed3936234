//! A store's server over TLS, as the scripts start it, and the files of both sides.

use tokio::sync::{Mutex, MutexGuard};

use super::{Authority, Signed, put};
use crate::{Folder, replicas};

/// Who gives the server its certificate.
static ALONE: Mutex<()> = Mutex::const_new(());

/// The server, and the authorities of its certificate and of clients. One at a time.
pub struct StoreServer {
    pub folder: Folder,
    pub authority: Authority,
    pub clients: Authority,
    program: (&'static str, &'static str),
    _alone: MutexGuard<'static, ()>,
}

impl StoreServer {
    /// Started, or given other files, by the program that this variable names: `by` sets it. With a certificate of that name; `ca.crt`, `client.crt` and `client.key` are what
    /// a client has.
    pub async fn start(variable: &'static str, by: &'static str, name: &str) -> Self {
        let alone = ALONE.lock().await;
        let [authority, clients] = ["servers", "clients"].map(Authority::new);
        let program = (variable, by);
        let server = Self { folder: Folder::new(), authority, clients, program, _alone: alone };
        server.give(&server.authority.sign(name), &server.clients);
        put(&server.folder, "ca.crt", &server.authority.pem());
        server.client(&server.clients.sign("certified"));
        server
    }

    /// It shows this certificate, and takes clients of that authority.
    pub fn give(&self, certificate: &Signed, clients: &Authority) {
        let [certificate, key] = certificate.write(&self.folder);
        put(&self.folder, "clients.crt", &clients.pem());
        let (variable, by) = self.program;
        replicas::run(variable, by, &[certificate, key, self.folder.path("clients.crt")]);
    }

    /// What a client shows.
    pub fn client(&self, signed: &Signed) {
        put(&self.folder, "client.crt", &signed.certificate);
        put(&self.folder, "client.key", &signed.key);
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path(name).display().to_string()
    }
}
