//! The cells of a benchmark's table.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is varied, by name: each is a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cell(Vec<(String, u64)>);

impl Cell {
    pub(crate) fn new(params: &[(&str, u64)]) -> Self {
        Self(params.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect())
    }

    /// A parameter; 0 if the cell has none of that name.
    pub(crate) fn get(&self, name: &str) -> u64 {
        self.0.iter().find(|(own, _)| own == name).map_or(0, |(_, value)| *value)
    }

    /// The same, as a count.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.get(name) as usize
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// As data.
    pub(crate) fn params(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), (*value).into())).collect()
    }

    /// Whether the cell is one of those asked for: each parameter that is named has one of the values named.
    pub(crate) fn is_among(&self, only: &[(String, u64)]) -> bool {
        only.iter().all(|(name, _)| {
            let mut values = only.iter().filter(|asked| asked.0 == *name).map(|asked| asked.1);
            self.0.iter().any(|(own, has)| own == name && values.any(|value| value == *has))
        })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.0.iter().enumerate() {
            write!(f, "{}{name} {value}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_parameter_are_alternatives_and_parameters_are_not() {
        let cell = Cell::new(&[("payload", 100), ("connections", 8)]);
        let only = |pairs: &[(&str, u64)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect::<Vec<_>>()
        };
        assert!(cell.is_among(&only(&[])));
        assert!(cell.is_among(&only(&[("connections", 1), ("connections", 8)])));
        assert!(!cell.is_among(&only(&[("connections", 8), ("payload", 10_240)])));
        assert!(!cell.is_among(&only(&[("burn_us", 0)])));
        assert_eq!(cell.to_string(), "payload 100, connections 8");
    }
}
