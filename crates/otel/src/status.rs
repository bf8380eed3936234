//! The names of gRPC's status codes.

use tonic::Code;

/// By number.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// As gRPC writes it, which the conventions ask for.
pub(crate) fn name(code: Code) -> &'static str {
    NAMES.get(code as usize).copied().unwrap_or("UNKNOWN")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_codes() {
        for code in (0..17).map(Code::from_i32) {
            let plain: String = name(code).split('_').map(str::to_lowercase).collect();
            assert_eq!(plain, format!("{code:?}").to_lowercase());
        }
    }
}
