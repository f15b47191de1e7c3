//! `cargo xtask codes --tested`: every code of the table is what some test asks for.
//!
//! The codes that tests/known_attacks states are held against what Rust, C and Python answer. Any other must be named in the
//! code of a test, as `Code::Variant` or as its name between quotes; where a test makes a failure of it or asks that it be
//! another, it is not asked for. That each is also produced is seen where lines are counted (`cargo xtask coverage`).

use crate::root;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Codes that no input of today can produce, with the reason.
const EXEMPT: &[(&str, &str)] =
    &[("NotYetSupported", "guards the kinds of evidence that a later version gathers before it checks them")];

/// A row of the table: `Variant = number, "NAME"`.
pub(crate) struct Row {
    pub(crate) variant: String,
    name: String,
}

pub(crate) fn check() -> Result<String, String> {
    let rows = table()?;
    let (answers, tests) = (answers()?, test_code()?);
    let mut missing = Vec::new();
    let (mut by_answers, mut by_tests) = (0, 0);
    for row in &rows {
        let exempt = is_exempt(&row.variant);
        let answered = answers.contains(&row.name);
        let asked = answered || tests.iter().any(|text| asks(text, row));
        match (asked, exempt) {
            (true, true) => missing.push(format!("{} is exempt, but a test asks for it", row.name)),
            (false, false) => missing.push(format!("no test asks for {}", row.name)),
            _ => {}
        }
        by_answers += usize::from(answered);
        by_tests += usize::from(asked && !answered);
    }
    if rows.len() < 150 || !missing.is_empty() {
        return Err(format!("of {} codes: {}", rows.len(), missing.join("\n")));
    }
    let exempt = EXEMPT.len();
    Ok(format!("{} codes: {by_answers} in answers of three languages, {by_tests} in tests, {exempt} exempt", rows.len()))
}

/// Whether no input of today can produce it.
pub(crate) fn is_exempt(variant: &str) -> bool {
    EXEMPT.iter().any(|(exempt, _)| *exempt == variant)
}

/// The codes, as the table's source says.
pub(crate) fn table() -> Result<Vec<Row>, String> {
    let path = root().join("crates/core/src/code/table.rs");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let row = |line: &str| {
        let (variant, rest) = line.trim().split_once(" = ")?;
        let (number, rest) = rest.split_once(", \"")?;
        number.parse::<u16>().ok()?;
        Some(Row { variant: variant.to_owned(), name: rest.split_once('"')?.0.to_owned() })
    };
    Ok(text.lines().filter_map(row).collect())
}

/// Every word in an answer of tests/known_attacks.
fn answers() -> Result<BTreeSet<String>, String> {
    let mut files = Vec::new();
    collect(&root().join("tests/known_attacks"), &["json"], &mut files)?;
    let mut words = BTreeSet::new();
    for text in files {
        let document: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let lines =
            document["cases"].as_object().into_iter().flatten().flat_map(|(_, lines)| lines.as_array().into_iter().flatten());
        let answers = lines.filter_map(|line| line.as_str()?.split_once(": "));
        let of = |answer: &str| answer.split([' ', '(', ')']).map(str::to_owned).collect::<Vec<_>>();
        // What no language but Rust can be asked is not held against C and Python: that is for the tests' own code.
        words.extend(answers.filter(|(policy, _)| !policy.contains("Rust alone")).flat_map(|(_, answer)| of(answer)));
    }
    Ok(words)
}

/// The code of all tests, without comments.
fn test_code() -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let crates = root().join("crates");
    let entries = fs::read_dir(&crates).map_err(|error| format!("{}: {error}", crates.display()))?;
    for folder in entries.flatten().map(|entry| entry.path()) {
        if folder.join("tests").is_dir() {
            collect(&folder.join("tests"), &["rs", "c", "py"], &mut found)?;
        }
        let mut sources = Vec::new();
        if folder.join("src").is_dir() {
            collect(&folder.join("src"), &["rs"], &mut sources)?;
        }
        // Tests stand last in a file; files that are all tests lie in folders and files of that name.
        found.extend(
            sources.iter().filter_map(|text| text.split_once("#[cfg(test)]\nmod tests {").map(|(_, tests)| tests.to_owned())),
        );
        for tests in folders_of_tests(&folder.join("src")) {
            collect(&tests, &["rs"], &mut found)?;
        }
    }
    Ok(found.iter().map(|text| without_comments(text)).collect())
}

/// `tests.rs` and `tests/` below a folder of sources.
fn folders_of_tests(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.file_stem().is_some_and(|name| name == "tests") {
            found.push(path);
        } else if path.is_dir() {
            found.extend(folders_of_tests(&path));
        }
    }
    found
}

/// The texts of a file, or of all files below a folder, that end so.
fn collect(path: &Path, endings: &[&str], texts: &mut Vec<String>) -> Result<(), String> {
    let said = |error: std::io::Error| format!("{}: {error}", path.display());
    if path.is_dir() {
        for entry in fs::read_dir(path).map_err(said)?.flatten() {
            collect(&entry.path(), endings, texts)?;
        }
    } else if path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| endings.contains(&ending)) {
        texts.push(fs::read_to_string(path).map_err(said)?);
    }
    Ok(())
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| {
        let line = line.trim_start();
        !(line.starts_with("//")
            || line.starts_with('#') && !line.starts_with("#[")
            || line.starts_with("/*")
            || line.starts_with("* "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a test's code asks for a code. To make a failure of it, or to ask for any other, is not to ask for it.
fn asks(text: &str, row: &Row) -> bool {
    text.contains(&format!("\"{}", row.name)) && quoted(text, &row.name) || variant_asked(text, &row.variant)
}

/// Whether the name stands in a string of its own, or at the head of one: `"NAME"`, `"NAME: what it means"`.
fn quoted(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        before == Some('"') && after.is_some_and(|c| !c.is_ascii_alphanumeric() && c != '_')
    })
}

fn variant_asked(text: &str, variant: &str) -> bool {
    let path = format!("Code::{variant}");
    text.match_indices(&path).any(|(at, _)| {
        let after = text[at + path.len()..].chars().next();
        let before = text[..at].trim_end();
        let whole = after.is_none_or(|c| !c.is_ascii_alphanumeric());
        whole && !before.ends_with("Failure::new(") && !before.ends_with("!=") && !before.ends_with("assert_ne!(")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row { variant: "Denied".to_owned(), name: "DENIED".to_owned() }
    }

    #[test]
    fn a_code_is_asked_for_by_variant_or_by_name_and_not_where_it_is_made() {
        for text in ["assert_eq!(x, Code::Denied);", "f(Err(Code::Denied))", "code == \"DENIED\"", "\"DENIED: no\""] {
            assert!(asks(text, &row()), "{text}");
        }
        for text in
            ["Failure::new(Code::Denied)", "x != Code::Denied", "Code::DeniedTwice", "\"DENIED_TWICE\"", "IMAGE_DENIED", "denied"]
        {
            assert!(!asks(text, &row()), "{text}");
        }
    }

    #[test]
    fn what_a_comment_says_is_not_asked() {
        assert!(!asks(&without_comments("  // Code::Denied\n/// \"DENIED\"\n# \"DENIED\"\n * \"DENIED\""), &row()));
        assert!(asks(&without_comments("#[test]\nfn f() { Code::Denied }"), &row()));
    }

    #[test]
    fn the_table_is_read_whole() {
        let rows = table().unwrap();
        assert_eq!(rows.first().map(|row| row.name.as_str()), Some("ACCEPTED"));
        assert!(rows.len() > 150 && rows.iter().any(|row| row.variant == "AuditUnavailable"));
    }
}
