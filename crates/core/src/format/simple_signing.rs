//! cosign's `.sig` layers (cosign `SIGNATURE_SPEC.md`): payload and annotations to [`Signed`], and the payload itself.
//!
//! The signature is over the payload exactly as stored. The payload is parsed only by whoever holds a proof that it was
//! signed.

use super::annotation::{Annotations, SIGNATURE};
use super::signed::{Format, Signed, SignedContent};
use crate::code::{Code, Failure};
use crate::digest::Digest;
use crate::encoding::{base64, json};
use crate::limits::Limits;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

const PAYLOAD_TYPE: &str = "cosign container image signature";

/// Takes one signature layer apart.
///
/// # Errors
/// [`Code::SignatureMalformed`] without a signature in strict base64; [`Code::AnnotationMalformed`] for a certificate
/// that is there but cannot be read (a public key in its place included, K-CR-08) or an annotation beyond its bound;
/// [`Code::CertificateMalformed`]. What is wrong with log entry or timestamp stands in their place.
pub fn parse(payload: Arc<[u8]>, annotations: &BTreeMap<String, String>, limits: &Limits) -> Result<Signed, Failure> {
    let annotations = Annotations::new(annotations, limits)?;
    let signature =
        annotations.present(SIGNATURE).ok_or_else(|| Failure::new(Code::SignatureMalformed).found("none").at(SIGNATURE))?;
    let signature = base64::decode(signature).filter(|signature| !signature.is_empty());
    let signature = signature.ok_or_else(|| Failure::new(Code::SignatureMalformed).expected("standard base64").at(SIGNATURE))?;
    Ok(Signed {
        format: Format::SimpleSigning,
        content: SignedContent::SimpleSigning { payload },
        signature: signature.into(),
        material: annotations.signer()?,
        needs_chain_opt_in: false,
        entries: annotations.entries(),
        timestamps: annotations.timestamps(),
    })
}

/// A simple-signing payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The repository that the signer named; may be empty.
    pub docker_reference: String,
    /// The digest that was signed.
    pub digest: Digest,
    /// Strings of the `optional` map; values of other types are left out, since no annotation rule may match them.
    pub optional: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayloadJson<'a> {
    #[serde(borrow)]
    critical: CriticalJson<'a>,
    #[serde(default)]
    optional: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CriticalJson<'a> {
    #[serde(borrow)]
    identity: IdentityJson<'a>,
    #[serde(borrow)]
    image: ImageJson<'a>,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityJson<'a> {
    #[serde(rename = "docker-reference", borrow)]
    docker_reference: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageJson<'a> {
    #[serde(rename = "docker-manifest-digest", borrow)]
    digest: Cow<'a, str>,
}

impl Payload {
    /// Parses a payload, strictly: no unknown or doubled fields in any of its parts, the exact type, a canonical digest.
    ///
    /// # Errors
    /// [`Code::PayloadMalformed`].
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Failure> {
        let malformed = || Failure::new(Code::PayloadMalformed);
        // The optional map is free, but doubled names in it are refused too: the tolerant scan looks everywhere.
        json::parse_tolerant::<serde::de::IgnoredAny>(bytes, limits.json_depth).map_err(|error| malformed().found(error))?;
        let document: PayloadJson<'_> = json::parse(bytes, limits.json_depth).map_err(|error| malformed().found(error))?;
        if document.critical.kind != PAYLOAD_TYPE {
            return Err(malformed().expected(PAYLOAD_TYPE).found(&document.critical.kind).at("critical.type"));
        }
        let digest = document
            .critical
            .image
            .digest
            .parse()
            .map_err(|failure| malformed().found(failure).at("critical.image.docker-manifest-digest"))?;
        let strings = document.optional.unwrap_or_default().into_iter().filter_map(|(name, value)| match value {
            serde_json::Value::String(value) => Some((name, value)),
            _ => None,
        });
        Ok(Self {
            docker_reference: document.critical.identity.docker_reference.into_owned(),
            digest,
            optional: strings.collect(),
        })
    }
}
