//! The project's goals, each with what this run shows of it.

use crate::contest::{Contest, round};
use serde_json::{Value, json};

/// One line: what is asked for, what was found, and whether that suffices.
pub struct Goal {
    pub what: String,
    pub found: f64,
    pub wanted: f64,
    /// Whether less is better.
    pub at_most: bool,
}

impl Goal {
    pub fn at_most(what: impl Into<String>, found: f64, wanted: f64) -> Self {
        Self { what: what.into(), found, wanted, at_most: true }
    }

    pub fn at_least(what: impl Into<String>, found: f64, wanted: f64) -> Self {
        Self { what: what.into(), found, wanted, at_most: false }
    }

    pub fn is_met(&self) -> bool {
        if self.at_most { self.found <= self.wanted } else { self.found >= self.wanted }
    }

    pub fn print(&self) {
        let (sign, met) = (if self.at_most { "<=" } else { ">=" }, if self.is_met() { "met" } else { "NOT MET" });
        println!("  {:<72}{:>10}  {sign} {:<7}{met}", self.what, round(self.found), self.wanted);
    }

    pub fn to_json(&self) -> Value {
        let sign = if self.at_most { "at most" } else { "at least" };
        json!({ "what": self.what, "found": round(self.found), sign: self.wanted, "met": self.is_met() })
    }
}

/// What one kind shows.
pub fn of(contest: &Contest) -> Vec<Goal> {
    let mut goals = Vec::new();
    let name = &contest.name;
    let blob = !contest.id.starts_with("image");
    for (id, floor, backend) in [("native", "floor-native", "aws-lc-rs"), ("pure", "floor-pure", "RustCrypto")] {
        if let Some(ratio) = contest.ratio(id, floor).filter(|_| blob) {
            goals.push(Goal::at_most(format!("{name}: to its primitives, {backend}, generic keys"), ratio, 1.10));
        }
    }
    let wanted = match contest.id.as_str() {
        "keyless-v1" | "dsse-v1" => Some(1.7),
        "keyless-v2" => Some(1.9),
        _ => None,
    };
    if let (Some(ratio), Some(wanted)) = (contest.ratio("sigstore-verify", "native-tables"), wanted) {
        goals.push(Goal::at_least(format!("{name}: faster than sigstore-verify, prepared keys"), ratio, wanted));
    }
    if let Some(ratio) = contest.ratio("sigstore-verify", "pure-tables").filter(|_| wanted.is_some()) {
        goals.push(Goal::at_least(format!("{name}: pure Rust, prepared, faster than sigstore-verify"), ratio, 1.0));
    }
    if let Some(micros) = contest.quiet("warm-verdict") {
        goals.push(Goal::at_most(format!("{name}: exact repeat, µs"), micros, 15.0));
    }
    goals
}
