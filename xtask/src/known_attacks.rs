//! `cargo xtask known-attacks`: what tests/known_attacks states is what Rust, C and Python answer.
//!
//! Each `tests/known_attacks/<ID>/case.json` names the attack, the tests that make its inputs from the testkit with the answer
//! to each of their questions (`cases`), and tests elsewhere that hold it where the attack is not an input but a registry, an
//! interface or a policy file (`held_by`). The questions are asked by crates/core/tests/attacks, which leaves them behind in
//! the format of `parity`; then each language answers them. `--write` takes the answers of Rust's tests into the statements.

use crate::parity::{Target, ask, compare, python};
use crate::{cargo, output, root, target};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The fewest attacks and cases there may be; there were more when this was written.
const FEWEST: (usize, usize) = (105, 300);

/// The folder in which the tests leave their questions, below the target folder.
const RECORDED: &str = "known-attacks";

/// Where the tests leave their questions, emptied. For runs of all tests, so that these need not run twice.
pub(crate) fn fresh_folder() -> Result<PathBuf, String> {
    let folder = target()?.join(RECORDED);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    }
    Ok(folder)
}

/// Runs the attack tests, then holds the statements against them and against every language.
pub(crate) fn run() -> Result<String, String> {
    // The stage for Python may have run at another commit.
    crate::python::renew()?;
    let folder = recorded_anew()?;
    check(&folder)
}

/// Takes what the tests say into the statements.
pub(crate) fn write() -> Result<String, String> {
    let questions = Questions::read(&recorded_anew()?)?;
    let mut written = 0;
    for mut statement in Statement::all()? {
        for (test, lines) in &mut statement.cases {
            *lines = questions.lines(test);
        }
        written += usize::from(statement.write()?);
    }
    Ok(format!("{written} statements changed"))
}

fn recorded_anew() -> Result<PathBuf, String> {
    let folder = fresh_folder()?;
    let mut tests = cargo(&["test", "--quiet", "--package", "veriseal", "--test", "attacks"]);
    // Questions are told by the thread that asks, and with one thread the harness starts none.
    output(tests.env("VERISEAL_RECORD_ATTACKS", &folder).env("RUST_TEST_THREADS", "4"))?;
    Ok(folder)
}

/// Holds the statements against what the tests left behind, and has each language answer it.
pub(crate) fn check(folder: &Path) -> Result<String, String> {
    let questions = Questions::read(folder)?;
    let statements = Statement::all()?;
    let mut wrong = Vec::new();
    let numbered: Vec<&Statement> = statements.iter().filter(|statement| statement.id.starts_with("K-")).collect();
    let tests: BTreeSet<&String> = numbered.iter().flat_map(|statement| statement.cases.keys()).collect();
    let cases: usize = tests.iter().map(|test| questions.of(test).len()).sum();
    for statement in &statements {
        for (test, lines) in &statement.cases {
            let found = questions.lines(test);
            if found.is_empty() {
                wrong.push(format!("{}: {test} asks nothing", statement.id));
            } else if found != *lines {
                wrong.push(format!("{}: {test} has other answers: `cargo xtask known-attacks --write` shows them", statement.id));
            }
        }
    }
    wrong.extend(references(&statements)?);
    if numbered.len() < FEWEST.0 || cases < FEWEST.1 {
        wrong.push(format!("only {} attacks and {cases} cases", numbered.len()));
    }
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    let languages = questions.answered()?;
    Ok(format!("{} attacks, {cases} cases; of {} questions {languages}", numbered.len(), questions.count()))
}

/// What stands in one `case.json`.
struct Statement {
    id: String,
    path: PathBuf,
    document: Value,
    cases: BTreeMap<String, Vec<String>>,
    held_by: Vec<String>,
}

impl Statement {
    fn all() -> Result<Vec<Self>, String> {
        let folder = root().join("tests/known_attacks");
        let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut found = Vec::new();
        for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
            found.push(Self::read(&entry.path().join("case.json"))?);
        }
        found.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(found)
    }

    fn read(path: &Path) -> Result<Self, String> {
        let said = |what: &str| format!("{}: {what}", path.display());
        let text = fs::read_to_string(path).map_err(|error| said(&error.to_string()))?;
        let document: Value = serde_json::from_str(&text).map_err(|error| said(&error.to_string()))?;
        let members = document.as_object().ok_or_else(|| said("no object"))?;
        let known = ["id", "source", "attack", "cases", "held_by"];
        if let Some(other) = members.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(said(&format!("what is {other}?")));
        }
        let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        if document["id"] != folder || document["attack"].as_str().is_none_or(str::is_empty) {
            return Err(said("id must be the folder's name, and attack must say something"));
        }
        let texts = |value: &Value| -> Option<Vec<String>> {
            value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let cases = match &document["cases"] {
            Value::Null => BTreeMap::new(),
            Value::Object(cases) => cases
                .iter()
                .map(|(test, lines)| Ok((test.clone(), texts(lines).ok_or_else(|| said("cases are lists of texts"))?)))
                .collect::<Result<_, String>>()?,
            _ => return Err(said("cases is no object")),
        };
        let held_by = match &document["held_by"] {
            Value::Null => Vec::new(),
            list => texts(list).ok_or_else(|| said("held_by is a list of texts"))?,
        };
        if cases.is_empty() && held_by.is_empty() {
            return Err(said("nothing holds it"));
        }
        Ok(Self { id: folder.to_owned(), path: path.to_owned(), document, cases, held_by })
    }

    /// Answers whether the file changed.
    fn write(mut self) -> Result<bool, String> {
        if !self.cases.is_empty() {
            self.document["cases"] = serde_json::to_value(&self.cases).map_err(|error| error.to_string())?;
        }
        let text = serde_json::to_string_pretty(&self.document).map_err(|error| error.to_string())? + "\n";
        if fs::read_to_string(&self.path).is_ok_and(|before| before == text) {
            return Ok(false);
        }
        fs::write(&self.path, text).map_err(|error| format!("{}: {error}", self.path.display()))?;
        Ok(true)
    }
}

/// Every test that a statement names must exist, and every attack that a test of the core names must have a statement that
/// names the test, or wait with a reason.
fn references(statements: &[Statement]) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    let waiting = fs::read_to_string(root().join("tests/known_attacks/WAITING.md")).map_err(|error| error.to_string())?;
    let waiting: BTreeSet<&str> = waiting.lines().filter_map(|line| line.strip_prefix("| K-")?.split(' ').next()).collect();
    for statement in statements {
        if statement.id.strip_prefix("K-").is_some_and(|id| waiting.contains(id)) {
            wrong.push(format!("{} waits and does not", statement.id));
        }
        for held in &statement.held_by {
            if let Err(reason) = test_exists(held) {
                wrong.push(format!("{}: {reason}", statement.id));
            }
        }
        for test in statement.cases.keys() {
            let (module, name) = test.split_once("::").ok_or_else(|| format!("{test}: no module::name"))?;
            if let Err(reason) = test_exists(&format!("crates/core/tests/attacks/{module}.rs::{name}")) {
                wrong.push(format!("{}: {reason}", statement.id));
            }
        }
    }
    Ok(wrong)
}

/// Whether `path::name` names a test: a function marked as one in Rust, a `test_…` in Python, a function or a file in C.
pub(crate) fn test_exists(named: &str) -> Result<(), String> {
    let (path, name) = named.rsplit_once("::").ok_or_else(|| format!("{named}: no path::name"))?;
    let text = fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))?;
    let exists = if path.ends_with(".rs") {
        is_rust_test(&text, name)
    } else if path.ends_with(".py") {
        name.starts_with("test_") && text.contains(&format!("def {name}("))
    } else {
        text.contains(&format!(" {name}("))
    };
    if exists { Ok(()) } else { Err(format!("{path} has no test {name}")) }
}

/// Whether the function of that name is marked as a test. Between the two other attributes may stand.
fn is_rust_test(text: &str, name: &str) -> bool {
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        // A test of the documentation is the one kind that can show what does not compile.
        if line == "#[test]" || line == "#[cfg(doctest)]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if line.starts_with("#[") {
        } else {
            let function = line.trim_start_matches("async ").strip_prefix("fn ");
            if is_test && function.and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with('(')) {
                return true;
            }
            is_test = false;
        }
    }
    false
}

/// What the tests asked and were told.
struct Questions(BTreeMap<String, Vec<Value>>);

impl Questions {
    fn read(folder: &Path) -> Result<Self, String> {
        let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "jsonl")) {
            let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
            for line in text.lines() {
                let question: Value = serde_json::from_str(line).map_err(|error| format!("{}: {error}", path.display()))?;
                let test = question["test"].as_str().unwrap_or_default().to_owned();
                found.entry(test).or_default().push(question);
            }
        }
        Ok(Self(found))
    }

    fn of(&self, test: &str) -> &[Value] {
        self.0.get(test).map_or(&[], Vec::as_slice)
    }

    fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The answers of a test, one line for each run of questions with the same policy and the same answer:
    /// `3-7 keyless, tlog ignored: REJECTED NO_MATCHING_SIGNATURE (SCT_MISSING)`.
    fn lines(&self, test: &str) -> Vec<String> {
        let mut runs: Vec<(usize, usize, String)> = Vec::new();
        for (at, question) in self.of(test).iter().enumerate() {
            let said = format!("{}: {}", policy(question), answer(question));
            match runs.last_mut() {
                Some((_, last, before)) if *before == said => *last = at + 1,
                _ => runs.push((at + 1, at + 1, said)),
            }
        }
        let line = |(first, last, said): (usize, usize, String)| {
            if first == last { format!("{first} {said}") } else { format!("{first}-{last} {said}") }
        };
        runs.into_iter().map(line).collect()
    }

    /// Has every language answer what it can be asked: as the test was told, and byte for byte alike.
    fn answered(&self) -> Result<String, String> {
        let target = Target::build("dev")?;
        let asked: Vec<&Value> = self.0.values().flatten().filter(|question| !question["kind"].is_null()).collect();
        let input: Vec<String> = asked.iter().map(ToString::to_string).collect();
        let input = input.join("\n");
        let rust = ask(std::process::Command::new(&target.rust).arg("answer"), &input)?;
        let mut wrong = Vec::new();
        for (question, line) in asked.iter().zip(rust.lines()) {
            let (expected, found) = (answer(question), told(line)?);
            if expected != found {
                wrong.push(format!("{}: {expected}, asked again {found}", question["id"]));
            }
        }
        if rust.lines().count() != asked.len() {
            wrong.push(format!("{} questions and {} answers", asked.len(), rust.lines().count()));
        }
        if !wrong.is_empty() {
            wrong.truncate(10);
            return Err(wrong.join("\n"));
        }
        compare("C", &rust, &ask(&mut std::process::Command::new(&target.c), &input)?)?;
        let mut said = format!("{} through C", asked.len());
        match python(&target.folder) {
            Ok(mut command) => {
                compare("Python", &rust, &ask(&mut command, &input)?)?;
                said.push_str(" and Python");
            }
            Err(reason) => said.push_str(&format!("; Python left out: {reason}")),
        }
        Ok(said)
    }
}

/// The policy of a question in words.
fn policy(question: &Value) -> String {
    let text = |name: &str| question[name].as_str().unwrap_or_default();
    if question["kind"].is_null() {
        return "Rust alone".to_owned();
    }
    let mut said = String::from(if text("key").is_empty() { "keyless" } else { "key" });
    for (name, usual) in [("tlog", "required"), ("sct", "required"), ("timestamps", "0"), ("claim", "")] {
        if text(name) != usual {
            said.push_str(&format!(", {name} {}", text(name)));
        }
    }
    if !text("key_not_before").is_empty() {
        said.push_str(", within a window");
    }
    said
}

/// The answer of a question, with what was said of each candidate that did not count. A registry lists in the order it
/// likes, so theirs says nothing.
fn answer(question: &Value) -> String {
    let text = |name: &str| question[name].as_str().unwrap_or_default();
    with_candidates(text("expect"), text("candidates").split_whitespace().collect())
}

/// The same of a line that a language answered with.
fn told(line: &str) -> Result<String, String> {
    let fields: Vec<&str> = line.splitn(5, '\t').collect();
    let [_, status, code, _, report] = fields.as_slice() else { return Err(format!("no answer: {line}")) };
    let report: Value = if report.is_empty() { Value::Null } else { serde_json::from_str(report).map_err(|e| e.to_string())? };
    let candidates = report["candidates"].as_array().into_iter().flatten();
    let codes = candidates.filter_map(|candidate| candidate["reason"]["code"].as_str()).collect();
    Ok(with_candidates(&format!("{status} {code}"), codes))
}

fn with_candidates(verdict: &str, mut codes: Vec<&str>) -> String {
    codes.sort_unstable();
    codes.dedup();
    // Of one candidate the verdict's own code says it all.
    if codes.is_empty() || verdict.ends_with(codes[0]) && codes.len() == 1 {
        return verdict.to_owned();
    }
    format!("{verdict} ({})", codes.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_functions_that_are_marked_are_tests() {
        let text = "#[test]\nfn one() {\n}\nfn two() {\n}\n#[test]\n#[cfg(unix)]\nfn three() {}\n";
        assert!(is_rust_test(text, "one") && is_rust_test(text, "three"));
        assert!(!is_rust_test(text, "two") && !is_rust_test(text, "on") && !is_rust_test(text, "four"));
    }

    #[test]
    fn runs_of_the_same_answer_are_one_line() {
        let question = |expect: &str| serde_json::json!({ "kind": "blob", "key": "k", "expect": expect, "candidates": "" });
        let questions = Questions(BTreeMap::from([("a::b".to_owned(), vec![question("A B"), question("A B"), question("C D")])]));
        let key = "key, tlog , sct , timestamps ";
        assert_eq!(questions.lines("a::b"), [format!("1-2 {key}: A B"), format!("3 {key}: C D")]);
    }
}
