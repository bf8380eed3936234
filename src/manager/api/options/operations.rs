//! What shows a manager from outside.

use super::ManagerOptions;
use crate::operations::Operations;

/// # Seen from outside
impl ManagerOptions {
    /// Shows the manager by an HTTP endpoint: probes, status, plan, report, events, and orders. Of a [nested](crate::nested) manager it is left
    /// out: its status is in that of its parent. Replaces what was given before. Default: none, which costs nothing.
    pub fn operations(self, operations: Operations) -> Self {
        Self { operations: Some(operations), ..self }
    }
}
