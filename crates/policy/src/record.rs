//! [`record`]: one line of an audit log for one decision.

use crate::policy_file::PolicyFile;
use serde_json::{Map, Value, json};
use veriseal::encoding::hex;
use veriseal::{Accepted, NotAccepted, Reference};

/// The decision of a policy about an image as one line of JSON, without the newline (`veriseal.record/v1`).
///
/// Holds time, reference asked, pinned digest, verdict, code and basis, when the acceptance ends by itself, whether it was denied and would have been, policy
/// and rule with fingerprints, the trust root, the codes of the candidates that do not count, what is weakened, and of each
/// signature that counts the signer, its logs with their indices and its authenticated times. Everything comes from the
/// report, where text from outside is escaped and bounded.
#[must_use]
pub fn record(policy: &PolicyFile, asked: &Reference, outcome: &Result<Accepted, NotAccepted>) -> String {
    let (report, pinned) = match outcome {
        Ok(accepted) => (accepted.report(), Some(accepted.pinned().to_string())),
        Err(not_accepted) => (not_accepted.report(), None),
    };
    let document: Value = serde_json::from_str(&report.to_json()).unwrap_or_default();
    let of = |name: &str| document.get(name).cloned().unwrap_or_default();
    let codes = |name: &str| -> Vec<Value> {
        document.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(code).collect()
    };
    let enforcement = policy.enforcement(outcome);
    let rule =
        policy.rule_for(asked.repository()).map(|(rule, pattern)| json!({ "name": rule.name(), "match": pattern.as_str() }));
    let candidates = document.get("candidates").and_then(Value::as_array);
    let line = json!({
        "schema": "veriseal.record/v1",
        "time": of("verificationTime"),
        "asked": asked.to_string(),
        "digest": document.pointer("/subject/digest"),
        "pinned": pinned,
        "verdict": report.verdict().name(),
        "code": report.code().name(),
        "basis": document.get("basis"),
        "horizon": document.get("horizon"),
        "mode": policy.mode().name(),
        "deny": enforcement.deny,
        "wouldDeny": enforcement.would_deny,
        "policy": { "name": policy.name(), "fingerprint": hex::encode(policy.fingerprint()) },
        "rule": rule,
        "trustRoot": document.pointer("/trustRoot/fingerprint"),
        "signatures": candidates.into_iter().flatten().flat_map(signatures).collect::<Vec<_>>(),
        "refused": candidates.into_iter().flatten().filter_map(|one| one.get("reason").and_then(code)).collect::<Vec<_>>(),
        "weakened": codes("weakened"),
        "notices": codes("notices"),
    });
    line.to_string()
}

fn code(reason: &Value) -> Option<Value> {
    reason.get("code").cloned()
}

/// The signatures of a candidate that count, each once.
fn signatures(candidate: &Value) -> Vec<Value> {
    let mut seen: Vec<Value> = Vec::new();
    for evaluation in candidate.get("evaluations").and_then(Value::as_array).into_iter().flatten() {
        if evaluation.get("accepted") != Some(&Value::Bool(true)) {
            continue;
        }
        let kept = ["signer", "predicateType", "logs", "times", "trustRoot"];
        let fields: Map<String, Value> =
            kept.iter().filter_map(|name| Some(((*name).to_owned(), evaluation.get(*name)?.clone()))).collect();
        let signature = Value::Object(fields);
        if !seen.contains(&signature) {
            seen.push(signature);
        }
    }
    seen
}
