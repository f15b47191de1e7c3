//! Every arrow of the proof has a fixture that breaks it alone: artifact, payload, signature, key or certificate, log
//! entry, time. And of two that are broken the answer is the one that the ladder comes to first.

use crate::kit::{Case, identity};
use serde_json::Value;
use std::collections::BTreeSet;
use veriseal::policy::{Authority, Claim, KeyAuthority, SctMode, Settings, TlogMode};
use veriseal::{Code, Digest, PublicKey, Validity};
use veriseal_testkit::dsse::{COSIGN_SIGN, Envelope, EnvelopeSignature, IN_TOTO, SLSA_PROVENANCE, Statement};
use veriseal_testkit::rekor;
use veriseal_testkit::sigstore::NOW;
use veriseal_testkit::x509::{GeneralName, Name};
use veriseal_testkit::{Bundle, FulcioCa, Identity, Seed, Signer};

/// An arrow, in the order in which the keyless ladder comes to it, with what is answered where it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Arrow {
    EntryToPayload,
    EntryToSignature,
    EntryToVerifier,
    StampToSignature,
    PromiseToEntry,
    TimeToCertificate,
    CertificateToAuthority,
    CertificateToLog,
    SignatureToPayload,
    SignatureToKey,
    PayloadToArtifact,
    PayloadToClaim,
    IssuerToPolicy,
    SubjectToPolicy,
}

use Arrow::{
    CertificateToAuthority, CertificateToLog, EntryToPayload, EntryToSignature, EntryToVerifier, IssuerToPolicy,
    PayloadToArtifact, PayloadToClaim, PromiseToEntry, SignatureToKey, SignatureToPayload, StampToSignature, SubjectToPolicy,
    TimeToCertificate,
};

const KEYLESS: [(Arrow, Code, &str); 14] = [
    // The signature in the entry is looked at before its key, and that before its digest.
    (EntryToSignature, Code::EntryMismatchSignature, "entryBinding"),
    (EntryToVerifier, Code::EntryMismatchKey, "entryBinding"),
    (EntryToPayload, Code::EntryMismatchDigest, "entryBinding"),
    (StampToSignature, Code::TimestampImprintMismatch, "timestamps"),
    (PromiseToEntry, Code::SetInvalid, "tlog"),
    (TimeToCertificate, Code::IntegratedTimeOutsideCertificate, "certificate"),
    (CertificateToAuthority, Code::CertificateUntrusted, "certificate"),
    (CertificateToLog, Code::SctMissing, "sct"),
    (SignatureToPayload, Code::SignatureInvalid, "signature"),
    (SignatureToKey, Code::SignatureInvalid, "signature"),
    (PayloadToArtifact, Code::SignedOtherDigest, "subject"),
    (PayloadToClaim, Code::PredicateTypeMismatch, "claim"),
    (IssuerToPolicy, Code::IssuerMismatch, "issuer"),
    (SubjectToPolicy, Code::IdentityMismatch, "identity"),
];

/// With a key the signature comes first, for then the key is known to be the one that is trusted.
const KEY: [(Arrow, Code, &str); 9] = [
    (SignatureToPayload, Code::SignatureInvalid, "signature"),
    (SignatureToKey, Code::SignatureInvalid, "signature"),
    (EntryToSignature, Code::EntryMismatchSignature, "entryBinding"),
    (EntryToVerifier, Code::EntryMismatchKey, "entryBinding"),
    (EntryToPayload, Code::EntryMismatchDigest, "entryBinding"),
    (StampToSignature, Code::TimestampImprintMismatch, "timestamps"),
    (PromiseToEntry, Code::SetInvalid, "tlog"),
    (PayloadToArtifact, Code::SignedOtherDigest, "subject"),
    (PayloadToClaim, Code::PredicateTypeMismatch, "claim"),
];

/// A bundle, logged and stamped, in which exactly these arrows are broken and everything else fits together.
fn broken(keyless: bool, arrows: &BTreeSet<Arrow>) -> (Case, Bundle) {
    let is = |arrow| arrows.contains(&arrow);
    let mut case = if keyless { Case::keyless() } else { Case::key() };
    case.settings = Settings { timestamps: 1, ..Settings::default() };
    let stranger = case.sigstore.key("stranger");
    let (key, at) = (case.signer.key.clone(), case.sigstore.now);
    let signer = if keyless {
        let mut named = identity();
        if is(IssuerToPolicy) {
            named.issuer = "https://issuer.stranger.example".to_owned();
        }
        if is(SubjectToPolicy) {
            named.subject = GeneralName::Uri("https://github.com/stranger/app".to_owned());
        }
        certified(&case, &named, key, is(CertificateToAuthority), is(CertificateToLog))
    } else {
        Signer::key(key)
    };

    let about = if is(PayloadToArtifact) { Digest::sha256(b"another artifact") } else { crate::kit::digest() };
    let predicate_type = if is(PayloadToClaim) { SLSA_PROVENANCE } else { COSIGN_SIGN };
    let statement = Statement::new(&about, predicate_type, serde_json::json!({}));
    let mut envelope = Envelope::sign(IN_TOTO, &statement.to_bytes(), &signer);
    if is(SignatureToKey) {
        envelope.signatures = vec![EnvelopeSignature { sig: stranger.sign(&envelope.pae()), keyid: String::new() }];
    }
    if is(SignatureToPayload) {
        // Another predicate: still a statement about the artifact, but not the one that was signed.
        envelope.payload = Statement { predicate: serde_json::json!({ "altered": true }), ..statement }.to_bytes();
    }

    // The log takes in what the bundle says, or something else.
    let mut logged = envelope.clone();
    if is(EntryToPayload) {
        logged.payload.push(b' ');
    }
    if is(EntryToSignature) {
        logged.signatures[0].sig = stranger.sign(b"something else");
    }
    let verifier = if is(EntryToVerifier) {
        let signer = if keyless { certified(&case, &identity(), stranger, false, false) } else { Signer::key(stranger) };
        signer.verifier_pem()
    } else {
        signer.verifier_pem()
    };
    let at_log = if is(TimeToCertificate) { at.saturating_add_seconds(case.sigstore.fulcio.lifetime + 1) } else { at };
    let mut entry = case.sigstore.rekor.add(rekor::dsse(&logged, &verifier), at_log);
    if is(PromiseToEntry) {
        entry.set = Some(case.sigstore.rekor.key.sign(b"another entry"));
    }
    let mut bundle = Bundle::envelope(envelope, &signer);
    bundle.entries.push(entry);
    let stamped: &[u8] = if is(StampToSignature) { b"another signature" } else { bundle.signature() };
    bundle.timestamps.push(case.sigstore.tsa.respond(stamped, at));
    (case, bundle)
}

/// A certificate for the identity, by the trusted authority and logged, or not.
fn certified(case: &Case, identity: &Identity, key: veriseal_testkit::SigningKey, foreign: bool, unlogged: bool) -> Signer {
    let mut fulcio = case.sigstore.fulcio.clone();
    if foreign {
        let window = Validity::between(NOW.saturating_add_seconds(-86_400), NOW.saturating_add_seconds(86_400));
        fulcio = FulcioCa::new(&Seed::new(99), window);
        fulcio.intermediate.template.subject = Name::new("stranger.example", "stranger");
    }
    let logs = if unlogged { vec![] } else { vec![&case.sigstore.ct_log] };
    let leaf = fulcio.issue(identity, &key, &logs, case.sigstore.now);
    Signer::certificate(key, leaf, fulcio.chain())
}

/// The checks of the one candidate: rule and outcome.
fn checks(case: &Case, bundle: &Bundle) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&case.report(bundle).to_json()).unwrap();
    let checks = report["candidates"][0]["evaluations"][0]["checks"].as_array().unwrap();
    let text = |check: &Value, field: &str| check[field].as_str().unwrap().to_owned();
    checks.iter().map(|check| (text(check, "rule"), text(check, "outcome"))).collect()
}

#[test]
fn each_arrow_is_checked_and_nothing_else_speaks_against_its_fixture() {
    for (keyless, arrows) in [(true, &KEYLESS[..]), (false, &KEY[..])] {
        let (case, bundle) = broken(keyless, &BTreeSet::new());
        assert_eq!(case.code(&bundle), Code::Accepted);
        for (arrow, code, rule) in arrows {
            let (case, bundle) = broken(keyless, &BTreeSet::from([*arrow]));
            assert_eq!(case.code(&bundle), *code, "{arrow:?}");
            let checks = checks(&case, &bundle);
            let failed: Vec<_> =
                checks.iter().filter(|(_, outcome)| outcome == "failed").map(|(rule, _)| rule.as_str()).collect();
            assert_eq!(failed, [*rule], "{arrow:?}");
            assert_eq!(checks.last().unwrap().0, *rule, "{arrow:?}: nothing is looked at after it");
        }
    }
}

/// The code of a candidate is that of the first rung that does not hold, whatever else is wrong.
#[test]
fn of_two_broken_arrows_the_first_is_the_answer() {
    for (keyless, arrows) in [(true, &KEYLESS[..]), (false, &KEY[..])] {
        for (position, (first, code, _)) in arrows.iter().enumerate() {
            for (second, _, _) in &arrows[position + 1..] {
                let (case, bundle) = broken(keyless, &BTreeSet::from([*first, *second]));
                let expected = match (first, second) {
                    // About another artifact it is "signed" only if it says so; any other statement is just not about this one.
                    (PayloadToArtifact, PayloadToClaim) => Code::StatementSubjectMismatch,
                    _ => *code,
                };
                assert_eq!(case.code(&bundle), expected, "{first:?} before {second:?}, keyless: {keyless}");
            }
        }
    }
}

/// What becomes of an entry.
#[derive(Clone, Copy, Debug)]
enum Entry {
    Good,
    Bad,
    Missing,
    Foreign,
    UnknownLog,
}

/// Each way to treat the log against each kind of entry. A timestamp gives certificates their time in all of them.
#[test]
fn tlog_settings_against_entries() {
    let modes = [TlogMode::Required, TlogMode::IfPresent, TlogMode::Ignored];
    let rows = [
        (Entry::Good, [Code::Accepted; 3]),
        (Entry::Bad, [Code::SetInvalid, Code::SetInvalid, Code::Accepted]),
        (Entry::Missing, [Code::LogEntryMissing, Code::Accepted, Code::Accepted]),
        (Entry::Foreign, [Code::EntryMismatchSignature, Code::EntryMismatchSignature, Code::Accepted]),
        (Entry::UnknownLog, [Code::LogUnknown, Code::LogUnknown, Code::Accepted]),
    ];
    for mut case in [Case::key(), Case::keyless()] {
        for (entry, codes) in rows {
            let mut bundle = case.envelope().timestamped(&case.sigstore.tsa, case.sigstore.now);
            match entry {
                Entry::Good => {}
                Entry::Bad => bundle.entries[0].set.as_mut().unwrap()[20] ^= 1,
                Entry::Missing => bundle.entries.clear(),
                Entry::Foreign => bundle.entries = case.message().entries,
                Entry::UnknownLog => bundle.entries[0].log_id[0] ^= 1,
            }
            for (mode, code) in modes.into_iter().zip(codes) {
                case.settings = Settings { tlog: mode, ..Settings::default() };
                assert_eq!(case.code(&bundle), code, "{entry:?} {mode:?}");
            }
        }
    }
}

/// Every other setting: met, and short by one.
#[test]
fn each_setting_is_held() {
    let mut case = Case::keyless();
    let (now, tsa) = (case.sigstore.now, case.sigstore.tsa.clone());
    let other = crate::kit::timestamp_authority(7);
    case.trusted = Some(case.sigstore.trusted_root().tsa(&other));
    let bundle = case.envelope();
    let (one, two) = (bundle.clone().timestamped(&tsa, now), bundle.clone().timestamped(&tsa, now).timestamped(&other, now));
    let code = |settings: Settings, bundle: &Bundle| Case { settings, ..case.clone() }.code(bundle);
    let stamps = |timestamps| Settings { timestamps, ..Settings::default() };
    let counts = [0, 1, 2, 3].map(|count| [&bundle, &one, &two].map(|bundle| code(stamps(count), bundle)));
    let (yes, no) = (Code::Accepted, Code::TimestampThreshold);
    assert_eq!(counts, [[yes; 3], [no, yes, yes], [no, no, yes], [no; 3]]);

    let unlogged_certificate = broken(true, &BTreeSet::from([CertificateToLog])).1;
    assert_eq!(code(Settings::default(), &unlogged_certificate), Code::SctMissing);
    assert_eq!(code(Settings { sct: SctMode::Ignored, ..Settings::default() }, &unlogged_certificate), Code::Accepted);
    assert_eq!(code(Settings { logs: 2, ..Settings::default() }, &bundle), Code::LogThreshold);
    // Settings that can mean nothing are mistakes of the policy, not of the signature.
    for settings in [
        Settings { logs: 0, ..Settings::default() },
        Settings { tlog: TlogMode::Ignored, witnesses: Some(none_of_nobody()), ..Settings::default() },
        Settings { witnesses: Some(none_of_nobody()), ..Settings::default() },
    ] {
        let leaf = veriseal::SignatureRequirement::new(case.authority.clone()).settings(settings);
        assert_eq!(veriseal::Policy::new(veriseal::Requirement::signature(leaf)).unwrap_err().code(), Code::PolicyInvalid);
    }
}

fn none_of_nobody() -> veriseal::policy::Witnesses {
    veriseal::policy::Witnesses { at_least: 0, of: std::sync::Arc::new([]) }
}

/// Whatever is weaker than the default is named in the report, also where nothing was accepted, and nothing else is.
#[test]
fn what_is_weakened_stands_in_the_report() {
    let default = Settings::default;
    let rows: [(bool, Settings, Claim, &[Code]); 9] = [
        (false, default(), Claim::Signed, &[]),
        (true, default(), Claim::Signed, &[]),
        (false, Settings { tlog: TlogMode::Ignored, ..default() }, Claim::Signed, &[Code::LogIgnored]),
        (true, Settings { tlog: TlogMode::IfPresent, ..default() }, Claim::Signed, &[Code::LogIfPresent]),
        (true, Settings { sct: SctMode::Ignored, ..default() }, Claim::Signed, &[Code::SctIgnored]),
        // A key has no certificate that could have been logged.
        (false, Settings { sct: SctMode::Ignored, ..default() }, Claim::Signed, &[]),
        (true, Settings { allow_chain: true, ..default() }, Claim::Signed, &[Code::ChainOptIn]),
        (false, default(), Claim::AnyStatement, &[Code::AnyStatement]),
        (true, Settings { timestamps: 2, logs: 2, ..default() }, Claim::Signed, &[]),
    ];
    for (keyless, settings, claim, codes) in rows {
        let mut case = if keyless { Case::keyless() } else { Case::key() };
        let bundle = case.envelope();
        (case.settings, case.claim) = (settings, claim);
        assert_eq!(case.report(&bundle).weakened_codes(), codes);
        assert_eq!(case.report_of(b"{}").weakened_codes(), codes);
    }
    // A window makes a key count less often, not more: nothing to name.
    let case = Case::key();
    let key = PublicKey::from_spki(&case.signer.key.spki()).unwrap();
    let windowed = KeyAuthority::new(key, "release.pub").valid_within(Validity::between(NOW, NOW));
    let case = Case { authority: Authority::Key(windowed), ..case };
    assert_eq!(case.report_of(b"{}").weakened_codes(), []);
}
