//! A budget that ran out is told before anything else, and of several reasons the one that says the most. What an acceptance says
//! of its signature, field by field.

use crate::kit::{ARTIFACT, Case, identity, timestamp_authority, trust};
use serde_json::Value;
use veriseal::policy::{Authority, KeylessAuthority, Settings, StringMatch, TimeSource, TlogMode, Witnesses};
use veriseal::tlog::witness;
use veriseal::{
    AcceptedBlob, Artifact, Code, Limits, NotAccepted, Policy, Report, Requirement, SignatureRequirement, UnixTime, Validity,
    Verifier,
};
use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};
use veriseal_testkit::sigstore::NOW;
use veriseal_testkit::trusted_root::LogInstance;
use veriseal_testkit::{
    Bundle, CtLog, ImageBuilder, RekorV1, Seed, Signer, SigningKey, Store, TrustedRoot, Witness, sign_simple,
};

fn outcome(case: &Case, limits: Limits, bundle: &Bundle) -> Result<AcceptedBlob, NotAccepted> {
    let leaf = SignatureRequirement::new(case.authority.clone()).settings(case.settings.clone());
    let policy = Policy::new(Requirement::signature(leaf)).unwrap();
    let verifier = Verifier::with_limits(trust(&case.root()), policy, limits);
    verifier.verify_blob(&Artifact::bytes(ARTIFACT), &bundle.to_bytes(), case.now)
}

fn report(case: &Case, limits: Limits, bundle: &Bundle) -> Report {
    match outcome(case, limits, bundle) {
        Ok(accepted) => accepted.report().clone(),
        Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report,
    }
}

/// How many signature checks and path steps the answer needs. With fewer it is that the budget ran out, and nothing else; with
/// more it stays what it is.
fn needed(case: &Case, bundle: &Bundle, answer: Code) -> (usize, usize) {
    // What the certificates of the trust root remember of each other costs nothing from the second time on.
    assert_eq!(report(case, Limits::DEFAULT, bundle).code(), answer);
    let needed = |limits: &dyn Fn(u32) -> Limits| {
        let codes: Vec<Code> = (0..24).map(|number| report(case, limits(number), bundle).code()).collect();
        let enough = codes.iter().position(|code| *code == answer).unwrap();
        assert!(codes[..enough].iter().all(|code| *code == Code::BudgetExhausted), "{codes:?}");
        assert!(codes[enough..].iter().all(|code| *code == answer), "{codes:?}");
        enough
    };
    let signatures = needed(&|signature_checks| Limits { signature_checks, ..Limits::DEFAULT });
    let steps = needed(&|path_steps| Limits { path_steps, ..Limits::DEFAULT });
    (signatures, steps)
}

/// K-DS-03: neither enough beside it nor another reason hides that something could not be looked at.
#[test]
fn whatever_is_not_looked_at_is_told_whatever_else_was_found() {
    let mut case = Case::keyless();
    case.settings.timestamps = 1;
    let now = case.sigstore.now;
    let once = case.message().timestamped(&case.sigstore.tsa, now);
    let (signatures, steps) = needed(&case, &once, Code::Accepted);
    // One more entry has a promise and a checkpoint to be checked.
    let mut twice = once.clone();
    twice.entries.extend(case.message().entries);
    assert_eq!(needed(&case, &twice, Code::Accepted), (signatures + 2, steps));
    // One more timestamp: a signature, and a path.
    let stamped = once.clone().timestamped(&case.sigstore.tsa, now);
    let (with_stamp, with_path) = needed(&case, &stamped, Code::Accepted);
    assert_eq!(with_stamp, signatures + 1);
    assert!(with_path > steps);
    // The authority once more: another path that might hold, or not.
    let mut root = case.sigstore.trusted_root();
    root.certificate_authorities.push(root.certificate_authorities[0].clone());
    let (_, again) = needed(&Case { trusted: Some(root), ..case.clone() }, &once, Code::Accepted);
    assert!(again > steps);
}

#[test]
fn that_the_budget_ran_out_is_told_before_why_another_authority_does_not_count() {
    let mut case = Case::key();
    case.settings.timestamps = 1;
    let bundle = case.message();
    let stamped = bundle.clone().timestamped(&case.sigstore.tsa, case.sigstore.now);
    let (signatures, steps) = needed(&case, &stamped, Code::Accepted);
    let unstamped = Case { settings: Settings::default(), ..case.clone() };
    let mut logged_twice = bundle.clone();
    logged_twice.entries.extend(case.message().entries);
    let once = needed(&unstamped, &bundle, Code::Accepted).0;
    assert_eq!(needed(&unstamped, &logged_twice, Code::Accepted).0, once + 2);
    // With a key nothing is checked afterwards that would run out as well.
    let twice = stamped.clone().timestamped(&case.sigstore.tsa, case.sigstore.now);
    assert!(needed(&case, &twice, Code::Accepted).0 > signatures);
    // The same authority before it, in a window that is past: it is looked at wholly, and then the right one is.
    let past = Validity::between(NOW.saturating_add_seconds(-7200), NOW.saturating_add_seconds(-3600));
    let mut root = case.sigstore.trusted_root();
    let mut late = root.timestamp_authorities[0].clone();
    late.valid_for = Some(past);
    root.timestamp_authorities.insert(0, late);
    let case = Case { trusted: Some(root), ..case };
    let (more, further) = needed(&case, &stamped, Code::Accepted);
    assert!(more > signatures && further > steps);
    // A certificate that does not verify the token, once and twice: each is tried.
    let attacker = timestamp_authority(666);
    let own = case.sigstore.tsa.clone();
    let mut root = case.sigstore.trusted_root();
    root.timestamp_authorities[0].chain = vec![own.root.der.clone()];
    let case = Case { trusted: Some(root), ..case };
    let mut forged = attacker.timestamp(bundle.signature(), NOW);
    forged.issuer = own.template.issuer.clone();
    forged.signer_serial = own.template.serial.clone();
    forged.signing_certificate = Some(veriseal::digest::sha256(&own.leaf).to_vec());
    let tries = |count: usize| {
        let certificates = vec![own.leaf.clone(); count];
        let token = veriseal_testkit::tsa::Timestamp { certificates, ..forged.clone() };
        let bundle = Bundle { timestamps: vec![token.response()], ..bundle.clone() };
        needed(&case, &bundle, Code::TimestampSignatureInvalid).0
    };
    assert_eq!(tries(2), tries(1) + 1);
}

/// A second log that is out of its window has its own reason, which costs nothing to find.
#[test]
fn that_the_budget_ran_out_is_told_before_why_another_log_does_not_count() {
    let mut case = Case::keyless();
    let past = Validity::between(NOW.saturating_add_seconds(-7200), NOW.saturating_add_seconds(-3600));
    let other = CtLog::new("https://other.example", &Seed::new(7), past);
    case.trusted = Some(case.sigstore.trusted_root().ct_log(&other));
    let key = case.signer.key.clone();
    let logs = [&case.sigstore.ct_log, &other];
    let leaf = case.sigstore.fulcio.issue(&identity(), &key, &logs, NOW);
    case.signer = Signer::certificate(key, leaf, case.sigstore.fulcio.chain());
    let bundle = case.message();
    needed(&case, &bundle, Code::Accepted);
}

/// That one authority did not issue a certificate says nothing beside what the one that did finds wrong with it.
#[test]
fn what_the_issuer_says_of_a_certificate_is_told_whoever_else_is_trusted() {
    let mut case = Case::keyless();
    let key = case.signer.key.clone();
    let mut leaf = case.sigstore.fulcio.issue(&identity(), &key, &[&case.sigstore.ct_log], NOW);
    *leaf.last_mut().unwrap() ^= 1;
    case.signer = Signer::certificate(key, leaf, case.sigstore.fulcio.chain());
    let bundle = case.message();
    let root = case.sigstore.trusted_root();
    let own = root.certificate_authorities[0].clone();
    let mut other = own.clone();
    other.chain = vec![case.sigstore.tsa.root.der.clone()];
    for (authorities, code) in [
        (vec![other.clone()], Code::CertificateUntrusted),
        (vec![own.clone()], Code::CertificateSignatureInvalid),
        (vec![other.clone(), own.clone()], Code::CertificateSignatureInvalid),
        (vec![own, other], Code::CertificateSignatureInvalid),
    ] {
        let mut root = root.clone();
        root.certificate_authorities = authorities;
        case.trusted = Some(root);
        assert_eq!(report(&case, Limits::DEFAULT, &bundle).code(), code);
    }
}

/// Of two certificates that a token names, the one that it means is told of, in whatever order they lie.
#[test]
fn the_certificate_that_came_closest_to_a_token_is_told() {
    let mut case = Case::key();
    case.settings.timestamps = 1;
    let bundle = case.message();
    let (own, attacker) = (case.sigstore.tsa.clone(), timestamp_authority(666));
    let mut template = own.template.clone();
    template.public_key = attacker.key.spki();
    let twin = template.sign(&attacker.root.key);
    let mut root = case.sigstore.trusted_root();
    root.timestamp_authorities[0].chain = vec![own.root.der.clone()];
    case.trusted = Some(root);
    // It names the honest certificate by its hash, and is signed by neither.
    let mut forged = own.timestamp(bundle.signature(), NOW);
    forged.key = timestamp_authority(7).key;
    for bag in [vec![own.leaf.clone(), twin.clone()], vec![twin, own.leaf.clone()]] {
        forged.certificates = bag;
        let bundle = Bundle { timestamps: vec![forged.response()], ..bundle.clone() };
        assert_eq!(report(&case, Limits::DEFAULT, &bundle).code(), Code::TimestampSignatureInvalid);
    }
}

fn failed_rule(report: &Report) -> String {
    let document: Value = serde_json::from_str(&report.to_json()).unwrap();
    let checks = document["candidates"][0]["evaluations"][0]["checks"].as_array().unwrap();
    let failed: Vec<&str> =
        checks.iter().filter(|check| check.to_string().contains("failed")).filter_map(|check| check["rule"].as_str()).collect();
    failed.join(", ")
}

#[test]
fn the_rule_of_an_identity_that_failed_is_named_and_of_equals_the_first() {
    let mut case = Case::keyless();
    let bundle = case.message();
    let exact = |text: &str| StringMatch::Exact(text.to_owned());
    let named = |subject: &str, issuer: &str| veriseal::Identity::new(exact(subject), exact(issuer)).unwrap();
    let (subject, issuer) = (identity().subject_text(), identity().issuer);
    let right = || named(&subject, &issuer);
    let extension = || right().extension("sourceRepositoryURI", exact("https://other")).unwrap();
    for (wrong, rule, code) in [
        (named(&subject, "https://other"), "issuer", Code::IssuerMismatch),
        (named("https://other", &issuer), "identity", Code::IdentityMismatch),
        (extension(), "extensions", Code::ExtensionMismatch),
        (right().subject_dn("O", exact("other")).unwrap(), "subjectDn", Code::SubjectDnMismatch),
        (right().policy_oid("1.2.3").unwrap(), "policyOids", Code::PolicyOidMismatch),
    ] {
        case.authority = Authority::Keyless(KeylessAuthority::new(vec![wrong]).unwrap());
        let report = report(&case, Limits::DEFAULT, &bundle);
        assert_eq!((failed_rule(&report).as_str(), report.code()), (rule, code));
    }
    for pair in [["https://one", "https://two"], ["https://two", "https://one"]] {
        let identities = pair.map(|subject| named(subject, &issuer)).to_vec();
        case.authority = Authority::Keyless(KeylessAuthority::new(identities).unwrap());
        assert_eq!(report(&case, Limits::DEFAULT, &bundle).failure().expected_text(), Some(pair[0]));
    }
}

/// Where an entry is required, one beside it whose log was not valid at every time is not counted, and no more; where it is only
/// welcome it refuses.
#[test]
fn an_entry_outside_its_logs_window_refuses_only_where_none_is_needed() {
    let mut case = Case::key();
    let now = case.sigstore.now;
    let inside = case.message().timestamped(&case.sigstore.tsa, now);
    let mut outside = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2);
    case.sigstore.rekor2.window = Validity::between(now.saturating_add_seconds(-7200), now.saturating_add_seconds(-3600));
    outside.entries.extend(inside.entries.clone());
    let both = Bundle { entries: outside.entries, ..inside };
    for (tlog, code) in [(TlogMode::Required, Code::Accepted), (TlogMode::IfPresent, Code::LogKeyOutsideWindow)] {
        case.settings = Settings { tlog, ..Settings::default() };
        assert_eq!(report(&case, Limits::DEFAULT, &both).code(), code, "{tlog:?}");
    }
}

#[test]
fn an_acceptance_says_which_logs_and_times_it_rests_on() {
    let mut case = Case::key();
    let now = case.sigstore.now;
    let bundle = case.message().timestamped(&case.sigstore.tsa, now);
    let accepted = outcome(&case, Limits::DEFAULT, &bundle).unwrap();
    let [signature] = accepted.signatures() else { panic!("one signature") };
    let log = format!("https://{}", case.sigstore.rekor.host);
    let [entry] = signature.logs() else { panic!("one log") };
    let index = u64::try_from(bundle.entries[0].log_index).unwrap();
    assert_eq!((entry.log(), entry.index(), entry.witnesses()), (log.as_str(), index, 0));
    let sources: Vec<(UnixTime, TimeSource)> = signature.times().iter().map(|time| (time.at(), time.source().clone())).collect();
    let stamped = TimeSource::TimestampAuthority(case.sigstore.tsa.uri.as_str().into());
    assert_eq!(sources, [(now, TimeSource::Log(log.into())), (now, stamped)]);
    assert_eq!((signature.earliest(), *signature.digest()), (Some(now), crate::kit::digest()));
    assert!(signature.statement().is_none() && signature.docker_reference().is_none());
}

#[test]
fn an_acceptance_says_how_many_witnesses_and_which_name_it_was_signed_under() {
    let mut case = Case::key();
    let seed = Seed::new(3);
    let cosigning = ["one.example", "two.example"].map(|name| Witness::new(name, &seed));
    let of = cosigning.iter().map(|known| witness::Witness::parse(&known.verifier_key()).unwrap()).collect();
    case.settings.witnesses = Some(Witnesses { at_least: 1, of });
    let mut log = case.sigstore.rekor2.clone();
    log.witnesses = cosigning.map(|known| (known, NOW)).to_vec();
    let bundle = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut log);
    let accepted = outcome(&case, Limits::DEFAULT, &bundle).unwrap();
    assert_eq!(accepted.signatures()[0].logs()[0].witnesses(), 2);

    let mut case = Case::key();
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let named = "registry.example/app";
    let signature = sign_simple(&image.digest, named, &[], &case.signer).logged(&mut case.sigstore.rekor, NOW);
    store.attach_signature(&image.digest, &signature);
    let reference = format!("{REGISTRY}/{REPOSITORY}@{}", image.digest);
    let accepted = case.verifier().verify(&reference.parse().unwrap(), &store, case.now).unwrap();
    assert_eq!(accepted.signatures()[0].docker_reference(), Some(named));
}

#[test]
fn a_report_names_the_authorities_that_vouched() {
    let mut case = Case::keyless();
    let bundle = case.message();
    let document: Value = serde_json::from_str(&report(&case, Limits::DEFAULT, &bundle).to_json()).unwrap();
    let checks = document["candidates"][0]["evaluations"][0]["checks"].as_array().unwrap();
    let of = |rule: &str| checks.iter().find(|check| check["rule"] == rule).unwrap().to_string();
    assert!(of("issuer").contains(&identity().issuer), "{}", of("issuer"));
    assert!(of("sct").contains(&case.sigstore.ct_log.url), "{}", of("sct"));
    let root = case.sigstore.trusted_root();
    let authority = &root.certificate_authorities[0].uri;
    assert!(!authority.is_empty() && of("certificate").contains(authority.as_str()), "{}", of("certificate"));
}

/// Two logs of one id, neither of which holds the entry, for reasons that say equally much.
#[test]
fn of_two_logs_that_do_not_hold_an_entry_the_first_is_told() {
    let mut case = Case::key();
    let bundle = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2);
    let root = case.sigstore.trusted_root();
    let own = root.tlogs.iter().find(|log| log.log_id == case.sigstore.rekor2.log_id()).unwrap().clone();
    let elsewhere = LogInstance { base_url: "https://elsewhere.example".to_owned(), ..own.clone() };
    let foreign = LogInstance { public_key: SigningKey::new(case.sigstore.rekor2.key.kind(), &Seed::new(9)).spki(), ..own };
    for (tlogs, code) in [
        (vec![elsewhere.clone(), foreign.clone()], Code::CheckpointMismatch),
        (vec![foreign, elsewhere], Code::CheckpointSignatureInvalid),
    ] {
        case.trusted = Some(TrustedRoot { tlogs, ..root.clone() });
        assert_eq!(report(&case, Limits::DEFAULT, &bundle).code(), code);
    }
}

/// K-TL-16: where a key stands twice, the entry is told as that of the log whose window holds it.
#[test]
fn the_log_whose_window_holds_the_times_is_the_one_that_is_told() {
    let mut case = Case::key();
    let now = case.sigstore.now;
    let mut bundle = case.message().timestamped(&case.sigstore.tsa, now);
    bundle.entries[0].set = None;
    let window = |from: i64, to: i64| Validity::between(now.saturating_add_seconds(from), now.saturating_add_seconds(to));
    let mut root = case.sigstore.trusted_root();
    root.tlogs.clear();
    for (host, window) in [("past.example", window(-7200, -3600)), ("present.example", window(-60, 60))] {
        let log = RekorV1 { window, ..case.sigstore.rekor.clone() };
        root = root.rekor_v1(&log);
        root.tlogs.last_mut().unwrap().base_url = format!("https://{host}");
    }
    case.trusted = Some(root);
    let accepted = outcome(&case, Limits::DEFAULT, &bundle).unwrap();
    let names: Vec<&str> = accepted.signatures()[0].logs().iter().map(|log| log.log()).collect();
    assert_eq!(names, ["https://present.example"]);
}
