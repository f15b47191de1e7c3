//! `trusted_root.json` and `ClientTrustConfig`: bytes to [`TrustRoot`] (protobuf-specs `sigstore_trustroot.proto`).
//!
//! Strict: unknown or doubled fields, and a log without a start of its window, are errors. Overlapping and future
//! windows are allowed, as the format asks.

use super::root::{CertificateAuthority, CtLog, TimestampAuthority, TransparencyLog, TrustRoot, TrustRootOrigin};
use crate::code::{Code, Failure};
use crate::crypto::{PreparedKey, Scheme};
use crate::digest::HashAlgorithm;
use crate::encoding::{base64, json};
use crate::key::{KeyKind, PublicKey};
use crate::limits::{Limits, MAX_CHAIN};
use crate::time::{UnixTime, Validity};
use crate::x509::Certificate;
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

const MEDIA_TYPES: [&str; 3] = [
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];
const CLIENT_CONFIG: &str = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MediaTypeOnly<'a> {
    #[serde(borrow)]
    media_type: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClientConfig<'a> {
    #[serde(rename = "mediaType")]
    _media_type: serde::de::IgnoredAny,
    #[serde(borrow)]
    trusted_root: Document<'a>,
    // Only signers read it.
    #[serde(rename = "signingConfig")]
    _signing_config: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document<'a> {
    #[serde(borrow)]
    media_type: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    tlogs: Option<Vec<LogJson<'a>>>,
    #[serde(default, borrow)]
    certificate_authorities: Option<Vec<AuthorityJson<'a>>>,
    #[serde(default, borrow)]
    ctlogs: Option<Vec<LogJson<'a>>>,
    #[serde(default, borrow)]
    timestamp_authorities: Option<Vec<AuthorityJson<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LogJson<'a> {
    #[serde(default, borrow)]
    base_url: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    hash_algorithm: Option<Cow<'a, str>>,
    #[serde(borrow)]
    public_key: KeyJson<'a>,
    #[serde(borrow)]
    log_id: IdJson<'a>,
    #[serde(default, borrow)]
    checkpoint_key_id: Option<IdJson<'a>>,
    #[serde(default, borrow)]
    operator: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeyJson<'a> {
    #[serde(borrow)]
    raw_bytes: Cow<'a, str>,
    #[serde(borrow)]
    key_details: Cow<'a, str>,
    #[serde(default, borrow)]
    valid_for: Option<WindowJson<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IdJson<'a> {
    #[serde(borrow)]
    key_id: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowJson<'a> {
    #[serde(default, borrow)]
    start: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    end: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AuthorityJson<'a> {
    // A display name beside the certificates, which are what counts.
    #[serde(rename = "subject")]
    _subject: Option<serde::de::IgnoredAny>,
    #[serde(default, borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow)]
    cert_chain: ChainJson<'a>,
    #[serde(default, borrow)]
    valid_for: Option<WindowJson<'a>>,
    #[serde(default, borrow)]
    operator: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainJson<'a> {
    #[serde(default, borrow)]
    certificates: Option<Vec<RawJson<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawJson<'a> {
    #[serde(borrow)]
    raw_bytes: Cow<'a, str>,
}

/// Parses a trusted root.
pub(super) fn parse(bytes: &[u8], origin: TrustRootOrigin, limits: &Limits) -> Result<TrustRoot, Failure> {
    let malformed = |error: json::JsonError| Failure::new(Code::TrustRootInvalid).found(error).at(&origin.name);
    let document: Document<'_> = match json::parse(bytes, limits.json_depth) {
        Ok(document) => document,
        // No trusted root: a configuration around one, or nothing.
        Err(error) => match json::parse_tolerant::<MediaTypeOnly<'_>>(bytes, limits.json_depth) {
            Ok(probe) if probe.media_type.as_deref() == Some(CLIENT_CONFIG) => {
                json::parse::<ClientConfig<'_>>(bytes, limits.json_depth).map_err(malformed)?.trusted_root
            }
            _ => return Err(malformed(error)),
        },
    };
    match document.media_type.as_deref() {
        Some(found) if MEDIA_TYPES.contains(&found) => {}
        found => {
            return Err(Failure::new(Code::TrustRootInvalid)
                .expected(format_args!(
                    "media type {} or {}",
                    MEDIA_TYPES.first().unwrap_or(&""),
                    MEDIA_TYPES.last().unwrap_or(&"")
                ))
                .found(found.unwrap_or("none"))
                .at("mediaType"));
        }
    }
    let mut root = TrustRoot { origin, ..TrustRoot::default() };
    for (index, log) in document.tlogs.unwrap_or_default().iter().enumerate() {
        match read_log(log, &Place("tlogs", index))? {
            Ok(read) => root.logs.push(TransparencyLog {
                base_url: read.base_url,
                log_id: read.log_id,
                checkpoint_key_id: read.checkpoint_key_id,
                key: read.key,
                scheme: read.scheme,
                validity: read.validity,
                operator: read.operator,
            }),
            Err(skipped) => root.skipped.push(skipped),
        }
    }
    for (index, log) in document.ctlogs.unwrap_or_default().iter().enumerate() {
        let at = Place("ctlogs", index);
        match read_log(log, &at)? {
            Ok(read) => {
                let log_id = *read.key.key().id();
                // The id is what signed certificate timestamps name the log by: a wrong one would silently match nothing.
                if read.log_id != log_id {
                    return Err(Failure::new(Code::TrustRootInvalid)
                        .expected(format_args!("keyId {} (SHA-256 of the key)", base64::encode(&log_id)))
                        .found(base64::encode(&read.log_id))
                        .at(format_args!("{at}.logId.keyId")));
                }
                root.ct_logs.push(CtLog {
                    base_url: read.base_url,
                    log_id,
                    key: read.key,
                    scheme: read.scheme,
                    validity: read.validity,
                });
            }
            Err(skipped) => root.skipped.push(skipped),
        }
    }
    for (index, authority) in document.certificate_authorities.unwrap_or_default().iter().enumerate() {
        root.authorities.push(read_authority(authority, &Place("certificateAuthorities", index), limits)?);
    }
    for (index, authority) in document.timestamp_authorities.unwrap_or_default().iter().enumerate() {
        let authority = read_authority(authority, &Place("timestampAuthorities", index), limits)?;
        root.timestamp_authorities.push(TimestampAuthority { authority });
    }
    Ok(root.seal())
}

/// A member of a list. What stands where is written out only for a failure.
struct Place(&'static str, usize);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.0, self.1)
    }
}

struct ReadLog {
    base_url: Arc<str>,
    log_id: Vec<u8>,
    checkpoint_key_id: Option<[u8; 4]>,
    key: PreparedKey,
    scheme: Scheme,
    validity: Validity,
    operator: Option<String>,
}

/// The outer error breaks the document; the inner one leaves this log out.
fn read_log(log: &LogJson<'_>, at: &Place) -> Result<Result<ReadLog, Failure>, Failure> {
    let invalid = |field: &str| Failure::new(Code::TrustRootInvalid).at(format_args!("{at}.{field}"));
    if !matches!(log.hash_algorithm.as_deref(), Some("SHA2_256")) {
        return Err(invalid("hashAlgorithm").expected("SHA2_256").found(log.hash_algorithm.as_deref().unwrap_or("none")));
    }
    let window =
        log.public_key.valid_for.as_ref().ok_or_else(|| invalid("publicKey.validFor").expected("a window with a start"))?;
    let validity = read_window(window, format_args!("{at}.publicKey.validFor"))?;
    if validity.start.is_none() {
        return Err(invalid("publicKey.validFor.start").expected("the first moment of the key's window").found("none"));
    }
    let log_id = decode(&log.log_id.key_id, format_args!("{at}.logId.keyId"))?;
    let checkpoint_key_id = match &log.checkpoint_key_id {
        None => None,
        Some(id) => {
            let bytes = decode(&id.key_id, format_args!("{at}.checkpointKeyId.keyId"))?;
            Some(bytes.first_chunk::<4>().copied().ok_or_else(|| invalid("checkpointKeyId.keyId").expected("4 bytes"))?)
        }
    };
    let raw = decode(&log.public_key.raw_bytes, format_args!("{at}.publicKey.rawBytes"))?;
    let Some((encoding, scheme, kind)) = key_details(&log.public_key.key_details) else {
        return Ok(Err(Failure::new(Code::TrustInstanceSkipped)
            .found(&log.public_key.key_details)
            .at(format_args!("{at}.publicKey.keyDetails"))));
    };
    let key = match encoding {
        KeyEncoding::Spki => PreparedKey::from_spki(&raw),
        KeyEncoding::Pkcs1 => PublicKey::from_pkcs1_rsa(&raw).and_then(PreparedKey::new),
    }
    .map_err(|failure| invalid("publicKey.rawBytes").found(failure))?;
    if !kind.matches(key.key().kind()) {
        return Err(invalid("publicKey.keyDetails").expected("the details of this key").found(&log.public_key.key_details));
    }
    let base_url = log.base_url.as_deref().unwrap_or_default().into();
    let operator = log.operator.as_deref().filter(|operator| !operator.is_empty()).map(str::to_owned);
    Ok(Ok(ReadLog { base_url, log_id, checkpoint_key_id, key, scheme, validity, operator }))
}

fn read_authority(authority: &AuthorityJson<'_>, at: &Place, limits: &Limits) -> Result<CertificateAuthority, Failure> {
    let validity = match &authority.valid_for {
        Some(window) => read_window(window, format_args!("{at}.validFor"))?,
        None => Validity::default(),
    };
    let certificates = authority.cert_chain.certificates.as_deref().unwrap_or_default();
    if certificates.len() > MAX_CHAIN {
        return Err(Failure::new(Code::TrustRootInvalid)
            .expected(format_args!("at most {MAX_CHAIN} certificates"))
            .at(format_args!("{at}.certChain")));
    }
    let mut chain = Vec::with_capacity(certificates.len());
    for (index, certificate) in certificates.iter().enumerate() {
        let field = format_args!("{at}.certChain.certificates[{index}].rawBytes");
        let der = decode(&certificate.raw_bytes, field)?;
        let parsed = Certificate::of_bytes(der, limits)
            .map_err(|failure| Failure::new(Code::TrustRootInvalid).found(failure).at(field))?;
        chain.push(parsed);
    }
    let uri = authority.uri.as_deref().unwrap_or_default();
    let mut read = CertificateAuthority::new(uri, chain, validity).map_err(|_| {
        Failure::new(Code::TrustRootInvalid).expected("at least one certificate").found("none").at(format_args!("{at}.certChain"))
    })?;
    read.operator = authority.operator.as_deref().filter(|operator| !operator.is_empty()).map(str::to_owned);
    Ok(read)
}

fn read_window(window: &WindowJson<'_>, at: fmt::Arguments<'_>) -> Result<Validity, Failure> {
    let moment = |text: &Option<Cow<'_, str>>, field: &str| match text {
        None => Ok(None),
        Some(text) => UnixTime::parse_rfc3339(text)
            .map(Some)
            .map_err(|failure| Failure::new(Code::TrustRootInvalid).found(failure).at(format_args!("{at}.{field}"))),
    };
    Ok(Validity { start: moment(&window.start, "start")?, end: moment(&window.end, "end")? })
}

fn decode(text: &str, at: fmt::Arguments<'_>) -> Result<Vec<u8>, Failure> {
    base64::decode(text).ok_or_else(|| Failure::new(Code::TrustRootInvalid).expected("standard base64").found(text).at(at))
}

pub(super) enum KeyEncoding {
    Spki,
    Pkcs1,
}

/// The kind of key that the details name; RSA with its modulus where they name one.
pub(super) enum NamedKind {
    P256,
    P384,
    P521,
    Ed25519,
    Rsa(Option<u32>),
}

impl NamedKind {
    pub(super) fn matches(&self, kind: KeyKind) -> bool {
        match (self, kind) {
            (Self::P256, KeyKind::EcdsaP256)
            | (Self::P384, KeyKind::EcdsaP384)
            | (Self::P521, KeyKind::EcdsaP521)
            | (Self::Ed25519, KeyKind::Ed25519)
            | (Self::Rsa(None), KeyKind::Rsa { .. }) => true,
            (Self::Rsa(Some(named)), KeyKind::Rsa { bits }) => *named == bits,
            _ => false,
        }
    }
}

/// `PublicKeyDetails` (protobuf-specs `sigstore_common.proto`): how the bytes are encoded, and the one scheme and kind
/// of key that go with them. What is not listed is not supported.
pub(super) fn key_details(name: &str) -> Option<(KeyEncoding, Scheme, NamedKind)> {
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    let (scheme, kind) = match name {
        "PKCS1_RSA_PKCS1V5" | "PKIX_RSA_PKCS1V5" => (Scheme::RsaPkcs1(Sha256), NamedKind::Rsa(None)),
        "PKIX_RSA_PKCS1V15_2048_SHA256" => (Scheme::RsaPkcs1(Sha256), NamedKind::Rsa(Some(2048))),
        "PKIX_RSA_PKCS1V15_3072_SHA256" => (Scheme::RsaPkcs1(Sha256), NamedKind::Rsa(Some(3072))),
        "PKIX_RSA_PKCS1V15_4096_SHA256" => (Scheme::RsaPkcs1(Sha256), NamedKind::Rsa(Some(4096))),
        "PKIX_RSA_PSS_2048_SHA256" => (Scheme::RsaPss(Sha256), NamedKind::Rsa(Some(2048))),
        "PKIX_RSA_PSS_3072_SHA256" => (Scheme::RsaPss(Sha256), NamedKind::Rsa(Some(3072))),
        "PKIX_RSA_PSS_4096_SHA256" => (Scheme::RsaPss(Sha256), NamedKind::Rsa(Some(4096))),
        "PKIX_ECDSA_P256_SHA_256" => (Scheme::Ecdsa(Sha256), NamedKind::P256),
        "PKIX_ECDSA_P384_SHA_256" => (Scheme::Ecdsa(Sha256), NamedKind::P384),
        "PKIX_ECDSA_P521_SHA_256" => (Scheme::Ecdsa(Sha256), NamedKind::P521),
        "PKIX_ECDSA_P384_SHA_384" => (Scheme::Ecdsa(Sha384), NamedKind::P384),
        "PKIX_ECDSA_P521_SHA_512" => (Scheme::Ecdsa(Sha512), NamedKind::P521),
        "PKIX_ED25519" => (Scheme::Ed25519, NamedKind::Ed25519),
        "PKIX_ED25519_PH" => (Scheme::Ed25519ph, NamedKind::Ed25519),
        _ => return None,
    };
    let encoding = if name == "PKCS1_RSA_PKCS1V5" { KeyEncoding::Pkcs1 } else { KeyEncoding::Spki };
    Some((encoding, scheme, kind))
}
