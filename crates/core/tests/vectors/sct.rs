//! Embedded signed certificate timestamps of public vectors (RFC 6962 §3.2), as the manifest's `x509` cases give them.

use veriseal::code::Code;
use veriseal::crypto::PreparedKey;
use veriseal::key::PublicKey;
use veriseal::limits::{Budget, Limits};
use veriseal::x509::sct::{PrecertificateEntry, embedded};
use veriseal::x509::{Certificate, Path, Purpose, SubjectName, fulcio::FulcioExtensions};

const CT: &str = "certificate-transparency/test/testdata";
const FULCIO: &str = "sigstore-java/sigstore-java/src/test/resources/dev/sigstore/samples/fulcio-response/valid";

fn file(path: &str) -> Option<Vec<u8>> {
    let path = crate::common::vectors()?.join(path);
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The block of a PEM file that has text around it, as OpenSSL prints it.
fn bare(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    text.get(text.find("-----BEGIN").unwrap()..).unwrap().as_bytes().to_vec()
}

fn chain(path: &str) -> Option<Vec<Certificate>> {
    Some(Certificate::from_pem_chain(&bare(&file(path)?), &Limits::DEFAULT).unwrap())
}

fn log(path: &str) -> Option<PreparedKey> {
    Some(PreparedKey::new(PublicKey::from_pem(&file(path)?).unwrap()).unwrap())
}

/// The outcome of the one timestamp of a certificate of Google's old test authority.
fn google(certificate: &str) -> Option<Result<(), Code>> {
    let certificate = chain(&format!("{CT}/{certificate}"))?.remove(0);
    let issuer = chain(&format!("{CT}/ca-cert.pem"))?.remove(0);
    let log = log(&format!("{CT}/ct-server-key-public.pem"))?;
    let timestamps = embedded(&certificate).unwrap();
    assert_eq!(timestamps.len(), 1);
    let entry = PrecertificateEntry::new(&certificate, issuer.spki()).unwrap();
    Some(timestamps[0].verify(&log, &entry).map_err(|failure| failure.code()))
}

/// Which cases of the manifest are about timestamps: none is forgotten when more are added.
#[test]
fn every_timestamp_case_of_the_manifest_stands_here() {
    let Some(manifest) = crate::common::json("MANIFEST.json") else { return };
    let cases = manifest["cases"].as_array().unwrap().iter();
    let about: Vec<&str> = cases
        .filter(|case| case["kind"] == "x509" && case["inputs"]["ct_key"].is_string())
        .map(|case| case["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        about,
        [
            "sigstore-java/fulcio-cert-with-sct",
            "certificate-transparency/sct-embedded-ok",
            "certificate-transparency/sct-embedded-invalid"
        ]
    );
}

#[test]
fn a_good_embedded_timestamp_verifies() {
    assert!(matches!(google("test-embedded-cert.pem"), None | Some(Ok(()))));
}

#[test]
fn a_bad_embedded_timestamp_is_invalid() {
    assert!(matches!(google("test-invalid-embedded-cert.pem"), None | Some(Err(Code::SctInvalid))));
}

/// Spec 04 §9: the issuer's key is part of what is signed.
#[test]
fn a_timestamp_under_another_issuer_or_log_is_refused() {
    let Some(certificate) = chain(&format!("{CT}/test-embedded-cert.pem")) else { return };
    let timestamp = embedded(&certificate[0]).unwrap().remove(0);
    let wrong = PrecertificateEntry::new(&certificate[0], certificate[0].spki()).unwrap();
    let own = log(&format!("{CT}/ct-server-key-public.pem")).unwrap();
    assert_eq!(timestamp.verify(&own, &wrong).unwrap_err().code(), Code::SctInvalid);
    let other = log(&format!("{FULCIO}/ctfe.pub")).unwrap();
    let issuer = chain(&format!("{CT}/ca-cert.pem")).unwrap().remove(0);
    let entry = PrecertificateEntry::new(&certificate[0], issuer.spki()).unwrap();
    assert_eq!(timestamp.verify(&own, &entry), Ok(()));
    assert_eq!(timestamp.verify(&other, &entry).unwrap_err().code(), Code::SctLogUnknown);
}

/// A whole Fulcio chain: path at the leaf's first second, timestamp, identity.
#[test]
fn a_fulcio_certificate_with_its_timestamp_verifies() {
    let Some(certificates) = chain(&format!("{FULCIO}/certWithSct.pem")) else { return };
    let mut roots = chain(&format!("{FULCIO}/fulcio.crt.pem")).unwrap();
    roots.retain(Certificate::is_self_issued);
    let log = log(&format!("{FULCIO}/ctfe.pub")).unwrap();
    let (leaf, intermediates) = certificates.split_first().unwrap();
    let build = |seconds| {
        let at = leaf.validity().start.unwrap().saturating_add_seconds(seconds);
        let limits = Limits::DEFAULT;
        Path::build(leaf, intermediates, &roots, at, Purpose::CodeSigning, &mut Budget::new(&limits), &limits)
    };
    let path = build(0).unwrap();
    assert_eq!(path.leaf(), leaf);
    assert!(path.anchor().is_self_issued());
    let timestamps = embedded(path.leaf()).unwrap();
    assert_eq!(timestamps.len(), 1);
    assert_eq!(timestamps[0].verify(&log, &PrecertificateEntry::of(&path).unwrap()), Ok(()));
    assert_eq!(timestamps[0].timestamp().to_string(), "2022-06-01T21:16:31.538Z");
    assert_eq!(SubjectName::from_certificate(leaf).unwrap(), SubjectName::Email("appu@google.com".into()));
    let extensions = FulcioExtensions::from_certificate(leaf).unwrap();
    assert_eq!(extensions.issuer(), Some("google-sigstore-production"));
    // K-X-01: one second around the ends.
    assert!(build(600).is_ok());
    assert_eq!(build(601).unwrap_err().code(), Code::CertificateNotValidAt);
    assert_eq!(build(-1).unwrap_err().code(), Code::CertificateNotValidAt);
}
