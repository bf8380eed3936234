//! Whether systemd is told.

use super::ManagerOptions;

impl ManagerOptions {
    /// Whether systemd is told when all run, who is waited for, that the shutdown begins, and that the manager answers: its notification protocol,
    /// sd_notify(3). Default: yes, where the process was started with `NOTIFY_SOCKET`, as by a unit of `Type=notify`; elsewhere it costs nothing.
    ///
    /// The first manager of a process that may speaks for it, once, and for those [nested](crate::nested) in it. The environment is read once and left as it
    /// is. What a unit looks like: `docs/operations.md`.
    pub fn notify_systemd(self, on: bool) -> Self {
        Self { notify_systemd: on, ..self }
    }
}
