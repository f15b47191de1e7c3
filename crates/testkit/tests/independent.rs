//! What the testkit makes, looked at by OpenSSL: a verifier that shares no code with this workspace.
//!
//! Each test prints why and returns when there is no `openssl` to run.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;
use veriseal_testkit::rekor::set_message;
use veriseal_testkit::{Bundle, Identity, KeyKind, Scheme, SigningKey, Sigstore, TimestampAuthority, ct, pem, x509};

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: no openssl to run");
            return None;
        }
        Some(Self { folder: tempfile::tempdir().unwrap() })
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn run(&self, arguments: &[&str]) -> bool {
        let output = Command::new("openssl").args(arguments).current_dir(self.folder.path()).output().unwrap();
        println!("{arguments:?}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        output.status.success()
    }

    fn verifies(&self, key: &SigningKey, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
        self.put("key.pem", key.public_pem());
        self.put("message", message);
        self.put("signature", signature);
        match scheme {
            Scheme::Ed25519 => self.run(&[
                "pkeyutl",
                "-verify",
                "-pubin",
                "-inkey",
                "key.pem",
                "-rawin",
                "-in",
                "message",
                "-sigfile",
                "signature",
            ]),
            Scheme::RsaPss(hash) => {
                let hash = format!("-{}", hash.name());
                let padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"];
                self.run(
                    &[&["dgst", &hash], &padding[..], &["-verify", "key.pem", "-signature", "signature", "message"]].concat(),
                )
            }
            _ => {
                let hash = format!("-{}", scheme.hash().name());
                self.run(&["dgst", &hash, "-verify", "key.pem", "-signature", "signature", "message"])
            }
        }
    }
}

fn certificate(der: &[u8]) -> String {
    pem::encode("CERTIFICATE", der)
}

#[test]
fn every_kind_of_key_signs_what_openssl_verifies() {
    let Some(bench) = Bench::new() else { return };
    let sigstore = Sigstore::new(1);
    for kind in
        [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519, KeyKind::Rsa1024, KeyKind::Rsa2048, KeyKind::Rsa4096]
    {
        let key = sigstore.key_of(kind, "openssl");
        let mut schemes = vec![key.default_scheme()];
        match key.default_scheme() {
            Scheme::Ecdsa(_) => schemes.push(Scheme::Ecdsa(veriseal::digest::HashAlgorithm::Sha256)),
            Scheme::RsaPkcs1(hash) => schemes.push(Scheme::RsaPss(hash)),
            _ => {}
        }
        for scheme in schemes {
            let signature = key.sign_with(scheme, b"message");
            assert!(bench.verifies(&key, scheme, b"message", &signature), "{kind:?} {scheme:?}");
            assert!(!bench.verifies(&key, scheme, b"Message", &signature), "{kind:?} {scheme:?}");
        }
        bench.put("private.pem", key.private_pem());
        assert!(bench.run(&["pkey", "-in", "private.pem", "-pubout", "-out", "public.pem"]));
        assert_eq!(std::fs::read_to_string(bench.folder.path().join("public.pem")).unwrap(), key.public_pem(), "{kind:?}");
    }
}

#[test]
fn a_leaf_chains_to_the_root_while_it_is_valid_only() {
    let Some(bench) = Bench::new() else { return };
    let sigstore = Sigstore::new(1);
    let identities = [
        Identity::github("acme/app", "release.yml", "refs/heads/main"),
        Identity::email("dev@example.com", "https://accounts.example.com"),
        Identity {
            subject: x509::GeneralName::Username("alice!example.com".to_owned()),
            ..Identity::email("", "https://accounts.example.com")
        },
    ];
    bench.put("root.pem", certificate(&sigstore.fulcio.root.der));
    bench.put("intermediate.pem", certificate(&sigstore.fulcio.intermediate.der));
    for identity in identities {
        bench.put("leaf.pem", certificate(&sigstore.keyless(&identity).certificate.unwrap()));
        let at = |offset: i64| {
            let at = (sigstore.now.seconds() + offset).to_string();
            bench.run(&["verify", "-CAfile", "root.pem", "-untrusted", "intermediate.pem", "-attime", &at, "leaf.pem"])
        };
        // OpenSSL takes notAfter as the first second outside, RFC 5280 §4.1.2.5 as the last one inside.
        assert!(at(0) && at(599), "{identity:?}");
        assert!(!at(-1) && !at(601), "{identity:?}");
    }
}

#[test]
fn timestamps_verify_with_and_without_the_embedded_certificate() {
    let Some(bench) = Bench::new() else { return };
    let sigstore = Sigstore::new(1);
    let at = sigstore.now.seconds().to_string();
    let window =
        veriseal::time::Validity::between(sigstore.now.saturating_add_seconds(-10), sigstore.now.saturating_add_seconds(10));
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048] {
        let mut authority = TimestampAuthority::with_key(kind, &sigstore.seed, window);
        bench.put("root.pem", certificate(&authority.root.der));
        bench.put("leaf.pem", certificate(&authority.leaf));
        let data: &Path = &bench.put("data", b"data");
        for (embed, untrusted) in [(true, None), (false, Some("leaf.pem"))] {
            authority.embed = embed;
            let mut timestamp = authority.timestamp(b"data", sigstore.now);
            timestamp.nonce = Some(vec![0x8f, 1]);
            bench.put("response.tsr", timestamp.response());
            let mut arguments = vec![
                "ts",
                "-verify",
                "-in",
                "response.tsr",
                "-data",
                data.to_str().unwrap(),
                "-CAfile",
                "root.pem",
                "-attime",
                &at,
            ];
            if let Some(untrusted) = untrusted {
                arguments.extend(["-untrusted", untrusted]);
            }
            assert!(bench.run(&arguments), "{kind:?} {embed}");
            timestamp.imprint[0] ^= 1;
            bench.put("response.tsr", timestamp.response());
            assert!(!bench.run(&arguments), "{kind:?} {embed}");
        }
    }
}

#[test]
fn promises_checkpoints_and_certificate_timestamps_verify_under_their_keys() {
    let Some(bench) = Bench::new() else { return };
    let mut sigstore = Sigstore::new(1);
    let signer = sigstore.keyless(&Identity::email("dev@example.com", "https://accounts.example.com"));
    let bundle = Bundle::blob(b"artifact", &signer).logged_v1(&mut sigstore.rekor, sigstore.now);
    let entry = &bundle.entries[0];
    let message = set_message(&entry.body, entry.integrated_time.unwrap(), &entry.log_id, entry.log_index);
    let (key, scheme) = (sigstore.rekor.key.clone(), sigstore.rekor.key.default_scheme());
    assert!(bench.verifies(&key, scheme, &message, entry.set.as_ref().unwrap()));

    let note = sigstore.rekor.checkpoint();
    assert_eq!(note.signatures[0].blob[..4], sigstore.rekor.log_id()[..4]);
    assert!(bench.verifies(&key, scheme, note.text.as_bytes(), &note.signatures[0].blob[4..]));

    let identity = Identity::email("dev@example.com", "https://accounts.example.com");
    let template = sigstore.fulcio.template(&identity, &signer.key.spki(), sigstore.now);
    let issuer = sigstore.fulcio.intermediate.key.spki();
    let sct = sigstore.ct_log.submit(&template, &issuer, sigstore.now);
    let message = ct::precertificate_message(sct.timestamp, &veriseal::digest::sha256(&issuer), &template.tbs(), &[]);
    let scheme = sigstore.ct_log.key.default_scheme();
    assert!(bench.verifies(&sigstore.ct_log.key, scheme, &message, &sct.signature));
    let embedded = ct::sct_list(&[sct]).der();
    let leaf = signer.certificate.unwrap();
    assert!(leaf.windows(embedded.len()).any(|window| window == embedded));
}
