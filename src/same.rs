//! Values of a generic type as what they are.

use std::any::Any;

/// The value as what it is, if it is that.
pub(crate) fn same<A: 'static, B: 'static>(value: A) -> Result<B, A> {
    let mut value = Some(value);
    match (&mut value as &mut dyn Any).downcast_mut::<Option<B>>().and_then(Option::take) {
        Some(same) => Ok(same),
        None => Err(value.take().unwrap_or_else(|| unreachable!("only taken where it was the same"))),
    }
}
