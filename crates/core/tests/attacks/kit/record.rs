//! Writing down what the tests ask, for `cargo xtask known-attacks`, which asks C and Python the same.
//!
//! Where `VERISEAL_RECORD_ATTACKS` names a folder, every question put through the kit is left there: one line of JSON in the
//! format of xtask/src/parity.rs, with the test that asked (`test`), the answer (`expect`, `candidates`), and its files
//! beside it. A policy that the flat format cannot say leaves a line without `kind`: answered in Rust alone.

use super::Case;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use veriseal::policy::{Claim, SctMode, StringMatch, TlogMode};
use veriseal::{Authority, Code, Digest, NotAccepted, Report};
use veriseal_testkit::Store;
use veriseal_testkit::pem;

/// What is asked.
pub(crate) enum Asked<'a> {
    /// Whether a bundle speaks for an artifact.
    Blob { artifact: &'a [u8], bundle: &'a [u8] },
    /// Whether what a store holds speaks for the image that the reference names.
    Image { store: &'a Store, reference: &'a str },
}

/// The answer.
pub(crate) enum Answer<'a> {
    Accepted(&'a Report),
    Refused(&'a NotAccepted),
    /// Trust root or policy cannot be used.
    Unusable(Code),
}

struct Recorder {
    folder: PathBuf,
    /// How many questions each test has asked.
    asked: Mutex<HashMap<String, usize>>,
}

static RECORDER: LazyLock<Option<Recorder>> = LazyLock::new(|| {
    let folder = PathBuf::from(std::env::var_os("VERISEAL_RECORD_ATTACKS")?);
    fs::create_dir_all(folder.join("files")).unwrap();
    Some(Recorder { folder, asked: Mutex::default() })
});

/// Leaves the question and its answer behind, where somebody wants them.
pub(crate) fn record(case: &Case, asked: &Asked<'_>, answer: &Answer<'_>) {
    let Some(recorder) = RECORDER.as_ref() else { return };
    record_with_trust(recorder, case, &case.root().to_bytes(), asked, answer);
}

/// The same where the trust root is not the one of the case.
pub(crate) fn record_trusting(case: &Case, trust: &[u8], asked: &Asked<'_>, answer: &Answer<'_>) {
    let Some(recorder) = RECORDER.as_ref() else { return };
    record_with_trust(recorder, case, trust, asked, answer);
}

fn record_with_trust(recorder: &Recorder, case: &Case, trust: &[u8], asked: &Asked<'_>, answer: &Answer<'_>) {
    // The test harness names its threads after the tests.
    let thread = std::thread::current();
    let Some(test) = thread.name().filter(|name| name.contains("::")) else { return };
    let number = {
        let mut asked = recorder.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let number = asked.entry(test.to_owned()).or_default();
        *number += 1;
        *number
    };
    let mut line = json!({ "id": format!("{test}/{number}"), "test": test });
    let (expect, report) = match answer {
        Answer::Accepted(report) => (format!("ACCEPTED {}", report.code().name()), Some(*report)),
        Answer::Refused(refused) => {
            let status = if matches!(refused, NotAccepted::Rejected(_)) { "REJECTED" } else { "UNDECIDED" };
            (format!("{status} {}", refused.code().name()), Some(refused.report()))
        }
        Answer::Unusable(code) => (format!("REFUSED {}", code.name()), None),
    };
    line["expect"] = expect.into();
    let candidates: Vec<&str> = report.iter().flat_map(|report| report.candidate_codes()).map(Code::name).collect();
    line["candidates"] = candidates.join(" ").into();
    if let Some(policy) = flat(recorder, case) {
        line.as_object_mut().unwrap().extend(policy);
        line["trust"] = recorder.file(trust).into();
        line["now"] = case.now.seconds().to_string().into();
        match asked {
            Asked::Blob { artifact, bundle } => {
                line["kind"] = "blob".into();
                line["bundle"] = recorder.file(bundle).into();
                line["blob"] = recorder.file(artifact).into();
            }
            Asked::Image { store, reference } => {
                let layout = recorder.folder.join("layouts").join(test.replace("::", ".")).join(number.to_string());
                store.write_layout(&layout).unwrap();
                line["kind"] = "image".into();
                line["layout"] = layout.display().to_string().into();
                line["reference"] = (*reference).into();
            }
        }
    }
    let path = recorder.folder.join(format!("{}.jsonl", test.replace("::", ".")));
    let mut file = fs::File::options().create(true).append(true).open(path).unwrap();
    writeln!(file, "{line}").unwrap();
}

impl Recorder {
    /// The path of a file with these bytes.
    fn file(&self, bytes: &[u8]) -> String {
        let path = self.folder.join("files").join(Digest::sha256(bytes).hex());
        if !Path::new(&path).exists() {
            // Tests run beside each other: a file appears whole or not at all.
            let partial = path.with_extension(format!("{:?}", std::thread::current().id()));
            fs::write(&partial, bytes).unwrap();
            fs::rename(&partial, &path).unwrap();
        }
        path.display().to_string()
    }
}

/// The policy of the case in the words of the flat format, if they suffice.
fn flat(recorder: &Recorder, case: &Case) -> Option<Map<String, Value>> {
    let mut policy = Map::new();
    let mut say = |name: &str, value: String| policy.insert(name.to_owned(), value.into());
    match &case.authority {
        Authority::Key(key) if key.algorithm().is_none() => {
            say("key", recorder.file(pem::encode("PUBLIC KEY", key.key().spki()).as_bytes()));
            match (key.validity().start, key.validity().end) {
                (None, None) => {}
                (Some(start), Some(end)) => {
                    say("key_not_before", start.seconds().to_string());
                    say("key_not_after", end.seconds().to_string());
                }
                _ => return None,
            }
        }
        Authority::Keyless(keyless) => {
            let [identity] = keyless.identities() else { return None };
            let (StringMatch::Exact(subject), StringMatch::Exact(issuer)) = (identity.subject(), identity.issuer()) else {
                return None;
            };
            let plain = veriseal::Identity::new(identity.subject().clone(), identity.issuer().clone()).unwrap();
            if format!("{plain:?}") != format!("{identity:?}") || format!("{subject}{issuer}").contains(char::is_control) {
                return None;
            }
            say("identity", subject.clone());
            say("issuer", issuer.clone());
        }
        _ => return None,
    }
    let settings = &case.settings;
    if settings.logs != 1 || settings.witnesses.is_some() || settings.allow_chain || settings.allow_intoto_v1 {
        return None;
    }
    let tlog = match settings.tlog {
        TlogMode::IfPresent => "if-present",
        TlogMode::Ignored => "ignored",
        _ => "required",
    };
    say("tlog", tlog.to_owned());
    say("sct", if settings.sct == SctMode::Ignored { "ignored" } else { "required" }.to_owned());
    say("timestamps", settings.timestamps.to_string());
    match &case.claim {
        Claim::Signed => {}
        Claim::AnyStatement => drop(say("claim", "any".to_owned())),
        Claim::Attestation { predicate_type } => drop(say("claim", predicate_type.clone())),
        _ => return None,
    }
    Some(policy)
}
