//! Tells whether this is the compiler whose exact words the cases hold.

use std::env;
use std::process::Command;

/// The release that wrote the `.stderr` files. Another one may say the same in other words.
const RECORDED: &str = "rustc 1.95.";

fn main() {
    println!("cargo:rustc-check-cfg=cfg(recorded_compiler)");
    println!("cargo:rerun-if-changed=build.rs");
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output();
    if version.is_ok_and(|version| version.stdout.starts_with(RECORDED.as_bytes())) {
        println!("cargo:rustc-cfg=recorded_compiler");
    }
}
