//! cosign's `.att` layers (cosign `ATTESTATION_SPEC.md`): a DSSE envelope and annotations to [`Signed`].
//!
//! The signature stands in the envelope; log entry and timestamp may be about the envelope as a whole, so its bytes are
//! kept as they came. What the statement says is read only by whoever holds a proof that it was signed; the annotation
//! `predicateType` is not read at all.

use super::annotation::{Annotations, SIGNATURE};
use super::dsse::Envelope;
use super::signed::{Format, Signed, SignedContent};
use crate::code::{Code, Failure};
use crate::limits::Limits;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Takes one attestation layer apart.
///
/// # Errors
/// As [`Envelope::parse`]; [`Code::AnnotationMalformed`] for a signature beside that of the envelope, for a certificate
/// that is there but cannot be read, and for an annotation beyond its bound; [`Code::CertificateMalformed`]. What is wrong
/// with log entry or timestamp stands in their place.
pub fn parse(envelope: Arc<[u8]>, annotations: &BTreeMap<String, String>, limits: &Limits) -> Result<Signed, Failure> {
    let annotations = Annotations::new(annotations, limits)?;
    if annotations.present(SIGNATURE).is_some() {
        // Which of the two would be the one that log entry and timestamp are about (K-P-05)? cosign leaves it empty.
        return Err(Failure::new(Code::AnnotationMalformed).expected("the signature in the envelope alone").at(SIGNATURE));
    }
    let Envelope { payload_type, payload, signature, .. } = Envelope::parse(&envelope, limits)?;
    Ok(Signed {
        format: Format::Attestation,
        content: SignedContent::Dsse { payload_type: payload_type.into(), payload, envelope: Some(envelope) },
        signature: signature.into(),
        material: annotations.signer()?,
        needs_chain_opt_in: false,
        entries: annotations.entries(),
        timestamps: annotations.timestamps(),
    })
}
