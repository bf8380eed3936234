//! Tells the rules that they are by themselves: then their checks are part of their tests.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(rules_alone)");
    println!("cargo::rustc-cfg=rules_alone");
}
