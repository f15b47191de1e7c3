//! What the source of every export must show: a panic boundary first, and a documented contract.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::string_slice, clippy::arithmetic_side_effects)]

mod support;

/// The exports of a source: name, and the first word of the body.
fn exports(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("#[unsafe(no_mangle)]") {
        let rest = &text[at..];
        let name_at = rest.find(" fn ").unwrap() + 4;
        let name_end = name_at + rest[name_at..].find('(').unwrap();
        // No type of an argument holds a brace.
        let body = rest[name_end..].find('{').unwrap() + name_end + 1;
        let first = rest[body..].trim_start().split(['(', ' ', '\n']).next().unwrap();
        found.push((rest[name_at..name_end].to_owned(), first.to_owned()));
    }
    found
}

/// What an export without a boundary looks like.
fn without_boundary(text: &str) -> Vec<String> {
    let is_boundary = |first: &str| first == "boundary!" || first == "value_boundary!";
    exports(text).into_iter().filter(|(_, first)| !is_boundary(first)).map(|(name, _)| name).collect()
}

/// K-AP-01: a panic ends at the export.
#[test]
fn every_export_begins_with_the_panic_boundary() {
    let mut count = 0;
    for (path, text) in support::sources() {
        assert_eq!(without_boundary(&text), Vec::<String>::new(), "{}", path.display());
        count += exports(&text).len();
        // An export by another attribute would be seen by nobody above.
        let other = ["export_name", "#[no_mangle]"].iter().filter(|word| text.contains(**word)).count();
        assert_eq!(other, 0, "{}", path.display());
    }
    assert!(count > 80, "{count} exports");
}

#[test]
fn an_export_without_boundary_is_found() {
    let bad = "#[unsafe(no_mangle)]\npub extern \"C\" fn bad(a: *mut u8) -> i32 {\n    work(a);\n boundary!(x)\n}";
    assert_eq!(without_boundary(bad), ["bad"]);
    let good = "#[unsafe(no_mangle)]\npub extern \"C\" fn good() -> i32 {\n    value_boundary!(0, { 1 })\n}";
    assert_eq!(without_boundary(good), Vec::<String>::new());
}

/// Integers from C are never taken for an enumeration, where another value would be undefined behaviour.
#[test]
fn no_export_takes_an_enumeration_and_nothing_is_transmuted() {
    let enumerations = ["status", "verdict", "fetch_result", "tlog", "sct", "combine", "mode", "basis", "request_kind"];
    for (path, text) in support::sources() {
        assert!(!text.contains("transmute"), "{}", path.display());
        for (at, _) in text.match_indices("#[unsafe(no_mangle)]") {
            let signature = &text[at..at + text[at..].find('{').unwrap()];
            let arguments = signature.rsplit_once("->").map_or(signature, |(arguments, _)| arguments);
            for name in enumerations {
                assert!(!arguments.contains(&format!(": veriseal_{name},")), "{}: {signature}", path.display());
                assert!(!arguments.contains(&format!(": veriseal_{name})")), "{}: {signature}", path.display());
            }
        }
    }
}

/// There is no global state: neither a panic hook nor a static that changes (regorus and others set the process's hook).
#[test]
fn the_library_keeps_no_global_state() {
    for (path, text) in support::sources() {
        for word in ["static mut", "set_hook", "thread_local!", "LazyLock", "\nstatic ", "\npub static "] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}
