//! [`TrustRoot`] and the instances in it.

use crate::code::{Code, Failure};
use crate::crypto::{KeyTables, PreparedKey, Scheme, SignatureCache};
use crate::digest::sha256;
use crate::encoding::hex;
use crate::key::PublicKey;
use crate::limits::Limits;
use crate::time::{UnixTime, Validity};
use crate::tlog::checkpoint::origin_of;
use crate::x509::Certificate;
use std::sync::Arc;

/// Where a trust root came from, for the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustRootOrigin {
    /// Name that a person recognises: `sigstore`, a file's path.
    pub name: String,
    /// Where its bytes were published, with the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When they were published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<UnixTime>,
}

/// A transparency log (Rekor) whose entries are believed.
#[derive(Debug)]
pub struct TransparencyLog {
    /// Names are shared with what is known of each signature.
    pub(crate) base_url: Arc<str>,
    pub(crate) log_id: Vec<u8>,
    pub(crate) checkpoint_key_id: Option<[u8; 4]>,
    pub(crate) key: PreparedKey,
    pub(crate) scheme: Scheme,
    pub(crate) validity: Validity,
    pub(crate) operator: Option<String>,
}

impl TransparencyLog {
    /// A log by its key. `log_id` is what entries name it by; for Rekor v1 the SHA-256 of the key's SPKI.
    ///
    /// # Errors
    /// [`Code::TrustRootInvalid`] when the key cannot be prepared.
    pub fn new(base_url: &str, log_id: Vec<u8>, key: PublicKey, scheme: Scheme, validity: Validity) -> Result<Self, Failure> {
        let key = PreparedKey::new(key)?;
        let base_url = base_url.into();
        Ok(Self { base_url, log_id, checkpoint_key_id: None, key, scheme, validity, operator: None })
    }

    /// Base URL as the trust root writes it; only a name, never a place to read from.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The id that entries carry.
    #[must_use]
    pub fn log_id(&self) -> &[u8] {
        &self.log_id
    }

    /// The checkpoint origin of a Rekor v2 log ([`origin_of`] its base URL), where it has one.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        origin_of(&self.base_url)
    }

    /// Window of the key.
    #[must_use]
    pub fn validity(&self) -> &Validity {
        &self.validity
    }

    /// Name for the report: the base URL, or the id where there is none.
    #[must_use]
    pub fn name(&self) -> Arc<str> {
        if self.base_url.is_empty() { hex::encode(&self.log_id).into() } else { Arc::clone(&self.base_url) }
    }

    /// What thresholds count: the operator where one is named, else the key itself, so that one log under two ids, or
    /// one key under two logs, counts once (K-TL-09).
    pub(crate) fn identity(&self) -> LogIdentity<'_> {
        match &self.operator {
            Some(operator) => LogIdentity::Operator(operator),
            None => LogIdentity::Key(self.key.key().id()),
        }
    }
}

/// What thresholds over logs and authorities count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LogIdentity<'a> {
    Operator(&'a str),
    Key(&'a [u8; 32]),
}

/// What thresholds over timestamp authorities count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AuthorityIdentity<'a> {
    Operator(&'a str),
    /// The anchor's SubjectPublicKeyInfo.
    Key(&'a [u8]),
    Uri(&'a str),
}

/// A certificate transparency log whose timestamps are believed.
#[derive(Debug)]
pub struct CtLog {
    pub(crate) base_url: Arc<str>,
    pub(crate) log_id: [u8; 32],
    pub(crate) key: PreparedKey,
    pub(crate) scheme: Scheme,
    pub(crate) validity: Validity,
}

impl CtLog {
    /// A CT log by its key; its id is the SHA-256 of the key's SPKI (RFC 6962 §3.2).
    ///
    /// # Errors
    /// [`Code::TrustRootInvalid`] when the key cannot be prepared.
    pub fn new(base_url: &str, key: PublicKey, scheme: Scheme, validity: Validity) -> Result<Self, Failure> {
        let key = PreparedKey::new(key)?;
        let log_id = *key.key().id();
        Ok(Self { base_url: base_url.into(), log_id, key, scheme, validity })
    }

    /// Base URL as the trust root writes it.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

/// A certificate authority: one chain, leaf-issuing certificate first, anchor last, and the window of the whole.
#[derive(Debug)]
pub struct CertificateAuthority {
    pub(crate) uri: Arc<str>,
    pub(crate) chain: Vec<Certificate>,
    pub(crate) validity: Validity,
    pub(crate) operator: Option<String>,
}

impl CertificateAuthority {
    /// An authority by its chain: issuing certificate first, anchor last.
    ///
    /// # Errors
    /// [`Code::TrustRootInvalid`] for an empty chain: an authority without an anchor would vouch for nothing, or, pooled
    /// with others, lend them its window (K-X-03).
    pub fn new(uri: &str, chain: Vec<Certificate>, validity: Validity) -> Result<Self, Failure> {
        if chain.is_empty() {
            return Err(Failure::new(Code::TrustRootInvalid)
                .expected("at least one certificate")
                .at(format_args!("certChain of {uri}")));
        }
        Ok(Self { uri: uri.into(), chain, validity, operator: None })
    }

    /// Name as the trust root writes it; not necessarily a URL.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The anchor: the last certificate of the chain.
    pub(crate) fn anchor(&self) -> Option<&Certificate> {
        self.chain.last()
    }

    /// The certificates between leaf and anchor.
    pub(crate) fn intermediates(&self) -> &[Certificate] {
        self.chain.split_last().map_or(&[], |(_, rest)| rest)
    }
}

/// A timestamp authority, taken as one unit: its leaf where one is configured, its chain and its window.
#[derive(Debug)]
pub struct TimestampAuthority {
    pub(crate) authority: CertificateAuthority,
}

impl TimestampAuthority {
    /// An authority by its chain: first the signing certificate (optional), anchor last.
    ///
    /// # Errors
    /// [`Code::TrustRootInvalid`] for an empty chain.
    pub fn new(uri: &str, chain: Vec<Certificate>, validity: Validity) -> Result<Self, Failure> {
        Ok(Self { authority: CertificateAuthority::new(uri, chain, validity)? })
    }

    /// Name as the trust root writes it.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.authority.uri
    }

    /// What thresholds count: operator, else the uri, else the anchor's key. Several entries of one service with other
    /// certificates or windows are one authority (K-TL-09).
    pub(crate) fn identity(&self) -> AuthorityIdentity<'_> {
        match (&self.authority.operator, &*self.authority.uri, self.authority.anchor()) {
            (Some(operator), _, _) => AuthorityIdentity::Operator(operator),
            (None, "", Some(anchor)) => AuthorityIdentity::Key(anchor.spki()),
            (None, uri, _) => AuthorityIdentity::Uri(uri),
        }
    }
}

/// Everything that is trusted, prepared once and shared by all calls. Immutable, `Send + Sync`.
#[derive(Debug, Default)]
pub struct TrustRoot {
    pub(crate) origin: TrustRootOrigin,
    pub(crate) logs: Vec<TransparencyLog>,
    pub(crate) authorities: Vec<CertificateAuthority>,
    pub(crate) ct_logs: Vec<CtLog>,
    pub(crate) timestamp_authorities: Vec<TimestampAuthority>,
    pub(crate) skipped: Vec<Failure>,
    pub(crate) fingerprint: [u8; 32],
}

impl TrustRoot {
    /// Parses a Sigstore `trusted_root.json` (media types v0.1 in both spellings, v0.2), or a `ClientTrustConfig` that
    /// wraps one.
    ///
    /// An instance with an unsupported key type is left out and reported ([`TrustRoot::skipped`]): it can then vouch for
    /// nothing.
    ///
    /// # Errors
    /// [`Code::TrustRootInvalid`] for anything that breaks the format, a missing start of a log's window included.
    pub fn from_json(json: &[u8], origin: TrustRootOrigin) -> Result<Self, Failure> {
        super::document::parse(json, origin, &Limits::DEFAULT)
    }

    /// Lets the keys of this trust root have tables of multiples ([`KeyTables`]), for programs that verify much. What is
    /// accepted does not depend on it.
    pub fn prepare_tables(&self, tables: &Arc<KeyTables>) {
        self.keys().for_each(|key| key.with_tables(tables));
    }

    /// Lets good signatures of the keys of this trust root be remembered ([`SignatureCache`]). What is accepted does not depend
    /// on it.
    pub fn remember_signatures(&self, cache: &Arc<SignatureCache>) {
        self.keys().for_each(|key| key.with_signature_cache(cache));
    }

    /// The keys of its authorities and logs.
    pub(super) fn keys(&self) -> impl Iterator<Item = &PreparedKey> {
        let timestamping = self.timestamp_authorities.iter().map(|authority| &authority.authority);
        let chains = self.authorities.iter().chain(timestamping).flat_map(|authority| &authority.chain);
        let of_certificates = chains.filter_map(|certificate| certificate.prepared_key().ok());
        let of_logs = self.logs.iter().map(|log| &log.key).chain(self.ct_logs.iter().map(|log| &log.key));
        of_certificates.chain(of_logs)
    }

    /// The public-good instance of Sigstore, as embedded in this version.
    ///
    /// # Errors
    /// [`Code::TrustRootInvalid`] only if the embedded bytes are damaged.
    pub fn sigstore() -> Result<Self, Failure> {
        Self::embedded(&super::embedded::SIGSTORE)
    }

    /// The staging instance of Sigstore.
    ///
    /// # Errors
    /// [`Code::TrustRootInvalid`] only if the embedded bytes are damaged.
    pub fn sigstore_staging() -> Result<Self, Failure> {
        Self::embedded(&super::embedded::SIGSTORE_STAGING)
    }

    /// GitHub's own instance, used for attestations of private repositories.
    ///
    /// # Errors
    /// [`Code::TrustRootInvalid`] only if the embedded bytes are damaged.
    pub fn github() -> Result<Self, Failure> {
        Self::embedded(&super::embedded::GITHUB)
    }

    fn embedded(published: &super::embedded::Embedded) -> Result<Self, Failure> {
        use super::embedded::{PUBLISHED, SOURCE};
        let date = Some(UnixTime::parse_rfc3339(PUBLISHED)?);
        let origin = TrustRootOrigin { name: published.name.to_owned(), source: Some(SOURCE.to_owned()), date };
        Self::from_json(published.json.as_bytes(), origin)
    }

    /// Puts a trust root together piece by piece.
    #[must_use]
    pub fn builder(name: &str) -> TrustRootBuilder {
        TrustRootBuilder {
            root: Self { origin: TrustRootOrigin { name: name.to_owned(), ..TrustRootOrigin::default() }, ..Self::default() },
        }
    }

    /// Where it came from.
    #[must_use]
    pub fn origin(&self) -> &TrustRootOrigin {
        &self.origin
    }

    /// SHA-256 over all that is trusted (not over names of files).
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Instances that were left out, each with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[Failure] {
        &self.skipped
    }

    /// The next end, after `now`, of anything that is trusted: the window of a log's key, of an authority, or of one of its
    /// certificates. What ended before says nothing, since retired instances stay for what they signed in their time.
    #[must_use]
    pub fn next_end(&self, now: UnixTime) -> Option<UnixTime> {
        let timestamping = self.timestamp_authorities.iter().map(|authority| &authority.authority);
        let authorities = self.authorities.iter().chain(timestamping);
        let windows = authorities
            .flat_map(|authority| std::iter::once(authority.validity).chain(authority.chain.iter().map(Certificate::validity)));
        let logs = self.logs.iter().map(|log| log.validity).chain(self.ct_logs.iter().map(|log| log.validity));
        windows.chain(logs).filter_map(|window| window.end).filter(|end| *end > now).min()
    }

    /// The transparency logs.
    #[must_use]
    pub fn logs(&self) -> &[TransparencyLog] {
        &self.logs
    }

    /// The certificate authorities.
    #[must_use]
    pub fn certificate_authorities(&self) -> &[CertificateAuthority] {
        &self.authorities
    }

    /// The certificate transparency logs.
    #[must_use]
    pub fn ct_logs(&self) -> &[CtLog] {
        &self.ct_logs
    }

    /// The timestamp authorities.
    #[must_use]
    pub fn timestamp_authorities(&self) -> &[TimestampAuthority] {
        &self.timestamp_authorities
    }

    pub(crate) fn seal(mut self) -> Self {
        self.fingerprint = fingerprint(&self);
        self
    }
}

/// Builds a [`TrustRoot`] piece by piece, as for a bare Rekor key or an enterprise authority.
#[derive(Debug)]
pub struct TrustRootBuilder {
    root: TrustRoot,
}

impl TrustRootBuilder {
    /// Adds a transparency log.
    #[must_use]
    pub fn log(mut self, log: TransparencyLog) -> Self {
        self.root.logs.push(log);
        self
    }

    /// Adds a certificate authority.
    #[must_use]
    pub fn certificate_authority(mut self, authority: CertificateAuthority) -> Self {
        self.root.authorities.push(authority);
        self
    }

    /// Adds a certificate transparency log.
    #[must_use]
    pub fn ct_log(mut self, log: CtLog) -> Self {
        self.root.ct_logs.push(log);
        self
    }

    /// Adds a timestamp authority.
    #[must_use]
    pub fn timestamp_authority(mut self, authority: TimestampAuthority) -> Self {
        self.root.timestamp_authorities.push(authority);
        self
    }

    /// The trust root. An empty one is allowed: it vouches for nothing.
    #[must_use]
    pub fn build(self) -> TrustRoot {
        self.root.seal()
    }
}

fn fingerprint(root: &TrustRoot) -> [u8; 32] {
    let mut all = Described(Vec::with_capacity(2048));
    describe(root, &mut all);
    sha256(&all.0)
}

/// What a fingerprint is taken over: every list with its number, every text with its length, so that no two trust roots are
/// described alike.
struct Described(Vec<u8>);

impl Described {
    fn number(&mut self, number: usize) {
        self.0.extend(u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        self.number(bytes.iter().len());
        bytes.iter().for_each(|bytes| self.bytes(bytes));
    }

    fn window(&mut self, window: &Validity) {
        for end in [window.start, window.end] {
            self.number(end.iter().len());
            self.0.extend(end.into_iter().flat_map(UnixTime::to_bytes));
        }
    }

    fn scheme(&mut self, scheme: Scheme) {
        self.bytes(scheme.family().as_bytes());
        self.optional(scheme.hash().map(|hash| hash.name().as_bytes()));
    }
}

/// All that is trusted.
fn describe(root: &TrustRoot, to: &mut Described) {
    to.bytes(b"veriseal trust root v1");
    to.number(root.logs.len());
    for log in &root.logs {
        to.bytes(log.base_url.as_bytes());
        to.bytes(&log.log_id);
        to.optional(log.checkpoint_key_id.as_ref().map(<[u8; 4]>::as_slice));
        to.bytes(log.key.key().id());
        to.scheme(log.scheme);
        to.window(&log.validity);
        to.optional(log.operator.as_deref().map(str::as_bytes));
    }
    to.number(root.ct_logs.len());
    for log in &root.ct_logs {
        to.bytes(log.base_url.as_bytes());
        to.bytes(log.key.key().id());
        to.scheme(log.scheme);
        to.window(&log.validity);
    }
    let stamps = root.timestamp_authorities.iter().map(|tsa| &tsa.authority);
    to.number(root.authorities.len());
    to.number(root.timestamp_authorities.len());
    for authority in root.authorities.iter().chain(stamps) {
        to.bytes(authority.uri.as_bytes());
        to.window(&authority.validity);
        to.optional(authority.operator.as_deref().map(str::as_bytes));
        to.number(authority.chain.len());
        authority.chain.iter().for_each(|certificate| to.0.extend_from_slice(certificate.fingerprint()));
    }
}
