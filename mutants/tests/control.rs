//! A package small enough to know what must come of its mutants.

use std::fs;
use std::path::Path;
use std::process::Command;

const MANIFEST: &str = "[package]\nname = \"small\"\nedition = \"2024\"\n\n[workspace]\n";

const SOURCE: &str = "\
pub fn tested(a: u8) -> bool {
    a > 2
}
pub fn hardly_tested(a: u8) -> bool {
    a > 2
}
pub fn untested() -> bool {
    false
}
pub const fn constant() -> bool {
    true
}
pub const CONSTANT: bool = constant();
pub struct Nothing;
pub fn nothing() -> Nothing {
    Nothing
}
#[test]
fn by_both_sides() {
    assert!(!tested(2) && tested(3) && constant());
    nothing();
}
#[test]
fn not_at_the_bound() {
    assert!(!hardly_tested(1) && hardly_tested(4));
}
#[test]
fn large_and_therefore_skipped() {
    assert!(hardly_tested(3) && !untested());
}
";

/// Name, genre, place, replacement, and what must come of it.
const MUTANTS: &[(&str, &str, [u64; 2], &str, &str)] = &[
    ("tested with >=", "BinaryOperator", [2, 7], ">=", "caught"),
    ("tested with true", "FnValue", [2, 5], "true", "caught"),
    ("hardly_tested with ==", "BinaryOperator", [5, 7], "==", "caught"),
    ("hardly_tested with >=", "BinaryOperator", [5, 7], ">=", "missed"),
    ("untested with true", "FnValue", [8, 5], "true", "missed"),
    ("constant with false", "FnValue", [11, 5], "false", "unwoven"),
    ("nothing with Default", "FnValue", [16, 5], "Default::default()", "unviable"),
];

#[test]
fn what_a_test_notices_is_caught_and_what_it_does_not_is_not() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("control");
    let _ = fs::remove_dir_all(&folder);
    for place in ["from", "tree"] {
        fs::create_dir_all(folder.join(place).join("src")).unwrap();
        fs::write(folder.join(place).join("Cargo.toml"), MANIFEST).unwrap();
        fs::write(folder.join(place).join("src/lib.rs"), SOURCE).unwrap();
    }
    let list: Vec<_> = MUTANTS
        .iter()
        .map(|(name, genre, [line, column], replacement, _)| {
            serde_json::json!({
                "name": name, "package": "small", "file": "src/lib.rs", "genre": genre, "replacement": replacement,
                "span": {"start": {"line": line, "column": column}},
            })
        })
        .collect();
    let (listed, outcomes) = (folder.join("list.json"), folder.join("outcomes.json"));
    fs::write(&listed, serde_json::to_string(&list).unwrap()).unwrap();
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_veriseal-mutants"));
        command.args([&listed, &folder.join("from"), &folder.join("tree"), &outcomes]).args(["10", "small:--lib:large"]);
        let output = command.env("CARGO_TARGET_DIR", folder.join("target")).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (good, said) = run();
    assert!(good, "{said}");
    let found: serde_json::Value = serde_json::from_str(&fs::read_to_string(&outcomes).unwrap()).unwrap();
    for (name, .., outcome) in MUTANTS {
        assert_eq!(found[name], *outcome, "{name}: {said}");
    }
    // Where a test fails with no mutant on, nothing is said of any.
    fs::write(folder.join("from/src/lib.rs"), SOURCE.replace("hardly_tested(4)", "hardly_tested(2)")).unwrap();
    fs::remove_file(&outcomes).unwrap();
    let (good, said) = run();
    assert!(!good && said.contains("not_at_the_bound: Failed"), "{said}");
    let text = fs::read_to_string(&outcomes).unwrap();
    assert!(!text.contains("caught") && !text.contains("missed"), "{text}");
}
