//! The codes themselves. One row a code: variant, number, name, class, who must act, meaning, what to do.

use std::fmt;

/// What a code says about the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The requirement holds.
    Accepted,
    /// A statement is not true: asking again changes nothing.
    Rejected,
    /// It could not be found out: asking again may help. Never a success.
    Undecided,
    /// The caller's input cannot be used: found at construction, before anything is fetched.
    Usage,
    /// Worth knowing; by itself it decides nothing.
    Notice,
    /// A defect of veriseal. Never a success.
    Internal,
}

/// Who can do something about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Who {
    /// Nobody needs to.
    Nobody,
    /// Whoever called veriseal or wrote its configuration.
    Caller,
    /// Whoever builds and signs the image.
    Signer,
    /// Whoever runs the registry, or the network to it.
    Registry,
    /// Whoever runs the log, the certificate authority or the timestamp authority, or distributes its keys.
    TrustOperator,
    /// The authors of veriseal.
    Authors,
}

macro_rules! codes {
    ($($variant:ident = $number:literal, $name:literal, $class:ident, $who:ident, $meaning:literal, $action:literal;)*) => {
        /// A stable code. Its name is what reports, logs and all languages show.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $meaning] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable number, unique and never reused.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)* }
            }

            /// The stable name in upper case, as every language and report shows it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What the code says about the verdict.
            #[must_use]
            pub const fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class,)* }
            }

            /// Who can do something about it.
            #[must_use]
            pub const fn who(self) -> Who {
                match self { $(Self::$variant => Who::$who,)* }
            }

            /// What it means, one clause.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What to do about it, one sentence.
            #[must_use]
            pub const fn action(self) -> &'static str {
                match self { $(Self::$variant => $action,)* }
            }
        }
    };
}

codes! {
    // 1–99: verdicts over all candidates.
    Accepted = 1, "ACCEPTED", Accepted, Nobody, "the requirement holds", "Deploy the pinned reference.";
    NoSignature = 2, "NO_SIGNATURE", Rejected, Signer, "no signatures found", "Sign the image, or check that signatures were copied along with it.";
    NoMatchingSignature = 3, "NO_MATCHING_SIGNATURE", Rejected, Signer, "signatures found, but none that the policy accepts", "Read the reason beside each candidate; sign with a trusted key or identity.";
    SignedOtherDigest = 4, "SIGNED_OTHER_DIGEST", Rejected, Signer, "a good signature, but for another digest", "The image was altered or re-tagged after signing: deploy the digest that was signed, or sign this one.";
    PolicyNotMet = 5, "POLICY_NOT_MET", Rejected, Signer, "some requirement of the policy does not hold", "Read which node of the requirement failed.";
    ClauseNotEvaluated = 6, "CLAUSE_NOT_EVALUATED", Internal, Authors, "a configured clause was not evaluated", "Report this as a defect: a clause that is configured must always be evaluated.";
    TagMoved = 7, "TAG_MOVED", Notice, Signer, "the tag points to another digest than the one given", "The digest rules; check why the tag was moved.";
    ImageDenied = 8, "IMAGE_DENIED", Rejected, Caller, "the policy denies this image", "Use an image that the policy allows, or change the rule.";
    NoRule = 9, "NO_RULE", Rejected, Caller, "no rule of the policy is about this image", "Add a rule whose match fits the repository.";
    NotExcepted = 10, "NOT_EXCEPTED", Rejected, Caller, "the exception names other digests", "Deploy an excepted digest, sign the image and require that, or add the digest.";
    ExceptionExpired = 11, "EXCEPTION_EXPIRED", Rejected, Caller, "the exception has ended", "Sign the image and require that, or decide anew how long the exception holds.";
    DigestRequired = 12, "DIGEST_REQUIRED", Rejected, Caller, "the policy asks for a reference by digest, and none is named", "Name repository@sha256:….";
    NotLocked = 13, "NOT_LOCKED", Rejected, Caller, "the lock file does not hold this reference, or holds it with another digest", "Verify and lock it with veriseal pin.";

    // 100–199: the caller's input.
    ReferenceInvalid = 100, "REFERENCE_INVALID", Usage, Caller, "the image reference cannot be parsed", "Write it as registry/repository:tag or registry/repository@sha256:….";
    DigestInvalid = 101, "DIGEST_INVALID", Usage, Caller, "the digest cannot be parsed", "Write it as sha256: and 64 lower-case hex digits (sha384: 96, sha512: 128).";
    KeyInvalid = 102, "KEY_INVALID", Usage, Caller, "the public key cannot be used", "Give one PEM block PUBLIC KEY with an ECDSA P-256/384/521, Ed25519 or RSA 2048–8192 key.";
    TrustRootInvalid = 103, "TRUST_ROOT_INVALID", Usage, Caller, "the trusted root cannot be used", "Give a Sigstore trusted_root.json (v0.1 or v0.2).";
    PolicyInvalid = 104, "POLICY_INVALID", Usage, Caller, "the policy cannot be used", "Mend the named field.";
    TimeInvalid = 105, "TIME_INVALID", Usage, Caller, "the time cannot be parsed", "Write it in RFC 3339, such as 2026-11-21T12:00:00Z.";
    PatternInvalid = 106, "PATTERN_INVALID", Usage, Caller, "the pattern cannot be used", "Patterns are linear-time regular expressions and match the whole string.";
    SourceInvalid = 107, "SOURCE_INVALID", Usage, Caller, "the image source cannot be read", "Check the path or the configuration it names.";
    ConfigInvalid = 108, "CONFIG_INVALID", Usage, Caller, "the configuration cannot be used", "Mend the named field.";
    EvidenceInvalid = 109, "EVIDENCE_INVALID", Usage, Caller, "the saved evidence cannot be read", "Make it again with verify --evidence-out; an edited or cut file is refused.";
    EvidenceForOtherImage = 110, "EVIDENCE_FOR_OTHER_IMAGE", Rejected, Caller, "the evidence belongs to another image", "Name the repository and digest that the evidence was made for.";
    SessionForOtherVerifier = 111, "SESSION_FOR_OTHER_VERIFIER", Usage, Caller, "the session was started by another verifier", "Conclude a session with the verifier that made it, or one with the same fingerprint.";
    ArtifactUnreadable = 112, "ARTIFACT_UNREADABLE", Undecided, Caller, "the artifact cannot be read", "Check the path and the rights of the file.";
    EvidenceUnwritable = 113, "EVIDENCE_UNWRITABLE", Usage, Caller, "the evidence cannot be written", "Check the path, which may not exist yet as a folder with content, and the rights of its folder.";
    PlatformInvalid = 114, "PLATFORM_INVALID", Usage, Caller, "the platform cannot be parsed", "Write it as os/arch or os/arch/variant in Go's names, such as linux/arm64.";
    EvidenceForOtherPlatforms = 115, "EVIDENCE_FOR_OTHER_PLATFORMS", Undecided, Caller, "the evidence was gathered for other platforms than those asked for", "Gather it again with the same choice of platforms.";
    ArgumentInvalid = 130, "ARGUMENT_INVALID", Usage, Caller, "an argument of the call cannot be used", "Mend the call: the message names the argument.";

    // 200–299: gathering.
    ImageNotFound = 200, "IMAGE_NOT_FOUND", Undecided, Caller, "the registry has no such image", "Check the reference; a registry may also answer so where rights are missing.";
    Denied = 201, "DENIED", Undecided, Registry, "the registry denied access", "Check the credentials and rights for this repository.";
    Throttled = 202, "THROTTLED", Undecided, Registry, "the registry asked to slow down", "Try again later, or use credentials with a higher limit.";
    Unavailable = 203, "UNAVAILABLE", Undecided, Registry, "the registry could not be reached or answered wrongly", "Try again; check the network and the registry.";
    Cancelled = 204, "CANCELLED", Undecided, Caller, "the call was cancelled", "Call again.";
    DeadlineExceeded = 205, "DEADLINE_EXCEEDED", Undecided, Registry, "the deadline of the call passed", "Raise the timeout, or find out what is slow.";
    TooLarge = 206, "TOO_LARGE", Undecided, Registry, "the content is larger than the bound", "Raise the bound only if such content is expected.";
    DigestMismatch = 207, "DIGEST_MISMATCH", Undecided, Registry, "the content does not match its digest", "The registry or something before it sent other bytes: do not use them.";
    SizeMismatch = 208, "SIZE_MISMATCH", Undecided, Registry, "the content does not have the size its descriptor states", "The registry or the pusher stated a wrong size.";
    MediaTypeMismatch = 209, "MEDIA_TYPE_MISMATCH", Undecided, Registry, "the media type is not the one announced", "The registry or the pusher stated a wrong media type.";
    CandidatesTruncated = 210, "CANDIDATES_TRUNCATED", Undecided, Registry, "more candidates than one call may look at", "Remove what does not belong to the image, or raise the bound.";
    Dangling = 211, "DANGLING", Undecided, Registry, "content that was listed is missing", "Push the missing content again or remove the entry.";
    SessionUnfinished = 212, "SESSION_UNFINISHED", Undecided, Caller, "gathering has not finished", "Answer every open request before concluding.";
    RequestUnknown = 213, "REQUEST_UNKNOWN", Usage, Caller, "no open request has this id", "Supply each answer once, with the id of its request.";
    RequestsExhausted = 214, "REQUESTS_EXHAUSTED", Undecided, Registry, "more requests than one call may make", "Remove what does not belong to the image, or raise the bound.";
    RedirectRefused = 215, "REDIRECT_REFUSED", Undecided, Registry, "a redirect was refused", "Redirects may not leave https, loop, or lead to a private address.";
    RealmRefused = 216, "REALM_REFUSED", Undecided, Registry, "the token service is not one that may get these credentials", "Allow the realm explicitly if it belongs to this registry.";
    PlainHttpRefused = 217, "PLAIN_HTTP_REFUSED", Usage, Caller, "plain HTTP is used only for hosts that the user names", "Use https, or name the host in --allow-http.";
    ResponseInvalid = 218, "RESPONSE_INVALID", Undecided, Registry, "the registry's answer is not what the protocol allows", "Check that the address is a registry's.";
    AbsenceNotProved = 280, "ABSENCE_NOT_PROVED", Undecided, Caller, "what was found does not show that there is nothing else, and the answer depends on that", "Ask the registry itself: saved evidence and failed requests never show that there is no other.";

    // 300–399: OCI documents.
    ManifestInvalid = 300, "MANIFEST_INVALID", Rejected, Registry, "the manifest or index cannot be used", "Push a manifest that follows the OCI image specification.";
    ManifestAmbiguous = 301, "MANIFEST_AMBIGUOUS", Rejected, Registry, "the document claims to be a manifest and an index at once", "Push an unambiguous document (image-spec, CVE-2021-41190).";
    MediaTypeUnsupported = 302, "MEDIA_TYPE_UNSUPPORTED", Rejected, Registry, "the media type is not supported", "Use OCI or Docker schema 2 manifests.";
    ReferrerForOtherSubject = 303, "REFERRER_FOR_OTHER_SUBJECT", Rejected, Registry, "the referrer names another image as its subject", "The registry listed content of another image.";
    LayerUnsupported = 304, "LAYER_UNSUPPORTED", Rejected, Signer, "the layer is no signature of a known kind", "Nothing, where it is other content; else sign with a supported tool.";
    PlatformNotFound = 305, "PLATFORM_NOT_FOUND", Rejected, Caller, "the index lists no such platform", "Name one of the platforms that the index lists.";

    // 400–499: signed documents.
    BundleMalformed = 400, "BUNDLE_MALFORMED", Rejected, Signer, "the bundle breaks a rule of its format", "Sign again with a current tool.";
    BundleVersionUnsupported = 401, "BUNDLE_VERSION_UNSUPPORTED", Rejected, Signer, "the bundle's media type or version is not supported", "Use bundle v0.1, v0.2 or v0.3.";
    BundleChainForbidden = 402, "BUNDLE_CHAIN_FORBIDDEN", Rejected, Signer, "a v0.3 bundle may hold one certificate, not a chain", "Sign with a tool that writes the leaf only, or opt in to chains.";
    PayloadMalformed = 403, "PAYLOAD_MALFORMED", Rejected, Signer, "the simple-signing payload breaks a rule of its format", "Sign again with a current tool.";
    SignatureMalformed = 404, "SIGNATURE_MALFORMED", Rejected, Signer, "the signature is missing or badly encoded", "Sign again.";
    EnvelopeMalformed = 405, "ENVELOPE_MALFORMED", Rejected, Signer, "the DSSE envelope breaks a rule of its format", "Sign again with exactly one signature.";
    StatementMalformed = 406, "STATEMENT_MALFORMED", Rejected, Signer, "the in-toto statement breaks a rule of its format", "Make the attestation again.";
    PayloadTypeUnsupported = 407, "PAYLOAD_TYPE_UNSUPPORTED", Rejected, Signer, "the payload type is not application/vnd.in-toto+json", "Sign an in-toto statement.";
    AnnotationMalformed = 408, "ANNOTATION_MALFORMED", Rejected, Signer, "an annotation of the signature cannot be read", "Sign again with a current tool.";
    JsonInvalid = 409, "JSON_INVALID", Rejected, Signer, "the document is not the strict JSON expected", "Doubled or unknown fields, floats and trailing data are refused.";
    BudgetExhausted = 410, "BUDGET_EXHAUSTED", Undecided, Registry, "the work that one candidate may take is used up", "Remove what does not belong to the image, or raise the bound.";
    TooManyEntries = 411, "TOO_MANY_ENTRIES", Rejected, Signer, "the document holds more entries than the bound", "Sign again; honest documents hold a few.";
    NotYetSupported = 412, "NOT_YET_SUPPORTED", Rejected, Authors, "this kind of evidence is not supported yet and never counts", "Use a supported kind, or a later version of veriseal.";

    // 500–599: signatures and keys.
    SignatureInvalid = 500, "SIGNATURE_INVALID", Rejected, Signer, "the signature does not verify with the trusted key", "Sign with the trusted key, or trust the key that signed.";
    AlgorithmUnsupported = 501, "ALGORITHM_UNSUPPORTED", Rejected, Signer, "the algorithm is not supported or not allowed", "Use ECDSA P-256/384/521, Ed25519 or RSA 2048–8192 with SHA-2.";
    SignerKindMismatch = 502, "SIGNER_KIND_MISMATCH", Rejected, Signer, "signed by a certificate where a key is trusted, or by a key where an identity is", "Sign the way the policy asks, or change the policy.";
    KeyHintMismatch = 503, "KEY_HINT_MISMATCH", Rejected, Signer, "key hints inside the bundle contradict each other", "Sign again; keyid and hint must name one key.";
    KeyOutsideWindow = 504, "KEY_OUTSIDE_WINDOW", Rejected, Signer, "the key was used outside its validity window", "Sign within the window, or change the window in the policy.";
    NeedsArtifactBytes = 505, "NEEDS_ARTIFACT_BYTES", Undecided, Caller, "this signature can only be verified over the bytes, not over a digest", "Give the artifact itself: pure Ed25519 has no prehash.";

    // 600–699: certificates.
    CertificateMalformed = 600, "CERTIFICATE_MALFORMED", Rejected, Signer, "the certificate cannot be parsed strictly", "Issue the certificate again as strict DER.";
    CertificateUntrusted = 601, "CERTIFICATE_UNTRUSTED", Rejected, Signer, "no path from the certificate to a trusted authority", "Trust the issuing authority, or sign with a certificate of a trusted one.";
    CertificateNotValidAt = 602, "CERTIFICATE_NOT_VALID_AT", Rejected, Signer, "a certificate of the path was not valid at an authenticated time", "Sign while the certificate is valid.";
    CertificatePurpose = 604, "CERTIFICATE_PURPOSE", Rejected, Signer, "the certificate may not be used for this purpose", "Issue it with the needed key usage and extended key usage.";
    CertificateConstraint = 605, "CERTIFICATE_CONSTRAINT", Rejected, TrustOperator, "a constraint of the path does not hold", "Basic constraints, path length or name constraints forbid this path.";
    CriticalExtensionUnknown = 606, "CRITICAL_EXTENSION_UNKNOWN", Rejected, TrustOperator, "a critical extension is not understood", "RFC 5280 §4.2: such a certificate must be refused.";
    CertificateSignatureInvalid = 607, "CERTIFICATE_SIGNATURE_INVALID", Rejected, TrustOperator, "a certificate of the path is not signed by its issuer", "Check for forged or mixed-up certificates.";
    EmbeddedRootForbidden = 608, "EMBEDDED_ROOT_FORBIDDEN", Rejected, Signer, "the bundle carries a self-signed certificate", "Roots come from the trusted root, never from a bundle.";
    SubjectAlternativeName = 609, "SUBJECT_ALTERNATIVE_NAME", Rejected, Signer, "the certificate does not name exactly one usable subject", "Use a certificate with one email, URI or username.";
    FulcioExtensionMalformed = 610, "FULCIO_EXTENSION_MALFORMED", Rejected, TrustOperator, "a Fulcio extension is malformed or contradicts another", "Issue the certificate again.";
    NoAuthority = 611, "NO_AUTHORITY", Rejected, Caller, "the trusted root has no certificate authority for this", "Use a trusted root with the authority that issued the certificate.";
    SctMissing = 620, "SCT_MISSING", Rejected, Signer, "the certificate has no signed certificate timestamp", "Use a certificate authority that logs what it issues, or set sct: ignored for your own CA.";
    SctMalformed = 621, "SCT_MALFORMED", Rejected, TrustOperator, "the signed certificate timestamps cannot be parsed", "Issue the certificate again.";
    SctInvalid = 622, "SCT_INVALID", Rejected, TrustOperator, "no signed certificate timestamp verifies", "Check that the trusted root holds the key of the CT log.";
    SctLogUnknown = 623, "SCT_LOG_UNKNOWN", Rejected, TrustOperator, "the certificate was logged only in unknown CT logs", "Use a trusted root that holds the key of the CT log.";
    SctOutsideWindow = 624, "SCT_OUTSIDE_WINDOW", Rejected, TrustOperator, "the signed certificate timestamp lies outside the window of its log's key", "Use a trusted root with the right window.";

    // 700–799: transparency logs.
    LogEntryMissing = 700, "LOG_ENTRY_MISSING", Rejected, Signer, "no transparency-log entry, and the policy requires one", "Sign with a log, or set tlog: ignored where no log is used.";
    LogUnknown = 701, "LOG_UNKNOWN", Rejected, TrustOperator, "the entry belongs to a log that is not trusted", "Use a trusted root that holds the key of this log.";
    LogEntryMalformed = 702, "LOG_ENTRY_MALFORMED", Rejected, Signer, "the log entry cannot be parsed", "Sign again with a current tool.";
    LogEntryKindUnsupported = 703, "LOG_ENTRY_KIND_UNSUPPORTED", Rejected, Signer, "the kind or version of the log entry is not supported here", "Use hashedrekord, dsse or intoto entries.";
    LogEntryKindMismatch = 704, "LOG_ENTRY_KIND_MISMATCH", Rejected, Signer, "the entry's stated kind is not that of its body", "The bundle was altered or wrongly made.";
    InclusionProofMissing = 705, "INCLUSION_PROOF_MISSING", Rejected, Signer, "the entry has no inclusion proof where one is required", "Sign again with a current tool.";
    InclusionProofInvalid = 706, "INCLUSION_PROOF_INVALID", Rejected, TrustOperator, "the inclusion proof does not lead to the checkpoint's root", "The entry is not in the log, or the proof was altered.";
    CheckpointMissing = 707, "CHECKPOINT_MISSING", Rejected, Signer, "the inclusion proof has no checkpoint", "Sign again with a current tool.";
    CheckpointMalformed = 708, "CHECKPOINT_MALFORMED", Rejected, TrustOperator, "the checkpoint cannot be parsed", "C2SP tlog-checkpoint says how it must look.";
    CheckpointSignatureInvalid = 709, "CHECKPOINT_SIGNATURE_INVALID", Rejected, TrustOperator, "no valid signature of the log under the checkpoint", "The checkpoint was altered or is another log's.";
    CheckpointMismatch = 710, "CHECKPOINT_MISMATCH", Rejected, TrustOperator, "the checkpoint states another root, size or origin than expected", "The proof and the checkpoint do not belong together.";
    SetMissing = 711, "SET_MISSING", Rejected, Signer, "the entry has no signed entry timestamp where one is required", "Sign again with a current tool.";
    SetInvalid = 712, "SET_INVALID", Rejected, TrustOperator, "the signed entry timestamp does not verify", "The entry was altered or is another log's.";
    SetUnexpected = 713, "SET_UNEXPECTED", Rejected, Signer, "a Rekor v2 entry carries a signed entry timestamp", "Rekor v2 makes no such promise: the bundle was altered.";
    LogKeyOutsideWindow = 714, "LOG_KEY_OUTSIDE_WINDOW", Rejected, TrustOperator, "the log's key was not valid at that time", "Use a trusted root with the right window.";
    EntryMismatchSignature = 715, "ENTRY_MISMATCH_SIGNATURE", Rejected, Signer, "the log entry is about another signature", "The entry belongs to something else.";
    EntryMismatchKey = 716, "ENTRY_MISMATCH_KEY", Rejected, Signer, "the log entry is about another key or certificate", "The entry belongs to something else.";
    EntryMismatchDigest = 717, "ENTRY_MISMATCH_DIGEST", Rejected, Signer, "the log entry is about another digest", "The entry belongs to something else.";
    EntryMismatchField = 718, "ENTRY_MISMATCH_FIELD", Rejected, Signer, "a field of the log entry contradicts the signature it should be about", "The entry belongs to something else.";
    LogEntryDuplicate = 719, "LOG_ENTRY_DUPLICATE", Rejected, Signer, "the same log entry stands twice", "Sign again; each entry counts once.";
    LogThreshold = 720, "LOG_THRESHOLD", Rejected, Signer, "fewer distinct logs than the policy asks for", "Enter the signature in more logs, or lower the number.";
    WitnessThreshold = 721, "WITNESS_THRESHOLD", Rejected, TrustOperator, "fewer distinct witnesses than the policy asks for", "Use checkpoints that more witnesses cosigned.";
    IntegratedTimeOutsideCertificate = 722, "INTEGRATED_TIME_OUTSIDE_CERTIFICATE", Rejected, Signer, "the log's time lies outside the certificate's validity", "Sign and log while the certificate is valid.";
    IntegratedTimeInFuture = 723, "INTEGRATED_TIME_IN_FUTURE", Rejected, TrustOperator, "the log's time lies after the verification time", "Check the clock given to the verifier.";
    ConsistencyProofInvalid = 724, "CONSISTENCY_PROOF_INVALID", Rejected, TrustOperator, "the consistency proof does not lead from the older root to the newer one", "The log may have forked, or the proof was altered.";

    // 800–899: time.
    NoAuthenticatedTime = 800, "NO_AUTHENTICATED_TIME", Rejected, Signer, "nothing authenticates when this was signed", "Sign with a transparency log (Rekor v1) or a timestamp authority.";
    TimestampMalformed = 801, "TIMESTAMP_MALFORMED", Rejected, Signer, "the timestamp token cannot be parsed", "Use a timestamp authority that follows RFC 3161.";
    TimestampNotGranted = 802, "TIMESTAMP_NOT_GRANTED", Rejected, Signer, "the timestamp response was not granted", "Ask the timestamp authority again.";
    TimestampImprintMismatch = 803, "TIMESTAMP_IMPRINT_MISMATCH", Rejected, Signer, "the timestamp is about other bytes", "The token belongs to another signature.";
    TimestampAttributeInvalid = 804, "TIMESTAMP_ATTRIBUTE_INVALID", Rejected, TrustOperator, "the signed attributes of the timestamp are not as required", "RFC 5652 §5.3, RFC 5035.";
    TimestampSignerNotFound = 805, "TIMESTAMP_SIGNER_NOT_FOUND", Rejected, TrustOperator, "the certificate that signed the timestamp is not there", "Use a token with its certificate, or a trusted root that has it.";
    TimestampSignatureInvalid = 806, "TIMESTAMP_SIGNATURE_INVALID", Rejected, TrustOperator, "the timestamp's signature does not verify", "The token was altered.";
    TimestampUntrusted = 807, "TIMESTAMP_UNTRUSTED", Rejected, TrustOperator, "the timestamp's authority is not trusted", "Use a trusted root with this authority.";
    TimestampOutsideWindow = 808, "TIMESTAMP_OUTSIDE_WINDOW", Rejected, TrustOperator, "the timestamp lies outside its authority's window", "Use a trusted root with the right window.";
    TimestampThreshold = 809, "TIMESTAMP_THRESHOLD", Rejected, Signer, "fewer distinct timestamp authorities than the policy asks for", "Have the signature stamped by more authorities, or lower the number.";
    TimestampInFuture = 810, "TIMESTAMP_IN_FUTURE", Rejected, TrustOperator, "the timestamp lies after the verification time", "Check the clock given to the verifier.";
    TimestampCertificateNotValidAt = 811, "TIMESTAMP_CERTIFICATE_NOT_VALID_AT", Rejected, TrustOperator, "a certificate of the timestamp authority was not valid at the stamped time", "Ask the authority.";
    TimestampPurpose = 812, "TIMESTAMP_PURPOSE", Rejected, TrustOperator, "the timestamp's certificate may not sign timestamps", "RFC 3161 §2.3: critical extended key usage, timeStamping alone.";

    // 900–999: subject, statement, identity.
    StatementSubjectMismatch = 900, "STATEMENT_SUBJECT_MISMATCH", Rejected, Signer, "the signed statement is about other artifacts", "Attest this artifact.";
    PredicateTypeMismatch = 901, "PREDICATE_TYPE_MISMATCH", Rejected, Signer, "an attestation of another type: it does not count as what is asked for", "Ask for this predicate type by name, or sign the image.";
    IdentityMismatch = 902, "IDENTITY_MISMATCH", Rejected, Signer, "the signer is not the identity that the policy names", "Sign as the expected identity, or change the policy.";
    IssuerMismatch = 903, "ISSUER_MISMATCH", Rejected, Signer, "the identity was vouched for by another issuer", "Sign with the expected issuer, or change the policy.";
    ExtensionMismatch = 904, "EXTENSION_MISMATCH", Rejected, Signer, "a certificate extension has not the value that the policy names", "Sign from the expected source, or change the policy.";
    ArtifactDigestMismatch = 906, "ARTIFACT_DIGEST_MISMATCH", Rejected, Signer, "the bundle's digest is not the artifact's", "This bundle belongs to another artifact.";
    PredicateMismatch = 920, "PREDICATE_MISMATCH", Rejected, Signer, "the attestation's predicate has not the value that the policy asks for", "Attest what the policy asks for, or change its where.";
    AttestationTooOld = 921, "ATTESTATION_TOO_OLD", Rejected, Signer, "the attestation is older than the policy allows", "Attest anew, or raise maxAge.";
    AttestationSuperseded = 922, "ATTESTATION_SUPERSEDED", Rejected, Signer, "another attestation of the type does not say what the policy asks the newest, or all of them, to say", "Read what the others say; attest anew, or do not ask for newest or all.";
    SubjectDnMismatch = 923, "SUBJECT_DN_MISMATCH", Rejected, Signer, "the certificate's distinguished name has not the attribute that the policy names", "Sign with the expected certificate, or change the policy.";
    PolicyOidMismatch = 924, "POLICY_OID_MISMATCH", Rejected, Signer, "the certificate was not issued under the certificate policy that the policy names", "Sign with a certificate of that policy, or change the policy.";

    // 1000–1099: notices.
    TrustRootOld = 1000, "TRUST_ROOT_OLD", Notice, Caller, "the trusted root is older than the stated age", "Update veriseal, or give a newer trusted root.";
    DockerReferenceDiffers = 1001, "DOCKER_REFERENCE_DIFFERS", Notice, Signer, "the signed payload names another repository; by default it is reported, not enforced", "Nothing, where images are copied between registries.";
    PatternUnanchored = 1002, "PATTERN_UNANCHORED", Notice, Caller, "the pattern would have matched more if it were not anchored", "Patterns match the whole string here; write .* where you mean it.";
    TimeGiven = 1003, "TIME_GIVEN", Notice, Caller, "the verification time was given, not read from a clock", "Leave it out where the present is meant.";
    LogIgnored = 1004, "LOG_IGNORED", Notice, Caller, "the transparency log is ignored", "Removal and back-dating cannot be noticed without it.";
    LogIfPresent = 1005, "LOG_IF_PRESENT", Notice, Caller, "a missing transparency-log entry is tolerated", "Whoever can strip the entry can hide that it was never logged.";
    SctIgnored = 1006, "SCT_IGNORED", Notice, Caller, "certificate transparency is ignored", "Only for a certificate authority of your own.";
    TagUnresolved = 1009, "TAG_UNRESOLVED", Notice, Registry, "the tag beside the digest could not be resolved", "The digest rules; the tag is only compared.";
    ClaimOfFile = 1010, "CLAIM_OF_FILE", Notice, Caller, "the evidence file claims this; it cannot be checked offline", "Do not rely on it for absence, order or tags.";
    TrustInstanceSkipped = 1011, "TRUST_INSTANCE_SKIPPED", Notice, TrustOperator, "an entry of the trusted root is not supported and was left out", "Nothing, where nothing needs it.";
    ChainOptIn = 1012, "CHAIN_OPT_IN", Notice, Caller, "certificate chains in v0.3 bundles are allowed", "Only for a certificate authority of your own.";
    AnyStatement = 1013, "ANY_STATEMENT", Notice, Caller, "a statement of any predicate type is taken", "Name the predicate type where the statement decides something.";
    ExceptionApplies = 1014, "EXCEPTION_APPLIES", Notice, Caller, "accepted by an exception, without any signature", "Sign the image before the exception ends.";
    NotEnforced = 1015, "NOT_ENFORCED", Notice, Caller, "the policy is in mode warn or audit: a denial is reported, not enforced", "Set mode: enforce once the reports are clean.";
    RegistryCouldWithhold = 1016, "REGISTRY_COULD_WITHHOLD", Notice, Caller, "newest and all are about what the registry showed: it could withhold an attestation unnoticed", "Where that matters, limit the age with maxAge.";
    AnswersReused = 1020, "ANSWERS_REUSED", Notice, Caller, "tags, referrer lists and misses may be as old as the stated time", "Give no time to live where a moved tag or a new signature must be seen at once.";
    IndexNotSigned = 1025, "INDEX_NOT_SIGNED", Notice, Signer, "each platform manifest is signed by itself, the index that lists them is not", "Sign the index as well: which manifests belong together nobody vouched for.";
    IntotoV1OptIn = 1030, "INTOTO_V1_OPT_IN", Notice, Caller, "intoto 0.0.1 log entries, which hold no signature, are taken for attestations", "Only for attestations that an older cosign made; attest again where you can.";
    ReportTruncated = 1031, "REPORT_TRUNCATED", Notice, Caller, "refusals beyond what a report tells were left out; none of them changes the verdict", "Remove what does not belong to the image, or raise Limits::report_checks.";

    // 1100–1199: defects.
    Internal = 1100, "INTERNAL", Internal, Authors, "veriseal met a state that should not exist", "Report this as a defect.";

    // 1200–1299: Kubernetes admission.
    AdmissionMalformed = 1200, "ADMISSION_MALFORMED", Rejected, Caller, "the admission request cannot be read", "Send an AdmissionReview of admission.k8s.io/v1.";
    KindNotReviewed = 1201, "KIND_NOT_REVIEWED", Rejected, Caller, "objects of this kind cannot be reviewed", "Register the webhook for the workload kinds alone.";
    ImageFieldMalformed = 1202, "IMAGE_FIELD_MALFORMED", Rejected, Caller, "a place that names an image cannot be read", "Name every image in full, as text.";
    OutOfScope = 1203, "OUT_OF_SCOPE", Notice, Caller, "the policy is not about this namespace: nothing was verified", "Add the namespace to the policy's admission.namespaces where it should be.";
    AdmissionOverloaded = 1204, "ADMISSION_OVERLOADED", Undecided, Caller, "too many requests at once", "Try again, or run more replicas.";
    AuditUnavailable = 1205, "AUDIT_UNAVAILABLE", Undecided, Caller, "the decision could not be written down", "Look at what takes the audit log: its disk, or its reader.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Numbers of codes that are gone: KEY_MISMATCH, CERTIFICATE_MISSING, DOCKER_REFERENCE_MISMATCH, ANNOTATION_MISMATCH,
    /// UNCOUNTED_TIMESTAMP and UNCOUNTED_LOG_ENTRY, which nothing ever produced.
    const RESERVED: &[u16] = &[506, 603, 905, 907, 1007, 1008];

    #[test]
    fn the_numbers_of_codes_that_are_gone_stay_unused() {
        assert!(Code::ALL.iter().all(|code| !RESERVED.contains(&code.number())));
    }

    #[test]
    fn numbers_and_names_are_unique_and_ascending() {
        let numbers: Vec<_> = Code::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.is_sorted());
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn a_name_is_its_variant_in_upper_case() {
        for code in Code::ALL {
            let mut spelled = String::new();
            for (at, c) in format!("{code:?}").char_indices() {
                if at > 0 && c.is_ascii_uppercase() {
                    spelled.push('_');
                }
                spelled.push(c.to_ascii_uppercase());
            }
            assert_eq!(spelled, code.name());
        }
    }
}
