//! What must not compile: an acceptance made by anything but judging (INV-1), a proof made by anything but its check (INV-2).
//!
//! Tests of the documentation, since only they can show that something is refused by the compiler.

/// ```compile_fail,E0451
/// fn forged() -> veriseal::AcceptedBlob {
///     veriseal::AcceptedBlob { signatures: panic!(), ..panic!() }
/// }
/// ```
#[cfg(doctest)]
fn an_acceptance_has_no_public_fields() {}

/// ```compile_fail,E0277
/// fn made<T: Default>() {}
/// made::<veriseal::Accepted>();
/// ```
/// ```compile_fail,E0277
/// fn made<T: Default>() {}
/// made::<veriseal::policy::VerifiedSignature>();
/// ```
#[cfg(doctest)]
fn an_acceptance_has_no_default() {}

/// ```compile_fail,E0277
/// let accepted: veriseal::Accepted = serde_json::from_str("{}").unwrap();
/// ```
/// ```compile_fail,E0277
/// let report: veriseal::Report = serde_json::from_str("{}").unwrap();
/// ```
#[cfg(doctest)]
fn an_acceptance_is_never_read_from_text() {}

/// ```compile_fail,E0616
/// fn moved(mut accepted: veriseal::AcceptedBlob) {
///     accepted.digest = veriseal::Digest::sha256(b"other");
/// }
/// ```
#[cfg(doctest)]
fn an_acceptance_cannot_be_changed() {}

/// ```compile_fail,E0603
/// fn read(signature: &veriseal::check::ValidSignature) {}
/// ```
#[cfg(doctest)]
fn proofs_are_not_named_outside() {}

/// ```compile_fail,E0451
/// fn swapped(bytes: std::sync::Arc<[u8]>) -> veriseal::Content {
///     veriseal::Content { digest: veriseal::Digest::sha256(b"other"), bytes }
/// }
/// ```
#[cfg(doctest)]
fn content_has_no_digest_but_its_own() {}
