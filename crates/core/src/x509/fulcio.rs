//! [`FulcioExtensions`]: what Fulcio's certificate authority states about the signer's token (arc 1.3.6.1.4.1.57264.1,
//! fulcio `docs/oid-info.md`).
//!
//! These are statements of whoever issued the certificate: read them only from a certificate whose path was validated.
//! Names are those of sigstore-go's JSON. Values are not interpreted.

use super::certificate::Certificate;
use crate::code::{Code, Failure};
use crate::encoding::der::{Tlv, tag};
use std::ops::Range;
use std::sync::Arc;

/// `1.3.6.1.4.1.57264.1`, without the last number.
const ARC: [u8; 9] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01];
const ISSUER_V1: u8 = 1;
const ISSUER_V2: u8 = 8;
/// `.1` to `.6` hold raw text, the later ones a DER UTF8String.
const LAST_RAW: u8 = 6;

/// Number in the arc and name. `.7` is the type of an otherName, not an extension; `.1` and `.8` are both the issuer.
const FIELDS: [(u8, &str); 23] = [
    (1, "issuer"),
    (2, "githubWorkflowTrigger"),
    (3, "githubWorkflowSHA"),
    (4, "githubWorkflowName"),
    (5, "githubWorkflowRepository"),
    (6, "githubWorkflowRef"),
    (8, "issuer"),
    (9, "buildSignerURI"),
    (10, "buildSignerDigest"),
    (11, "runnerEnvironment"),
    (12, "sourceRepositoryURI"),
    (13, "sourceRepositoryDigest"),
    (14, "sourceRepositoryRef"),
    (15, "sourceRepositoryIdentifier"),
    (16, "sourceRepositoryOwnerURI"),
    (17, "sourceRepositoryOwnerIdentifier"),
    (18, "buildConfigURI"),
    (19, "buildConfigDigest"),
    (20, "buildTrigger"),
    (21, "runInvocationURI"),
    (22, "sourceRepositoryVisibilityAtSigning"),
    (23, "deploymentEnvironment"),
    (24, "tokenSubject"),
];

/// The Fulcio extensions of one certificate, by name.
///
/// Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FulcioExtensions(Arc<Values>);

/// All values in one text, since a certificate of a workflow states about twenty.
#[derive(Debug, Default, PartialEq, Eq)]
struct Values {
    text: String,
    /// Where each stands in the text, in the order of [`FulcioExtensions::NAMES`].
    places: [Option<Range<usize>>; FulcioExtensions::NAMES.len()],
}

impl Values {
    fn push(&mut self, name: &str, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        let place = FulcioExtensions::NAMES.iter().position(|known| *known == name);
        if let Some(place) = place.and_then(|place| self.places.get_mut(place)) {
            *place = Some(start..self.text.len());
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let named = FulcioExtensions::NAMES.iter().zip(&self.places);
        named.filter_map(|(name, place)| Some((*name, self.text.get(place.clone()?)?)))
    }
}

impl FulcioExtensions {
    /// Every name that [`FulcioExtensions::get`] knows.
    pub const NAMES: [&'static str; 22] = [
        "issuer",
        "githubWorkflowTrigger",
        "githubWorkflowSHA",
        "githubWorkflowName",
        "githubWorkflowRepository",
        "githubWorkflowRef",
        "buildSignerURI",
        "buildSignerDigest",
        "runnerEnvironment",
        "sourceRepositoryURI",
        "sourceRepositoryDigest",
        "sourceRepositoryRef",
        "sourceRepositoryIdentifier",
        "sourceRepositoryOwnerURI",
        "sourceRepositoryOwnerIdentifier",
        "buildConfigURI",
        "buildConfigDigest",
        "buildTrigger",
        "runInvocationURI",
        "sourceRepositoryVisibilityAtSigning",
        "deploymentEnvironment",
        "tokenSubject",
    ];

    /// Reads the extensions of a certificate. Numbers above .24 are of a later Fulcio and left alone.
    ///
    /// # Errors
    /// [`Code::FulcioExtensionMalformed`] when a known one is not exactly raw UTF-8 (.1 to .6) or exactly one DER
    /// UTF8String, and when the issuers of .1 and .8 differ: no reader may get to choose between them.
    pub fn from_certificate(certificate: &Certificate) -> Result<Self, Failure> {
        let extensions = certificate.extensions();
        let of_fulcio = certificate.extensions().filter(|extension| extension.oid.as_bytes().starts_with(&ARC));
        let room = of_fulcio.map(|extension| extension.value.len()).sum();
        let mut values = Values { text: String::with_capacity(room), ..Values::default() };
        let mut old_issuer = None;
        for extension in extensions {
            let Some(&[number]) = extension.oid.as_bytes().strip_prefix(&ARC) else { continue };
            let Some((_, name)) = FIELDS.iter().find(|(known, _)| *known == number) else { continue };
            let value = text(number, extension.value).ok_or_else(|| {
                Failure::new(Code::FulcioExtensionMalformed)
                    .expected(if number <= LAST_RAW { "UTF-8 text" } else { "one DER UTF8String" })
                    .found(crate::encoding::hex::encode(extension.value.get(..32).unwrap_or(extension.value)))
                    .at(format_args!("extension {} ({name})", extension.oid))
            })?;
            if number == ISSUER_V1 { old_issuer = Some(value) } else { values.push(name, value) }
        }
        if let Some(old) = old_issuer {
            let new = values.iter().find(|(name, _)| *name == "issuer").map(|(_, new)| new);
            match new {
                Some(new) if new != old => {
                    return Err(Failure::new(Code::FulcioExtensionMalformed)
                        .expected(format_args!("the issuer {new} in both extensions"))
                        .found(old)
                        .at(format_args!("extensions 1.3.6.1.4.1.57264.1.{ISSUER_V1} and .{ISSUER_V2}")));
                }
                Some(_) => {}
                None => values.push("issuer", old),
            }
        }
        Ok(Self(Arc::new(values)))
    }

    /// The value of that name, exact; `None` when the certificate does not state it or the name is unknown.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The OIDC issuer that vouched for the subject.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.get("issuer")
    }

    /// All that the certificate states, in the order of [`FulcioExtensions::NAMES`].
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter()
    }
}

fn text(number: u8, value: &[u8]) -> Option<&str> {
    let octets = if number <= LAST_RAW {
        value
    } else {
        let element = Tlv::parse(value).ok()?;
        if element.tag() != tag::UTF8_STRING {
            return None;
        }
        element.value()
    };
    // A NUL would end the text for a reader in C; no claim of a token holds one.
    let text = std::str::from_utf8(octets).ok()?;
    if text.contains('\0') { None } else { Some(text) }
}
