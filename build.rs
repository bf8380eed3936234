//! Prepares `docs/` for rustdoc. With the feature `compile-protos` compiles `proto/`, too, and holds `src/generated` against it:
//! what is generated is part of the sources, so that who uses the crate builds no compiler of protos.

#[path = "build/guide.rs"]
mod guide;
#[cfg(feature = "compile-protos")]
#[path = "build/protos.rs"]
mod protos;

use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    #[cfg(feature = "compile-protos")]
    protos::check(&out.join("protos"), Path::new("src/generated"))?;
    println!("cargo::rerun-if-changed=docs");
    guide::write(Path::new("docs"), &out.join("guide"))?;
    Ok(())
}
