//! What anybody may cost the endpoint at most. The guide (`docs/operations.md`) has them all.

use std::time::Duration;

/// How many connections are open at once. One more is refused.
pub(super) const CONNECTIONS: usize = 64;

/// How many of them may follow `/events`, so that others are left for probes.
pub(super) const FOLLOWERS: usize = 32;

/// How many bytes of a request's head are read.
pub(super) const HEAD: usize = 16 * 1024;

/// How many fields a head has.
pub(super) const FIELDS: usize = 64;

/// How long a connection may be without a whole head: from its begin, or from its latest answer.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(10);

/// How many bytes a body has.
pub(super) const BODY: usize = 4 * 1024;

/// How long a body may take.
pub(super) const BODY_TIME: Duration = Duration::from_secs(10);

/// How long a peer may take nothing of what is written to it.
pub(super) const UNREAD_TIME: Duration = Duration::from_secs(10);

/// How much the system keeps of what a peer of TCP has not read, as far as it heeds that.
pub(super) const SEND_BUFFER: usize = 64 * 1024;

/// How long a peer of TCP is silent before the system asks whether it is still there.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(60);

/// How many events wait for one who follows them. What is lost beyond that is told.
pub(super) const EVENTS: usize = 1024;

/// How long a manager has to answer a probe, or to say what its services do.
pub(super) const PROBE_TIME: Duration = Duration::from_millis(900);

/// How long it has for a status, a report, or to take an order in.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Of a body that is refused, so much is read and dropped, for so long, that its sender gets to read the answer.
pub(super) const DROPPED: usize = 1 << 20;
pub(super) const DROP_TIME: Duration = Duration::from_millis(500);
