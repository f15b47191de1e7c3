//! [`Verifier`]: trust, policy and limits, prepared once, for any number of calls.

use super::judge::{self, Judgement};
use super::outcome::{Accepted, NotAccepted};
use super::session::Session;
use super::verdict_cache::{Remembering, VerdictCache};
use crate::code::{Class, Code, Failure};
use crate::crypto::{KeyTables, PreparedKey, SignatureCache};
use crate::digest::{Digest, sha256_parts};
use crate::gather::{self, AsyncFetch, Evidence, Fetch, PlatformChoice, Wanted, drive_async};
use crate::limits::Limits;
use crate::oci::{Reference, Repository};
use crate::policy::{Authority, Policy, SignatureRequirement, domains};
use crate::report::Verdict;
use crate::time::UnixTime;
use crate::trust::TrustRoot;
use std::borrow::Cow;
use std::sync::Arc;

/// Verifies images and blobs against one policy and one trust root.
///
/// Immutable, `Send + Sync`, cheap to clone: share one between threads. Holds no clock and does no I/O of its own; the
/// time is an argument of each call.
///
/// ```
/// use veriseal::{Authority, KeyAuthority, Policy, PublicKey, Requirement, TrustRoot, Verifier};
///
/// # fn main() -> Result<(), veriseal::Failure> {
/// let pem = b"-----BEGIN PUBLIC KEY-----
/// MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=
/// -----END PUBLIC KEY-----";
/// let key = Authority::Key(KeyAuthority::new(PublicKey::from_pem(pem)?, "release.pub"));
/// let policy = Policy::new(Requirement::signed_by(key))?;
/// let verifier = Verifier::new(TrustRoot::sigstore()?, policy);
/// # let _ = verifier;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    pub(super) trust: Arc<TrustRoot>,
    pub(super) policy: Arc<Policy>,
    pub(super) limits: Limits,
    /// The key of each leaf that trusts one, made ready, in the order of the leaves.
    pub(super) keys: Arc<[Option<PreparedKey>]>,
    /// The trust domain of each leaf's root.
    pub(super) domains: Arc<[usize]>,
    /// What a caller declared to be weaker than the default.
    declared: Vec<Failure>,
    /// That, and what is weaker in the policy: the same in every report.
    pub(super) weakened: Arc<[Failure]>,
    pub(super) platforms: PlatformChoice,
    signature_repository: Option<Repository>,
    remembering: Option<Remembering>,
    fingerprint: [u8; 32],
}

impl Verifier {
    /// A verifier with the default limits.
    #[must_use]
    pub fn new(trust: impl Into<Arc<TrustRoot>>, policy: impl Into<Arc<Policy>>) -> Self {
        Self::with_limits(trust, policy, Limits::default())
    }

    /// A verifier with other limits.
    #[must_use]
    pub fn with_limits(trust: impl Into<Arc<TrustRoot>>, policy: impl Into<Arc<Policy>>, limits: Limits) -> Self {
        let (trust, policy) = (trust.into(), policy.into());
        let fingerprint = sha256_parts(&[
            b"veriseal verifier v1\n",
            trust.fingerprint(),
            policy.fingerprint(),
            format!("{limits:?}").as_bytes(),
        ]);
        let prepare = |leaf: &SignatureRequirement| match leaf.authority() {
            Authority::Key(authority) => PreparedKey::new(authority.key().clone()).ok(),
            Authority::Keyless(_) => None,
        };
        let keys = policy.leaves().iter().map(prepare).collect();
        let roots: Vec<&TrustRoot> =
            policy.leaves().iter().map(|leaf| leaf.trust_root().map_or(&*trust, |root| &**root)).collect();
        let domains = domains(&roots).into();
        let weakened = judge::weakened(&[], &policy);
        Self {
            trust,
            policy,
            limits,
            keys,
            domains,
            declared: Vec::new(),
            weakened,
            platforms: PlatformChoice::index(),
            signature_repository: None,
            remembering: None,
            fingerprint,
        }
    }

    /// The same verifier for these platforms of an image; what that means is said at [`PlatformChoice`]. By default what the
    /// reference names is verified, be it an index or a manifest.
    #[must_use]
    pub fn with_platforms(mut self, platforms: PlatformChoice) -> Self {
        self.fingerprint = sha256_parts(&[b"veriseal platforms v1\n", &self.fingerprint, platforms.to_string().as_bytes()]);
        self.platforms = platforms;
        self
    }

    /// The same verifier for signatures that are kept in this repository and nowhere else, as with cosign's
    /// `COSIGN_REPOSITORY`. The image keeps its name: reports, pinned references and policies speak of that one.
    #[must_use]
    pub fn with_signature_repository(mut self, repository: Repository) -> Self {
        let name = repository.to_string();
        self.fingerprint = sha256_parts(&[b"veriseal signature repository v1\n", &self.fingerprint, name.as_bytes()]);
        self.signature_repository = Some(repository);
        self
    }

    /// The platforms that are verified.
    #[must_use]
    pub fn platforms(&self) -> &PlatformChoice {
        &self.platforms
    }

    /// Where signatures are kept, where that is not the image's repository.
    #[must_use]
    pub fn signature_repository(&self) -> Option<&Repository> {
        self.signature_repository.as_ref()
    }

    /// Adds something that is weaker than the default to what every report lists, such as a verification time that
    /// was given and not read from a clock ([`Code::TimeGiven`]).
    #[must_use]
    pub fn declare_weakened(mut self, what: Failure) -> Self {
        self.declared.push(what);
        self.weakened = judge::weakened(&self.declared, &self.policy);
        self
    }

    /// Lets the keys of the trust roots and the policy have tables of multiples after a few uses: some six times faster
    /// checks of their ECDSA signatures in pure Rust, for 150 to 340 KB a key, at most 64 keys. For programs that verify
    /// many images; one that verifies a few never earns a table back. Verdicts do not depend on it.
    #[must_use]
    pub fn with_key_tables(self) -> Self {
        let tables = Arc::new(KeyTables::new());
        self.trust_roots().for_each(|trust| trust.prepare_tables(&tables));
        self.keys.iter().flatten().for_each(|key| key.with_tables(&tables));
        self
    }

    /// Lets good signatures of the keys of the trust roots and the policy be remembered, so that a checkpoint, a certificate
    /// or a timestamp that comes again is not checked again. Unlike [`Verifier::with_verdict_cache`] this helps for images
    /// that were never seen before. Verdicts do not depend on it.
    #[must_use]
    pub fn with_signature_cache(self, cache: &Arc<SignatureCache>) -> Self {
        self.trust_roots().for_each(|trust| trust.remember_signatures(cache));
        self.keys.iter().flatten().for_each(|key| key.with_signature_cache(cache));
        self
    }

    /// The verifier's trust root and those that leaves of the policy have of their own.
    fn trust_roots(&self) -> impl Iterator<Item = &TrustRoot> {
        let own = self.policy.leaves().iter().filter_map(|leaf| leaf.trust_root().map(|trust| &**trust));
        std::iter::once(&*self.trust).chain(own)
    }

    /// The same verifier with a memory of what it accepted: what that changes is said at [`VerdictCache`]. Verifiers may
    /// share one. Verdicts and reports do not depend on it.
    #[must_use]
    pub fn with_verdict_cache(mut self, cache: Arc<VerdictCache>) -> Self {
        self.remembering = Some(Remembering::new(cache, &self));
        self
    }

    pub(super) fn remembering(&self) -> Option<&Remembering> {
        self.remembering.as_ref()
    }

    /// The trust root.
    #[must_use]
    pub fn trust_root(&self) -> &TrustRoot {
        &self.trust
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// SHA-256 over trust root, policy and limits: two verifiers with the same fingerprint give the same verdicts.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// Starts gathering for one image.
    #[must_use]
    pub fn session(&self, reference: &Reference) -> Session {
        let wanted = Wanted {
            signatures: true,
            attestations: self.policy.wants_attestations(),
            platforms: self.platforms.clone(),
            signature_repository: self.signature_repository.clone(),
        };
        Session {
            gathering: gather::Session::new(reference, &self.limits, wanted),
            fingerprint: self.fingerprint,
            asked: reference.clone(),
            weakened: Vec::new(),
        }
    }

    /// Judges what a session gathered.
    ///
    /// # Errors
    /// [`NotAccepted`] with the account of every check. A session that is not done, or was started by a verifier with
    /// another fingerprint, is `Undecided`.
    pub fn conclude(&self, session: Session, now: UnixTime) -> Result<Accepted, NotAccepted> {
        let Session { gathering, fingerprint, asked, weakened } = session;
        let told = self.with_weakened(weakened);
        if fingerprint != self.fingerprint {
            return Err(self.nothing_gathered(&asked, Code::SessionForOtherVerifier.into(), now));
        }
        match gathering.finish() {
            Ok(evidence) => told.judge_evidence(&evidence, now),
            Err(error) => Err(told.nothing_gathered(&asked, error.failure, now)),
        }
    }

    /// Gathers from a blocking source and judges: the one call for most uses.
    ///
    /// # Errors
    /// [`NotAccepted`] with the account of every check.
    pub fn verify(&self, reference: &Reference, fetch: &dyn Fetch, now: UnixTime) -> Result<Accepted, NotAccepted> {
        let mut session = self.session(reference);
        session.drive(fetch);
        self.conclude(session, now)
    }

    /// [`Verifier::verify`] for callers that await, on whatever executor. The judging itself, a few milliseconds of
    /// computing, is done in the last poll.
    ///
    /// Cancel-safe: dropping the future stops every request under way and leaves no state behind.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub async fn verify_async<F: AsyncFetch>(
        &self,
        reference: &Reference,
        fetch: &F,
        now: UnixTime,
    ) -> Result<Accepted, NotAccepted> {
        let mut session = self.session(reference);
        drive_async(&mut session, fetch).await;
        session.weakened.extend(fetch.weakened());
        self.conclude(session, now)
    }

    /// This verifier, with what a source is weaker in among what the report lists.
    fn with_weakened(&self, weakened: Vec<Failure>) -> Cow<'_, Self> {
        if weakened.is_empty() {
            return Cow::Borrowed(self);
        }
        Cow::Owned(weakened.into_iter().fold(self.clone(), Self::declare_weakened))
    }

    /// Gathers from a blocking source without judging, so that the evidence can be saved and judged elsewhere.
    ///
    /// # Errors
    /// The reason why the image itself could not be had.
    pub fn gather(&self, reference: &Reference, fetch: &dyn Fetch) -> Result<Evidence, Failure> {
        let mut session = self.session(reference);
        session.drive(fetch);
        for weakened in std::mem::take(&mut session.weakened) {
            session.gathering.note_source(weakened);
        }
        session.gathering.finish().map_err(|error| error.failure)
    }

    /// Judges evidence that was gathered or saved before. The caller names repository and digest; they must be those of
    /// the evidence.
    ///
    /// What a loaded file claims beyond its bytes (which tag pointed where, what answered 404, that nothing is missing)
    /// is shown as a claim and never used.
    ///
    /// # Errors
    /// [`NotAccepted`]; with [`Code::EvidenceForOtherImage`] where repository or digest differ,
    /// [`Code::EvidenceForOtherPlatforms`] where the evidence was gathered for other platforms than this verifier's.
    pub fn judge(
        &self,
        repository: &Repository,
        digest: &Digest,
        evidence: &Evidence,
        now: UnixTime,
    ) -> Result<Accepted, NotAccepted> {
        if let Err(failure) = evidence.require_image(repository, digest) {
            let asked = Reference::new(repository.clone(), None, Some(*digest));
            return Err(self.nothing_gathered(&asked, failure, now));
        }
        self.judge_evidence(evidence, now)
    }

    /// Refuses an image before anything is gathered, with a full report: for rules above the verifier, such as a policy
    /// file's `deny`. A refusal is all that can be made here. A notice that a rule makes decide, such as [`Code::TagMoved`] under a
    /// lock file, rejects; any other failure that is no rejection makes it undecided.
    #[must_use]
    pub fn refuse(&self, asked: &Reference, failure: Failure, now: UnixTime) -> NotAccepted {
        match failure.code().class() {
            Class::Notice => judge::refused(self, asked, failure, Verdict::Rejected, now),
            _ => self.nothing_gathered(asked, failure, now),
        }
    }

    fn judge_evidence(&self, evidence: &Evidence, now: UnixTime) -> Result<Accepted, NotAccepted> {
        // Evidence for more than is asked for serves; what nobody looked for is not "none".
        let gathered_for = evidence.platforms().choice();
        if !self.platforms.is_index() && *gathered_for != self.platforms {
            let failure = Failure::new(Code::EvidenceForOtherPlatforms)
                .expected(&self.platforms)
                .found(gathered_for)
                .at(evidence.reference());
            return Err(self.nothing_gathered(evidence.reference(), failure, now));
        }
        let place = self.remembering().and_then(|remembering| remembering.image(self, evidence));
        if let Some(accepted) = place.as_ref().and_then(|place| place.image(now)) {
            return Ok(accepted);
        }
        match judge::image(self, evidence, now) {
            Judgement::Accepted { proven, signatures, report, present } => {
                let accepted = Accepted::assertion(*proven, signatures, report);
                place.iter().for_each(|place| place.keep_image(&accepted, &present));
                Ok(accepted)
            }
            Judgement::NotAccepted(not_accepted) => Err(not_accepted),
        }
    }

    fn nothing_gathered(&self, asked: &Reference, failure: Failure, now: UnixTime) -> NotAccepted {
        judge::nothing_gathered(self, asked, failure, now)
    }
}
