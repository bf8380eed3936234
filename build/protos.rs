//! Compiles `proto/` in Rust: neither protoc nor its include files are needed.

use std::error::Error;
use std::fs;
use std::path::Path;

/// Each contract with services, and where its descriptors go.
const CONTRACTS: [(&str, &str); 2] =
    [("pkping.proto", "pkping.bin"), ("grpc/health/v1/health.proto", "health.bin")];

/// Contracts whose messages know their names, so that they can be details of others.
const NAMED: [&str; 2] = ["pkerr/error.proto", "google/rpc/status.proto"];

/// Compiles all into `out`, and fails where what was `committed` is something else.
pub fn check(out: &Path, committed: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rerun-if-changed={}", committed.display());
    fs::create_dir_all(out)?;
    compile(out)?;
    for entry in fs::read_dir(out)? {
        let made = entry?;
        let name = made.file_name();
        let stands = committed.join(&name);
        if fs::read(made.path())? != fs::read(&stands).unwrap_or_default() {
            let (made, stands) = (made.path(), stands.display().to_string());
            return Err(format!("{stands} is not what proto/ says: copy it from {}", made.display()).into());
        }
    }
    Ok(())
}

fn compile(out: &Path) -> Result<(), Box<dyn Error>> {
    for (contract, descriptors) in CONTRACTS {
        let mut compiler = protox::Compiler::new(["proto"])?;
        compiler.include_imports(true).open_file(contract)?;
        fs::write(out.join(descriptors), compiler.encode_file_descriptor_set())?;
        let files = compiler.file_descriptor_set();
        // With `connect`, so that the crate's own clients need no channel that was made elsewhere.
        tonic_prost_build::configure().out_dir(out).compile_fds(files)?;
    }
    let mut named = tonic_prost_build::Config::new();
    named.enable_type_names();
    let files = protox::compile(NAMED, ["proto"])?;
    tonic_prost_build::configure()
        .out_dir(out)
        .build_transport(false)
        .compile_fds_with_config(files, named)?;
    Ok(())
}
