//! Compiles the contract: `protox` reads it, `tonic_prost_build` makes the code.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    tonic_prost_build::compile_fds(protox::compile(["notes.proto"], ["proto"])?)?;
    Ok(())
}
