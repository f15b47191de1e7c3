//! docs/codes.md is made from the table of codes; `cargo xtask codes` writes it, this test says when it differs.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write;
use std::path::Path;
use veriseal::code::{Class, Code, Who};

/// The ranges of numbers: the first one, and what the range is about.
const RANGES: &[(u16, &str)] = &[
    (1, "Verdicts over all candidates"),
    (100, "The caller's input"),
    (200, "Gathering"),
    (300, "OCI documents"),
    (400, "Signed documents"),
    (500, "Signatures and keys"),
    (600, "Certificates"),
    (700, "Transparency logs"),
    (800, "Time"),
    (900, "Subject, statement, identity"),
    (1000, "Notices"),
    (1100, "Defects"),
    (1200, "Kubernetes admission"),
];

const INTRODUCTION: &str = "\
# Codes

<!-- Made by `cargo xtask codes` from crates/core/src/code/table.rs: change it there. -->

Every failure, check and notice has one code. Names and numbers are stable: they never change their meaning, new ones are
added, and the number of a code that is gone stays reserved. Reports, logs, C and Python show the same names.

| class | means |
|---|---|
| accepted | the requirement holds |
| rejected | a statement is not true: asking again changes nothing |
| undecided | it could not be found out: asking again may help; never a success |
| usage | the caller's input cannot be used; found before anything is fetched |
| notice | worth knowing; by itself it decides nothing |
| internal | a defect of veriseal; never a success |
";

fn class(class: Class) -> &'static str {
    match class {
        Class::Accepted => "accepted",
        Class::Rejected => "rejected",
        Class::Undecided => "undecided",
        Class::Usage => "usage",
        Class::Notice => "notice",
        Class::Internal => "internal",
        _ => panic!("{class:?} is not described in docs/codes.md: add it here"),
    }
}

fn who(who: Who) -> &'static str {
    match who {
        Who::Nobody => "nobody",
        Who::Caller => "caller",
        Who::Signer => "signer",
        Who::Registry => "registry",
        Who::TrustOperator => "trust operator",
        Who::Authors => "authors",
        _ => panic!("{who:?} is not described in docs/codes.md: add it here"),
    }
}

fn document() -> String {
    let mut text = INTRODUCTION.to_string();
    let mut ranges = RANGES.iter().peekable();
    let cell = |text: &str| text.replace('|', "\\|");
    for code in Code::ALL {
        while let Some((_, title)) = ranges.next_if(|(first, _)| *first <= code.number()) {
            write!(
                text,
                "\n## {title}\n\n| number | name | class | who acts | meaning | what to do |\n|---|---|---|---|---|---|\n"
            )
            .unwrap();
        }
        let (number, name, class, who) = (code.number(), code.name(), class(code.class()), who(code.who()));
        writeln!(text, "| {number} | `{name}` | {class} | {who} | {} | {} |", cell(code.meaning()), cell(code.action())).unwrap();
    }
    text
}

#[test]
fn docs_codes_md_is_what_the_table_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/codes.md");
    let wanted = document();
    if std::env::var_os("VERISEAL_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = wanted.lines().zip(found.lines()).find(|(wanted, found)| wanted != found);
    assert!(found == wanted, "docs/codes.md is not what the table says; `cargo xtask codes` writes it. First: {differs:?}");
}

#[test]
fn every_range_begins_with_a_code_of_its_own() {
    for (first, title) in RANGES {
        let hundred = first / 100;
        assert!(Code::ALL.iter().any(|code| code.number() / 100 == hundred), "no code under {title}");
    }
    let last = RANGES.last().unwrap().0 / 100;
    assert!(Code::ALL.iter().all(|code| code.number() / 100 <= last), "a code beyond the last range: name its range here");
}
