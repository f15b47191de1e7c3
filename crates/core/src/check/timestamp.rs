//! Whether a timestamp authority stamped the signature (RFC 3161, RFC 5652, RFC 5816): [`ValidTimestamp`].
//!
//! Each authority of the trust root is one unit: its leaf, its chain and its window (K-X-03). Every rule is held against
//! the one certificate that verified the token's signature, wherever others stand beside it (K-X-04). Revocation of the
//! authority is not looked at: its window in the trust root takes that place.

use super::candidate::Bench;
use crate::code::{Code, Failure};
use crate::format::tsp::TimestampToken;
use crate::limits::Budget;
use crate::time::UnixTime;
use crate::trust::{AuthorityIdentity, TimestampAuthority};
use crate::x509::{Certificate, Path, Purpose};
use std::cell::OnceCell;
use std::sync::Arc;

/// Proof that a trusted authority stamped the signature.
#[derive(Debug)]
pub(super) struct ValidTimestamp<'t> {
    at: UnixTime,
    authority: &'t TimestampAuthority,
    key: [u8; 32],
}

impl<'t> ValidTimestamp<'t> {
    fn assertion(at: UnixTime, authority: &'t TimestampAuthority, key: [u8; 32]) -> Self {
        Self { at, authority, key }
    }

    pub(super) fn at(&self) -> UnixTime {
        self.at
    }

    /// Name of the authority.
    pub(super) fn authority(&self) -> &'t Arc<str> {
        &self.authority.authority.uri
    }

    /// Who runs it. What thresholds count as one, together with [`ValidTimestamp::key`].
    pub(super) fn identity(&self) -> AuthorityIdentity<'t> {
        self.authority.identity()
    }

    /// SHA-256 of the key that signed the token.
    pub(super) fn key(&self) -> &[u8; 32] {
        &self.key
    }
}

/// Verifies one response over what must be stamped against each authority; one that holds suffices.
pub(super) fn verify<'t>(
    response: &[u8],
    stamped: &[u8],
    bench: Bench<'t>,
    budget: &mut Budget,
) -> Result<ValidTimestamp<'t>, Failure> {
    let token = TimestampToken::parse_response(response)?;
    token.check_imprint(stamped)?;
    let authorities = &bench.trust.timestamp_authorities;
    if authorities.is_empty() {
        return Err(Failure::new(Code::TimestampUntrusted).expected("a timestamp authority in the trusted root").found("none"));
    }
    // Read when one is needed, by the first authority that does not name its certificate, and then once.
    let embedded = OnceCell::new();
    let embedded = || embedded.get_or_init(|| embedded_certificates(&token, bench));
    let mut reason: Option<Failure> = None;
    for authority in authorities {
        match by_authority(&token, embedded, authority, bench, budget) {
            Ok(key) => return Ok(ValidTimestamp::assertion(token.claimed().gen_time, authority, key)),
            Err(failure) if failure.code() == Code::BudgetExhausted => return Err(failure),
            // "Not one of ours" is what every other authority says; anything else says more.
            Err(failure) => {
                let told_more = reason.as_ref().is_some_and(|known| rank(known.code()) >= rank(failure.code()));
                if !told_more {
                    reason = Some(failure);
                }
            }
        }
    }
    Err(reason.unwrap_or_else(|| Code::TimestampUntrusted.into()))
}

/// How much a reason tells, across authorities.
pub(super) fn rank(code: Code) -> u8 {
    match code {
        Code::TimestampSignerNotFound => 0,
        Code::TimestampUntrusted => 1,
        _ => 2,
    }
}

/// The certificates in the token: those that its signer identifier names, and the rest, which may help to build a path.
/// None is trusted.
struct Embedded {
    signers: Vec<Certificate>,
    /// Why one that is named cannot be read.
    unreadable: Option<Failure>,
    others: Vec<Certificate>,
}

fn embedded_certificates(token: &TimestampToken<'_>, bench: Bench<'_>) -> Embedded {
    let mut embedded = Embedded { signers: Vec::new(), unreadable: None, others: Vec::new() };
    for der in token.certificates() {
        match (token.names_signer(der), Certificate::from_der(der, bench.limits)) {
            (true, Ok(signer)) => embedded.signers.push(signer),
            (true, Err(failure)) => embedded.unreadable = Some(Failure::new(Code::TimestampMalformed).found(failure)),
            (false, Ok(other)) => embedded.others.push(other),
            // What cannot be read cannot help, and need not harm.
            (false, Err(_)) => {}
        }
    }
    embedded
}

/// Verifies the token under one authority; SHA-256 of the key that signed it.
fn by_authority<'e>(
    token: &TimestampToken<'_>,
    embedded: impl Fn() -> &'e Embedded,
    authority: &TimestampAuthority,
    bench: Bench<'_>,
    budget: &mut Budget,
) -> Result<[u8; 32], Failure> {
    let chain = &authority.authority.chain;
    let (first, anchors) = match chain.as_slice() {
        [] => return Err(Code::TimestampUntrusted.into()),
        [only] => (None, std::slice::from_ref(only)),
        [first, .., anchor] => (Some(first), std::slice::from_ref(anchor)),
    };
    // Where the trust root names the signing certificate, no other will do: a copy in the token adds nothing to it, and a
    // damaged one takes nothing away, whether it can still be read or not.
    let configured = first.filter(|first| !first.is_ca());
    let signer = match configured {
        Some(leaf) if token.names_signer(leaf.der()) => signed_by(token, [leaf], budget)?,
        Some(_) => {
            return Err(Failure::new(Code::TimestampUntrusted)
                .expected(format_args!("the certificate that the trusted root names for {}", authority.uri())));
        }
        None => match (embedded().signers.as_slice(), &embedded().unreadable) {
            ([], Some(unreadable)) => return Err(unreadable.clone()),
            (signers, _) => signed_by(token, signers, budget)?,
        },
    };
    let at = token.claimed().gen_time;
    let intermediates = authority.authority.intermediates().get(usize::from(configured.is_some())..).unwrap_or_default();
    let mut build = |helpers: &[Certificate]| {
        Path::build(signer, helpers, anchors, at, Purpose::TimeStamping, budget, bench.limits).map_err(timestamp_code)
    };
    // What lies in the token is looked at only where the trust root's own certificates lead nowhere.
    match build(intermediates) {
        Err(failure) if failure.code() != Code::BudgetExhausted && !embedded().others.is_empty() => {
            build(&[intermediates, &embedded().others].concat())?
        }
        built => built?,
    };
    if authority.authority.validity.contains(at) {
        Ok(*signer.public_key()?.id())
    } else {
        Err(Failure::new(Code::TimestampOutsideWindow).expected(authority.authority.validity).found(at).at(authority.uri()))
    }
}

/// The certificate whose key verifies the token, of those that its signer identifier names. There may be several: issuer
/// and serial number can be forged, and what lies beside the signer's certificate must not decide (K-X-04).
fn signed_by<'c>(
    token: &TimestampToken<'_>,
    signers: impl IntoIterator<Item = &'c Certificate>,
    budget: &mut Budget,
) -> Result<&'c Certificate, Failure> {
    let mut reason: Option<Failure> = None;
    for signer in signers {
        let verified = token.check_signing_certificate(signer.der()).and_then(|_| {
            budget.spend_signature()?;
            let key = signer.prepared_key().map_err(|failure| Failure::new(Code::TimestampSignatureInvalid).found(failure))?;
            token.verify_signature(key)
        });
        match verified {
            Ok(()) => return Ok(signer),
            Err(failure) if failure.code() == Code::BudgetExhausted => return Err(failure),
            // Which certificate came closest does not depend on the order either.
            Err(failure) => {
                if reason.as_ref().is_none_or(|known| known.code() == Code::TimestampAttributeInvalid) {
                    reason = Some(failure);
                }
            }
        }
    }
    Err(reason.unwrap_or_else(|| {
        Failure::new(Code::TimestampSignerNotFound).expected("the signer's certificate in the token").found("none")
    }))
}

/// What is wrong with the authority's path, in the terms of timestamps.
pub(super) fn timestamp_code(failure: Failure) -> Failure {
    let code = match failure.code() {
        Code::BudgetExhausted => return failure,
        Code::CertificateNotValidAt => Code::TimestampCertificateNotValidAt,
        Code::CertificatePurpose => Code::TimestampPurpose,
        _ => Code::TimestampUntrusted,
    };
    Failure::new(code).found(failure)
}
