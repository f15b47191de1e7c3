//! The commands of README's quick start, run as they stand there.
#![allow(clippy::unwrap_used)]

use std::process::Command;

const PREFIX: &str = "cargo run -p veriseal-cli -- ";

/// The arguments of every command of README that runs the command line through cargo.
fn commands() -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let joined = readme.replace("\\\n", " ");
    let lines = joined.lines().filter_map(|line| line.strip_prefix(PREFIX));
    let without_comment = lines.map(|line| line.split(" #").next().unwrap());
    without_comment.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn the_commands_of_the_quick_start_answer_as_readme_says() {
    let commands = commands();
    assert_eq!(commands.len(), 4, "{commands:?}");
    for arguments in commands {
        let output = Command::new(env!("CARGO_BIN_EXE_veriseal"))
            .args(&arguments)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .output()
            .unwrap();
        let altered = arguments.iter().any(|argument| argument.contains("altered"));
        let (code, word) = match (altered, arguments.first().unwrap().as_str()) {
            (true, _) => (1, "SIGNED_OTHER_DIGEST"),
            (false, "demo") => (0, "TAG_MOVED"),
            (false, _) => (0, "ACCEPTED"),
        };
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{text}");
        assert!(text.contains(word), "{arguments:?}\n{text}");
    }
}
