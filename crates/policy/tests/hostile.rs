//! The loader against hostile files: time and memory are bounded. Alone in its process, so that its memory is its own.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

mod kit;

use kit::World;
use std::time::{Duration, Instant};
use veriseal_policy::Format;

/// Most memory that this process has had, in kB; none where the system does not say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Alias bombs, depth, width, 10 MB: refused within 100 ms and 64 MiB, and never a stack overflow.
#[test]
fn hostile_documents_are_refused_at_once() {
    let world = World::new();
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(",");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let documents = [
        ("alias bomb", Format::Yaml, bomb),
        ("many aliases", Format::Yaml, format!("a: &a [{}]\nb: [{}]\n", "x,".repeat(900), "*a,".repeat(900))),
        ("depth of YAML", Format::Yaml, "[".repeat(500_000)),
        ("depth of block YAML", Format::Yaml, (0..700).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect()),
        ("depth of JSON", Format::Json, "[".repeat(500_000)),
        ("depth of objects", Format::Json, "{\"a\":".repeat(200_000)),
        ("10 MB of YAML", Format::Yaml, "a: b\n".repeat(2_000_000)),
        ("10 MB of JSON", Format::Json, format!("[{}]", "1,".repeat(5_000_000))),
        ("wide YAML", Format::Yaml, "- a\n".repeat(200_000)),
        ("wide JSON", Format::Json, format!("[{}1]", "1,".repeat(500_000))),
        ("one long scalar", Format::Yaml, format!("apiVersion: {}", "a".repeat(1_000_000))),
        ("a long key", Format::Yaml, format!("{}: 1", "a".repeat(1_000_000))),
        ("tags", Format::Yaml, "!!binary ".repeat(100_000)),
        ("not UTF-8 text", Format::Yaml, "\u{0}".repeat(1000)),
    ];
    // The bound is of an optimised build; what is checked here is that nothing is of another order.
    let bound = if cfg!(debug_assertions) { Duration::from_millis(2000) } else { Duration::from_millis(100) };
    let before = peak();
    for (name, format, text) in documents {
        let start = Instant::now();
        let error = world.load_text(&text, format).unwrap_err();
        assert!(start.elapsed() < bound, "{name}: {:?}", start.elapsed());
        assert!(error.to_string().len() < 4096, "{name}");
    }
    if let (Some(before), Some(after)) = (before, peak()) {
        assert!(after.saturating_sub(before) < 64 * 1024, "{before} to {after} kB");
    }
}
