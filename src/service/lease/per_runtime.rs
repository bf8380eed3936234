//! What lives in a runtime, one for each: the connections of stores.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Handle, Id};

type Place<T> = Arc<tokio::sync::Mutex<Option<Arc<T>>>>;

/// A value for each tokio runtime, made when it is needed: for what tasks drive, as they do a connection.
///
/// Each manager asks its stores on a thread of its own, and a program may ask one before, on its main thread. A connection that they shared would be driven by the
/// thread of whoever asked first, so that all would lose their leases when that is blocked, or ends. Bound: a value for each runtime
/// that is there; those that are not well are dropped with the next question.
pub struct PerRuntime<T>(Mutex<HashMap<Id, Place<T>>>);

impl<T> PerRuntime<T> {
    /// Without any.
    pub fn new() -> Self {
        Self(Mutex::default())
    }

    /// That of the current runtime, if it `is_well`; or else the one that is made now, and `true`. One is made at a time: others who ask in the same runtime wait for it.
    /// Where it is given up, the next makes one.
    ///
    /// # Errors
    /// Those of `make`.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn get<E>(
        &self,
        is_well: impl Fn(&T) -> bool,
        make: impl Future<Output = Result<T, E>>,
    ) -> Result<(Arc<T>, bool), E> {
        let place = self.place(&is_well);
        let mut place = place.lock().await;
        if let Some(there) = place.as_ref().filter(|there| is_well(there)) {
            return Ok((Arc::clone(there), false));
        }
        *place = None;
        let made = Arc::new(make.await?);
        *place = Some(Arc::clone(&made));
        Ok((made, true))
    }

    fn place(&self, is_well: impl Fn(&T) -> bool) -> Place<T> {
        let here = Handle::current().id();
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is locked is being made, or looked at.
        let is_used = |place: &Place<T>| match place.try_lock() {
            Ok(there) => there.as_ref().is_some_and(|there| is_well(there)),
            Err(_) => true,
        };
        places.retain(|runtime, place| *runtime == here || is_used(place));
        Arc::clone(places.entry(here).or_default())
    }
}

impl<T> Default for PerRuntime<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for PerRuntime<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerRuntime").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().expect("a runtime")
    }

    fn get(values: &PerRuntime<u8>, runtime: &Runtime, is_well: bool, made: u8) -> (u8, bool) {
        let got = runtime.block_on(values.get(|_| is_well, async { Ok::<_, Infallible>(made) }));
        got.map(|(value, is_new)| (*value, is_new)).unwrap_or_else(|never| match never {})
    }

    #[test]
    fn g25_each_runtime_has_a_connection_of_its_own() {
        let (values, one, other) = (PerRuntime::new(), runtime(), runtime());
        assert_eq!(get(&values, &one, true, 1), (1, true));
        assert_eq!(get(&values, &other, true, 2), (2, true));
        assert_eq!(get(&values, &one, true, 3), (1, false));
        assert_eq!(get(&values, &other, true, 3), (2, false));
    }

    #[test]
    fn g25_a_connection_that_is_not_well_is_made_anew_and_those_of_others_are_dropped() {
        let (values, one, other) = (PerRuntime::new(), runtime(), runtime());
        get(&values, &one, true, 1);
        get(&values, &other, true, 2);
        assert_eq!(get(&values, &one, false, 3), (3, true));
        assert_eq!(values.0.lock().expect("not poisoned").len(), 1);
    }

    #[test]
    fn g25_a_runtime_that_hangs_while_it_connects_holds_up_no_other() {
        let (values, one, other) = (PerRuntime::new(), runtime(), runtime());
        let mut hangs = Box::pin(values.get(|_| true, std::future::pending::<Result<u8, Infallible>>()));
        one.block_on(async {
            let polled = std::future::poll_fn(|context| std::task::Poll::Ready(hangs.as_mut().poll(context)));
            assert!(polled.await.is_pending());
        });
        assert_eq!(get(&values, &other, true, 2), (2, true));
        // It gives up: the next makes one.
        drop(hangs);
        assert_eq!(get(&values, &one, true, 1), (1, true));
    }
}
