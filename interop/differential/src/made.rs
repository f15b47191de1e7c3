//! What the testkit makes, one case for each kind, all from one virtual Sigstore.

use crate::case::{Case, Evidence, Parts, Signed, Subject};
use veriseal::{Digest, Validity};
use veriseal_testkit::{Bundle, BundleVersion, Identity, KeyKind, Signer, Sigstore};

const ARTIFACT: &[u8] = b"artifact\n";

/// Every kind of bundle, each for the same artifact. `altered` gives another one to the verifiers, so that none may be accepted.
pub fn cases(altered: bool) -> Result<Vec<Case>, String> {
    let mut made = Made::new(altered);
    let now = made.sigstore.now;
    let identity = Identity::github("acme/app", "release.yml", "refs/heads/main");
    let signer = made.sigstore.keyless(&identity);
    let message = Bundle::blob(ARTIFACT, &signer);
    let statement = Bundle::image(&Digest::sha256(ARTIFACT), &signer);

    for (name, version) in [
        ("keyless_message_v0_1", BundleVersion::V01),
        ("keyless_message_v0_2", BundleVersion::V02),
        ("keyless_message_v0_3_old_spelling", BundleVersion::V03Old),
        ("keyless_message_v0_3", BundleVersion::V03),
    ] {
        let bundle = message.clone().version(version).logged_v1(&mut made.sigstore.rekor, now);
        made.keyless(name, &identity, &bundle);
    }
    let bundle = message.clone().logged_v1(&mut made.sigstore.rekor, now).timestamped(&made.sigstore.tsa, now);
    made.keyless("keyless_message_with_timestamp", &identity, &bundle);
    let bundle = message.logged_v2(&mut made.sigstore.rekor2).timestamped(&made.sigstore.tsa, now);
    made.keyless("keyless_message_in_rekor_v2", &identity, &bundle);

    for (name, version) in [("keyless_dsse_v0_1", BundleVersion::V01), ("keyless_dsse_v0_2", BundleVersion::V02)] {
        let bundle = statement.clone().version(version).logged_v1(&mut made.sigstore.rekor, now);
        made.keyless(name, &identity, &bundle);
    }
    let bundle = statement.clone().logged_v1(&mut made.sigstore.rekor, now);
    made.keyless("keyless_dsse_v0_3", &identity, &bundle);
    let bundle = statement.clone().logged_v1_as_intoto(&mut made.sigstore.rekor, now);
    made.keyless("keyless_dsse_logged_as_intoto", &identity, &bundle);
    let bundle = statement.logged_v2(&mut made.sigstore.rekor2).timestamped(&made.sigstore.tsa, now);
    made.keyless("keyless_dsse_in_rekor_v2", &identity, &bundle);

    let email = Identity::email("dev@example.com", "https://accounts.example.com");
    let bundle = Bundle::blob(ARTIFACT, &made.sigstore.keyless(&email)).logged_v1(&mut made.sigstore.rekor, now);
    made.keyless("keyless_message_by_email", &email, &bundle);

    for kind in KINDS {
        let word = format!("{kind:?}").to_lowercase();
        let signer = made.sigstore.keyless_with(&identity, made.sigstore.key_of(kind, "keyless"));
        let bundle = Bundle::blob(ARTIFACT, &signer).logged_v1(&mut made.sigstore.rekor, now);
        made.keyless(&format!("keyless_message_{word}"), &identity, &bundle);
        let bundle = Bundle::blob(ARTIFACT, &signer).logged_v2(&mut made.sigstore.rekor2);
        let bundle = bundle.timestamped(&made.sigstore.tsa, now);
        made.keyless(&format!("keyless_message_{word}_in_rekor_v2"), &identity, &bundle);
        let bundle = Bundle::image(&Digest::sha256(ARTIFACT), &signer).logged_v1(&mut made.sigstore.rekor, now);
        made.keyless(&format!("keyless_dsse_{word}"), &identity, &bundle);

        let signer = Signer::key(made.sigstore.key_of(kind, "release"));
        let bundle = Bundle::blob(ARTIFACT, &signer).logged_v1(&mut made.sigstore.rekor, now);
        made.by_key(&format!("key_message_{word}"), &signer, &bundle);
        let bundle = Bundle::image(&Digest::sha256(ARTIFACT), &signer).logged_v1(&mut made.sigstore.rekor, now);
        made.by_key(&format!("key_dsse_{word}"), &signer, &bundle);
    }
    let signer = Signer::key(made.sigstore.key("release"));
    let bundle = Bundle::blob(ARTIFACT, &signer).logged_v2(&mut made.sigstore.rekor2);
    let bundle = bundle.timestamped(&made.sigstore.tsa, now);
    made.by_key("key_message_in_rekor_v2", &signer, &bundle);
    let bundle = Bundle::image(&Digest::sha256(ARTIFACT), &signer).logged_v2(&mut made.sigstore.rekor2);
    let bundle = bundle.timestamped(&made.sigstore.tsa, now);
    made.by_key("key_dsse_in_rekor_v2", &signer, &bundle);
    made.finish()
}

const KINDS: [KeyKind; 6] = [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519, KeyKind::Rsa2048, KeyKind::Rsa4096];

struct Made {
    sigstore: Sigstore,
    altered: bool,
    /// Name, bundle, signer.
    bundles: Vec<(String, Vec<u8>, Signed)>,
}

impl Made {
    fn new(altered: bool) -> Self {
        Self { sigstore: Sigstore::new(1), altered, bundles: Vec::new() }
    }

    fn keyless(&mut self, name: &str, identity: &Identity, bundle: &Bundle) {
        let signed = Signed::By { subject: identity.subject_text(), issuer: identity.issuer.clone() };
        self.bundles.push((name.to_owned(), bundle.to_bytes(), signed));
    }

    fn by_key(&mut self, name: &str, signer: &Signer, bundle: &Bundle) {
        let signed = Signed::WithKey { pem: signer.key.public_pem().into_bytes(), window: Validity::default() };
        self.bundles.push((name.to_owned(), bundle.to_bytes(), signed));
    }

    fn finish(self) -> Result<Vec<Case>, String> {
        let trusted_root = self.sigstore.trusted_root().to_bytes();
        let artifact = if self.altered { b"Artifact\n" } else { ARTIFACT };
        let case = |(name, bundle, signed): (String, Vec<u8>, Signed)| {
            Case::new(Parts {
                name,
                bundle,
                subject: Subject::Bytes(artifact.to_vec()),
                trusted_root: &trusted_root,
                signed,
                evidence: Evidence::Usual,
                now: self.sigstore.now,
                good: !self.altered,
            })
        };
        self.bundles.into_iter().map(case).collect()
    }
}
