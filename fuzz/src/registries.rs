//! What registries, users and clusters write.

use std::str::from_utf8;
use veriseal::{Digest, Reference};
use veriseal_admission::AdmissionRequest;
use veriseal_registry::challenge;

/// What is read, written again and read again is the same, and has one way of being written.
pub(crate) fn reference_digest(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    if let Ok(reference) = text.parse::<Reference>() {
        let written = reference.to_string();
        assert_eq!(written.parse::<Reference>().as_ref(), Ok(&reference), "{text} became {written}");
    }
    let _ = Reference::parse_source(text);
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text, "a digest in a second spelling");
    }
}

pub(crate) fn www_authenticate(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    if let Ok(challenges) = challenge::parse(text.split('\n')) {
        for challenge in &challenges {
            assert!(!challenge.scheme().is_empty());
            let realm = challenge.parameter("realm").unwrap_or_default();
            assert!(realm.len() <= text.len());
        }
    }
}

/// Whatever object it holds: its images are read or it is refused.
pub(crate) fn admission_review(data: &[u8]) {
    if let Ok(request) = AdmissionRequest::parse(data) {
        let _ = request.images();
    }
}
