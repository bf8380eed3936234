//! What the HTTP servers answer, whatever they are made of.

use serde::{Deserialize, Serialize};

const HELLO: &str = "Hello, World!";

/// How many items the JSON has, which makes it about 1 KB.
const ITEMS: u32 = 12;

const LARGE: usize = 10 * 1024;

/// A route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Route {
    /// A short text.
    Hello,
    /// An object as JSON, written anew for each request.
    Json,
    /// Bytes that are there.
    Large,
}

impl Route {
    pub(crate) const ALL: [Self; 3] = [Self::Hello, Self::Json, Self::Large];

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Hello => "/hello",
            Self::Json => "/json",
            Self::Large => "/large",
        }
    }

    /// The body of its answer.
    pub(crate) fn body(self) -> Vec<u8> {
        match self {
            Self::Hello => hello().into(),
            Self::Json => serde_json::to_vec(&json()).unwrap_or_default(),
            Self::Large => large().into(),
        }
    }
}

pub(crate) fn hello() -> &'static str {
    HELLO
}

pub(crate) fn json() -> Order {
    let item = |number| Item { number, name: "a cauldron", price: 1250 + number, tags: ["pewter", "size 2"] };
    Order { id: 4711, customer: "Luna Lovegood", items: (0..ITEMS).map(item).collect() }
}

pub(crate) fn large() -> &'static [u8] {
    static BYTES: [u8; LARGE] = {
        let (mut bytes, mut at) = ([0; LARGE], 0);
        while at < LARGE {
            bytes[at] = (at * 31 + 7) as u8;
            at += 1;
        }
        bytes
    };
    &BYTES
}

/// What is answered as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Order {
    id: u32,
    customer: &'static str,
    items: Vec<Item>,
}

#[derive(Debug, Serialize)]
struct Item {
    number: u32,
    name: &'static str,
    price: u32,
    tags: [&'static str; 2],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bodies_are_as_long_as_the_tables_say() {
        let lengths = Route::ALL.map(|route| route.body().len());
        assert_eq!((lengths[0], lengths[2]), (13, 10_240));
        assert!((900..1100).contains(&lengths[1]), "{lengths:?}");
    }
}
