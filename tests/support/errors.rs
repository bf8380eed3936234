//! Who is named in an error, and why.

use majordomo::{ForcedError, PanicError, ServiceError, ServicesErrors};

/// `id (stage)` or `id (stage of resource)` for each, in their order.
pub fn whos(errors: &[ServiceError]) -> Vec<String> {
    let who = |error: &ServiceError| match &error.resource {
        Some(resource) => format!("{} ({} of {resource})", error.service_id, error.stage),
        None => format!("{} ({})", error.service_id, error.stage),
    };
    errors.iter().map(who).collect()
}

/// [`whos`] in the order of the alphabet.
pub fn sorted_whos(errors: &[ServiceError]) -> Vec<String> {
    let mut whos = whos(errors);
    whos.sort();
    whos
}

#[track_caller]
pub fn error_of<'a>(errors: &'a ServicesErrors, who: &str) -> &'a ServiceError {
    let found = errors.errors().iter().find(|error| whos(std::slice::from_ref(error)) == [who]);
    found.unwrap_or_else(|| panic!("nobody is named {who:?} in: {errors}"))
}

#[track_caller]
pub fn panic_of(error: &ServiceError) -> &PanicError {
    error.source.downcast_ref().unwrap_or_else(|| panic!("expected a panic, got: {error}"))
}

#[track_caller]
pub fn forced_of(error: &ServiceError) -> &ForcedError {
    error.source.downcast_ref().unwrap_or_else(|| panic!("expected a forced end, got: {error}"))
}
