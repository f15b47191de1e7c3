//! The object identifiers that certificates are read by.

use const_oid::ObjectIdentifier;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($text);)*
    };
}

oids! {
    /// subjectKeyIdentifier.
    SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
    /// keyUsage.
    KEY_USAGE = "2.5.29.15";
    /// subjectAltName.
    SUBJECT_ALT_NAME = "2.5.29.17";
    /// basicConstraints.
    BASIC_CONSTRAINTS = "2.5.29.19";
    /// nameConstraints.
    NAME_CONSTRAINTS = "2.5.29.30";
    /// certificatePolicies.
    CERTIFICATE_POLICIES = "2.5.29.32";
    /// policyMappings.
    POLICY_MAPPINGS = "2.5.29.33";
    /// authorityKeyIdentifier.
    AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
    /// policyConstraints.
    POLICY_CONSTRAINTS = "2.5.29.36";
    /// extKeyUsage.
    EXTENDED_KEY_USAGE = "2.5.29.37";
    /// inhibitAnyPolicy.
    INHIBIT_ANY_POLICY = "2.5.29.54";
    /// The list of signed certificate timestamps (RFC 6962 §3.3).
    SCT_LIST = "1.3.6.1.4.1.11129.2.4.2";

    /// id-kp-codeSigning.
    CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
    /// id-kp-timeStamping.
    TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
    /// anyExtendedKeyUsage.
    ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";

    /// The type of the otherName that Fulcio uses for user names.
    FULCIO_OTHER_NAME = "1.3.6.1.4.1.57264.1.7";

    /// emailAddress, the old attribute of distinguished names (PKCS#9).
    EMAIL_ADDRESS = "1.2.840.113549.1.9.1";
    /// domainComponent (RFC 4519 §2.4).
    DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25";
}
