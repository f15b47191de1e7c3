//! The built command, run as a user runs it, against layouts in temporary folders and a registry on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod admission;
mod bundle;
mod codes;
#[cfg(feature = "demo")]
mod demo;
mod evidence;
mod examples;
mod images;
mod policy;
mod registry;
mod stage;
mod usage;
mod verify;

/// Everywhere else time is an argument.
#[test]
fn the_wall_clock_is_read_in_one_place() {
    let sources = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut open = vec![sources.to_path_buf()];
    let mut readers = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if ["SystemTime::now", "Instant::now"]
                .iter()
                .any(|name| std::fs::read_to_string(&path).unwrap().contains(name))
            {
                readers.push(path.strip_prefix(sources).unwrap().display().to_string());
            }
        }
    }
    assert_eq!(readers, ["clock.rs"]);
}
