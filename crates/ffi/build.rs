//! Gives the shared library its SONAME, so that a program finds the library it was linked with under any file name.
//!
//! Before 1.0 a new minor version may break, so it stands in the name.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let version = match variable("CARGO_PKG_VERSION_MAJOR").as_str() {
        "0" => format!("0.{}", variable("CARGO_PKG_VERSION_MINOR")),
        major => major.to_owned(),
    };
    match variable("CARGO_CFG_TARGET_OS").as_str() {
        "linux" | "freebsd" => println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libveriseal.so.{version}"),
        "macos" => println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libveriseal.{version}.dylib"),
        _ => {}
    }
}
