//! [`Sigstore`]: one of each authority, and a clock that stands still.

use crate::ct::CtLog;
use crate::fulcio::{FulcioCa, Identity};
use crate::key::{KeyKind, SigningKey};
use crate::random::Seed;
use crate::rekor::{RekorV1, RekorV2};
use crate::signer::Signer;
use crate::trusted_root::TrustedRoot;
use crate::tsa::TimestampAuthority;
use crate::x509::{Extension, Name};
use veriseal::time::{UnixTime, Validity};

/// 2026-01-15T12:00:00Z: when everything in a fresh [`Sigstore`] is signed.
pub const NOW: UnixTime = UnixTime::from_seconds(1_768_478_400);

/// A whole instance. Every field may be replaced before something is signed.
#[derive(Clone, Debug)]
pub struct Sigstore {
    /// The clock: the moment of certificates, log entries and timestamps made through this struct. It moves only when
    /// told to.
    pub now: UnixTime,
    /// Issues certificates.
    pub fulcio: FulcioCa,
    /// Signs certificate timestamps.
    pub ct_log: CtLog,
    /// Version 1 log.
    pub rekor: RekorV1,
    /// Version 2 log.
    pub rekor2: RekorV2,
    /// Signs timestamps.
    pub tsa: TimestampAuthority,
    /// Where keys come from.
    pub seed: Seed,
}

impl Sigstore {
    /// The instance of that number: other numbers give other keys, with the same names.
    #[must_use]
    pub fn new(number: u64) -> Self {
        let seed = Seed::new(number);
        let window = Validity::between(NOW.saturating_add_seconds(-YEAR), NOW.saturating_add_seconds(9 * YEAR));
        let open = Validity { end: None, ..window };
        Self {
            now: NOW,
            fulcio: FulcioCa::new(&seed, window),
            ct_log: CtLog::new("https://ctfe.testkit.example/2026", &seed.named("ct log"), open),
            rekor: RekorV1::new(&seed, open),
            rekor2: RekorV2::new(&seed, open),
            tsa: TimestampAuthority::new(&seed, window),
            seed,
        }
    }

    /// The P-256 key of that name.
    #[must_use]
    pub fn key(&self, name: &str) -> SigningKey {
        self.key_of(KeyKind::P256, name)
    }

    /// A key of any kind by name.
    #[must_use]
    pub fn key_of(&self, kind: KeyKind, name: &str) -> SigningKey {
        SigningKey::new(kind, &self.seed.named("signing key").named(name))
    }

    /// A signer with a certificate for the identity, issued and logged now for a fresh P-256 key.
    #[must_use]
    pub fn keyless(&self, identity: &Identity) -> Signer {
        self.keyless_with(identity, self.key(&format!("{} at {}", identity.subject_text(), self.now)))
    }

    /// A signer with a certificate for the identity and a key of the caller's choice.
    #[must_use]
    pub fn keyless_with(&self, identity: &Identity, key: SigningKey) -> Signer {
        let leaf = self.fulcio.issue(identity, &key, &[&self.ct_log], self.now);
        Signer::certificate(key, leaf, self.fulcio.chain())
    }

    /// A signer whose certificate has a distinguished name and was issued under certificate policies, as authorities of
    /// one's own write them.
    #[must_use]
    pub fn keyless_named(&self, identity: &Identity, name: Name, policies: &[&str]) -> Signer {
        let key = self.key(&format!("{} at {}, named", identity.subject_text(), self.now));
        let mut template = self.fulcio.template(identity, &key.spki(), self.now);
        template.subject = name;
        template.set(Extension::certificate_policies(policies));
        let leaf = self.fulcio.finish(&template, &[&self.ct_log], self.now);
        Signer::certificate(key, leaf, self.fulcio.chain())
    }

    /// A trusted root with all authorities of this instance. Pick from its fields to trust fewer.
    #[must_use]
    pub fn trusted_root(&self) -> TrustedRoot {
        TrustedRoot::default()
            .fulcio(&self.fulcio)
            .ct_log(&self.ct_log)
            .rekor_v1(&self.rekor)
            .rekor_v2(&self.rekor2)
            .tsa(&self.tsa)
    }
}

const YEAR: i64 = 365 * 86_400;
