//! Compiles the contract in Rust: neither protoc nor its include files are needed.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    // Of the benchmarks, and of those beside them.
    let folder = if Path::new("proto").exists() { "proto" } else { "../proto" };
    println!("cargo::rerun-if-changed={folder}");
    let mut compiler = protox::Compiler::new([folder])?;
    compiler.open_file("bench.proto")?;
    tonic_prost_build::configure()
        .build_client(true)
        .build_transport(false)
        .bytes(".")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
