//! Attacks that make one witness look like several: K-TL-09, for logs, timestamp authorities and witnesses.

use crate::kit::{ARTIFACT, Case, timestamp_authority};
use veriseal::policy::{Settings, Witnesses};
use veriseal::tlog::witness;
use veriseal::{Code, Validity};
use veriseal_testkit::{Bundle, BundleVersion, LogEntry, RekorV1, Seed, TimestampAuthority, Witness};

fn two_logs() -> Settings {
    Settings { logs: 2, ..Settings::default() }
}

/// A second log of the first generation.
fn second_log(case: &Case) -> RekorV1 {
    let log = RekorV1::new(&Seed::new(2), case.sigstore.rekor.window);
    RekorV1 { host: "rekor2.testkit.example".to_owned(), ..log }
}

/// An entry about the same content in another log, without proof, as v0.1 allows.
fn entry(bundle: &Bundle, log: &mut RekorV1, case: &Case) -> LogEntry {
    LogEntry { proof: None, ..log.add(bundle.body_v1(), case.sigstore.now) }
}

/// K-TL-09 (CVE-2026-49834): entries are many, the log is one.
#[test]
fn two_entries_of_one_log_are_one_log() {
    for mut case in [Case::key(), Case::keyless()] {
        let mut second = second_log(&case);
        case.trusted = Some(case.sigstore.trusted_root().rekor_v1(&second));
        let once = case.message();
        let twice = once.clone().logged_v1(&mut case.sigstore.rekor, case.sigstore.now);
        let in_both = once.clone().logged_v1(&mut second, case.sigstore.now);
        assert_eq!([&once, &twice, &in_both].map(|bundle| case.code(bundle)), [Code::Accepted; 3]);
        case.settings = two_logs();
        assert_eq!(case.code(&once), Code::LogThreshold);
        assert_eq!(case.code(&twice), Code::LogThreshold);
        assert_eq!(case.code(&in_both), Code::Accepted);
        // The very same entry twice is refused before anybody counts.
        let mut doubled = once.clone();
        doubled.entries.push(once.entries[0].clone());
        assert_eq!(case.code(&doubled), Code::LogEntryDuplicate);
    }
}

/// K-TL-09, K-PO-11: one key under two ids, or two keys of one operator, are one log.
#[test]
fn a_log_under_two_ids_or_of_one_operator_counts_once() {
    let mut case = Case { settings: two_logs(), ..Case::key() };
    let mut second = second_log(&case);
    let bundle = Bundle::blob(ARTIFACT, &case.signer).version(BundleVersion::V01);
    let own = LogEntry { proof: None, ..case.sigstore.rekor.add(bundle.body_v1(), case.sigstore.now) };
    let mut root = case.sigstore.trusted_root().rekor_v1(&second);

    // The same key, listed again under another id, and an entry that it promised under that id.
    let mut alias = root.tlogs[0].clone();
    alias.log_id = vec![0xaa; 32];
    let mut aliased = LogEntry { log_id: alias.log_id.clone(), ..own.clone() };
    aliased.set = Some(case.sigstore.rekor.promise(&aliased));
    root.tlogs.push(alias);
    let other = entry(&bundle, &mut second, &case);
    case.trusted = Some(root.clone());
    let with = |entries: [&LogEntry; 2]| Bundle { entries: entries.map(Clone::clone).to_vec(), ..bundle.clone() };
    assert_eq!(case.code(&with([&own, &aliased])), Code::LogThreshold);
    assert_eq!(case.code(&with([&aliased, &own])), Code::LogThreshold);
    assert_eq!(case.code(&with([&own, &other])), Code::Accepted);

    let operated_by = |operators: [&str; 2], log_id: &[u8]| {
        let mut root = root.clone().as_v02(operators[0]);
        root.tlogs.iter_mut().filter(|log| log.log_id == log_id).for_each(|log| log.operator = Some(operators[1].to_owned()));
        Some(root)
    };
    case.trusted = operated_by(["acme", "acme"], &second.log_id());
    assert_eq!(case.code(&with([&own, &other])), Code::LogThreshold);
    case.trusted = operated_by(["acme", "other"], &second.log_id());
    assert_eq!(case.code(&with([&own, &other])), Code::Accepted);
    // Two operators that share a key are not independent, whoever wrote them down as two.
    case.trusted = operated_by(["acme", "other"], &aliased.log_id);
    assert_eq!(case.code(&with([&own, &aliased])), Code::LogThreshold);
}

/// A log that is not trusted, or whose promise does not hold, counts for nothing and takes nothing away.
#[test]
fn only_entries_that_hold_are_counted() {
    let mut case = Case { settings: two_logs(), ..Case::key() };
    let mut second = second_log(&case);
    let bundle = Bundle::blob(ARTIFACT, &case.signer).version(BundleVersion::V01);
    let own = LogEntry { proof: None, ..case.sigstore.rekor.add(bundle.body_v1(), case.sigstore.now) };
    let other = entry(&bundle, &mut second, &case);
    let with = |entries: Vec<LogEntry>| Bundle { entries, ..bundle.clone() };
    assert_eq!(case.code(&with(vec![own.clone(), other.clone()])), Code::LogThreshold);
    case.trusted = Some(case.sigstore.trusted_root().rekor_v1(&second));
    let mut broken = other.clone();
    broken.set = Some(vec![1; 70]);
    assert_eq!(case.code(&with(vec![own.clone(), broken.clone()])), Code::LogThreshold);
    assert_eq!(case.code(&with(vec![broken, other])), Code::LogEntryDuplicate);
    case.settings = Settings::default();
    assert_eq!(case.code(&with(vec![own])), Code::Accepted);
}

/// K-TL-09 (sigstore-js #472): tokens are many, the authority is one.
#[test]
fn two_tokens_of_one_authority_are_one_authority() {
    let mut case = Case { settings: Settings { timestamps: 2, ..Settings::default() }, ..Case::keyless() };
    let (now, other) = (case.sigstore.now, timestamp_authority(7));
    let later = now.saturating_add_seconds(1);
    let own = case.sigstore.tsa.clone();
    let bundle = case.message();
    let same = bundle.clone().timestamped(&own, now).timestamped(&own, later);
    let both = bundle.clone().timestamped(&own, now).timestamped(&other, later);
    case.trusted = Some(case.sigstore.trusted_root().tsa(&other));
    assert_eq!(case.code(&bundle), Code::TimestampThreshold);
    assert_eq!(case.code(&same), Code::TimestampThreshold);
    assert_eq!(case.code(&both), Code::Accepted);

    // One service under one address with two certificates, or two addresses of one operator.
    let moved = TimestampAuthority { uri: own.uri.clone(), ..other.clone() };
    case.trusted = Some(case.sigstore.trusted_root().tsa(&moved));
    assert_eq!(case.code(&both), Code::TimestampThreshold);
    case.trusted = Some(case.sigstore.trusted_root().tsa(&other).as_v02("acme"));
    assert_eq!(case.code(&both), Code::TimestampThreshold);
}

/// K-TL-09, K-PO-11: one timestamp key listed under two addresses, each with a window of its own, is one authority.
#[test]
fn a_timestamp_key_under_two_addresses_counts_once() {
    let mut case = Case { settings: Settings { timestamps: 2, ..Settings::default() }, ..Case::keyless() };
    let (now, own) = (case.sigstore.now, case.sigstore.tsa.clone());
    let later = now.saturating_add_seconds(60);
    let old = TimestampAuthority { window: Validity::between(now, now), ..own.clone() };
    let new = TimestampAuthority {
        uri: "https://elsewhere.testkit.example".to_owned(),
        window: Validity::between(later, later),
        ..own.clone()
    };
    let mut root = case.sigstore.trusted_root();
    root.timestamp_authorities.clear();
    case.trusted = Some(root.tsa(&old).tsa(&new));
    let bundle = case.message().timestamped(&own, now).timestamped(&own, later);
    assert_eq!(case.code(&bundle), Code::TimestampThreshold);
}

/// K-TL-09, K-PO-11: witnesses are counted by key, however many lines and names they have.
#[test]
fn a_witness_counts_once() {
    let mut case = Case::key();
    let seed = Seed::new(3);
    let (one, two) = (Witness::new("one.witness.example", &seed), Witness::new("two.witness.example", &seed));
    let renamed = Witness { name: "other.witness.example".to_owned(), key: one.key.clone() };
    let stranger = Witness::new("stranger.witness.example", &seed);
    let now = case.sigstore.now;
    let later = now.saturating_add_seconds(1);
    let trusted: Vec<_> = [&one, &two, &renamed].map(|found| witness::Witness::parse(&found.verifier_key()).unwrap()).into();
    let witnesses = |at_least| Some(Witnesses { at_least, of: clone(&trusted) });
    let mut logged = |witnesses: &[(&Witness, veriseal::UnixTime)]| {
        let mut log = case.sigstore.rekor2.clone();
        log.witnesses = witnesses.iter().map(|(witness, at)| ((*witness).clone(), *at)).collect();
        let bundle = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut log);
        case.sigstore.rekor2.window = log.window;
        bundle
    };
    let bundles = [
        (logged(&[(&one, now), (&two, now)]), Code::Accepted),
        (logged(&[(&two, later), (&stranger, now), (&one, now)]), Code::Accepted),
        (logged(&[(&one, now)]), Code::WitnessThreshold),
        (logged(&[(&one, now), (&one, later)]), Code::WitnessThreshold),
        (logged(&[(&one, now), (&renamed, now)]), Code::WitnessThreshold),
        (logged(&[(&one, now), (&stranger, now)]), Code::WitnessThreshold),
        (logged(&[]), Code::WitnessThreshold),
    ];
    for (number, (bundle, code)) in bundles.iter().enumerate() {
        case.settings = Settings::default();
        assert_eq!(case.code(bundle), Code::Accepted, "{number}");
        case.settings = Settings { witnesses: witnesses(2), ..Settings::default() };
        assert_eq!(case.code(bundle), *code, "{number}");
    }
    // Three of two keys: a mistake of whoever wrote the policy.
    let settings = Settings { witnesses: witnesses(3), ..Settings::default() };
    let leaf = veriseal::SignatureRequirement::new(case.authority.clone()).settings(settings);
    assert_eq!(veriseal::Policy::new(veriseal::Requirement::signature(leaf)).unwrap_err().code(), Code::PolicyInvalid);
}

/// Witnesses hold prepared keys and cannot be copied; they are made again from their text.
fn clone(witnesses: &[witness::Witness]) -> std::sync::Arc<[witness::Witness]> {
    witnesses.iter().map(|found| witness::Witness::parse(&text(found)).unwrap()).collect()
}

fn text(witness: &witness::Witness) -> String {
    let key = &witness.key().spki()[12..];
    let id = veriseal::tlog::note::key_hash_cosignature(witness.name(), key.try_into().unwrap());
    let body = [&[4], key].concat();
    format!("{}+{}+{}", witness.name(), veriseal::encoding::hex::encode(&id[..4]), veriseal::encoding::base64::encode(&body))
}
