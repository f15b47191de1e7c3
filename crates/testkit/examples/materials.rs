//! Writes signed blobs, bundles, trusted roots and timestamps into a folder, for other verifiers to look at:
//! `cargo run -p veriseal-testkit --example materials -- <folder>`.

use std::path::Path;
use veriseal_testkit::{Bundle, BundleVersion, Identity, KeyKind, Signer, Sigstore};

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("usage: materials <folder>");
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes);
    let mut sigstore = Sigstore::new(1);
    let (now, artifact) = (sigstore.now, b"artifact\n");
    write("artifact", artifact)?;

    let identity = Identity::github("acme/app", "release.yml", "refs/heads/main");
    let signer = sigstore.keyless(&identity);
    write("leaf.pem", veriseal_testkit::pem::encode("CERTIFICATE", signer.certificate.as_ref().expect("keyless")).as_bytes())?;
    write("intermediate.pem", veriseal_testkit::pem::encode("CERTIFICATE", &sigstore.fulcio.intermediate.der).as_bytes())?;
    write("root.pem", veriseal_testkit::pem::encode("CERTIFICATE", &sigstore.fulcio.root.der).as_bytes())?;
    write("tsa-root.pem", veriseal_testkit::pem::encode("CERTIFICATE", &sigstore.tsa.root.der).as_bytes())?;
    write("tsa-leaf.pem", veriseal_testkit::pem::encode("CERTIFICATE", &sigstore.tsa.leaf).as_bytes())?;
    let tsa = [sigstore.tsa.leaf.clone(), sigstore.tsa.root.der.clone()];
    write("tsa-chain.pem", veriseal_testkit::pem::certificates(&tsa).as_bytes())?;
    write("rekor.pub", sigstore.rekor.key.public_pem().as_bytes())?;
    write("ctlog.pub", sigstore.ct_log.key.public_pem().as_bytes())?;
    write("response.tsr", &sigstore.tsa.respond(artifact, now))?;

    let blob = Bundle::blob(artifact, &signer);
    write("v1.json", &blob.clone().logged_v1(&mut sigstore.rekor, now).to_bytes())?;
    write("v1-tsa.json", &blob.clone().logged_v1(&mut sigstore.rekor, now).timestamped(&sigstore.tsa, now).to_bytes())?;
    write("v1-bundle-v02.json", &blob.clone().version(BundleVersion::V02).logged_v1(&mut sigstore.rekor, now).to_bytes())?;
    write("v1-bundle-v01.json", &blob.clone().version(BundleVersion::V01).logged_v1(&mut sigstore.rekor, now).to_bytes())?;
    write("v2.json", &blob.logged_v2(&mut sigstore.rekor2).timestamped(&sigstore.tsa, now).to_bytes())?;
    let digest = veriseal::digest::Digest::sha256(artifact);
    let image = Bundle::image(&digest, &signer);
    write("dsse-v1.json", &image.clone().logged_v1(&mut sigstore.rekor, now).to_bytes())?;
    write("dsse-v1-intoto.json", &image.clone().logged_v1_as_intoto(&mut sigstore.rekor, now).to_bytes())?;
    write("dsse-v2.json", &image.logged_v2(&mut sigstore.rekor2).timestamped(&sigstore.tsa, now).to_bytes())?;

    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519, KeyKind::Rsa2048, KeyKind::Rsa4096] {
        let name = format!("{kind:?}").to_lowercase();
        let signer = Signer::key(sigstore.key_of(kind, "release"));
        write(&format!("{name}.pub"), signer.key.public_pem().as_bytes())?;
        write(&format!("{name}.key"), signer.key.private_pem().as_bytes())?;
        write(&format!("{name}.sig"), &signer.sign(artifact))?;
        write(&format!("{name}.json"), &Bundle::blob(artifact, &signer).logged_v1(&mut sigstore.rekor, now).to_bytes())?;
        write(&format!("{name}-dsse.json"), &Bundle::image(&digest, &signer).logged_v1(&mut sigstore.rekor, now).to_bytes())?;
    }
    for kind in [KeyKind::P384, KeyKind::P521, KeyKind::Ed25519, KeyKind::Rsa2048] {
        let signer = sigstore.keyless_with(&identity, sigstore.key_of(kind, "keyless"));
        let name = format!("keyless-{kind:?}").to_lowercase();
        write(&format!("{name}.json"), &Bundle::blob(artifact, &signer).logged_v1(&mut sigstore.rekor, now).to_bytes())?;
        let second = Bundle::blob(artifact, &signer).logged_v2(&mut sigstore.rekor2).timestamped(&sigstore.tsa, now);
        write(&format!("{name}-v2.json"), &second.to_bytes())?;
    }
    write("trusted_root.json", &sigstore.trusted_root().to_bytes())?;
    println!("--certificate-identity {} --certificate-oidc-issuer {}", identity.subject_text(), identity.issuer);
    Ok(())
}
