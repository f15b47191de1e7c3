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

/// Honest patterns have room: as many as two hundred rules would have, and the same one as often as anybody likes.
#[test]
fn honest_patterns_load() {
    let world = World::new();
    let identity = |at: usize| {
        format!("{{issuer: i, identity: {{glob: 'https://github.com/acme{at}/*/.github/workflows/*.yml@refs/tags/v*'}}}},")
    };
    let policy = |of: String| {
        let leaf = format!("{{signature: {{keyless: {{trust: test, identities: [{of}]}}}}}}");
        let text = format!(
            "apiVersion: veriseal/v1\ntrust: {{test: {{trustedRoot: root.json}}}}\nimages:\n  - match: [\"**\"]\n    \
             require: {{all: [{leaf}, {leaf}, {leaf}, {leaf}]}}\n"
        );
        world.load_text(&text, Format::Yaml).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(policy((0..100).map(identity).collect()), Ok(()));
    assert_eq!(policy((0..100).map(|_| identity(0)).collect()), Ok(()));
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
    let rule =
        |leaves: &str| format!("apiVersion: veriseal/v1\nimages:\n  - match: [\"**\"]\n    require: {{all: [{leaves}]}}\n");
    let identity = |pattern: &str| {
        rule(&format!("{{signature: {{keyless: {{subjectKind: uri, issuer: i, identity: {{regex: \"{pattern}\"}}}}}}}}"))
    };
    let leaves: String = (0..10)
        .map(|leaf| {
            let of: String = (0..100)
                .map(|at| format!("{{issuer: i, identity: {{regex: 'https://a[a-z]{{{}}}'}}}},", 1000 + leaf * 100 + at))
                .collect();
            format!("{{signature: {{keyless: {{identities: [{of}]}}}}}},")
        })
        .collect();
    let documents = [
        ("a pattern that grows", Format::Yaml, identity("(?:(?:a{1000}){1000}){1000}")),
        ("a nested pattern", Format::Yaml, identity(&format!("{}a{}", "(".repeat(50_000), ")".repeat(50_000)))),
        ("many patterns that grow", Format::Yaml, rule(&leaves)),
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
        // Compiling patterns is work of its own: bounded, but not by the bound of reading.
        let bound = if name.contains("pattern") { 20 * bound } else { bound };
        assert!(start.elapsed() < bound, "{name}: {:?}", start.elapsed());
        assert!(error.to_string().len() < 4096, "{name}");
    }
    if let (Some(before), Some(after)) = (before, peak()) {
        assert!(after.saturating_sub(before) < 64 * 1024, "{before} to {after} kB");
    }
}
