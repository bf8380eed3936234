use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let mut proto = protox::Compiler::new(["proto"])?;
    proto.include_imports(true).open_file("greeter.proto")?;
    // What reflection serves, and what tells unary from streaming methods.
    let described = format!("{}/greeter.bin", std::env::var("OUT_DIR")?);
    std::fs::write(described, proto.encode_file_descriptor_set())?;
    tonic_prost_build::compile_fds(proto.file_descriptor_set())?;
    Ok(())
}
