//! Each kind of body, and every way in which it is not exactly that kind.

use super::*;

const HASH: &str = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d";

fn pem(label: &str) -> String {
    base64::encode(format!("-----BEGIN {label}-----\nS0VZ\n-----END {label}-----\n").as_bytes())
}

fn hashedrekord() -> String {
    format!(
        r#"{{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{{"data":{{"hash":{{"algorithm":"sha256","value":"{HASH}"}}}},"signature":{{"content":"U0lH","publicKey":{{"content":"{}"}}}}}}}}"#,
        pem("CERTIFICATE")
    )
}

fn dsse() -> String {
    format!(
        r#"{{"apiVersion":"0.0.1","kind":"dsse","spec":{{"envelopeHash":{{"algorithm":"sha256","value":"{HASH}"}},"payloadHash":{{"algorithm":"sha256","value":"{HASH}"}},"signatures":[{{"signature":"U0lH","verifier":"{}"}}]}}}}"#,
        pem("PUBLIC KEY")
    )
}

fn intoto() -> String {
    format!(
        r#"{{"apiVersion":"0.0.2","kind":"intoto","spec":{{"content":{{"envelope":{{"payloadType":"application/vnd.in-toto+json","signatures":[{{"publicKey":"{}","sig":"{}"}}]}},"hash":{{"algorithm":"sha256","value":"{HASH}"}},"payloadHash":{{"algorithm":"sha256","value":"{HASH}"}}}}}}}}"#,
        pem("PUBLIC KEY"),
        base64::encode(b"U0lH")
    )
}

/// The body of the hand-made vectors.
const V002: &str = r#"{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"1GnoXrydgVhm4uxqPCrACP55LqiOqOcvUyiFgdrnrQM="},"signature":{"content":"U0lH","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"S0VZ"}}}}}}"#;

fn code(body: &str) -> Code {
    LogEntryBody::parse(body.as_bytes()).unwrap_err().code()
}

/// `body` with `old` replaced, which must occur.
fn with(body: &str, old: &str, new: &str) -> String {
    assert!(body.contains(old), "{old} in {body}");
    body.replacen(old, new, 1)
}

#[test]
fn each_kind_is_decoded() {
    let digest: Digest = format!("sha256:{HASH}").parse().unwrap();
    let (signature, der) = (b"SIG".to_vec(), b"KEY".to_vec());
    let certificate = VerifierMaterial::Certificate(der.clone());
    let key = VerifierMaterial::PublicKey(der);
    assert_eq!(
        LogEntryBody::parse(hashedrekord().as_bytes()).unwrap(),
        LogEntryBody::HashedRekordV001(HashedRekord { digest, signature: signature.clone().into(), verifier: certificate })
    );
    assert_eq!(
        LogEntryBody::parse(dsse().as_bytes()).unwrap(),
        LogEntryBody::DsseV001(DsseEntry {
            envelope_hash: digest,
            payload_hash: digest,
            signature: signature.clone().into(),
            verifier: key.clone()
        })
    );
    assert_eq!(
        LogEntryBody::parse(intoto().as_bytes()).unwrap(),
        LogEntryBody::IntotoV002(IntotoV002 {
            claimed_envelope_hash: digest,
            payload_hash: digest,
            payload_type: "application/vnd.in-toto+json".into(),
            signature: signature.clone().into(),
            verifier: key.clone()
        })
    );
    let v002 = LogEntryBody::parse(V002.as_bytes()).unwrap();
    assert_eq!((v002.kind(), v002.version(), v002.is_rekor_v2()), ("hashedrekord", "0.0.2", true));
    assert_eq!((v002.signature(), v002.verifier()), (Some(signature.as_slice()), &key));
    let LogEntryBody::HashedRekordV002(entry) = v002 else { panic!("{v002:?}") };
    assert_eq!(entry.key_details, "PKIX_ECDSA_P256_SHA_256");
    assert_eq!(entry.digest.hex(), "d469e85ebc9d815866e2ec6a3c2ac008fe792ea88ea8e72f53288581dae7ad03");
}

/// Logs sort the keys, so that the specification comes last; where it comes first it is read no other way.
#[test]
fn the_order_of_the_fields_decides_nothing() {
    for body in [hashedrekord(), dsse(), intoto(), V002.to_owned()] {
        let (head, spec) = body.split_once(r#""spec":"#).unwrap();
        let head = head.trim_start_matches('{').trim_end_matches(',');
        let spec = spec.strip_suffix('}').unwrap();
        let other = format!(r#"{{"spec":{spec},{head}}}"#);
        assert_eq!(LogEntryBody::parse(other.as_bytes()), LogEntryBody::parse(body.as_bytes()), "{other}");
        for bad in [other.replacen(r#""spec""#, r#""Spec""#, 1), format!(r#"{{"spec":{spec}}}"#), format!("{{{head}}}")] {
            assert_eq!(code(&bad), Code::LogEntryMalformed, "{bad}");
        }
        let unknown = other.replacen(r#""kind":""#, r#""kind":"x"#, 1);
        assert_eq!(code(&unknown), Code::LogEntryKindUnsupported, "{unknown}");
    }
}

#[test]
fn kinds_without_a_place_in_bundles_are_named_and_refused_there() {
    let key = pem("PUBLIC KEY");
    let intoto = format!(
        r#"{{"apiVersion":"0.0.1","kind":"intoto","spec":{{"content":{{"hash":{{"algorithm":"sha256","value":"{HASH}"}}}},"publicKey":"{key}"}}}}"#
    );
    let rekord = format!(
        r#"{{"apiVersion":"0.0.1","kind":"rekord","spec":{{"data":{{"hash":{{"algorithm":"sha256","value":"{HASH}"}}}},"signature":{{"content":"U0lH","format":"x509","publicKey":{{"content":"{key}"}}}}}}}}"#
    );
    for (body, kind) in [(&intoto, "intoto"), (&rekord, "rekord")] {
        let body = LogEntryBody::parse(body.as_bytes()).unwrap();
        assert_eq!(body.kind(), kind);
        assert_eq!(body.require_bundle_kind().unwrap_err().code(), Code::LogEntryKindUnsupported);
    }
    assert_eq!(LogEntryBody::parse(intoto.as_bytes()).unwrap().signature(), None);
    for body in [hashedrekord(), dsse(), self::intoto(), V002.to_owned()] {
        LogEntryBody::parse(body.as_bytes()).unwrap().require_bundle_kind().unwrap();
    }
    assert_eq!(code(&with(&rekord, "x509", "pgp")), Code::LogEntryKindUnsupported);
}

/// K-TL-17.
#[test]
fn an_unknown_kind_or_version_is_unsupported() {
    for body in [
        with(&hashedrekord(), "hashedrekord", "HashedRekord"),
        with(&hashedrekord(), "hashedrekord", "alpine"),
        with(&hashedrekord(), "0.0.1", "0.0.3"),
        with(&dsse(), "0.0.1", "0.0.2"),
        with(&hashedrekord(), "0.0.1", ""),
    ] {
        assert_eq!(code(&body), Code::LogEntryKindUnsupported, "{body}");
    }
    // The version decides what the body must look like.
    assert_eq!(code(&with(&hashedrekord(), "0.0.1", "0.0.2")), Code::LogEntryMalformed);
    assert_eq!(code(&with(V002, "0.0.2", "0.0.1")), Code::LogEntryMalformed);
    assert_eq!(code(&with(&intoto(), "0.0.2", "0.0.1")), Code::LogEntryMalformed);
}

/// K-P-08, K-P-09, K-P-10, K-TL-17.
#[test]
fn a_body_that_is_not_exactly_its_kind_is_malformed() {
    let body = hashedrekord();
    let (one, two) = (format!(r#"[{{"signature":"U0lH","verifier":"{}"}}]"#, pem("PUBLIC KEY")), dsse());
    let item = &one[1..one.len() - 1];
    for bad in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        format!("{body} {{}}"),
        format!("\u{feff}{body}"),
        with(&body, r#""kind""#, r#""Kind""#),
        with(&body, r#""kind":"hashedrekord","#, ""),
        with(&body, r#""kind":"hashedrekord","#, r#""kind":"hashedrekord","kind":"hashedrekord","#),
        with(&body, r#""kind":"hashedrekord","#, r#""kind":"hashedrekord","more":1,"#),
        with(&body, r#""algorithm":"#, r#""algorithm":"sha256","\u0061lgorithm":"#),
        with(&body, r#""data":"#, r#""url":"","data":"#),
        with(&body, "sha256", "SHA256"),
        with(&body, "sha256", "sha384"),
        with(&body, "sha256", "sha1"),
        with(&body, HASH, &HASH[2..]),
        with(&body, "U0lH", ""),
        with(&body, "U0lH", "U0l"),
        with(&body, "U0lH", "U0l\\n"),
        with(&body, &pem("CERTIFICATE"), ""),
        with(&body, &pem("CERTIFICATE"), &pem("PRIVATE KEY")),
        with(&body, &format!(r#""publicKey":{{"content":"{}"}}"#, pem("CERTIFICATE")), r#""publicKey":{}"#),
        with(&body, &format!(r#","publicKey":{{"content":"{}"}}"#, pem("CERTIFICATE")), ""),
        with(&two, &one, "[]"),
        with(&two, &one, "null"),
        with(&two, &one, "[null]"),
        with(&two, &one, &format!("[{item},{item}]")),
        with(&intoto(), &base64::encode(b"U0lH"), "U0lH"),
        with(&intoto(), &base64::encode(b"U0lH"), &base64::encode(b"\xff\xff\xff\xff")),
        with(V002, "SHA2_256", "SHA2_512"),
        with(V002, "SHA2_256", "sha256"),
        with(V002, r#","publicKey":{"rawBytes":"S0VZ"}"#, ""),
        with(V002, r#","publicKey":{"rawBytes":"S0VZ"}"#, r#","publicKey":{"rawBytes":""}"#),
        with(V002, r#"{"rawBytes":"S0VZ"}"#, r#"{"rawBytes":"S0VZ"},"x509Certificate":{"rawBytes":"S0VZ"}"#),
        with(V002, r#""keyDetails":"PKIX_ECDSA_P256_SHA_256","#, ""),
    ] {
        assert_eq!(code(&bad), Code::LogEntryMalformed, "{bad}");
    }
    assert_eq!(code(&" ".repeat(MAX_BODY_BYTES + 1)), Code::LogEntryMalformed);
}

#[test]
fn a_verifier_is_exactly_one_pem_block() {
    let one = "-----BEGIN PUBLIC KEY-----\nS0VZ\n-----END PUBLIC KEY-----";
    for good in [one.to_owned(), format!("{one}\n")] {
        let body = with(&hashedrekord(), &pem("CERTIFICATE"), &base64::encode(good.as_bytes()));
        assert_eq!(*LogEntryBody::parse(body.as_bytes()).unwrap().verifier(), VerifierMaterial::PublicKey(b"KEY".to_vec()));
    }
    for bad in [
        format!("{one}\n{one}\n"),
        format!("{one}\nx"),
        format!("x\n{one}"),
        one.replace("END PUBLIC", "END PRIVATE"),
        one.replace("S0VZ", "S0V"),
        one.replace("\nS0VZ", ""),
        "S0VZ".to_owned(),
    ] {
        let body = with(&hashedrekord(), &pem("CERTIFICATE"), &base64::encode(bad.as_bytes()));
        assert_eq!(code(&body), Code::LogEntryMalformed, "{bad}");
    }
}

/// The hand-made vector of the SET.
#[test]
fn set_bytes_are_those_of_the_log() {
    let message = set_message(b"{}", 1_700_000_000, &[0xab; 32], 42);
    assert_eq!(
        String::from_utf8(message.clone()).unwrap(),
        format!(r#"{{"body":"e30=","integratedTime":1700000000,"logID":"{}","logIndex":42}}"#, "ab".repeat(32))
    );
    assert_eq!(Digest::sha256(&message).hex(), "b53128a8a0ec8fbfa7443e45a86ef96d0d1c3891020771b44054a8ded0e849f3");
}
