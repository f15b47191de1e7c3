//! [`Case`]: a bundle, what it is for, and both verifiers, which trust the same and ask for the same.

use sigstore_verify::types::{ArtifactDigest, DerPublicKey, HashAlgorithm};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy};
use std::panic::{AssertUnwindSafe, catch_unwind};
use veriseal::{
    Artifact, Authority, Claim, Digest, Identity, KeyAuthority, KeylessAuthority, Pattern, Policy, PublicKey, Requirement,
    SctMode, Settings, SignatureRequirement, StringMatch, TlogMode, TrustRoot, UnixTime, Validity, Verifier,
};
use veriseal_testkit::mutation::Tree;

/// Who must have signed.
pub enum Signed {
    /// Subject and issuer.
    By { subject: String, issuer: String },
    /// Whoever has a certificate.
    ByAnybody,
    /// PEM of the key, and when it may be used; sigstore-verify knows no such window.
    WithKey { pem: Vec<u8>, window: Validity },
}

/// What is verified beside the signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Log entry and certificate timestamp: the default of both.
    Usual,
    /// No log entry.
    Unlogged,
    /// No log entry and no certificate timestamp, but one signed timestamp.
    TimestampOnly,
}

/// What was signed.
pub enum Subject {
    Bytes(Vec<u8>),
    Digest(Digest),
}

/// What a case is made of.
pub struct Parts<'a> {
    pub name: String,
    pub bundle: Vec<u8>,
    pub subject: Subject,
    pub trusted_root: &'a [u8],
    pub signed: Signed,
    pub evidence: Evidence,
    pub now: UnixTime,
    /// Whether it must be accepted.
    pub good: bool,
}

pub struct Case {
    pub name: String,
    pub bundle: Vec<u8>,
    /// Its JSON; none where it is no JSON.
    pub tree: Option<Tree>,
    pub good: bool,
    subject: Subject,
    /// Who must vouch for the signer; empty where nobody must.
    issuer: String,
    now: UnixTime,
    /// Each, or why the trusted root or the policy is refused.
    ours: Result<Verifier, String>,
    theirs: Result<(sigstore_verify::Verifier, TheirPolicy), String>,
}

enum TheirPolicy {
    Certificate(VerificationPolicy),
    Key(PublicKeyVerificationPolicy),
}

/// What one of the two said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Accepted,
    /// The code's name, or the error's text.
    Rejected(String),
    Panicked,
}

impl Answer {
    pub fn accepted(&self) -> bool {
        *self == Self::Accepted
    }
}

impl Case {
    pub fn new(parts: Parts<'_>) -> Result<Self, String> {
        let Parts { name, bundle, subject, trusted_root, signed, evidence, now, good } = parts;
        let trust = TrustRoot::from_json(trusted_root, veriseal::trust::TrustRootOrigin::default());
        let policy = our_policy(&signed, evidence).map_err(|failure| format!("{name}: {failure}"))?;
        let ours = trust.map(|trust| Verifier::new(trust, policy)).map_err(|failure| failure.code().name().to_owned());
        let text = str::from_utf8(trusted_root).map_err(|error| format!("{name}: {error}"))?;
        let root = sigstore_verify::trust_root::TrustedRoot::from_json(text).map_err(|error| error.to_string());
        let theirs = root
            .and_then(|root| sigstore_verify::Verifier::new(&root).map_err(|error| error.to_string()))
            .and_then(|verifier| Ok((verifier, their_policy(&signed, evidence)?)));
        let issuer = if let Signed::By { issuer, .. } = signed { issuer } else { String::new() };
        Ok(Self { tree: Tree::parse(&bundle), name, bundle, good, subject, issuer, now, ours, theirs })
    }

    pub fn ask_veriseal(&self, bundle: &[u8]) -> Answer {
        let Ok(verifier) = &self.ours else { return Answer::Rejected(self.ours.as_ref().err().cloned().unwrap_or_default()) };
        let artifact = match &self.subject {
            Subject::Bytes(bytes) => Artifact::bytes(bytes),
            Subject::Digest(digest) => Artifact::digest(*digest),
        };
        match catch_unwind(AssertUnwindSafe(|| verifier.verify_blob(&artifact, bundle, self.now))) {
            Ok(Ok(_)) => Answer::Accepted,
            Ok(Err(not_accepted)) => Answer::Rejected(not_accepted.code().name().to_owned()),
            Err(_) => Answer::Panicked,
        }
    }

    pub fn ask_sigstore_verify(&self, bundle: &[u8]) -> Answer {
        self.their_answer(bundle, false)
    }

    /// The same, whoever the certificate names.
    pub fn ask_sigstore_verify_about_anybody(&self, bundle: &[u8]) -> Answer {
        self.their_answer(bundle, true)
    }

    fn their_answer(&self, bundle: &[u8], anybody: bool) -> Answer {
        match catch_unwind(AssertUnwindSafe(|| self.their_verdict(bundle, anybody))) {
            Ok(Ok(())) => Answer::Accepted,
            Ok(Err(error)) => Answer::Rejected(error),
            Err(_) => Answer::Panicked,
        }
    }

    fn their_verdict(&self, bundle: &[u8], anybody: bool) -> Result<(), String> {
        let (verifier, policy) = self.theirs.as_ref().map_err(Clone::clone)?;
        let text = str::from_utf8(bundle).map_err(|error| error.to_string())?;
        let bundle = sigstore_verify::types::Bundle::from_json(text).map_err(|error| error.to_string())?;
        let artifact = match &self.subject {
            Subject::Bytes(bytes) => sigstore_verify::types::Artifact::from_blob(bytes),
            Subject::Digest(digest) => {
                let algorithm = match digest {
                    Digest::Sha256(_) => HashAlgorithm::Sha2256,
                    Digest::Sha384(_) => HashAlgorithm::Sha2384,
                    Digest::Sha512(_) => HashAlgorithm::Sha2512,
                };
                let digest = ArtifactDigest::new(algorithm, digest.as_bytes().to_vec()).map_err(|error| error.to_string())?;
                sigstore_verify::types::Artifact::from_digest(digest)
            }
        };
        let result = match policy {
            TheirPolicy::Certificate(_) if anybody => {
                let policy = VerificationPolicy::any_identity().require_issuer(self.issuer.as_str());
                verifier.verify(artifact, &bundle, &policy)
            }
            TheirPolicy::Certificate(policy) => verifier.verify(artifact, &bundle, policy),
            TheirPolicy::Key(policy) => verifier.verify(artifact, &bundle, policy),
        };
        result.map(|_| ()).map_err(|error| error.to_string())
    }
}

fn our_policy(signed: &Signed, evidence: Evidence) -> Result<Policy, veriseal::Failure> {
    let authority = match signed {
        Signed::By { subject, issuer } => {
            let identity = Identity::new(StringMatch::Exact(subject.clone()), StringMatch::Exact(issuer.clone()))?;
            Authority::Keyless(KeylessAuthority::new(vec![identity])?)
        }
        Signed::ByAnybody => {
            let any = StringMatch::Pattern(Pattern::new(".*")?);
            Authority::Keyless(KeylessAuthority::new(vec![Identity::new(any.clone(), any)?])?)
        }
        Signed::WithKey { pem, window } => {
            Authority::Key(KeyAuthority::new(PublicKey::from_pem(pem)?, "key.pub").valid_within(*window))
        }
    };
    let settings = match evidence {
        Evidence::Usual => Settings::default(),
        Evidence::Unlogged => Settings { tlog: TlogMode::Ignored, ..Settings::default() },
        Evidence::TimestampOnly => {
            Settings { tlog: TlogMode::Ignored, sct: SctMode::Ignored, timestamps: 1, ..Settings::default() }
        }
    };
    Policy::new(Requirement::signature(SignatureRequirement::new(authority).settings(settings).claim(Claim::AnyStatement)))
}

fn their_policy(signed: &Signed, evidence: Evidence) -> Result<TheirPolicy, String> {
    let policy = match signed {
        Signed::By { subject, issuer } => VerificationPolicy::new(subject.as_str(), issuer.as_str()),
        Signed::ByAnybody => VerificationPolicy::any_identity(),
        Signed::WithKey { pem, .. } => {
            let pem = str::from_utf8(pem).map_err(|error| error.to_string())?;
            let policy = PublicKeyVerificationPolicy::new(DerPublicKey::from_pem(pem).map_err(|error| error.to_string())?);
            return Ok(TheirPolicy::Key(if evidence == Evidence::Usual { policy } else { policy.skip_tlog_unsafe() }));
        }
    };
    Ok(TheirPolicy::Certificate(match evidence {
        Evidence::Usual => policy,
        Evidence::Unlogged => policy.skip_tlog_unsafe(),
        Evidence::TimestampOnly => policy.skip_tlog_unsafe().skip_sct(),
    }))
}
