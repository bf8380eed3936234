//! Compiles `proto/` in Rust: neither protoc nor its include files are needed. Prepares `docs/` for rustdoc.

#[path = "build/guide.rs"]
mod guide;

use std::error::Error;
use std::path::{Path, PathBuf};

/// Each contract with services, and where its descriptors go.
const CONTRACTS: [(&str, &str); 2] =
    [("pkping.proto", "pkping.bin"), ("grpc/health/v1/health.proto", "health.bin")];

/// Contracts whose messages know their names, so that they can be details of others.
const NAMED: [&str; 2] = ["pkerr/error.proto", "google/rpc/status.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    for (contract, descriptors) in CONTRACTS {
        let mut compiler = protox::Compiler::new(["proto"])?;
        compiler.include_imports(true).open_file(contract)?;
        std::fs::write(out.join(descriptors), compiler.encode_file_descriptor_set())?;
        let files = compiler.file_descriptor_set();
        // With `connect`, so that the crate's own clients need no channel that was made elsewhere.
        tonic_prost_build::configure().compile_fds(files)?;
    }
    let mut named = tonic_prost_build::Config::new();
    named.enable_type_names();
    let files = protox::compile(NAMED, ["proto"])?;
    tonic_prost_build::configure().build_transport(false).compile_fds_with_config(files, named)?;
    println!("cargo::rerun-if-changed=docs");
    guide::write(Path::new("docs"), &out.join("guide"))?;
    Ok(())
}
