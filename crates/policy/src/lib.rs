//! Policy files: which images need which signatures, said once and loaded strictly.
//!
//! [`PolicyFile`] holds rules; exactly one of them, the most specific, is about an image. What a rule requires becomes a
//! [`veriseal::Policy`], and only a [`veriseal::Verifier`] decides over evidence: nothing here makes an acceptance. Loading
//! refuses whatever it does not understand with line, column and a hint, so that no clause is passed over.
//!
//! Everything that a file says can be built as well:
//!
//! ```
//! use veriseal::policy::{Glob, PredicateMatch, Selection, SubjectKind, ValueMatch};
//! use veriseal::{
//!     Authority, Claim, Exception, Identity, KeyAuthority, KeylessAuthority, PlatformChoice, PublicKey, Requirement,
//!     SignatureRequirement, StringMatch, TrustRoot, UnixTime, Validity,
//! };
//! use veriseal_policy::{ImagePattern, Mode, Pin, PolicyFile, Rule};
//! use std::sync::Arc;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pem = b"-----BEGIN PUBLIC KEY-----
//! # MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=
//! # -----END PUBLIC KEY-----";
//! let sigstore = Arc::new(TrustRoot::sigstore()?);
//! let until = UnixTime::parse_rfc3339("2027-06-30T00:00:00Z")?;
//! let key = KeyAuthority::new(PublicKey::from_pem(pem)?, "release.pub").valid_within(Validity { start: None, end: Some(until) });
//! let release = Identity::new(
//!     StringMatch::Glob(Glob::new("https://github.com/acme/*/.github/workflows/release.yml@refs/tags/v*")?),
//!     StringMatch::Exact("https://token.actions.githubusercontent.com".to_owned()),
//! )?
//! .kind(SubjectKind::Uri)
//! .extension("sourceRepositoryVisibilityAtSigning", StringMatch::Exact("public".to_owned()))?;
//! let release = Authority::Keyless(KeylessAuthority::new(vec![release])?);
//! let provenance = SignatureRequirement::new(release.clone())
//!     .claim(Claim::Attestation { predicate_type: "https://slsa.dev/provenance/v1".to_owned() })
//!     .saying(PredicateMatch::new("/buildDefinition/buildType", ValueMatch::text("https://acme.example/build"))?)
//!     .max_age(90 * 86_400)
//!     .selecting(Selection::Newest);
//! let require = Requirement::All(vec![
//!     Requirement::AtLeast { count: 2, of: vec![Requirement::signed_by(release), Requirement::signed_by(Authority::Key(key))] },
//!     Requirement::signature(provenance),
//! ]);
//! let busybox = Exception::new(["sha256:0000000000000000000000000000000000000000000000000000000000000000".parse()?], "ticket 42", until)?;
//! let images = |pattern| ImagePattern::new(pattern).map(|pattern| vec![pattern]);
//! let policy = PolicyFile::new(
//!     "built",
//!     Mode::Enforce,
//!     vec![
//!         Rule::require(images("ghcr.io/acme/**")?, require, sigstore.clone())?
//!             .pinned_by(Pin::RequireDigest)
//!             .for_platforms(PlatformChoice::all()),
//!         Rule::allow(images("docker.io/library/busybox")?, busybox, sigstore),
//!         Rule::deny(images("**")?, "not one of our registries"),
//!     ],
//! )?;
//! assert_eq!(policy.rule_for("ghcr.io/acme/app".parse::<veriseal::Reference>()?.repository()).map(|(rule, _)| rule.name()), Some("images[0]"));
//! # Ok(())
//! # }
//! ```
//!
//! The crate does no I/O but in [`PolicyFile::load`]; [`PolicyFile::parse`] is given the files that a policy names.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

mod cases;
mod compare;
mod error;
mod explain;
mod fields;
mod image_pattern;
mod lint;
mod load;
mod lock;
mod node;
mod policy_file;
mod record;
mod rule;

pub use cases::{Case, CaseResult, Cases, results_text};
pub use compare::{Change, Difference};
pub use error::{LoadError, Position};
pub use explain::Explanation;
pub use fields::OBJECTS;
pub use image_pattern::ImagePattern;
pub use lint::{Finding, Level, Lint};
pub use load::{Folder, Format};
pub use lock::Lock;
pub use policy_file::{Enforcement, PolicyFile};
pub use record::record;
pub use rule::{Action, Mode, Pin, Rule};
