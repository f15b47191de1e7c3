//! The certificates of the accepted Sigstore bundles: each parses, chains to its trusted root at its first second, is
//! logged in a CT log that the root knows, and names the expected identity.

use serde_json::Value;
use veriseal::crypto::PreparedKey;
use veriseal::encoding::base64;
use veriseal::key::PublicKey;
use veriseal::limits::{Budget, Limits};
use veriseal::x509::fulcio::FulcioExtensions;
use veriseal::x509::sct::{PrecertificateEntry, embedded};
use veriseal::x509::{Certificate, Path, Purpose, SubjectName};

fn bytes(value: &Value) -> Vec<u8> {
    base64::decode(value.as_str().unwrap()).unwrap()
}

fn certificate(value: &Value) -> Certificate {
    Certificate::from_der(&bytes(&value["rawBytes"]), &Limits::DEFAULT).unwrap()
}

fn path(leaf: &Certificate, root: &Value) -> Option<Path> {
    let limits = Limits::DEFAULT;
    root["certificateAuthorities"].as_array()?.iter().find_map(|authority| {
        let mut chain: Vec<Certificate> = authority["certChain"]["certificates"].as_array()?.iter().map(certificate).collect();
        let anchor = chain.pop()?;
        let at = leaf.validity().start?;
        Path::build(leaf, &chain, &[anchor], at, Purpose::CodeSigning, &mut Budget::new(&limits), &limits).ok()
    })
}

fn log(value: &Value) -> PreparedKey {
    let der = bytes(&value["publicKey"]["rawBytes"]);
    let key = match value["publicKey"]["keyDetails"].as_str().unwrap() {
        "PKCS1_RSA_PKCS1V5" => PublicKey::from_pkcs1_rsa(&der),
        _ => PublicKey::from_spki(&der),
    };
    PreparedKey::new(key.unwrap()).unwrap()
}

#[test]
fn the_certificates_of_accepted_bundles_hold() {
    let Some(manifest) = crate::common::json("MANIFEST.json") else { return };
    let mut count = 0;
    for case in manifest["cases"].as_array().unwrap() {
        let inputs = &case["inputs"];
        let (Some(bundle), Some(root)) = (inputs["bundle"].as_str(), inputs["trusted_root"].as_str()) else { continue };
        if case["kind"] != "sigstore-bundle" || case["expected"] != "accept" {
            continue;
        }
        let (bundle, roots) = (crate::common::json(bundle).unwrap(), crate::common::json_lines(root).unwrap());
        let material = &bundle["verificationMaterial"];
        let raw = [&material["certificate"], &material["x509CertificateChain"]["certificates"][0]];
        let Some(raw) = raw.into_iter().find(|raw| !raw.is_null()) else { continue };
        let id = &case["id"];
        let leaf = certificate(raw);
        let held = roots.iter().find_map(|root| Some((root, path(&leaf, root)?)));
        let (root, path) = held.unwrap_or_else(|| panic!("{id}: no path"));

        let logs: Vec<PreparedKey> = root["ctlogs"].as_array().into_iter().flatten().map(log).collect();
        if !logs.is_empty() {
            let entry = PrecertificateEntry::of(&path).unwrap();
            let timestamps = embedded(&leaf).unwrap();
            let good = timestamps.iter().any(|timestamp| logs.iter().any(|log| timestamp.verify(log, &entry).is_ok()));
            assert!(good, "{id}: no timestamp verifies");
        }
        let name = SubjectName::from_certificate(&leaf).unwrap();
        let extensions = FulcioExtensions::from_certificate(&leaf).unwrap();
        if let (Some(identity), Some(issuer)) = (inputs["identity"].as_str(), inputs["issuer"].as_str()) {
            assert_eq!((name.value(), extensions.issuer()), (identity, Some(issuer)), "{id}");
        }
        count += 1;
    }
    assert_eq!(count, 28);
}
