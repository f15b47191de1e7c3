//! [`Set`]: many distinct signatures of one kind, who must have made them, and the signature checks that none can leave out.
//!
//! Everything comes from the testkit and a seed. Each sample has a key, a certificate, a checkpoint and a signature of its own,
//! so that no verifier can profit from having seen the one before.

use veriseal::Digest;
use veriseal::encoding::base64;
use veriseal::format::tsp::TimestampToken;
use veriseal::x509::{Certificate, sct};
use veriseal::{Limits, UnixTime, Validity};
use veriseal_testkit::rekor::set_message;
use veriseal_testkit::{
    Bundle, Identity, ImageBuilder, KeyKind, LogEntry, Signer, Sigstore, Store, TimestampAuthority, sign_simple,
};

/// Registry and repository of every image.
pub const REPOSITORY: &str = "registry.testkit.example/acme/app";
/// The tag of every image.
pub const TAG: &str = "v1";
/// Leaves that are in a log before the first sample. The last leaf's proof has a hash for each bit of their number that is set: five
/// here, and those of the sample's own, of which a thousand samples have five in the mean.
const OLDER_LEAVES: usize = 31 << 10;

/// What is signed, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    KeylessV1,
    Dsse,
    KeylessV2,
    ManagedKey,
    SigImage,
    BundleImage,
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::KeylessV1, Self::Dsse, Self::KeylessV2, Self::ManagedKey, Self::SigImage, Self::BundleImage];

    /// Stands in the tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeylessV1 => "keyless bundle, Rekor v1",
            Self::Dsse => "keyless DSSE, Rekor v1",
            Self::KeylessV2 => "keyless bundle, Rekor v2 and TSA",
            Self::ManagedKey => "managed key, Rekor v1",
            Self::SigImage => "image by .sig, keyless",
            Self::BundleImage => "image by bundle, keyless",
        }
    }

    /// Stands in file names and JSON.
    pub const fn id(self) -> &'static str {
        match self {
            Self::KeylessV1 => "keyless-v1",
            Self::Dsse => "dsse-v1",
            Self::KeylessV2 => "keyless-v2",
            Self::ManagedKey => "key-v1",
            Self::SigImage => "image-sig",
            Self::BundleImage => "image-bundle",
        }
    }
}

/// Who must have signed.
#[derive(Clone, Debug)]
pub enum Who {
    Identity { subject: String, issuer: String },
    Anybody,
    Key { pem: String },
}

/// A key that checks are made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub kind: KeyKind,
    pub spki: Vec<u8>,
    /// The uncompressed point, or the 32 bytes of an Ed25519 key.
    pub bytes: Vec<u8>,
}

/// A signature that a verifier must check, whatever it remembers of the trust root.
#[derive(Clone, Debug)]
pub struct Check {
    /// Among the keys of the set, or one that is seen here only.
    pub key: Result<usize, Key>,
    pub scheme: veriseal::crypto::Scheme,
    pub message: Vec<u8>,
    pub signature: Vec<u8>,
}

/// One signature of the set.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Empty for `.sig` images.
    pub bundle: Vec<u8>,
    /// What was signed: a blob, or the image's manifest.
    pub artifact: Vec<u8>,
    /// The repository that holds image and signature.
    pub store: Option<Store>,
    /// None for bundles that were not made here.
    pub checks: Vec<Check>,
    /// What else must be hashed.
    pub hashed: Vec<Vec<u8>>,
}

/// Signatures of one kind with what is trusted.
pub struct Set {
    pub id: String,
    pub name: String,
    pub image: bool,
    pub trusted_root: Vec<u8>,
    pub who: Who,
    pub now: UnixTime,
    /// The keys of trust root and policy that checks name.
    pub keys: Vec<Key>,
    pub samples: Vec<Sample>,
}

impl Set {
    /// Makes `count` samples.
    pub fn make(kind: Kind, count: usize) -> Self {
        Maker::new(kind).make(count)
    }
}

struct Maker {
    kind: Kind,
    sigstore: Sigstore,
    identity: Identity,
    keys: Vec<Key>,
}

impl Maker {
    fn new(kind: Kind) -> Self {
        let mut sigstore = Sigstore::new(9);
        // As Sigstore's own authority: a P-384 key that signs with SHA-256.
        let year = 365 * 86_400;
        let window = Validity::between(sigstore.now.saturating_add_seconds(-year), sigstore.now.saturating_add_seconds(9 * year));
        sigstore.tsa = TimestampAuthority::with_key(KeyKind::P384, &sigstore.seed, window);
        let leaf = |number: usize| veriseal::digest::sha256(&number.to_be_bytes());
        sigstore.rekor.tree.leaves.extend((0..OLDER_LEAVES).map(leaf));
        sigstore.rekor2.tree.leaves.extend((0..OLDER_LEAVES).map(leaf));
        let identity = Identity::github("acme/app", "release.yml", "refs/heads/main");
        Self { kind, sigstore, identity, keys: Vec::new() }
    }

    fn make(mut self, count: usize) -> Set {
        let managed = Signer::key(self.sigstore.key("release"));
        let samples = (0..count).map(|number| self.sample(number, &managed)).collect();
        let who = match self.kind {
            Kind::ManagedKey => Who::Key { pem: managed.key.public_pem() },
            _ => Who::Identity { subject: self.identity.subject_text(), issuer: self.identity.issuer.clone() },
        };
        Set {
            id: self.kind.id().to_owned(),
            name: self.kind.name().to_owned(),
            image: matches!(self.kind, Kind::SigImage | Kind::BundleImage),
            trusted_root: self.sigstore.trusted_root().to_bytes(),
            who,
            now: self.sigstore.now.saturating_add_seconds(86_400),
            keys: self.keys,
            samples,
        }
    }

    fn sample(&mut self, number: usize, managed: &Signer) -> Sample {
        let mut sample = Sample { artifact: format!("artifact {number}\n").into_bytes(), ..Sample::default() };
        if self.kind == Kind::ManagedKey {
            let bundle = Bundle::blob(&sample.artifact, managed).logged_v1(&mut self.sigstore.rekor, self.sigstore.now);
            let key = Ok(self.fixed(&managed.key));
            self.check_v1(&mut sample, &bundle.entries[0], true);
            sample.push(key, managed, sample.artifact.clone(), bundle.signature());
            sample.bundle = bundle.to_bytes();
            return sample;
        }
        let signer = self.sigstore.keyless_with(&self.identity, self.sigstore.key(&format!("signer {number}")));
        let fresh = Err(key_of(&signer.key));
        self.check_certificate(&mut sample, &signer);
        match self.kind {
            Kind::KeylessV1 | Kind::ManagedKey => {
                let bundle = Bundle::blob(&sample.artifact, &signer).logged_v1(&mut self.sigstore.rekor, self.sigstore.now);
                self.check_v1(&mut sample, &bundle.entries[0], true);
                sample.push(fresh, &signer, sample.artifact.clone(), bundle.signature());
                sample.bundle = bundle.to_bytes();
            }
            Kind::KeylessV2 => {
                let bundle = Bundle::blob(&sample.artifact, &signer).logged_v2(&mut self.sigstore.rekor2);
                let bundle = bundle.timestamped(&self.sigstore.tsa, self.sigstore.now);
                self.check_v2(&mut sample, &bundle.entries[0]);
                self.check_timestamp(&mut sample, &bundle.timestamps[0], bundle.signature());
                sample.push(fresh, &signer, sample.artifact.clone(), bundle.signature());
                sample.bundle = bundle.to_bytes();
            }
            Kind::Dsse => {
                let digest = Digest::sha256(&sample.artifact);
                let bundle = self.dsse(&mut sample, &digest, &signer, fresh);
                sample.bundle = bundle.to_bytes();
                sample.hashed.push(sample.artifact.clone());
            }
            Kind::BundleImage => {
                let mut store = Store::with_referrers_api();
                let image = ImageBuilder::new(&format!("app {number}")).tagged(&mut store, TAG);
                let bundle = self.dsse(&mut sample, &image.digest, &signer, fresh);
                store.attach_bundle(&image, &bundle);
                sample.bundle = bundle.to_bytes();
                sample.artifact = store.manifests[&image.digest].bytes.clone();
                sample.store = Some(store);
            }
            Kind::SigImage => {
                let mut store = Store::with_referrers_api();
                let image = ImageBuilder::new(&format!("app {number}")).tagged(&mut store, TAG);
                let signature = sign_simple(&image.digest, REPOSITORY, &[], &signer);
                let signature = signature.logged(&mut self.sigstore.rekor, self.sigstore.now);
                if let Some(entry) = &signature.entry {
                    self.check_v1(&mut sample, entry, false);
                }
                sample.push(fresh, &signer, signature.payload.clone(), &signature.signature);
                store.attach_signature(&image.digest, &signature);
                sample.artifact = store.manifests[&image.digest].bytes.clone();
                sample.store = Some(store);
            }
        }
        sample
    }

    fn dsse(&mut self, sample: &mut Sample, digest: &Digest, signer: &Signer, key: Result<usize, Key>) -> Bundle {
        let bundle = Bundle::image(digest, signer).logged_v1(&mut self.sigstore.rekor, self.sigstore.now);
        self.check_v1(sample, &bundle.entries[0], true);
        if let veriseal_testkit::bundle::Content::Dsse(envelope) = &bundle.content {
            sample.push(key, signer, envelope.pae(), bundle.signature());
            // The entry names the hash of the payload.
            sample.hashed.push(envelope.payload.clone());
        }
        bundle
    }

    /// Certificate from intermediate, and the timestamp of the certificate log. Intermediate from root is the same for all.
    fn check_certificate(&mut self, sample: &mut Sample, signer: &Signer) {
        let issuer = self.sigstore.fulcio.intermediate.key.clone();
        let log = self.sigstore.ct_log.key.clone();
        let der = signer.certificate.as_deref().expect("a keyless signer has a certificate");
        let certificate = Certificate::from_der(der, &Limits::DEFAULT).expect("a testkit certificate is well-formed");
        let key = Ok(self.fixed(&issuer));
        let scheme = certificate.signature_scheme().expect("a known algorithm");
        let (message, signature) = (certificate.tbs().to_vec(), certificate.signature().to_vec());
        sample.checks.push(Check { key, scheme, message, signature });
        let entry = sct::PrecertificateEntry::new(&certificate, &issuer.spki()).expect("a list of timestamps");
        let timestamps = sct::embedded(&certificate).expect("a list of timestamps");
        let key = Ok(self.fixed(&log));
        let message = timestamps[0].signed_data(&entry);
        sample.checks.push(Check { key, scheme: P256, message, signature: timestamps[0].signature().to_vec() });
    }

    /// Promise, proof and checkpoint.
    fn check_v1(&mut self, sample: &mut Sample, entry: &LogEntry, proved: bool) {
        let log = self.sigstore.rekor.key.clone();
        let key = Ok(self.fixed(&log));
        let time = entry.integrated_time.unwrap_or_default();
        let message = set_message(&entry.body, time, &entry.log_id, entry.log_index);
        let signature = entry.set.clone().unwrap_or_default();
        sample.checks.push(Check { key: key.clone(), scheme: P256, message, signature });
        if proved {
            check_proof(sample, entry, key, P256);
        }
    }

    /// Proof and checkpoint.
    fn check_v2(&mut self, sample: &mut Sample, entry: &LogEntry) {
        let log = self.sigstore.rekor2.key.clone();
        let key = Ok(self.fixed(&log));
        check_proof(sample, entry, key, veriseal::crypto::Scheme::Ed25519);
    }

    /// The token's signature. Its certificate from the authority's root is the same for all.
    fn check_timestamp(&mut self, sample: &mut Sample, response: &[u8], signed: &[u8]) {
        let authority = self.sigstore.tsa.key.clone();
        let token = TimestampToken::parse_response(response).expect("a testkit response is well-formed");
        let key = Ok(self.fixed(&authority));
        let (message, signature) = (token.signed_message(), token.signature().to_vec());
        sample.checks.push(Check { key, scheme: token.scheme(), message, signature });
        // The imprint, the content under the signed attributes (about 150 bytes), the certificate that they name.
        sample.hashed.extend([signed.to_vec(), vec![0; 150], self.sigstore.tsa.leaf.clone()]);
    }

    /// The number of a key that trust root or policy names.
    fn fixed(&mut self, key: &veriseal_testkit::SigningKey) -> usize {
        let key = key_of(key);
        match self.keys.iter().position(|known| *known == key) {
            Some(at) => at,
            None => {
                self.keys.push(key);
                self.keys.len() - 1
            }
        }
    }
}

const P256: veriseal::crypto::Scheme = veriseal::crypto::Scheme::Ecdsa(veriseal::HashAlgorithm::Sha256);

impl Sample {
    fn push(&mut self, key: Result<usize, Key>, signer: &Signer, message: Vec<u8>, signature: &[u8]) {
        let veriseal_testkit::Scheme::Ecdsa(hash) = signer.scheme else { unreachable!("signers have ECDSA keys") };
        let scheme = veriseal::crypto::Scheme::Ecdsa(hash);
        self.checks.push(Check { key, scheme, message, signature: signature.to_vec() });
    }
}

fn key_of(key: &veriseal_testkit::SigningKey) -> Key {
    Key { kind: key.kind(), spki: key.spki(), bytes: key.public_bytes() }
}

/// The leaf, one hash for each step of the path, and the note's one signature.
fn check_proof(sample: &mut Sample, entry: &LogEntry, key: Result<usize, Key>, scheme: veriseal::crypto::Scheme) {
    let proof = entry.proof.as_ref().expect("an entry with a proof");
    sample.hashed.push([&[0], &*entry.body].concat());
    sample.hashed.extend(proof.hashes.iter().map(|hash| [&[1], &**hash, &**hash].concat()));
    let note = proof.checkpoint.as_deref().expect("a proof with a checkpoint");
    let (text, lines) = note.split_once("\n\n").expect("a signed note");
    let word = lines.trim_end().rsplit(' ').next().unwrap_or_default();
    let blob = base64::decode(word).expect("a signature in base64");
    sample.checks.push(Check { key, scheme, message: format!("{text}\n").into_bytes(), signature: blob[4..].to_vec() });
}
