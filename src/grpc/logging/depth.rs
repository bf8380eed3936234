//! A serializer that goes only so deep.
//!
//! Messages nest in many ways: fields, groups, maps, lists, `Struct` and `Any`, which hides a message of its own that is
//! decoded while it is shown. What all of them have in common is that each level is a value within a map or a list
//! of what is written. So the levels are counted there, whatever they come from, and the stack that
//! showing a message takes is bounded.

use std::cell::Cell;
use std::fmt::Display;

use serde::ser::{Error, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

/// How many levels are shown.
pub(crate) const DEEPEST: usize = 64;

/// Where a serializer is, and whether it was to go deeper than it may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depth<'a> {
    left: usize,
    exceeded: &'a Cell<bool>,
}

impl<'a> Depth<'a> {
    pub(crate) fn new(exceeded: &'a Cell<bool>) -> Self {
        Self { left: DEEPEST, exceeded }
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Self { left, ..self }),
            None => {
                self.exceeded.set(true);
                Err(E::custom("it is nested too deeply"))
            }
        }
    }
}

/// Something whose levels are counted: a serializer, what writes a map or a list, or a value.
pub(crate) struct Counted<'a, T> {
    pub(crate) inner: T,
    pub(crate) depth: Depth<'a>,
}

impl<T: Serialize + ?Sized> Serialize for Counted<'_, &T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.inner.serialize(Counted { inner: serializer, depth: self.depth })
    }
}

macro_rules! plain {
    ($($method:ident($($value:ident: $type:ty),*);)*) => {$(
        fn $method(self, $($value: $type),*) -> Result<Self::Ok, Self::Error> {
            self.inner.$method($($value),*)
        }
    )*};
}

impl<'a, S: Serializer> Serializer for Counted<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Counted<'a, S::SerializeSeq>;
    type SerializeTuple = Impossible<S::Ok, S::Error>;
    type SerializeTupleStruct = Impossible<S::Ok, S::Error>;
    type SerializeTupleVariant = Impossible<S::Ok, S::Error>;
    type SerializeMap = Counted<'a, S::SerializeMap>;
    type SerializeStruct = Counted<'a, S::SerializeStruct>;
    type SerializeStructVariant = Impossible<S::Ok, S::Error>;

    plain! {
        serialize_bool(value: bool);
        serialize_i8(value: i8);
        serialize_i16(value: i16);
        serialize_i32(value: i32);
        serialize_i64(value: i64);
        serialize_u8(value: u8);
        serialize_u16(value: u16);
        serialize_u32(value: u32);
        serialize_u64(value: u64);
        serialize_f32(value: f32);
        serialize_f64(value: f64);
        serialize_char(value: char);
        serialize_str(value: &str);
        serialize_bytes(value: &[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let depth = self.depth.deeper()?;
        self.inner.serialize_some(&Counted { inner: value, depth })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let depth = self.depth.deeper()?;
        self.inner.serialize_newtype_struct(name, &Counted { inner: value, depth })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let depth = self.depth.deeper()?;
        self.inner.serialize_newtype_variant(name, index, variant, &Counted { inner: value, depth })
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        let depth = self.depth.deeper()?;
        Ok(Counted { inner: self.inner.serialize_seq(length)?, depth })
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let depth = self.depth.deeper()?;
        Ok(Counted { inner: self.inner.serialize_map(length)?, depth })
    }

    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Self::SerializeStruct, S::Error> {
        let depth = self.depth.deeper()?;
        Ok(Counted { inner: self.inner.serialize_struct(name, length)?, depth })
    }

    // Messages have none of these.

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, S::Error> {
        Err(S::Error::custom("a message has no tuples"))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        Err(S::Error::custom("a message has no tuples"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        Err(S::Error::custom("a message has no tuples"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        Err(S::Error::custom("a message has no variants"))
    }
}

impl<S: SerializeSeq> SerializeSeq for Counted<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.inner.serialize_element(&Counted { inner: value, depth: self.depth })
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}

impl<S: SerializeMap> SerializeMap for Counted<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.inner.serialize_value(&Counted { inner: value, depth: self.depth })
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}

impl<S: SerializeStruct> SerializeStruct for Counted<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), S::Error> {
        self.inner.serialize_field(key, &Counted { inner: value, depth: self.depth })
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}
