//! The Rust side of `cargo xtask parity`, which describes the format (xtask/src/parity.rs).
//!
//! `parity cases FOLDER` makes every scenario of the testkit, images signed by the real cosign and every bundle of the shared
//! vectors into cases, with their
//! files in the folder; `parity answer` answers cases from its input; `parity cost FOLDER` measures calls (see
//! `cargo xtask call-cost`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::as_conversions, clippy::arithmetic_side_effects)]

use serde_json::{Value, json};
use std::io::BufRead;
use std::path::{Path, PathBuf};
use veriseal::trust::TrustRootOrigin;
use veriseal::{
    Artifact, Authority, Claim, Failure, Identity, KeyAuthority, KeylessAuthority, Pattern, Policy, PublicKey, Reference, Report,
    Requirement, SctMode, Settings, SignatureRequirement, StringMatch, TlogMode, TrustRoot, UnixTime, Validity, Verifier,
};
use veriseal_registry::OciLayout;
use veriseal_testkit::scenario;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["cases", folder] => cases(Path::new(folder)),
        ["answer"] => {
            for line in std::io::stdin().lock().lines() {
                let case: Value = serde_json::from_str(&line.unwrap()).unwrap();
                println!("{}", answer(&case));
            }
        }
        ["cost", calls] => cost(calls.parse().unwrap()),
        _ => panic!("usage: parity cases FOLDER | parity answer | parity cost CALLS"),
    }
}

/// Answers one case as a line: id, status, code, pinned reference or digest, and the report as it is.
fn answer(case: &Value) -> String {
    let id = field(case, "id");
    let verifier = match verifier(case) {
        Ok(verifier) => verifier,
        Err(failure) => return line(id, "REFUSED", failure.code().name(), "", None),
    };
    match judge(&verifier, case) {
        Err(failure) => line(id, "REFUSED", failure.code().name(), "", None),
        Ok(Ok((pinned, report))) => line(id, "ACCEPTED", report.code().name(), &pinned, Some(&report)),
        Ok(Err(not_accepted)) => {
            let status = match &not_accepted {
                veriseal::NotAccepted::Rejected(_) => "REJECTED",
                veriseal::NotAccepted::Undecided(_) => "UNDECIDED",
            };
            let report = not_accepted.report();
            line(id, status, report.code().name(), "", Some(report))
        }
    }
}

fn line(id: &str, status: &str, code: &str, pinned: &str, report: Option<&Report>) -> String {
    format!("{id}\t{status}\t{code}\t{pinned}\t{}", report.map(Report::to_json).unwrap_or_default())
}

type Judged = Result<(String, Report), veriseal::NotAccepted>;

fn judge(verifier: &Verifier, case: &Value) -> Result<Judged, Failure> {
    let now = UnixTime::from_seconds(field(case, "now").parse().unwrap());
    if field(case, "kind") == "image" {
        let layout = OciLayout::open(field(case, "layout"))?;
        let reference: Reference = field(case, "reference").parse()?;
        let outcome = verifier.verify(&reference, &layout, now);
        return Ok(outcome.map(|accepted| (accepted.pinned().to_string(), accepted.report().clone())));
    }
    let bundle = std::fs::read(field(case, "bundle")).unwrap();
    let blob;
    let artifact = match field(case, "blob") {
        "" => Artifact::digest(field(case, "digest").parse()?),
        path => {
            blob = std::fs::read(path).unwrap();
            Artifact::bytes(&blob)
        }
    };
    let outcome = verifier.verify_blob(&artifact, &bundle, now);
    Ok(outcome.map(|accepted| (accepted.digest().to_string(), accepted.report().clone())))
}

fn verifier(case: &Value) -> Result<Verifier, Failure> {
    let path = field(case, "trust");
    let origin = TrustRootOrigin { name: veriseal::code::bounded(path), ..TrustRootOrigin::default() };
    let trust = TrustRoot::from_json(&std::fs::read(path).unwrap(), origin)?;
    let (identity, issuer) = (field(case, "identity"), field(case, "issuer"));
    let authority = if field(case, "key").is_empty() {
        let text = |text: &str| -> Result<StringMatch, Failure> {
            Ok(match field(case, "match") {
                "pattern" => StringMatch::Pattern(Pattern::new(text)?),
                _ => StringMatch::Exact(text.to_owned()),
            })
        };
        Authority::Keyless(KeylessAuthority::new(vec![Identity::new(text(identity)?, text(issuer)?)?])?)
    } else {
        let path = field(case, "key");
        let mut key = KeyAuthority::new(PublicKey::from_pem(&std::fs::read(path).unwrap())?, path);
        if !field(case, "key_not_before").is_empty() {
            let at = |name| UnixTime::from_seconds(field(case, name).parse().unwrap());
            key = key.valid_within(Validity::between(at("key_not_before"), at("key_not_after")));
        }
        Authority::Key(key)
    };
    let settings = Settings {
        tlog: match field(case, "tlog") {
            "ignored" => TlogMode::Ignored,
            "if-present" => TlogMode::IfPresent,
            _ => TlogMode::Required,
        },
        sct: if field(case, "sct") == "ignored" { SctMode::Ignored } else { SctMode::Required },
        timestamps: field(case, "timestamps").parse().unwrap_or(0),
        ..Settings::default()
    };
    let claim = match field(case, "claim") {
        "" => Claim::Signed,
        "any" => Claim::AnyStatement,
        predicate_type => Claim::Attestation { predicate_type: predicate_type.to_owned() },
    };
    let leaf = SignatureRequirement::new(authority).settings(settings).claim(claim);
    Ok(Verifier::new(trust, Policy::new(Requirement::signature(leaf))?))
}

fn field<'a>(case: &'a Value, name: &str) -> &'a str {
    case.get(name).and_then(Value::as_str).unwrap_or("")
}

fn cases(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let path = |name: String, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    for scenario in scenario::all() {
        let name = scenario.name;
        let layout = folder.join(name);
        scenario.store.write_layout(&layout).unwrap();
        let mut case = json!({
            "kind": "image",
            "trust": path(format!("{name}.trust.json"), &scenario.trusted_root()),
            "layout": layout.display().to_string(),
            "now": scenario.now.seconds().to_string(),
        });
        if let Some(predicate_type) = scenario.attestation {
            case["claim"] = predicate_type.into();
        }
        match scenario.authority {
            scenario::Authority::Key => case["key"] = path(format!("{name}.pem"), scenario.key_pem.as_bytes()).into(),
            scenario::Authority::Keyless => {
                case["identity"] = scenario.identity.subject_text().into();
                case["issuer"] = scenario.identity.issuer.clone().into();
            }
        }
        for (way, reference) in [("tag", scenario.reference()), ("pinned", scenario.pinned())] {
            case["id"] = format!("testkit/{name}/{way}").into();
            case["reference"] = reference.into();
            println!("{case}");
        }
    }
    let images = workspace().join("examples/images").canonicalize().unwrap();
    let of_images = |name: &str| images.join(name).display().to_string();
    for name in ["altered", "cosign-v2", "cosign-v3", "unsigned"] {
        let case = json!({
            "id": format!("images/{name}"),
            "kind": "image",
            "trust": of_images("keyless-trusted-root.json"),
            "key": of_images("cosign.pub"),
            "tlog": "ignored",
            "layout": of_images(name),
            "reference": "registry.example/app:1.0",
            "now": "1795305600",
        });
        println!("{case}");
    }
    let Some(vectors) = vectors() else {
        eprintln!("the shared vectors are not there: only scenarios of the testkit");
        return;
    };
    let manifest: Value = serde_json::from_slice(&std::fs::read(vectors.join("MANIFEST.json")).unwrap()).unwrap();
    let bundles = manifest["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == "sigstore-bundle");
    for (number, vector) in bundles.enumerate() {
        let inputs = &vector["inputs"];
        let file = |name: &str| inputs[name].as_str().map(|name| vectors.join(name).display().to_string());
        let mut trust = file("trusted_root").unwrap();
        if inputs.get("trusted_root_format").is_some() {
            let lines = std::fs::read_to_string(&trust).unwrap();
            let line = lines.lines().find(|line| line.contains("fulcio.githubapp.com")).unwrap();
            trust = path(format!("vector-{number}.trust.json"), line.as_bytes());
        }
        let id = vector["id"].as_str().unwrap();
        let seconds = |text: &str| UnixTime::parse_rfc3339(text).unwrap().seconds().to_string();
        let mut case = json!({
            "kind": "blob",
            "trust": trust,
            "claim": "any",
            "bundle": file("bundle").unwrap(),
            "now": seconds(inputs["verification_time"].as_str().unwrap_or("2026-08-22T00:00:00Z")),
        });
        match (file("key"), inputs["identity"].as_str()) {
            (Some(key), _) => {
                case["key"] = key.into();
                if let Some(window) = inputs.get("key_validity") {
                    case["key_not_before"] = seconds(window[0].as_str().unwrap()).into();
                    case["key_not_after"] = seconds(window[1].as_str().unwrap()).into();
                }
            }
            (None, Some(identity)) => {
                case["identity"] = identity.into();
                case["issuer"] = inputs["issuer"].clone();
            }
            (None, None) => {
                case["match"] = "pattern".into();
                case["identity"] = ".*".into();
                case["issuer"] = ".*".into();
            }
        }
        if id.contains("public-key-validity") {
            case["tlog"] = "ignored".into();
        } else if id.contains("github-private-optin") || id.contains("github-private-wrong-digest") {
            case["tlog"] = "ignored".into();
            case["sct"] = "ignored".into();
            case["timestamps"] = "1".into();
        }
        let text = || inputs["artifact_text"].as_str().map(|text| path(format!("vector-{number}.blob"), text.as_bytes()));
        if let Some(blob) = file("artifact").or_else(text) {
            let digest = veriseal::Digest::sha256(&std::fs::read(&blob).unwrap()).to_string();
            case["id"] = format!("{id}/bytes").into();
            case["blob"] = blob.into();
            println!("{case}");
            case["blob"] = "".into();
            case["digest"] = digest.into();
        } else {
            case["digest"] = match inputs["digest"].as_str() {
                Some(digest) => digest.into(),
                None => veriseal::Digest::sha256(b"").to_string().into(),
            };
        }
        case["id"] = format!("{id}/digest").into();
        println!("{case}");
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn vectors() -> Option<PathBuf> {
    let given = std::env::var_os("VERISEAL_VECTORS").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| workspace().join("../shared/vectors"));
    folder.join("MANIFEST.json").exists().then(|| folder.canonicalize().unwrap())
}

/// The time of a call, as the fastest of many rounds: bundle and digest of the first case on the input.
fn cost(calls: u32) {
    let mut first = String::new();
    std::io::stdin().read_line(&mut first).unwrap();
    let case: Value = serde_json::from_str(&first).unwrap();
    let verifier = verifier(&case).unwrap();
    let bundle = std::fs::read(field(&case, "bundle")).unwrap();
    let digest: veriseal::Digest = field(&case, "digest").parse().unwrap();
    let now = UnixTime::from_seconds(field(&case, "now").parse().unwrap());
    // As every language does it: the digest from its text, the verdict, the report as JSON, and all of it given up.
    let text = digest.to_string();
    let call = || {
        let artifact = Artifact::digest(text.parse().unwrap());
        let accepted = verifier.verify_blob(&artifact, &bundle, now).unwrap();
        assert!(accepted.report().to_json().len() > 100);
    };
    call();
    let mut best = f64::MAX;
    for _ in 0..calls {
        let begun = std::time::Instant::now();
        call();
        best = best.min(begun.elapsed().as_secs_f64());
    }
    println!("{:.3}", best * 1e6);
}
