//! What services share: values that one provides in its set-up, and those that depend on it require.
//!
//! ```text
//!   db: Setup::provide(pool)  <--depends on--  api: Setup::require::<Pool>()  <--depends on--  web: require finds it, too
//! ```
//!
//! What a service has provided counts for one life of it: the next provides anew, and those that depend on it are restarted with it.

use std::any::{Any, TypeId, type_name};
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::drop_quietly;
use crate::events::Name;

type Values = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// What the services of one manager provide, and who depends on whom.
#[derive(Clone, Default)]
pub(crate) struct Provided(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// By service; of those that provide anything.
    values: HashMap<Name, Values>,
    /// By service; of those that depend on any.
    depends_on: HashMap<Name, Vec<Name>>,
}

/// What a service requires is not there.
///
/// It comes from [`Setup::require`](crate::Setup::require) and [`Run::require`](crate::Run::require): return it from there, it says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct RequireError {
    /// Who requires it.
    pub service: Name,
    /// The type, as Rust names it.
    pub type_name: &'static str,
    /// The services that provide it without being depended on.
    pub providers: Vec<Name>,
}

impl fmt::Display for RequireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, type_name, providers } = self;
        write!(f, "{service:?} requires a value of type {type_name}, which ")?;
        let Some((first, others)) = providers.split_first() else {
            return f.write_str(
                "no service has provided: have one do so in its set-up, by Setup::provide, and let this one depend on it",
            );
        };
        write!(f, "{first:?}")?;
        others.iter().try_for_each(|other| write!(f, " and {other:?}"))?;
        write!(f, " provided, but it does not depend on that: add depends_on({first:?})")
    }
}

impl Provided {
    /// Who the service depends on.
    pub(crate) fn depends(&self, service: &Name, on: &[Name]) {
        if !on.is_empty() {
            self.lock().depends_on.insert(service.clone(), on.to_vec());
        }
    }

    /// The service begins a life, or is forgotten: what it provided before does not count any more.
    pub(crate) fn forget(&self, service: &Name) {
        let values = self.lock().values.remove(service);
        // A value's drop is code of a user's.
        drop_quietly(values);
    }

    pub(crate) fn provide<T: Clone + Send + Sync + 'static>(&self, service: &Name, value: T) {
        let mut state = self.lock();
        let values = state.values.entry(service.clone()).or_default();
        let before = values.insert(TypeId::of::<T>(), Box::new(value));
        drop(state);
        drop(before);
    }

    /// The nearest counts, and of those that are as near the one that is depended on first.
    pub(crate) fn require<T: Clone + Send + Sync + 'static>(
        &self,
        service: &Name,
    ) -> Result<T, RequireError> {
        let state = self.lock();
        let of = |name: &Name| state.values.get(name)?.get(&TypeId::of::<T>())?.downcast_ref::<T>().cloned();
        let (mut seen, mut next) = (HashSet::from([service]), VecDeque::from([service]));
        while let Some(name) = next.pop_front() {
            for on in state.depends_on.get(name).into_iter().flatten() {
                if let Some(value) = of(on) {
                    return Ok(value);
                }
                if seen.insert(on) {
                    next.push_back(on);
                }
            }
        }
        let mut providers: Vec<Name> =
            state.values.keys().filter(|name| *name != service && of(name).is_some()).cloned().collect();
        providers.sort_unstable();
        Err(RequireError { service: service.clone(), type_name: type_name::<T>(), providers })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provided").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: &str) -> Name {
        id.into()
    }

    #[test]
    fn what_is_depended_on_is_found_directly_or_through_others_the_nearest_first() {
        let provided = Provided::default();
        provided.depends(&name("web"), &[name("api"), name("db")]);
        provided.depends(&name("api"), &[name("cache")]);
        provided.provide(&name("cache"), 1_u8);
        assert_eq!(provided.require::<u8>(&name("web")), Ok(1));
        provided.provide(&name("db"), 2_u8);
        assert_eq!(provided.require::<u8>(&name("web")), Ok(2));
        assert_eq!(provided.require::<u8>(&name("api")), Ok(1));
        provided.forget(&name("cache"));
        assert!(provided.require::<u8>(&name("api")).is_err());
    }

    #[test]
    fn what_is_missing_is_named_with_who_requires_it_and_who_has_it() {
        let provided = Provided::default();
        let error = provided.require::<String>(&name("api")).unwrap_err().to_string();
        for part in ["\"api\"", "alloc::string::String", "Setup::provide"] {
            assert!(error.contains(part), "{error}");
        }
        provided.provide(&name("db"), String::new());
        let error = provided.require::<String>(&name("api")).unwrap_err().to_string();
        assert!(error.contains("add depends_on(\"db\")"), "{error}");
    }
}
