//! Certificates for `localhost` that are signed by themselves, for tests; made by `.ci/sample_certificates`.

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// A certificate and its key, in PEM.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) certificate: &'static str,
    pub(crate) key: &'static str,
}

macro_rules! sample {
    ($year:literal) => {
        Sample {
            certificate: include_str!(concat!("until_", $year, ".crt")),
            key: include_str!(concat!("until_", $year, ".key")),
        }
    };
}

/// Each ends as its year begins, UTC.
pub(crate) const UNTIL_2030: Sample = sample!("2030");
pub(crate) const UNTIL_2031: Sample = sample!("2031");
pub(crate) const UNTIL_2032: Sample = sample!("2032");
/// Valid for as long as anybody runs these tests.
pub(crate) const VALID: Sample = sample!("4096");

impl Sample {
    pub(crate) fn der(self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("it is PEM")
    }
}
