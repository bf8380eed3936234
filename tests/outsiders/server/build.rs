//! Compiles `proto/` in Rust; the descriptors are for reflection.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).open_files(["grpc/testing/test.proto", "outsiders/probe.proto"])?;
    std::fs::write(out.join("outsiders.bin"), compiler.encode_file_descriptor_set())?;
    let files = compiler.file_descriptor_set();
    tonic_prost_build::configure().build_client(false).build_transport(false).compile_fds(files)?;
    Ok(())
}
