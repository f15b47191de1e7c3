//! What is measured by itself: primitives, tables, trust roots, blobs.

use crate::floor::prepared;
use crate::material::{Key, Set};
use crate::{native, peers};
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use veriseal::crypto::{Backend, KeyTables, PreparedKey, Scheme, verify_message};
use veriseal::{ArtifactHasher, HashAlgorithm};
use veriseal_testkit::{KeyKind, Seed, SigningKey};

/// One figure: what it is, and its microseconds at best.
pub type Figure = (String, f64);

/// The shortest of so many runs, in microseconds.
fn best<T>(times: usize, mut run: impl FnMut() -> T) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..times {
        let begun = Instant::now();
        black_box(run());
        best = best.min(begun.elapsed().as_secs_f64() * 1e6);
    }
    best
}

const KINDS: [(&str, KeyKind, Scheme); 3] = [
    ("ECDSA P-256, SHA-256", KeyKind::P256, Scheme::Ecdsa(HashAlgorithm::Sha256)),
    ("ECDSA P-384, SHA-384", KeyKind::P384, Scheme::Ecdsa(HashAlgorithm::Sha384)),
    ("Ed25519", KeyKind::Ed25519, Scheme::Ed25519),
];

/// One signature over 1 KiB through the core's seam, by kind and backend.
pub fn primitives(times: usize) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (name, kind, scheme) in KINDS {
        let (key, message, signature) = signed(kind);
        let run = |key: &PreparedKey| {
            best(times, || assert!(verify_message(key, scheme, &message, &signature).is_ok(), "the signature holds"))
        };
        for backend in Backend::ALL {
            figures.push((format!("{name}, {}", backend.name()), run(&prepared(&key, *backend))));
        }
        if kind != KeyKind::Ed25519 {
            let tabled = prepared(&key, Backend::RustCrypto);
            tabled.with_tables(&Arc::new(KeyTables::new()));
            figures.push((format!("{name}, prepared key"), run(&tabled)));
        }
    }
    figures
}

fn signed(kind: KeyKind) -> (Key, Vec<u8>, Vec<u8>) {
    let key = SigningKey::new(kind, &Seed::new(3).named("primitives"));
    let message = vec![7; 1024];
    let signature = key.sign(&message);
    (Key { kind, spki: key.spki(), bytes: key.public_bytes() }, message, signature)
}

/// What a trust root, a verifier and a table cost once.
pub fn construction(set: &Set, times: usize) -> Vec<Figure> {
    let public = veriseal::trust::embedded::SIGSTORE.json.as_bytes();
    let from_json =
        |json: &[u8]| veriseal::TrustRoot::from_json(json, veriseal::trust::TrustRootOrigin::default()).expect("a trusted root");
    let policy = Arc::new(native::policy(set));
    let mut figures = vec![
        ("trust root of the testkit from JSON".to_owned(), best(times, || from_json(&set.trusted_root))),
        ("trust root of sigstore.dev from JSON".to_owned(), best(times, || from_json(public))),
        ("the same and a verifier".to_owned(), best(times, || veriseal::Verifier::new(from_json(public), Arc::clone(&policy)))),
        ("sigstore-verify 0.15.1: the same".to_owned(), best(times, || peers::verifier(public).is_ok())),
    ];
    for (name, kind, scheme) in KINDS.iter().take(2) {
        let (key, message, signature) = signed(*kind);
        let tables = Arc::new(KeyTables::new());
        let mut first = true;
        let mut table = f64::INFINITY;
        // The table is built in the use that finds none, after a few without: the longest use is that one.
        for _ in 0..times.div_ceil(40).max(4) {
            let key = prepared(&key, Backend::AwsLcRs);
            key.with_tables(&tables);
            let mut longest: f64 = 0.0;
            let mut after = f64::INFINITY;
            for _ in 0..12 {
                let begun = Instant::now();
                assert!(verify_message(&key, *scheme, &message, &signature).is_ok(), "the signature holds");
                let taken = begun.elapsed().as_secs_f64() * 1e6;
                longest = longest.max(taken);
                after = after.min(taken);
            }
            // The generator's table is built with the first.
            if !std::mem::take(&mut first) {
                table = table.min(longest - after);
            }
        }
        figures.push((format!("table of one key, {name}"), table));
    }
    figures
}

/// GB/s of hashing a blob in pieces, beside the raw hashes.
pub fn blobs(quick: bool) -> Value {
    use sha2::Digest;
    let length: usize = if quick { 4 << 20 } else { 64 << 20 };
    let blob: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
    let rate = |micros: f64| crate::contest::round(length as f64 / micros / 1000.0);
    let times = if quick { 3 } else { 9 };
    let pieces = |run: &mut dyn FnMut(&[u8])| blob.chunks(64 << 10).for_each(run);
    let sha256 = best(times, || {
        let mut hasher = sha2::Sha256::new();
        pieces(&mut |piece| hasher.update(piece));
        hasher.finalize()
    });
    let sha512 = best(times, || {
        let mut hasher = sha2::Sha512::new();
        pieces(&mut |piece| hasher.update(piece));
        hasher.finalize()
    });
    let native = best(times, || {
        let mut hasher = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        pieces(&mut |piece| hasher.update(piece));
        hasher.finish()
    });
    let ours = best(times, || {
        let mut hasher = ArtifactHasher::new();
        pieces(&mut |piece| hasher.update(piece));
        hasher.finish()
    });
    let named = best(times, || {
        let mut hasher = ArtifactHasher::of(&[HashAlgorithm::Sha256]);
        pieces(&mut |piece| hasher.update(piece));
        hasher.finish()
    });
    let whole = best(times, || veriseal::Digest::sha256(&blob));
    json!({
        "bytes": length,
        "gigabytesPerSecond": {
            "sha2 SHA-256": rate(sha256),
            "sha2 SHA-512": rate(sha512),
            "aws-lc-rs SHA-256": rate(native),
            "veriseal Digest::sha256": rate(whole),
            "veriseal ArtifactHasher, SHA-256 named": rate(named),
            "veriseal ArtifactHasher, all three hashes": rate(ours),
        },
        "digestToRaw": crate::contest::round(sha256 / whole),
        "hasherToRaw": crate::contest::round(sha256 / named),
    })
}
