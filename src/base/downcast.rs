//! Downcasts a value of a generic type.

use std::any::Any;

/// The value as a `B`, if that is its type; otherwise as it was.
pub(crate) fn downcast<A: 'static, B: 'static>(value: A) -> Result<B, A> {
    let mut value = Some(value);
    match (&mut value as &mut dyn Any).downcast_mut::<Option<B>>().and_then(Option::take) {
        Some(value) => Ok(value),
        None => Err(value.take().unwrap_or_else(|| unreachable!("only taken where it was the same"))),
    }
}
