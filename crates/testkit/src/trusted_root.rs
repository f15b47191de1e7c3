//! [`TrustedRoot`]: `trusted_root.json` before it is serialised (protobuf-specs `sigstore_trustroot.proto`).

use crate::ct::CtLog;
use crate::fulcio::FulcioCa;
use crate::json::object;
use crate::rekor::{RekorV1, RekorV2};
use crate::tsa::TimestampAuthority;
use serde_json::{Value, json};
use veriseal::encoding::base64;
use veriseal::time::Validity;

/// The media type that the public instance ships.
pub const MEDIA_TYPE_V01_OLD: &str = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
/// Version 0.1 in the newer spelling.
pub const MEDIA_TYPE_V01: &str = "application/vnd.dev.sigstore.trustedroot.v0.1+json";
/// Version 0.2.
pub const MEDIA_TYPE_V02: &str = "application/vnd.dev.sigstore.trustedroot.v0.2+json";

/// The authorities that a verifier is to trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedRoot {
    /// `mediaType`.
    pub media_type: String,
    /// `tlogs`.
    pub tlogs: Vec<LogInstance>,
    /// `certificateAuthorities`.
    pub certificate_authorities: Vec<AuthorityInstance>,
    /// `ctlogs`.
    pub ctlogs: Vec<LogInstance>,
    /// `timestampAuthorities`.
    pub timestamp_authorities: Vec<AuthorityInstance>,
}

/// A TransparencyLogInstance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogInstance {
    /// `baseUrl`.
    pub base_url: String,
    /// `hashAlgorithm`.
    pub hash_algorithm: String,
    /// `publicKey.rawBytes`: SPKI DER.
    pub public_key: Vec<u8>,
    /// `publicKey.keyDetails`.
    pub key_details: String,
    /// `publicKey.validFor`; `None` leaves it out.
    pub valid_for: Option<Validity>,
    /// `logId.keyId`.
    pub log_id: Vec<u8>,
    /// `checkpointKeyId.keyId`, version 0.2.
    pub checkpoint_key_id: Option<Vec<u8>>,
    /// `operator`, version 0.2.
    pub operator: Option<String>,
}

/// A CertificateAuthority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityInstance {
    /// `subject.organization`.
    pub organisation: String,
    /// `subject.commonName`.
    pub common_name: String,
    /// `uri`.
    pub uri: String,
    /// `certChain.certificates`, anchor last.
    pub chain: Vec<Vec<u8>>,
    /// `validFor`; `None` leaves it out.
    pub valid_for: Option<Validity>,
    /// `operator`, version 0.2.
    pub operator: Option<String>,
}

impl Default for TrustedRoot {
    /// Trusts nobody, in the media type of the public instance.
    fn default() -> Self {
        Self {
            media_type: MEDIA_TYPE_V01_OLD.to_owned(),
            tlogs: Vec::new(),
            certificate_authorities: Vec::new(),
            ctlogs: Vec::new(),
            timestamp_authorities: Vec::new(),
        }
    }
}

impl TrustedRoot {
    /// Adds a version 1 log.
    #[must_use]
    pub fn rekor_v1(mut self, log: &RekorV1) -> Self {
        self.tlogs.push(LogInstance {
            base_url: format!("https://{}", log.host),
            hash_algorithm: "SHA2_256".to_owned(),
            public_key: log.key.spki(),
            key_details: log.key.details().to_owned(),
            valid_for: Some(log.window),
            log_id: log.log_id().to_vec(),
            checkpoint_key_id: None,
            operator: None,
        });
        self
    }

    /// Adds a version 2 log.
    #[must_use]
    pub fn rekor_v2(mut self, log: &RekorV2) -> Self {
        self.tlogs.push(LogInstance {
            base_url: format!("https://{}", log.host),
            hash_algorithm: "SHA2_256".to_owned(),
            public_key: log.key.spki(),
            key_details: log.key.details().to_owned(),
            valid_for: Some(log.window),
            log_id: log.log_id().to_vec(),
            checkpoint_key_id: None,
            operator: None,
        });
        self
    }

    /// Adds a certificate transparency log.
    #[must_use]
    pub fn ct_log(mut self, log: &CtLog) -> Self {
        self.ctlogs.push(LogInstance {
            base_url: log.url.clone(),
            hash_algorithm: "SHA2_256".to_owned(),
            public_key: log.key.spki(),
            key_details: log.key.details().to_owned(),
            valid_for: Some(log.window),
            log_id: log.key.id().to_vec(),
            checkpoint_key_id: None,
            operator: None,
        });
        self
    }

    /// Adds a Fulcio instance.
    #[must_use]
    pub fn fulcio(mut self, ca: &FulcioCa) -> Self {
        let subject = &ca.root.template.subject;
        self.certificate_authorities.push(AuthorityInstance {
            organisation: subject.value("2.5.4.10").unwrap_or_default().to_owned(),
            common_name: subject.value("2.5.4.3").unwrap_or_default().to_owned(),
            uri: ca.uri.clone(),
            chain: ca.chain(),
            valid_for: Some(ca.window),
            operator: None,
        });
        self
    }

    /// Adds a timestamp authority, its leaf included.
    #[must_use]
    pub fn tsa(mut self, authority: &TimestampAuthority) -> Self {
        let subject = &authority.root.template.subject;
        self.timestamp_authorities.push(AuthorityInstance {
            organisation: subject.value("2.5.4.10").unwrap_or_default().to_owned(),
            common_name: subject.value("2.5.4.3").unwrap_or_default().to_owned(),
            uri: authority.uri.clone(),
            chain: authority.chain(),
            valid_for: Some(authority.window),
            operator: None,
        });
        self
    }

    /// The same root as version 0.2: the operator everywhere, and checkpoint key ids of four bytes on the logs.
    #[must_use]
    pub fn as_v02(mut self, operator: &str) -> Self {
        self.media_type = MEDIA_TYPE_V02.to_owned();
        for log in self.tlogs.iter_mut().chain(&mut self.ctlogs) {
            log.operator = Some(operator.to_owned());
        }
        for log in &mut self.tlogs {
            log.checkpoint_key_id = log.log_id.get(..4).map(<[u8]>::to_vec);
        }
        for authority in self.certificate_authorities.iter_mut().chain(&mut self.timestamp_authorities) {
            authority.operator = Some(operator.to_owned());
        }
        self
    }

    /// The JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let logs = |logs: &[LogInstance]| logs.iter().map(LogInstance::to_json).collect::<Vec<_>>();
        let authorities = |list: &[AuthorityInstance]| list.iter().map(AuthorityInstance::to_json).collect::<Vec<_>>();
        json!({
            "mediaType": self.media_type,
            "tlogs": logs(&self.tlogs),
            "certificateAuthorities": authorities(&self.certificate_authorities),
            "ctlogs": logs(&self.ctlogs),
            "timestampAuthorities": authorities(&self.timestamp_authorities),
        })
    }

    /// The JSON of a ClientTrustConfig around this root, with an empty signing configuration.
    #[must_use]
    pub fn to_client_trust_config(&self) -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.to_json(),
            "signingConfig": { "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json" },
        })
    }

    /// The JSON text, indented as the published file is.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        format!("{:#}\n", self.to_json()).into_bytes()
    }
}

impl LogInstance {
    fn to_json(&self) -> Value {
        let key_id = |id: &Vec<u8>| json!({ "keyId": base64::encode(id) });
        let key = object([
            ("rawBytes", Some(json!(base64::encode(&self.public_key)))),
            ("keyDetails", Some(json!(self.key_details))),
            ("validFor", self.valid_for.map(window)),
        ]);
        object([
            ("baseUrl", Some(json!(self.base_url))),
            ("hashAlgorithm", Some(json!(self.hash_algorithm))),
            ("publicKey", Some(key)),
            ("logId", Some(key_id(&self.log_id))),
            ("checkpointKeyId", self.checkpoint_key_id.as_ref().map(key_id)),
            ("operator", self.operator.as_ref().map(|operator| json!(operator))),
        ])
    }
}

impl AuthorityInstance {
    fn to_json(&self) -> Value {
        let chain: Vec<Value> = self.chain.iter().map(|der| json!({ "rawBytes": base64::encode(der) })).collect();
        object([
            ("subject", Some(json!({ "organization": self.organisation, "commonName": self.common_name }))),
            ("uri", Some(json!(self.uri))),
            ("certChain", Some(json!({ "certificates": chain }))),
            ("validFor", self.valid_for.map(window)),
            ("operator", self.operator.as_ref().map(|operator| json!(operator))),
        ])
    }
}

fn window(validity: Validity) -> Value {
    object([
        ("start", validity.start.map(|start| json!(start.to_string()))),
        ("end", validity.end.map(|end| json!(end.to_string()))),
    ])
}
