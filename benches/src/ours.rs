// Included twice, each time with another build of the core as `engine`.

use crate::material::{REPOSITORY, Set, TAG, Who};
use engine::crypto::SignatureCache;
use engine::gather::{Evidence, MemoryStore};
use engine::{
    Artifact, Authority, Claim, Digest, Identity, KeyAuthority, KeylessAuthority, Pattern, Policy, PublicKey, Repository,
    Requirement, SignatureRequirement, StringMatch, TrustRoot, UnixTime, VerdictCache, Verifier,
};
use std::sync::Arc;

/// A verifier for a set, and the set's images as evidence that was gathered.
pub struct Ours<'s> {
    set: &'s Set,
    pub verifier: Verifier,
    now: UnixTime,
    repository: Repository,
    evidence: Vec<(Digest, Evidence)>,
}

pub fn policy(set: &Set) -> Policy {
    let authority = match &set.who {
        Who::Identity { subject, issuer } => {
            let (subject, issuer) = (StringMatch::Exact(subject.clone()), StringMatch::Exact(issuer.clone()));
            keyless(Identity::new(subject, issuer).expect("an identity"))
        }
        Who::Anybody => {
            let any = StringMatch::Pattern(Pattern::new(".*").expect("a pattern"));
            keyless(Identity::new(any.clone(), any).expect("an identity"))
        }
        Who::Key { pem } => {
            Authority::Key(KeyAuthority::new(PublicKey::from_pem(pem.as_bytes()).expect("a key"), "release.pub"))
        }
    };
    let leaf = SignatureRequirement::new(authority);
    let leaf = if set.image { leaf } else { leaf.claim(Claim::AnyStatement) };
    Policy::new(Requirement::signature(leaf)).expect("a policy")
}

pub fn trust(set: &Set) -> TrustRoot {
    TrustRoot::from_json(&set.trusted_root, engine::trust::TrustRootOrigin::default()).expect("a trusted root")
}

fn keyless(identity: Identity) -> Authority {
    Authority::Keyless(KeylessAuthority::new(vec![identity]).expect("an authority"))
}

/// Puts what a repository holds into memory, under that name.
pub fn fill(memory: &mut MemoryStore, repository: &Repository, store: &veriseal_testkit::Store) {
    for (digest, manifest) in &store.manifests {
        let tags: Vec<&String> = store.tags.iter().filter(|(_, tagged)| *tagged == digest).map(|(tag, _)| tag).collect();
        let tag = tags.first().map(|tag| tag.parse().expect("a tag"));
        memory.put_manifest(repository, &manifest.media_type, manifest.bytes.clone(), tag);
    }
    for blob in store.blobs.values() {
        memory.put_blob(repository, "application/octet-stream", blob.clone());
    }
}

/// What a verifier remembers from one call to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    Nothing,
    Verdicts,
    Signatures,
}

impl<'s> Ours<'s> {
    /// Without caches, so that every call is a first one.
    pub fn new(set: &'s Set, tables: bool) -> Self {
        Self::with_memory(set, tables, Memory::Nothing)
    }

    /// With a cache in which the whole set has room.
    pub fn with_memory(set: &'s Set, tables: bool, memory: Memory) -> Self {
        let mut verifier = Verifier::new(trust(set), policy(set));
        if tables {
            verifier = verifier.with_key_tables();
        }
        let room = 16 * set.samples.len().max(64);
        verifier = match memory {
            Memory::Nothing => verifier,
            Memory::Verdicts => verifier.with_verdict_cache(Arc::new(VerdictCache::new(room))),
            Memory::Signatures => verifier.with_signature_cache(&Arc::new(SignatureCache::new(room))),
        };
        let repository: Repository = REPOSITORY.parse().expect("a repository");
        let mut ours =
            Self { set, verifier, now: UnixTime::from_seconds(set.now.seconds()), repository, evidence: Vec::new() };
        ours.evidence = set.samples.iter().filter_map(|sample| ours.gather(sample.store.as_ref()?)).collect();
        ours
    }

    fn gather(&self, store: &veriseal_testkit::Store) -> Option<(Digest, Evidence)> {
        let mut memory = MemoryStore::new();
        fill(&mut memory, &self.repository, store);
        let reference = format!("{REPOSITORY}:{TAG}").parse().expect("a reference");
        let evidence = self.verifier.gather(&reference, &memory).expect("evidence");
        Some((evidence.subject().digest, evidence))
    }

    /// Whether the sample is accepted; a bundle is parsed in the call.
    pub fn run(&self, number: usize) -> bool {
        if self.set.image {
            let (digest, evidence) = &self.evidence[number];
            return self.verifier.judge(&self.repository, digest, evidence, self.now).is_ok();
        }
        let sample = &self.set.samples[number];
        self.verifier.verify_blob(&Artifact::bytes(&sample.artifact), &sample.bundle, self.now).is_ok()
    }

    /// The same, and the report as JSON: what nobody is made to pay for who does not ask.
    pub fn run_and_report(&self, number: usize) -> bool {
        let report = |report: &engine::Report| !report.to_json().is_empty();
        if self.set.image {
            let (digest, evidence) = &self.evidence[number];
            return self
                .verifier
                .judge(&self.repository, digest, evidence, self.now)
                .is_ok_and(|accepted| report(accepted.report()));
        }
        let sample = &self.set.samples[number];
        let artifact = Artifact::bytes(&sample.artifact);
        self.verifier.verify_blob(&artifact, &sample.bundle, self.now).is_ok_and(|accepted| report(accepted.report()))
    }

    /// Why it is not.
    pub fn why(&self, number: usize) -> String {
        let result = if self.set.image {
            let (digest, evidence) = &self.evidence[number];
            self.verifier.judge(&self.repository, digest, evidence, self.now).err()
        } else {
            let sample = &self.set.samples[number];
            self.verifier.verify_blob(&Artifact::bytes(&sample.artifact), &sample.bundle, self.now).err()
        };
        result.map_or_else(|| "accepted".to_owned(), |not_accepted| not_accepted.report().to_json())
    }

    pub fn evidence(&self, number: usize) -> Option<&Evidence> {
        self.evidence.get(number).map(|(_, evidence)| evidence)
    }
}
