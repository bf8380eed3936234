//! Compiles `proto/` in Rust: neither protoc nor its include files are needed.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["pkping.proto"], ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    tonic_prost_build::configure()
        .build_transport(false)
        .file_descriptor_set_path(out.join("pkping.bin"))
        .compile_fds(descriptors)?;
    Ok(())
}
