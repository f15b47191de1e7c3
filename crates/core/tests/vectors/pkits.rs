//! NIST's PKITS, the groups that a validator without revocation and policy tree decides: signatures, validity, name
//! chaining, self-issued certificates, basic constraints, key usage, name constraints, private extensions (K-X-19).
//!
//! Every case of these groups has its verdict here, written by hand; where ours is not that of PKITS, the reason stands
//! beside it. A case without an entry fails, and so does an entry without a case.

use std::collections::BTreeSet;
use veriseal::code::Code::{
    self, AlgorithmUnsupported, CertificateConstraint, CertificateMalformed, CertificateNotValidAt, CertificatePurpose,
    CertificateSignatureInvalid, CertificateUntrusted, CriticalExtensionUnknown,
};
use veriseal::limits::{Budget, Limits};
use veriseal::time::UnixTime;
use veriseal::x509::{Certificate, Path, Purpose};

/// Groups 4.1–4.3, 4.5–4.7, 4.13, 4.16. 4.4, 4.14 and 4.15 are about CRLs, 4.8–4.12 about policies.
const GROUPS: [&str; 8] = ["401", "402", "403", "405", "406", "407", "413", "416"];

/// `None`: accepted.
const VERDICTS: &[(&str, Option<Code>)] = &[
    ("40103-invalid_ee_signature_test3", Some(CertificateSignatureInvalid)),
    ("40201-invalid_ca_notbefore_date_test1", Some(CertificateNotValidAt)),
    ("40205-invalid_ca_notafter_date_test5", Some(CertificateNotValidAt)),
    ("40306-valid_name_chaining_uids_test6", None),
    ("40308-valid_rfc3280_optional_attribute_types_test8", None),
    ("40309-valid_utf8string_encoded_names_test9", None),
    ("40501-valid_basic_self_issued_old_with_new_test1", None),
    ("40506-valid_basic_self_issued_crl_signing_key_test6", None),
    ("40508-invalid_basic_self_issued_crl_signing_key_test8", Some(CertificateConstraint)),
    ("40601-invalid_missing_basicconstraints_test1", Some(CertificateConstraint)),
    ("40605-invalid_pathlenconstraint_test5", Some(CertificateConstraint)),
    ("40607-valid_pathlenconstraint_test7", None),
    ("40608-valid_pathlenconstraint_test8", None),
    ("40609-invalid_pathlenconstraint_test9", Some(CertificateConstraint)),
    ("40610-invalid_pathlenconstraint_test10", Some(CertificateConstraint)),
    ("40611-invalid_pathlenconstraint_test11", Some(CertificateConstraint)),
    ("40613-valid_pathlenconstraint_test13", None),
    ("40701-invalid_keyusage_critical_keycertsign_false_test1", Some(CertificatePurpose)),
    ("41301-valid_dn_nameconstraints_test1", None),
    ("41304-valid_dn_nameconstraints_test4", None),
    ("41308-invalid_dn_nameconstraints_test8", Some(CertificateConstraint)),
    ("41314-valid_dn_nameconstraints_test14", None),
    ("41315-invalid_dn_nameconstraints_test15", Some(CertificateConstraint)),
    ("41316-invalid_dn_nameconstraints_test16", Some(CertificateConstraint)),
    ("41317-invalid_dn_nameconstraints_test17", Some(CertificateConstraint)),
    ("41322-invalid_rfc822_nameconstraints_test22", Some(CertificateConstraint)),
    ("41325-valid_rfc822_nameconstraints_test25", None),
    ("41328-invalid_dn_and_rfc822_nameconstraints_test28", Some(CertificateConstraint)),
    ("41329-invalid_dn_and_rfc822_nameconstraints_test29", Some(CertificateConstraint)),
    ("41333-invalid_dns_nameconstraints_test33", Some(CertificateConstraint)),
    ("41335-invalid_uri_nameconstraints_test35", Some(CertificateConstraint)),
    ("41337-invalid_uri_nameconstraints_test37", Some(CertificateConstraint)),
    ("41602-invalid_unknown_critical_certificate_extension_test2", Some(CriticalExtensionUnknown)),
];

/// Where our verdict is not that of PKITS, and why.
const EXCEPTIONS: &[(&str, Option<Code>, &str)] = &[
    ("40104-valid_dsa_signatures_test4", Some(AlgorithmUnsupported), "DSA is not supported"),
    (
        "40204-valid_generalizedtime_notbefore_date_test4",
        Some(CertificateMalformed),
        "GeneralizedTime for 2002: RFC 5280 §4.1.2.5 demands UTCTime, and one form is accepted",
    ),
    ("40303-valid_name_chaining_whitespace_test3", Some(CertificateUntrusted), "names are chained byte for byte"),
    ("40304-valid_name_chaining_whitespace_test4", Some(CertificateUntrusted), "names are chained byte for byte"),
    (
        "40310-valid_rollover_from_printablestring_to_utf8string_test10",
        Some(CertificateUntrusted),
        "names are chained byte for byte",
    ),
    ("40311-valid_utf8string_case_insensitive_match_test11", Some(CertificateUntrusted), "names are chained byte for byte"),
    ("40502-invalid_basic_self_issued_old_with_new_test2", None, "refused by PKITS for revocation only"),
    ("40505-invalid_basic_self_issued_new_with_old_test5", None, "refused by PKITS for revocation only"),
    ("40507-invalid_basic_self_issued_crl_signing_key_test7", None, "refused by PKITS for revocation only"),
    ("40704-invalid_keyusage_critical_crlsign_false_test4", None, "refused by PKITS for the CRL only"),
];

fn verdict(inputs: &serde_json::Value) -> Result<(), Code> {
    let limits = Limits::DEFAULT;
    let folder = crate::common::vectors().unwrap();
    let certificate = |path: &serde_json::Value| {
        let bytes = std::fs::read(folder.join(path.as_str().unwrap())).unwrap();
        Certificate::from_der(&bytes, &limits).map_err(|failure| failure.code())
    };
    let leaf = certificate(&inputs["certificate"])?;
    let anchor = certificate(&inputs["trust_anchor"])?;
    let none = Vec::new();
    let paths = inputs["intermediates"].as_array().unwrap_or(&none);
    let intermediates = paths.iter().map(certificate).collect::<Result<Vec<_>, _>>()?;
    let at = UnixTime::parse_rfc3339(inputs["verification_time"].as_str().unwrap()).unwrap();
    let path = Path::build(&leaf, &intermediates, &[anchor], at, Purpose::Any, &mut Budget::new(&limits), &limits);
    path.map(|path| assert_eq!(path.leaf(), &leaf)).map_err(|failure| failure.code())
}

#[test]
fn every_case_has_the_verdict_written_here() {
    let Some(manifest) = crate::common::json("MANIFEST.json") else { return };
    let mut met = BTreeSet::new();
    for case in manifest["cases"].as_array().unwrap() {
        let Some(id) = case["id"].as_str().unwrap().strip_prefix("certvalidator-pkits/") else { continue };
        if !GROUPS.iter().any(|group| id.starts_with(group)) {
            continue;
        }
        let found = verdict(&case["inputs"]).err();
        let accepted_by_pkits = case["expected"] == "accept";
        let expected = match (VERDICTS.iter().find(|row| row.0 == id), EXCEPTIONS.iter().find(|row| row.0 == id)) {
            (Some((_, expected)), None) => {
                assert_eq!(expected.is_none(), accepted_by_pkits, "{id}: belongs to the exceptions");
                *expected
            }
            (None, Some((_, expected, reason))) => {
                assert_ne!(expected.is_none(), accepted_by_pkits, "{id}: is no exception ({reason})");
                *expected
            }
            _ => panic!("{id}: not in exactly one table"),
        };
        assert_eq!(found, expected, "{id}");
        met.insert(id.to_owned());
    }
    assert_eq!(met.len(), VERDICTS.len() + EXCEPTIONS.len());
    assert_eq!(met.len(), 43);
}
