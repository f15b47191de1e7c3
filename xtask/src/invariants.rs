//! Holds SECURITY.md to its word: every invariant INV-1 to INV-17 stands in its table beside tests that exist.

use crate::known_attacks::test_exists;
use crate::root;

const INVARIANTS: usize = 17;

pub(crate) fn check() -> Result<String, String> {
    let text = std::fs::read_to_string(root().join("SECURITY.md")).map_err(|error| format!("SECURITY.md: {error}"))?;
    let mut wrong = Vec::new();
    let mut links = 0;
    for number in 1..=INVARIANTS {
        let named: Vec<&str> = links_of(&text, number);
        if named.is_empty() {
            wrong.push(format!("INV-{number} names no test"));
        }
        links += named.len();
        wrong.extend(named.into_iter().filter_map(|test| test_exists(test).err()).map(|why| format!("INV-{number}: {why}")));
    }
    if wrong.is_empty() { Ok(format!("{INVARIANTS} invariants, {links} tests")) } else { Err(wrong.join("\n")) }
}

/// What stands between back ticks in the third column of an invariant's row.
fn links_of(text: &str, number: usize) -> Vec<&str> {
    let row = text.lines().find(|line| line.starts_with(&format!("| INV-{number} |")));
    let tests = row.and_then(|row| row.split('|').nth(3)).unwrap_or_default();
    tests.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_a_row_are_read_and_of_no_other() {
        let text = "| INV-1 | one | `a::b` `c::d` |\n| INV-11 | other | `e::f` |\n";
        assert_eq!(links_of(text, 1), ["a::b", "c::d"]);
        assert_eq!(links_of(text, 11), ["e::f"]);
        assert!(links_of(text, 2).is_empty());
    }
}
