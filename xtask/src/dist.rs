//! `cargo xtask dist c`: a tarball with the C library, and the check that others build against it. `cargo xtask dist command`: the
//! command with network and without.
//!
//! Linux only. cargo-c does the first half from the metadata of crates/ffi (`--with-cargo-c` looks at what it makes), but makes no
//! CMake package.

use crate::{cargo, output, root, target};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What a static library of Rust needs of a Linux system.
const STATIC_LIBS: &[&str] = &["-lpthread", "-ldl", "-lrt", "-lm", "-lgcc_s", "-lc"];

/// A build of the command.
struct Shipped {
    name: &'static str,
    profile: &'static str,
    features: &'static [&'static str],
}

/// The profiles of the command without network, which is linked with all that it needs: it starts on any Linux. For size, and for time.
const OFFLINE: [&str; 2] = ["dist-offline", "dist-quick"];

/// The compiler that takes musl for the C library (Debian's musl-tools).
const MUSL_CC: &str = "musl-gcc";

const SHIPPED: [Shipped; 3] = [
    Shipped { name: "veriseal", profile: "dist", features: &[] },
    Shipped {
        name: "veriseal-offline-aws-lc",
        profile: OFFLINE[1],
        features: &["--no-default-features", "--features", "aws-lc-rs"],
    },
    Shipped { name: "veriseal-offline", profile: OFFLINE[0], features: &["--no-default-features"] },
];

/// Builds the command in every way that it is shipped in, and says which are left out and why; the last line names their folder.
pub(crate) fn command() -> Result<ExitCode, String> {
    let folder = target()?.join("dist/command");
    fresh(&folder)?;
    for shipped in &SHIPPED {
        let mut build = cargo(&["build", "--quiet", "--locked", "--package", "veriseal-cli", "--message-format=json"]);
        build.args(["--profile", shipped.profile]).args(shipped.features);
        if OFFLINE.contains(&shipped.profile)
            && let Err(reason) = alone(&mut build, &host()?, shipped.features.contains(&"aws-lc-rs"))
        {
            println!("{}: left out: {reason}", shipped.name);
            continue;
        }
        let messages = output(&mut build)?;
        let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let program = messages.filter_map(|message| message["executable"].as_str().map(str::to_string)).next_back();
        let program = program.ok_or_else(|| format!("cargo names no program for {}", shipped.name))?;
        let place = folder.join(shipped.name);
        copy(Path::new(&program), &place)?;
        let said = output(Command::new(&place).arg("--version"))?;
        let bytes = place.metadata().map_err(|error| error.to_string())?.len();
        println!("{}: {}, {bytes} bytes", shipped.name, said.trim());
    }
    println!("{}", folder.display());
    Ok(ExitCode::SUCCESS)
}

/// Has the command linked with a C library inside: with musl, which comes with Rust's target, is small and starts soonest. What is C
/// itself needs musl's compiler too; where that is not, glibc takes its place. `--target` keeps the flags from build scripts, which
/// run here.
fn alone(build: &mut Command, host: &str, with_c: bool) -> Result<(), String> {
    let musl = host.replace("-gnu", "-musl");
    let (target, flags) = if with_c && output(Command::new(MUSL_CC).arg("--version")).is_err() {
        (host.to_string(), "-Ctarget-feature=+crt-static".to_string())
    } else {
        build.env(format!("CC_{}", musl.replace('-', "_")), MUSL_CC);
        let script = root().join("crates/cli/package/no-unwind-tables.ld");
        // What must be set right at the start takes one bit an address and not 24 bytes; only the program's own start reads it.
        let flags = format!("-Clink-arg=-Wl,-T,{}\x1f-Clink-arg=-Wl,-z,pack-relative-relocs", script.display());
        (musl, flags)
    };
    let there = output(Command::new("rustc").args(["--print", "target-libdir", "--target", &target]))?;
    if !Path::new(there.trim()).exists() {
        return Err(format!("there is no Rust for {target}: `rustup target add {target}`"));
    }
    build.args(["--target", &target]).env("CARGO_ENCODED_RUSTFLAGS", flags);
    Ok(())
}

/// Makes the optimised package, and builds and runs a consumer against it as [`check`] does.
pub(crate) fn c() -> Result<ExitCode, String> {
    let tree = build("release")?;
    let archive = archive(&tree)?;
    println!("{}", consumed(&tree, &archive)?);
    println!("{}", archive.display());
    Ok(ExitCode::SUCCESS)
}

/// Makes the package in the profile of the tests, and builds and runs a consumer against it with pkg-config and CMake.
pub(crate) fn check() -> Result<String, String> {
    let tree = build("dev")?;
    let archive = archive(&tree)?;
    consumed(&tree, &archive)
}

/// The same by cargo-c, as a distribution packages it: installed into a folder of its own, held against what the tarball has, and
/// consumed. cargo-c takes a newer Rust than the project's minimum and long to compile, so that no test asks for it.
pub(crate) fn by_cargo_c() -> Result<String, String> {
    if output(&mut cargo(&["cinstall", "--version"])).is_err() {
        return Err("there is no cargo-c: `cargo install cargo-c --locked`, in the newest version for this Rust".to_string());
    }
    let metadata = crate::metadata(&root())?;
    let stage = target()?.join("dist/cargo-c");
    fresh(&stage)?;
    let mut install =
        cargo(&["cinstall", "--locked", "--release", "--package", "veriseal-ffi", "--prefix=/usr", "--libdir=/usr/lib"]);
    output(install.arg("--destdir").arg(&stage))?;
    let installed = stage.join("usr");
    let version = package(&metadata)?["version"].as_str().ok_or("veriseal-ffi has no version")?.to_string();
    let soname = format!("libveriseal.so.{}", compatible(&version));
    let shared = format!("libveriseal.so.{version}");
    for file in ["include/veriseal.h", "lib/libveriseal.a", "lib/libveriseal.so", "lib/pkgconfig/veriseal.pc"] {
        if !installed.join(file).exists() {
            return Err(format!("cargo-c installs no {file}"));
        }
    }
    for file in [&soname, &shared] {
        if !installed.join("lib").join(file).exists() {
            return Err(format!("cargo-c installs no lib/{file}"));
        }
    }
    let dynamic = output(Command::new("readelf").arg("-d").arg(installed.join("lib").join(&shared)))?;
    if !dynamic.contains(&format!("[{soname}]")) {
        return Err(format!("the library of cargo-c has another SONAME than {soname}"));
    }
    let header = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    if header(&installed.join("include/veriseal.h"))? != header(&root().join("include/veriseal.h"))? {
        return Err("cargo-c installs another header".to_string());
    }
    let source = root().join("crates/ffi/tests/consumer/main.c");
    let folder = stage.join("consumer");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut done = vec![soname];
    for (name, is_static) in [("shared", false), ("static", true)] {
        match with_pkg_config(&installed, &source, &folder.join(name), is_static)? {
            Some(said) => done.push(format!("{name} by pkg-config ({said})")),
            None => done.push("there is no pkg-config".to_string()),
        }
    }
    Ok(done.join(", "))
}

/// What cargo-c would stumble over, or name otherwise than the tarball does. Looked at without cargo-c.
fn described(package: &serde_json::Value) -> Result<(), String> {
    let capi = &package["metadata"]["capi"];
    let wrong = |what: &str| Err(format!("crates/ffi/Cargo.toml: package.metadata.capi.{what}"));
    // cargo-c reads a whole version, and gives up at a part of one.
    let parts = capi["min_version"].as_str().map(|version| version.split('.').filter(|part| part.parse::<u64>().is_ok()).count());
    if parts != Some(3) {
        return wrong("min_version is no version of three numbers");
    }
    let header = capi["install"]["include"]["asset"][0]["from"].as_str().unwrap_or_default();
    if header.is_empty() || !root().join("crates/ffi").join(header).exists() {
        return wrong("install.include names no header");
    }
    if capi["library"]["name"] != "veriseal" || capi["pkg_config"]["filename"] != "veriseal" {
        return wrong("library and pkg_config are not called veriseal");
    }
    let version = package["version"].as_str().unwrap_or_default();
    if capi["library"]["version_suffix_components"] != compatible(version).split('.').count() {
        return wrong("library.version_suffix_components gives another SONAME than build.rs does");
    }
    Ok(())
}

fn package(metadata: &serde_json::Value) -> Result<&serde_json::Value, String> {
    let package = metadata["packages"].as_array().into_iter().flatten().find(|package| package["name"] == "veriseal-ffi");
    package.ok_or("there is no package veriseal-ffi".to_string())
}

/// Unpacks the package and builds and runs a consumer against it in every way.
fn consumed(tree: &Path, archive: &Path) -> Result<String, String> {
    let folder = tree.with_extension("consumer");
    fresh(&folder)?;
    output(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&folder))?;
    // As someone finds it who unpacked the archive anywhere.
    let installed = folder.join(tree.file_name().unwrap_or_default());
    let source = root().join("crates/ffi/tests/consumer");
    let mut done = Vec::new();
    for (name, is_static) in [("shared", false), ("static", true)] {
        match with_pkg_config(&installed, &source.join("main.c"), &folder.join(name), is_static)? {
            Some(said) => done.push(format!("{name} by pkg-config ({said})")),
            None => done.push("there is no pkg-config".to_string()),
        }
    }
    match with_cmake(&installed, &source, &folder.join("cmake"))? {
        Some(said) => done.push(format!("shared and static by CMake ({said})")),
        None => done.push("there is no cmake".to_string()),
    }
    fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    Ok(done.join(", "))
}

/// The installed tree, built anew.
fn build(profile: &str) -> Result<PathBuf, String> {
    for kind in ["cdylib", "staticlib"] {
        let arguments = ["rustc", "--quiet", "--package", "veriseal-ffi", "--lib", "--profile", profile, "--crate-type", kind];
        let mut build = cargo(&arguments);
        // Names of inner functions are a fifth of the library; what it exports keeps its name.
        if profile != "dev" && kind == "cdylib" {
            build.args(["--", "-C", "strip=symbols"]);
        }
        output(&mut build)?;
    }
    let metadata = crate::metadata(&root())?;
    let target = target()?;
    let built = target.join(if profile == "dev" { "debug" } else { profile });
    let package = package(&metadata)?;
    described(package)?;
    let version = package["version"].as_str().ok_or("veriseal-ffi has no version")?;
    let repository = package["repository"].as_str().unwrap_or_default();

    let tree = target.join("dist").join(format!("veriseal-{version}-{}", host()?));
    fresh(&tree)?;
    let shared = format!("libveriseal.so.{version}");
    let compatible = compatible(version);
    let soname = format!("libveriseal.so.{compatible}");
    copy(&root().join("include/veriseal.h"), &tree.join("include/veriseal.h"))?;
    copy(&built.join("libveriseal_ffi.so"), &tree.join("lib").join(&shared))?;
    copy(&built.join("libveriseal_ffi.a"), &tree.join("lib/libveriseal.a"))?;
    for link in [soname.as_str(), "libveriseal.so"] {
        let link = tree.join("lib").join(link);
        symlink(&shared, &link).map_err(|error| format!("{}: {error}", link.display()))?;
    }
    let static_libs = STATIC_LIBS.join(" ");
    for (template, place, libs) in [
        ("veriseal.pc.in", "lib/pkgconfig/veriseal.pc", static_libs.clone()),
        ("verisealConfig.cmake.in", "lib/cmake/veriseal/verisealConfig.cmake", static_libs.replace(' ', ";")),
        ("verisealConfigVersion.cmake.in", "lib/cmake/veriseal/verisealConfigVersion.cmake", String::new()),
    ] {
        let path = root().join("crates/ffi/package").join(template);
        let mut text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        for (name, value) in [
            ("@VERSION@", version),
            ("@COMPATIBLE@", &compatible),
            ("@REPOSITORY@", repository),
            ("@SHARED@", &shared),
            ("@SONAME@", &soname),
            ("@STATIC_LIBS@", &libs),
        ] {
            text = text.replace(name, value);
        }
        write(&tree.join(place), &text)?;
    }
    for name in [
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "docs/c.md",
        "docs/codes.md",
        "docs/policy.md",
        "docs/registry.md",
        "docs/report.schema.json",
    ] {
        let file = Path::new(name).file_name().unwrap_or_default();
        copy(&root().join(name), &tree.join("share/doc/veriseal").join(file))?;
    }
    for entry in fs::read_dir(root().join("examples/c")).map_err(|error| error.to_string())?.flatten() {
        copy(&entry.path(), &tree.join("share/doc/veriseal/examples").join(entry.file_name()))?;
    }
    Ok(tree)
}

/// The versions that keep one promise: before 1.0 those of one minor version. build.rs of crates/ffi says the same.
fn compatible(version: &str) -> String {
    let mut parts = version.split('.');
    match (parts.next(), parts.next()) {
        (Some("0"), Some(minor)) => format!("0.{minor}"),
        (Some(major), _) => major.to_string(),
        (None, _) => version.to_string(),
    }
}

/// The tarball: the same tree gives the same bytes, whoever makes it and when.
fn archive(tree: &Path) -> Result<PathBuf, String> {
    let name = tree.file_name().and_then(|name| name.to_str()).ok_or("a tree without a name")?;
    let folder = tree.parent().ok_or("a tree without a folder")?;
    let archive = folder.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--use-compress-program=gzip -n"]);
    output(tar.arg("-cf").arg(&archive).arg("-C").arg(folder).arg(name))?;
    Ok(archive)
}

fn with_pkg_config(installed: &Path, source: &Path, binary: &Path, is_static: bool) -> Result<Option<String>, String> {
    let mut ask = Command::new("pkg-config");
    // A prefix is the folder that it was unpacked into, whichever it was made for; and the folders of the system are said too.
    ask.args(["--define-prefix", "--cflags", "--libs"]).env("PKG_CONFIG_PATH", installed.join("lib/pkgconfig"));
    if is_static {
        ask.arg("--static");
    }
    if Command::new("pkg-config").arg("--version").output().is_err() {
        return Ok(None);
    }
    let flags = output(ask.arg("veriseal"))?;
    let mut compile = Command::new("cc");
    compile.args(["-std=c11", "-Wall", "-Wextra", "-Werror"]).arg(source).arg("-o").arg(binary);
    if is_static {
        // The archive in place of the shared library beside it.
        let archive = installed.join("lib/libveriseal.a").display().to_string();
        compile.args(flags.split_whitespace().map(|flag| if flag == "-lveriseal" { archive.as_str() } else { flag }));
    } else {
        compile.args(flags.split_whitespace()).arg(format!("-Wl,-rpath,{}", installed.join("lib").display()));
    }
    output(&mut compile)?;
    output(&mut Command::new(binary)).map(|said| Some(said.trim().to_string()))
}

fn with_cmake(installed: &Path, source: &Path, folder: &Path) -> Result<Option<String>, String> {
    if Command::new("cmake").arg("--version").output().is_err() {
        return Ok(None);
    }
    let prefix = format!("-DCMAKE_PREFIX_PATH={}", installed.display());
    output(Command::new("cmake").arg("-S").arg(source).arg("-B").arg(folder).arg(prefix))?;
    output(Command::new("cmake").arg("--build").arg(folder))?;
    let mut said = String::new();
    for name in ["shared", "static"] {
        said = output(&mut Command::new(folder.join(name)))?;
    }
    Ok(Some(said.trim().to_string()))
}

#[cfg(unix)]
fn symlink(target: &str, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_: &str, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

pub(crate) fn host() -> Result<String, String> {
    let said = output(Command::new("rustc").arg("-vV"))?;
    said.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_string).ok_or("rustc names no host".to_string())
}

fn fresh(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    to.parent().map_or(Ok(()), fs::create_dir_all).map_err(|error| format!("{}: {error}", to.display()))?;
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{}: {error}", from.display()))
}

fn write(to: &Path, text: &str) -> Result<(), String> {
    to.parent().map_or(Ok(()), fs::create_dir_all).map_err(|error| format!("{}: {error}", to.display()))?;
    fs::write(to, text).map_err(|error| format!("{}: {error}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_c_cannot_read_is_told() {
        let good = || {
            serde_json::json!({ "version": "0.1.0", "metadata": { "capi": {
                "min_version": "0.10.0", "library": { "name": "veriseal", "version_suffix_components": 2 },
                "pkg_config": { "filename": "veriseal" },
                "install": { "include": { "asset": [{ "from": "../../include/veriseal.h", "to": "" }] } },
            } } })
        };
        assert_eq!(described(&good()), Ok(()));
        for (pointer, bad) in [
            ("/metadata/capi/min_version", serde_json::json!("0.10")),
            ("/metadata/capi/library/name", serde_json::json!("veriseal_ffi")),
            ("/metadata/capi/library/version_suffix_components", serde_json::json!(1)),
            ("/metadata/capi/install/include/asset/0/from", serde_json::json!("veriseal.h")),
            ("/version", serde_json::json!("1.0.0")),
        ] {
            let mut package = good();
            *package.pointer_mut(pointer).unwrap() = bad;
            assert!(described(&package).is_err(), "{pointer}");
        }
    }

    #[test]
    fn before_1_0_the_minor_version_is_part_of_the_promise() {
        assert_eq!(compatible("0.1.0"), "0.1");
        assert_eq!(compatible("0.12.3"), "0.12");
        assert_eq!(compatible("1.4.2"), "1");
    }
}
