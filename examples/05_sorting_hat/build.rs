//! Compiles the contract of the sorting hat. Its messages know their names, so that they can be details of errors.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let contract = protox::compile(["sorting_hat.proto"], ["proto"])?;
    // What reflection and the log know it by.
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.open_file("sorting_hat.proto")?;
    std::fs::write(out.join("sorting_hat.bin"), compiler.encode_file_descriptor_set())?;
    let mut named = tonic_prost_build::Config::new();
    named.enable_type_names();
    tonic_prost_build::configure().build_transport(false).compile_fds_with_config(contract, named)?;
    Ok(())
}
