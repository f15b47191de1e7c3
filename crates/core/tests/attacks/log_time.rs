//! Attacks on the time of a signature: K-TL-06, K-TL-07, K-TL-08 and K-TL-16.

use crate::kit::{ARTIFACT, Case, timestamp_authority};
use serde_json::Value;
use veriseal::policy::{Authority, KeyAuthority, Settings, TlogMode};
use veriseal::trust::TrustRootOrigin;
use veriseal::{Code, PublicKey, TrustRoot, UnixTime, Validity};
use veriseal_testkit::{Bundle, BundleVersion, RekorV1, RekorV2};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

fn after(at: UnixTime, seconds: i64) -> UnixTime {
    at.saturating_add_seconds(seconds)
}

fn window(start: UnixTime, end: UnixTime) -> Validity {
    Validity::between(start, end)
}

/// What the report says of the times it relied on.
fn times(case: &Case, bundle: &Bundle) -> usize {
    let document: Value = serde_json::from_str(&case.report(bundle).to_json()).unwrap();
    document["candidates"][0]["evaluations"][0]["times"].as_array().map_or(0, Vec::len)
}

/// K-TL-06 (TOB-3, CVE-2026-48816): a time that is only stated beside a proof was chosen by whoever wrote the bundle.
#[test]
fn a_stated_time_without_promise_is_no_time() {
    let mut case = Case::keyless();
    let mut bundle = case.message();
    assert_eq!((case.code(&bundle), times(&case, &bundle)), (Code::Accepted, 1));
    bundle.entries[0].set = None;
    for version in [BundleVersion::V02, BundleVersion::V03] {
        assert_eq!(case.code(&bundle.clone().version(version)), Code::NoAuthenticatedTime);
    }
    assert_eq!(case.code(&bundle.clone().version(BundleVersion::V01)), Code::SetMissing);
    // With a real time beside it the stated one is still none, and may not contradict the certificate.
    let mut stamped = bundle.clone().timestamped(&case.sigstore.tsa, case.sigstore.now);
    assert_eq!((case.code(&stamped), times(&case, &stamped)), (Code::Accepted, 1));
    stamped.entries[0].integrated_time = Some(after(case.sigstore.now, HOUR).seconds());
    assert_eq!(case.code(&stamped), Code::IntegratedTimeOutsideCertificate);

    // A key whose window is long past is not brought back by a stated time.
    let mut case = Case::key();
    let mut bundle = case.message();
    let key = PublicKey::from_spki(&case.signer.key.spki()).unwrap();
    let past = window(after(case.sigstore.now, -HOUR), after(case.sigstore.now, HOUR));
    case.authority = Authority::Key(KeyAuthority::new(key, "release.pub").valid_within(past));
    assert_eq!(case.code(&bundle), Code::Accepted);
    bundle.entries[0].set = None;
    assert_eq!(case.code(&bundle), Code::KeyOutsideWindow);
    // Beside a real time in the window, one that is only stated may not contradict it.
    let mut stamped = bundle.clone().timestamped(&case.sigstore.tsa, case.sigstore.now);
    assert_eq!(case.code(&stamped), Code::Accepted);
    stamped.entries[0].integrated_time = Some(after(case.sigstore.now, 2 * HOUR).seconds());
    assert_eq!(case.code(&stamped), Code::KeyOutsideWindow);
}

/// K-TL-06: the promise is over the time, to the second.
#[test]
fn a_promised_time_cannot_be_moved() {
    for mut case in [Case::key(), Case::keyless()] {
        let [(_, message), (_, envelope)] = case.both();
        for bundle in
            [message.clone(), envelope.clone(), message.version(BundleVersion::V01), envelope.version(BundleVersion::V01)]
        {
            for seconds in [-1, 1] {
                let mut moved = bundle.clone();
                moved.entries[0].integrated_time = moved.entries[0].integrated_time.map(|time| time + seconds);
                assert_eq!(case.code(&moved), Code::SetInvalid, "{seconds}");
            }
            let mut without = bundle.clone();
            without.entries[0].integrated_time = None;
            assert_eq!(case.code(&without), Code::SetInvalid);
        }
    }
}

/// K-TL-07 (TOB-4): every verified time is held against the certificate, not the first and not the earliest.
#[test]
fn each_of_several_verified_times_must_lie_within_the_certificate() {
    let mut case = Case::keyless();
    let (now, lifetime) = (case.sigstore.now, case.sigstore.fulcio.lifetime);
    let other = timestamp_authority(7);
    case.trusted = Some(case.sigstore.trusted_root().tsa(&other));
    let tsa = case.sigstore.tsa.clone();
    let bundle = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2);
    let (first, last, before, behind) = (now, after(now, lifetime), after(now, -1), after(now, lifetime + 1));
    let stamped = |one: UnixTime, two: UnixTime| bundle.clone().timestamped(&tsa, one).timestamped(&other, two);
    for (one, two) in [(first, last), (last, first)] {
        assert_eq!((case.code(&stamped(one, two)), times(&case, &stamped(one, two))), (Code::Accepted, 2));
    }
    for outside in [before, behind] {
        for bundle in [stamped(outside, first), stamped(first, outside)] {
            assert_eq!(case.code(&bundle), Code::CertificateNotValidAt, "{outside}");
        }
    }
    // The log's time and the authority's, either of them outside.
    let mut at = |logged: UnixTime, stamped: UnixTime| {
        let bundle = Bundle::blob(ARTIFACT, &case.signer).logged_v1(&mut case.sigstore.rekor, logged);
        bundle.timestamped(&tsa, stamped)
    };
    let bundles = [at(last, first), at(behind, first), at(first, behind), at(before, last)];
    let codes = bundles.each_ref().map(|bundle| case.code(bundle));
    let outside = Code::IntegratedTimeOutsideCertificate;
    assert_eq!(codes, [Code::Accepted, outside, Code::CertificateNotValidAt, outside]);
}

/// K-TL-07, the other side: what does not verify is reported and not counted, and breaks nothing.
#[test]
fn an_unverifiable_extra_timestamp_is_not_counted() {
    let mut case = Case::keyless();
    let stranger = timestamp_authority(666);
    let bundle = case.message().timestamped(&stranger, after(case.sigstore.now, -HOUR));
    assert_eq!((case.code(&bundle), times(&case, &bundle)), (Code::Accepted, 1));
    let report: Value = serde_json::from_str(&case.report(&bundle).to_json()).unwrap();
    let checks = report["candidates"][0]["evaluations"][0]["checks"].as_array().unwrap().clone();
    let stamp = checks.iter().find(|check| check["rule"] == "timestamp").unwrap();
    assert_eq!((&stamp["outcome"], &stamp["reason"]["code"]), (&"notCounted".into(), &"TIMESTAMP_UNTRUSTED".into()));
    case.settings = Settings { timestamps: 1, ..Settings::default() };
    assert_eq!(case.code(&bundle), Code::TimestampUntrusted);
    assert_eq!(case.code(&bundle.timestamped(&case.sigstore.tsa, case.sigstore.now)), Code::Accepted);
}

/// K-TL-08 (TOB-7): no grace. What was signed in the future was signed by somebody whose clock, or word, is not right.
#[test]
fn a_time_after_the_verification_time_is_refused() {
    let now = Case::key().sigstore.now;
    for mut case in [Case::key(), Case::keyless()] {
        let bundle = case.message();
        case.now = now;
        assert_eq!(case.code(&bundle), Code::Accepted);
        case.now = after(now, -1);
        assert_eq!(case.code(&bundle), Code::IntegratedTimeInFuture);
        // Also where it is only stated.
        let mut stated = bundle.clone();
        stated.entries[0].set = None;
        assert_eq!(case.code(&stated), Code::IntegratedTimeInFuture);

        let stamped =
            Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2).timestamped(&case.sigstore.tsa, now);
        assert_eq!(case.code(&stamped), Code::TimestampInFuture);
        case.now = now;
        assert_eq!(case.code(&stamped), Code::Accepted);
    }
}

/// K-TL-16: a log's key counts within its window, both ends included.
#[test]
fn a_promise_outside_the_window_of_the_logs_key_is_refused() {
    for mut case in [Case::key(), Case::keyless()] {
        let bundle = case.message();
        let now = case.sigstore.now;
        let rows = [
            (window(now, now), Code::Accepted),
            (window(after(now, -HOUR), now), Code::Accepted),
            (window(now, after(now, HOUR)), Code::Accepted),
            (window(after(now, -HOUR), after(now, -1)), Code::LogKeyOutsideWindow),
            (window(after(now, 1), after(now, HOUR)), Code::LogKeyOutsideWindow),
        ];
        for (window, code) in rows {
            case.sigstore.rekor.window = window;
            assert_eq!(case.code(&bundle), code, "{window}");
        }
    }
}

/// K-TL-16: entries without a time of their own are held against every time that is known.
#[test]
fn an_entry_without_time_counts_only_while_its_log_was_valid() {
    let mut case = Case::keyless();
    let now = case.sigstore.now;
    let mut in_v1 = case.message();
    in_v1.entries[0].set = None;
    let in_v2 = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2);
    let tsa = case.sigstore.tsa.clone();
    for bundle in [in_v1, in_v2] {
        let one = bundle.timestamped(&tsa, now);
        let two = one.clone().timestamped(&tsa, after(now, 5 * MINUTE));
        let rows = [
            (window(now, after(now, 5 * MINUTE)), Code::Accepted, Code::Accepted),
            (window(now, after(now, MINUTE)), Code::Accepted, Code::LogKeyOutsideWindow),
            (window(after(now, MINUTE), after(now, HOUR)), Code::LogKeyOutsideWindow, Code::LogKeyOutsideWindow),
            (window(after(now, -HOUR), after(now, -1)), Code::LogKeyOutsideWindow, Code::LogKeyOutsideWindow),
        ];
        for (window, for_one, for_two) in rows {
            (case.sigstore.rekor.window, case.sigstore.rekor2.window) = (window, window);
            assert_eq!((case.code(&one), case.code(&two)), (for_one, for_two), "{window}");
        }
    }
}

/// K-TL-16: a key that stands in the trust root several times, with a window each, counts within each of them, in whatever
/// order they stand.
#[test]
fn each_window_of_a_log_that_stands_twice_counts() {
    let mut case = Case::keyless();
    let now = case.sigstore.now;
    let mut in_v1 = case.message();
    let promised = in_v1.clone();
    in_v1.entries[0].set = None;
    let in_v2 = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2);
    let tsa = case.sigstore.tsa.clone();
    let windows = [
        window(after(now, -HOUR), after(now, -1)),
        window(now, after(now, MINUTE)),
        window(after(now, 2 * MINUTE), after(now, HOUR)),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let mut root = case.sigstore.trusted_root();
        root.tlogs.clear();
        for window in order.map(|at| windows[at]) {
            let (v1, v2) =
                (RekorV1 { window, ..case.sigstore.rekor.clone() }, RekorV2 { window, ..case.sigstore.rekor2.clone() });
            root = root.rekor_v1(&v1).rekor_v2(&v2);
        }
        case.trusted = Some(root);
        assert_eq!(case.code(&promised), Code::Accepted, "{order:?}");
        for bundle in [&in_v1, &in_v2] {
            let at = |seconds: i64| bundle.clone().timestamped(&tsa, after(now, seconds));
            assert_eq!(case.code(&at(0)), Code::Accepted, "{order:?}");
            assert_eq!(case.code(&at(3 * MINUTE)), Code::Accepted, "{order:?}");
            assert_eq!(case.code(&at(MINUTE + 1)), Code::LogKeyOutsideWindow, "{order:?}");
            // One window must hold them all: no key was valid in the pause between.
            assert_eq!(case.code(&at(0).timestamped(&tsa, after(now, 3 * MINUTE))), Code::LogKeyOutsideWindow, "{order:?}");
        }
    }
    // One id, two keys: whichever holds the entry.
    let mut root = case.sigstore.trusted_root();
    let mut impostor = root.tlogs[0].clone();
    let other = case.sigstore.key("another log");
    impostor.public_key = other.spki();
    for at in [0, 1] {
        root.tlogs.insert(at, impostor.clone());
        case.trusted = Some(root.clone());
        assert_eq!(case.code(&promised), Code::Accepted);
        root.tlogs.remove(at);
    }
    // Where neither holds it, the reason of the one that got further is told, whichever stands first.
    let past = promised.clone().version(BundleVersion::V01);
    root.tlogs[0].valid_for = Some(window(after(now, -HOUR), after(now, -1)));
    for at in [0, 1] {
        root.tlogs.insert(at, impostor.clone());
        case.trusted = Some(root.clone());
        assert_eq!(case.code(&past), Code::LogKeyOutsideWindow, "{at}");
        root.tlogs.remove(at);
    }
    root.tlogs[0] = impostor;
    case.trusted = Some(root);
    assert_eq!(case.code(&promised), Code::CheckpointSignatureInvalid);
}

/// K-TL-16, K-X-02: where nothing authenticates a time, the log's key is held against the present as the signer's is: with the
/// key of a log that was retired entries can be made today.
#[test]
fn an_entry_without_any_time_counts_only_while_its_log_is_valid() {
    let mut case = Case::key();
    let mut in_v1 = case.message();
    in_v1.entries[0].set = None;
    let in_v2 = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2);
    let (signed, now) = (case.sigstore.now, case.now);
    for bundle in [in_v1, in_v2] {
        let stamped = bundle.clone().timestamped(&case.sigstore.tsa, signed);
        for (window, unstamped, with_time) in [
            (window(signed, now), Code::Accepted, Code::Accepted),
            (window(signed, after(now, -1)), Code::LogKeyOutsideWindow, Code::Accepted),
            (window(after(now, 1), after(now, HOUR)), Code::LogKeyOutsideWindow, Code::LogKeyOutsideWindow),
        ] {
            (case.sigstore.rekor.window, case.sigstore.rekor2.window) = (window, window);
            for tlog in [TlogMode::Required, TlogMode::IfPresent] {
                case.settings = Settings { tlog, ..Settings::default() };
                assert_eq!((case.code(&bundle), case.code(&stamped)), (unstamped, with_time), "{window} {tlog:?}");
            }
        }
        case.settings = Settings::default();
    }
    // An identity needs a time: that there is none is what it is told, not that the present is not one.
    let mut case = Case::keyless();
    let bundle = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2);
    case.sigstore.rekor2.window = window(signed, after(now, -1));
    assert_eq!(case.code(&bundle), Code::NoAuthenticatedTime);
}

/// K-TL-16: a log without a first moment would be trusted for all the past.
#[test]
fn a_log_without_start_is_no_log() {
    let case = Case::key();
    let parse = |edit: fn(&mut Value)| {
        let mut root = case.sigstore.trusted_root().to_json();
        edit(&mut root);
        TrustRoot::from_json(root.to_string().as_bytes(), TrustRootOrigin::default()).map(drop).map_err(|failure| failure.code())
    };
    assert_eq!(parse(|_| {}), Ok(()));
    let edits: [fn(&mut Value); 4] = [
        |root| drop(root["tlogs"][0]["publicKey"]["validFor"].as_object_mut().unwrap().remove("start")),
        |root| drop(root["tlogs"][0]["publicKey"].as_object_mut().unwrap().remove("validFor")),
        |root| drop(root["ctlogs"][0]["publicKey"]["validFor"].as_object_mut().unwrap().remove("start")),
        |root| root["tlogs"][1]["publicKey"]["validFor"]["start"] = Value::Null,
    ];
    for edit in edits {
        assert_eq!(parse(edit), Err(Code::TrustRootInvalid));
    }
}
