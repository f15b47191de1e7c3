//! [`FulcioCa`]: a certification authority that issues short-lived code-signing certificates to identities.
//!
//! Fulcio `certificate-specification.md`, `oid-info.md`. The template of every certificate is public and may be changed
//! before it is signed, so that a test can make exactly the faulty certificate it needs.

use crate::ct::{self, CtLog};
use crate::key::{KeyKind, SigningKey};
use crate::random::Seed;
use crate::x509::extension::{CODE_SIGNING, DIGITAL_SIGNATURE};
use crate::x509::{Authority, Extension, GeneralName, Name, Template};
use veriseal::time::{UnixTime, Validity};

/// A Fulcio instance: root, intermediate, and the window that the trusted root gives them.
#[derive(Clone, Debug)]
pub struct FulcioCa {
    /// The anchor, P-384.
    pub root: Authority,
    /// The issuing CA, P-384, code signing only.
    pub intermediate: Authority,
    /// URI in the trusted root.
    pub uri: String,
    /// `validFor` in the trusted root.
    pub window: Validity,
    /// How long leaves are valid, in seconds; ten minutes.
    pub lifetime: i64,
    seed: Seed,
}

/// Who asks for a certificate: the token's issuer, the subject and the claims that become extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// OIDC issuer; extensions `.1` and `.8`.
    pub issuer: String,
    /// The subject alternative name.
    pub subject: GeneralName,
    /// Claims by their arc under 1.3.6.1.4.1.57264.1: 2 to 6 are written raw, 9 and above as UTF8String.
    pub claims: Vec<(u8, String)>,
}

impl Identity {
    /// A person known by an e-mail address.
    #[must_use]
    pub fn email(address: &str, issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), subject: GeneralName::Email(address.to_owned()), claims: Vec::new() }
    }

    /// A workload known by a URI.
    #[must_use]
    pub fn uri(uri: &str, issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), subject: GeneralName::Uri(uri.to_owned()), claims: Vec::new() }
    }

    /// A GitHub Actions workflow: `repository` is `owner/name`, `workflow` a file name, `reference` such as
    /// `refs/heads/main`. Every extension that Fulcio writes for GitHub is there.
    #[must_use]
    pub fn github(repository: &str, workflow: &str, reference: &str) -> Self {
        let home = format!("https://github.com/{repository}");
        let owner = repository.split('/').next().unwrap_or_default();
        let uri = format!("{home}/.github/workflows/{workflow}@{reference}");
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let claims = [
            (2, "push".to_owned()),
            (3, commit.to_owned()),
            (4, "release".to_owned()),
            (5, repository.to_owned()),
            (6, reference.to_owned()),
            (9, uri.clone()),
            (10, commit.to_owned()),
            (11, "github-hosted".to_owned()),
            (12, home.clone()),
            (13, commit.to_owned()),
            (14, reference.to_owned()),
            (15, "123456789".to_owned()),
            (16, format!("https://github.com/{owner}")),
            (17, "987654".to_owned()),
            (18, uri.clone()),
            (19, commit.to_owned()),
            (20, "push".to_owned()),
            (21, format!("{home}/actions/runs/1/attempts/1")),
            (22, "public".to_owned()),
        ];
        Self {
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            subject: GeneralName::Uri(uri),
            claims: claims.to_vec(),
        }
    }

    /// Adds or replaces a claim by its arc.
    #[must_use]
    pub fn claim(mut self, arc: u8, value: &str) -> Self {
        self.claims.retain(|(found, _)| *found != arc);
        self.claims.push((arc, value.to_owned()));
        self.claims.sort_by_key(|(arc, _)| *arc);
        self
    }

    /// The subject as text: what a policy compares.
    #[must_use]
    pub fn subject_text(&self) -> String {
        match &self.subject {
            GeneralName::Email(text) | GeneralName::Uri(text) | GeneralName::Username(text) | GeneralName::Dns(text) => {
                text.clone()
            }
            GeneralName::Other(bytes) => veriseal::encoding::hex::encode(bytes),
        }
    }
}

impl FulcioCa {
    /// A CA whose certificates and window are valid over `window`.
    ///
    /// # Panics
    /// When `window` has no ends: certificates cannot be open.
    #[must_use]
    pub fn new(seed: &Seed, window: Validity) -> Self {
        assert!(window.start.is_some() && window.end.is_some(), "certificates need both ends of their window");
        let root_name = Name::new("testkit.example", "testkit root");
        let root = Authority::root(root_name, KeyKind::P384, &seed.named("fulcio root"), window);
        let intermediate = root.subordinate(
            Name::new("testkit.example", "testkit intermediate"),
            KeyKind::P384,
            &seed.named("fulcio intermediate"),
            window,
            &[CODE_SIGNING],
        );
        Self {
            root,
            intermediate,
            uri: "https://fulcio.testkit.example".to_owned(),
            window: Validity { end: None, ..window },
            lifetime: 600,
            seed: seed.named("fulcio leaves"),
        }
    }

    /// Intermediate first, root last, as `certChain` in the trusted root has them. A root that issues leaves itself (set
    /// as `intermediate` too) stands alone.
    #[must_use]
    pub fn chain(&self) -> Vec<Vec<u8>> {
        if self.intermediate.der == self.root.der {
            return vec![self.root.der.clone()];
        }
        vec![self.intermediate.der.clone(), self.root.der.clone()]
    }

    /// The template of a good leaf, without SCT list: change it, then [`FulcioCa::finish`].
    #[must_use]
    pub fn template(&self, identity: &Identity, public_key: &[u8], at: UnixTime) -> Template {
        let mut template = self.intermediate.template_for(Name::empty(), public_key);
        let about = [public_key, identity.subject_text().as_bytes(), &at.seconds().to_be_bytes()].concat();
        let name = veriseal::encoding::hex::encode(&veriseal::digest::sha256(&about));
        template.serial = crate::x509::serial(&self.seed.named(&name));
        template = template.valid(at, at.saturating_add_seconds(self.lifetime));
        template.set(Extension::key_usage(DIGITAL_SIGNATURE));
        template.set(Extension::extended_key_usage(&[CODE_SIGNING]));
        template.set(Extension::subject_key_id(&veriseal::digest::sha256(public_key)[..20]));
        template.set(Extension::authority_key_id(&self.intermediate.key_id()));
        template.set(Extension::subject_alt_name(true, std::slice::from_ref(&identity.subject)));
        template.set(Extension::fulcio_raw(1, &identity.issuer));
        for (arc, value) in identity.claims.iter().filter(|(arc, _)| *arc < 7) {
            template.set(Extension::fulcio_raw(*arc, value));
        }
        template.set(Extension::fulcio(8, &identity.issuer));
        for (arc, value) in identity.claims.iter().filter(|(arc, _)| *arc > 7) {
            template.set(Extension::fulcio(*arc, value));
        }
        template
    }

    /// Logs the template in every log given, embeds the timestamps and signs the certificate. With no log the
    /// certificate has no SCT list.
    #[must_use]
    pub fn finish(&self, template: &Template, logs: &[&CtLog], at: UnixTime) -> Vec<u8> {
        let issuer = self.intermediate.key.spki();
        let scts: Vec<ct::Sct> = logs.iter().map(|log| log.submit(template, &issuer, at)).collect();
        let mut last = template.clone();
        if !scts.is_empty() {
            last.set(ct::sct_list(&scts));
        }
        last.sign(&self.intermediate.key)
    }

    /// A good leaf for the identity: template, logging, signature.
    #[must_use]
    pub fn issue(&self, identity: &Identity, key: &SigningKey, logs: &[&CtLog], at: UnixTime) -> Vec<u8> {
        self.finish(&self.template(identity, &key.spki(), at), logs, at)
    }
}
