//! Which differences are known, and why they are no mistake of veriseal's.
//!
//! A known cause is not told by sigstore-verify's words alone, which would hide whatever else fails with the same words.
//! Where the cause can be taken away it is, and what is left must be accepted: a log entry or timestamp that does not count
//! is removed, a hint is written out, a name that sigstore-verify cannot read is not asked for. Only formats that it does
//! not know have nothing to be held against.

use crate::case::{Answer, Case};
use crate::remedy::REMEDIES;
use veriseal_testkit::mutation::Random;
use veriseal_testkit::mutation::{Style, Tree};

const OTHER_NAME: &str = "the identity is an otherName, which it does not read";

/// Formats that sigstore-verify 0.15 does not know: its words, and what they mean.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("SHA-256 hash must be 32 bytes, got 48", "unknown to it: SHA-384 in hashedrekord 0.0.1"),
    ("SHA-256 hash must be 32 bytes, got 64", "unknown to it: SHA-512 in hashedrekord 0.0.1"),
    ("expected `PKIX_ECDSA_P256_SHA_256`", "unknown to it: keys other than P-256 in hashedrekord 0.0.2"),
    ("unsupported or invalid EC curve parameters", "unknown to it: P-521"),
];

/// Why veriseal alone refuses, by its code: where it is the stricter one.
pub const STRICTER: &[(&str, &str)] = &[
    ("BUNDLE_MALFORMED", "an unknown or misspelt member, another form of a number or of base64"),
    ("LOG_ENTRY_DUPLICATE", "one entry twice, which could count twice"),
    ("KEY_OUTSIDE_WINDOW", "the key's window, which sigstore-verify does not have"),
    ("CHECKPOINT_MISMATCH", "size or root beside the checkpoint differ from it"),
    ("INCLUSION_PROOF_INVALID", "the index beside the proof differs from it"),
    ("INCLUSION_PROOF_MISSING", "a second entry, without proof"),
    ("LOG_UNKNOWN", "a log id that is not trusted; sigstore-verify goes by the checkpoint's key"),
    ("CHECKPOINT_MALFORMED", "lines that a signed note does not have"),
    ("CHECKPOINT_SIGNATURE_INVALID", "its signature line bears another name than the log's"),
    ("CERTIFICATE_MALFORMED", "a certificate of the chain that sigstore-verify does not use"),
    ("TIMESTAMP_UNTRUSTED", "a certificate inside the timestamp is altered"),
    ("TIMESTAMP_MALFORMED", "a part of the timestamp that nothing signs is no DER"),
    ("TIMESTAMP_NOT_GRANTED", "a status other than granted, which sigstore-verify does not read"),
    ("ALGORITHM_UNSUPPORTED", "an algorithm named outside what is signed"),
];

/// Why sigstore-verify refuses what veriseal accepts. Whatever has no cause is a failure.
pub fn explain(case: &Case, bundle: &[u8], theirs: &Answer) -> Option<&'static str> {
    let Answer::Rejected(words) = theirs else { return None };
    if let Some(cause) = unsupported(words, bundle) {
        return Some(cause);
    }
    // Two causes may stand together; the first is told.
    let mut candidates = vec![(None, Tree::parse(bundle)?)];
    for from in [0, 1] {
        let further: Vec<_> = candidates.iter().skip(from).flat_map(|(cause, tree)| remedied(case, *cause, tree)).collect();
        candidates.extend(further);
    }
    candidates.into_iter().find_map(|(cause, tree)| accepted_for(case, cause, &tree))
}

fn remedied(case: &Case, cause: Option<&'static str>, tree: &Tree) -> Vec<(Option<&'static str>, Tree)> {
    let all = REMEDIES.iter().flat_map(|remedy| (remedy.apply)(case, tree).into_iter().map(|tree| (remedy.cause, tree)));
    all.map(|(here, tree)| (cause.or(Some(here)), tree)).collect()
}

fn accepted_for(case: &Case, cause: Option<&'static str>, tree: &Tree) -> Option<&'static str> {
    let text = tree.write(&Style::default(), &mut Random::new(0, "unused", 0));
    let answer = case.ask_sigstore_verify(text.as_bytes());
    let unread = |words: &str| words.starts_with("identity mismatch: ") && words.ends_with(", got none");
    match answer {
        Answer::Accepted => cause,
        Answer::Rejected(words) if unread(&words) => {
            case.ask_sigstore_verify_about_anybody(text.as_bytes()).accepted().then_some(cause.unwrap_or(OTHER_NAME))
        }
        Answer::Rejected(words) => cause.and_then(|_| unsupported(&words, text.as_bytes())),
        Answer::Panicked => None,
    }
}

fn unsupported(words: &str, bundle: &[u8]) -> Option<&'static str> {
    if let Some((_, cause)) = UNSUPPORTED.iter().find(|(part, _)| words.contains(part)) {
        return Some(cause);
    }
    // A log holds a hash of the artifact, so Ed25519 there is Ed25519ph, over SHA-512.
    let prehashed = || {
        let bundle: serde_json::Value = serde_json::from_slice(bundle).ok()?;
        Some(bundle["messageSignature"]["messageDigest"]["algorithm"] == "SHA2_512")
    };
    (words.contains("ED25519 signature invalid") && prehashed()?).then_some("unknown to it: Ed25519ph, taken for pure Ed25519")
}
