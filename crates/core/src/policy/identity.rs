//! [`Identity`]: which certificate subject counts, vouched for by which issuer.

use super::facts::{Clause, Clauses, Signer};
use super::pattern::StringMatch;
use crate::code::{Code, Failure};
use crate::x509::{DistinguishedName, FulcioExtensions, SubjectName};
use const_oid::ObjectIdentifier;

/// The kind of a certificate's subject alternative name. Kinds never mix: an address is no URI, whatever its text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SubjectKind {
    /// An e-mail address (rfc822Name).
    Email,
    /// A URI.
    Uri,
    /// A user name of Fulcio's own type (otherName).
    OtherName,
}

impl SubjectKind {
    /// The kind of a name.
    #[must_use]
    pub fn of(subject: &SubjectName) -> Self {
        match subject {
            SubjectName::Email(_) => Self::Email,
            SubjectName::Uri(_) => Self::Uri,
            SubjectName::OtherName(_) => Self::OtherName,
        }
    }

    /// The word for it in policies and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Uri => "uri",
            Self::OtherName => "othername",
        }
    }
}

/// Whom a keyless authority means: issuer and subject, both, and any certificate extensions besides.
///
/// Both are needed by construction: a subject without an issuer lets every identity provider vouch for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    issuer: StringMatch,
    subject: StringMatch,
    kind: Option<SubjectKind>,
    extensions: Vec<(String, StringMatch)>,
    subject_dn: Vec<(String, StringMatch)>,
    policy_oids: Vec<String>,
}

/// What a certificate with a verified path says of its subject.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Certified<'a> {
    pub(crate) subject: &'a SubjectName,
    pub(crate) extensions: &'a FulcioExtensions,
    pub(crate) distinguished_name: &'a DistinguishedName,
    pub(crate) policies: &'a [String],
}

impl Identity {
    /// An identity: the certificate's subject alternative name, and the OIDC issuer that vouched for it.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] when either is empty.
    pub fn new(subject: StringMatch, issuer: StringMatch) -> Result<Self, Failure> {
        subject.validate("identity")?;
        issuer.validate("issuer")?;
        Ok(Self { issuer, subject, kind: None, extensions: Vec::new(), subject_dn: Vec::new(), policy_oids: Vec::new() })
    }

    /// Demands that the subject is a name of this kind besides: a pattern for addresses then never matches a URI.
    #[must_use]
    pub fn kind(mut self, kind: SubjectKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The kind of name that the subject must be, where one is demanded.
    #[must_use]
    pub fn subject_kind(&self) -> Option<SubjectKind> {
        self.kind
    }

    /// Demands a Fulcio extension besides, by its camelCase name such as `sourceRepositoryURI`.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] for a name that does not exist, or a name given twice.
    pub fn extension(mut self, name: &str, value: StringMatch) -> Result<Self, Failure> {
        let at = format!("extensions.{name}");
        value.validate(&at)?;
        if !FulcioExtensions::NAMES.contains(&name) {
            return Err(Failure::new(Code::PolicyInvalid)
                .expected("the name of a Fulcio extension")
                .found(name)
                .at("extensions"));
        }
        if self.extensions.iter().any(|(known, _)| known == name) {
            return Err(Failure::new(Code::PolicyInvalid).expected("each extension once").found(name).at("extensions"));
        }
        self.extensions.push((name.to_owned(), value));
        Ok(self)
    }

    /// Demands an attribute of the certificate's distinguished name besides, for certificate authorities of one's own:
    /// `O`, `OU`, `CN` and so on ([`DistinguishedName::TYPES`]). Of several units (`OU`) and domain components (`DC`) one
    /// must be so; of any other type there must be exactly one.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] for another type, or a type given twice.
    pub fn subject_dn(mut self, of: &str, value: StringMatch) -> Result<Self, Failure> {
        value.validate(&format!("subjectDn.{of}"))?;
        if !DistinguishedName::TYPES.contains(&of) {
            return Err(Failure::new(Code::PolicyInvalid)
                .expected(format_args!("one of {}", DistinguishedName::TYPES.join(", ")))
                .found(of)
                .at("subjectDn"));
        }
        if self.subject_dn.iter().any(|(known, _)| known == of) {
            return Err(Failure::new(Code::PolicyInvalid).expected("each attribute once").found(of).at("subjectDn"));
        }
        self.subject_dn.push((of.to_owned(), value));
        Ok(self)
    }

    /// Demands that the certificate was issued under this certificate policy besides (RFC 5280 §4.2.1.4), as the issuing
    /// authority of one's own states it. Given several times, all must be there.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] for what is no object identifier in dotted form, or one given twice.
    pub fn policy_oid(mut self, oid: &str) -> Result<Self, Failure> {
        let invalid = |expected: &str| Failure::new(Code::PolicyInvalid).expected(expected).found(oid).at("policyOids");
        let parsed = ObjectIdentifier::new(oid).map_err(|_| invalid("an object identifier such as 1.3.6.1.4.1.99999.1"))?;
        if parsed.to_string() != oid {
            return Err(invalid("an object identifier in its one dotted form"));
        }
        if self.policy_oids.iter().any(|known| known == oid) {
            return Err(invalid("each policy once"));
        }
        self.policy_oids.push(oid.to_owned());
        Ok(self)
    }

    /// The attributes of the distinguished name.
    #[must_use]
    pub fn distinguished_name(&self) -> &[(String, StringMatch)] {
        &self.subject_dn
    }

    /// The certificate policies.
    #[must_use]
    pub fn policy_oids(&self) -> &[String] {
        &self.policy_oids
    }

    /// What the issuer must be.
    #[must_use]
    pub fn issuer(&self) -> &StringMatch {
        &self.issuer
    }

    /// What the subject must be.
    #[must_use]
    pub fn subject(&self) -> &StringMatch {
        &self.subject
    }

    /// The further extensions.
    #[must_use]
    pub fn extensions(&self) -> &[(String, StringMatch)] {
        &self.extensions
    }

    /// The clauses of this identity, by the names that evaluation reports.
    pub(crate) fn clauses(&self) -> impl Iterator<Item = Clause> + '_ {
        ["issuer".into(), "identity".into()]
            .into_iter()
            .chain(self.kind.map(|_| "subjectKind".into()))
            .chain(self.extensions.iter().map(|(name, _)| format!("extensions.{name}").into()))
            .chain(self.subject_dn.iter().map(|(of, _)| format!("subjectDn.{of}").into()))
            .chain(self.policy_oids.iter().map(|oid| format!("policyOids.{oid}").into()))
    }

    /// Holds every clause against the signer and notes those it evaluated; stops at the first that fails.
    pub(crate) fn evaluate(&self, certified: Certified<'_>, evaluated: &mut Clauses) -> Result<(), Failure> {
        let Certified { subject, extensions, distinguished_name, policies } = certified;
        let issuer = extensions.issuer().unwrap_or_default();
        if issuer.is_empty() || !self.issuer.matches(issuer) {
            let found = if issuer.is_empty() { "no issuer in the certificate" } else { issuer };
            return Err(Failure::new(Code::IssuerMismatch).expected(&self.issuer).found(found));
        }
        evaluated.insert("issuer");
        if let Some(kind) = self.kind {
            let found = SubjectKind::of(subject);
            if found != kind {
                return Err(Failure::new(Code::IdentityMismatch)
                    .expected(format_args!("a name of kind {}", kind.name()))
                    .found(format_args!("{} of kind {}", subject.value(), found.name()))
                    .at("subjectKind"));
            }
            evaluated.insert("subjectKind");
        }
        if !self.subject.matches(subject.value()) {
            return Err(Failure::new(Code::IdentityMismatch).expected(&self.subject).found(subject.value()));
        }
        evaluated.insert("identity");
        for (name, value) in &self.extensions {
            let found = extensions.get(name);
            if !found.is_some_and(|found| value.matches(found)) {
                return Err(Failure::new(Code::ExtensionMismatch)
                    .expected(value)
                    .found(found.unwrap_or("no such extension"))
                    .at(name));
            }
            evaluated.insert(format!("extensions.{name}"));
        }
        for (of, value) in &self.subject_dn {
            let found: Vec<_> = distinguished_name.get(of).collect();
            // Two common names would be two signers to two readers.
            let readable = DistinguishedName::may_repeat(of) || found.len() == 1;
            if !readable || !found.iter().flatten().any(|found| value.matches(found)) {
                return Err(Failure::new(Code::SubjectDnMismatch)
                    .expected(format_args!("{of}={value}"))
                    .found(if found.is_empty() { "no such attribute".to_owned() } else { distinguished_name.to_string() })
                    .at(format_args!("subjectDn.{of}")));
            }
            evaluated.insert(format!("subjectDn.{of}"));
        }
        for oid in &self.policy_oids {
            if !policies.contains(oid) {
                let found = if policies.is_empty() { "none".to_owned() } else { policies.join(", ") };
                return Err(Failure::new(Code::PolicyOidMismatch).expected(oid).found(found).at("policyOids"));
            }
            evaluated.insert(format!("policyOids.{oid}"));
        }
        Ok(())
    }

    /// What thresholds count as one identity.
    pub(crate) fn canonical(&self) -> String {
        let mut text = format!("issuer {:?} subject {:?} kind {:?}", self.issuer, self.subject, self.kind);
        let mut extensions: Vec<_> = self.extensions.iter().map(|(name, value)| format!(" {name} {value:?}")).collect();
        extensions.sort();
        text.extend(extensions);
        let mut more: Vec<_> = self.subject_dn.iter().map(|(of, value)| format!(" dn {of} {value:?}")).collect();
        more.extend(self.policy_oids.iter().map(|oid| format!(" policy {oid}")));
        more.sort();
        text.extend(more);
        text
    }
}

/// The patterns of an identity that would have matched `signer` were they not anchored: what the caller should be told.
#[must_use]
pub fn unanchored_notices(identity: &Identity, signer: &Signer) -> Vec<Failure> {
    let Signer::Certificate { subject, extensions, .. } = signer else { return Vec::new() };
    let issuer = extensions.issuer().unwrap_or_default();
    [(&identity.issuer, issuer, "issuer"), (&identity.subject, subject.value(), "identity")]
        .into_iter()
        .filter_map(|(rule, value, field)| {
            let pattern = rule.pattern()?;
            pattern.would_match_unanchored(value).then(|| {
                Failure::new(Code::PatternUnanchored)
                    .expected(format_args!("the whole of {value}"))
                    .found(pattern.as_str())
                    .at(field)
            })
        })
        .collect()
}
