//! Compiles the contract, and keeps what describes it, for reflection.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.open_file("shop.proto")?;
    let described = PathBuf::from(std::env::var("OUT_DIR")?).join("shop.bin");
    std::fs::write(described, compiler.encode_file_descriptor_set())?;
    tonic_prost_build::compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
