//! The cells of a benchmark's table.

use std::fmt;

use serde_json::{Map, Value};

use crate::load::Method;

/// One kind of load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) method: Method,
    pub(super) payload: usize,
    pub(super) connections: usize,
    pub(super) in_flight: usize,
}

/// The names of [`Cell::params`], as `--only` takes them.
pub(super) const PARAMS: [&str; 4] = ["payload", "burn_us", "connections", "in_flight"];

impl Cell {
    pub(super) fn burn_us(&self) -> Option<u32> {
        match self.method {
            Method::Echo => None,
            Method::Burn(micros) => Some(micros),
        }
    }

    /// As data.
    pub(super) fn params(&self) -> Map<String, Value> {
        let mut params = Map::new();
        if let Some(micros) = self.burn_us() {
            params.insert("burn_us".to_owned(), micros.into());
        }
        for (name, value) in
            [("payload", self.payload), ("connections", self.connections), ("in_flight", self.in_flight)]
        {
            params.insert(name.to_owned(), value.into());
        }
        params
    }

    /// Whether the cell is one of those asked for: each parameter that is named has one of the values named.
    pub(super) fn is_among(&self, only: &[(String, u64)]) -> bool {
        let params = self.params();
        only.iter().all(|(name, _)| {
            let mut values = only.iter().filter(|asked| asked.0 == *name).map(|asked| asked.1);
            params.get(name).is_some_and(|has| values.any(|value| has.as_u64() == Some(value)))
        })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(micros) = self.burn_us() {
            write!(f, "burn {micros} us, ")?;
        }
        write!(f, "{} B, {} x {}", self.payload, self.connections, self.in_flight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_of_one_parameter_are_alternatives() {
        let cell = Cell { method: Method::Burn(5), payload: 100, connections: 8, in_flight: 16 };
        let asked = |only: &[(&str, u64)]| {
            let only: Vec<_> = only.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
            cell.is_among(&only)
        };
        assert!(asked(&[]));
        assert!(asked(&[("connections", 1), ("connections", 8), ("burn_us", 5)]));
        assert!(!asked(&[("connections", 8), ("burn_us", 50)]));
    }
}
