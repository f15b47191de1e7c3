//! The command line. Its text is what users read first: every option says what it decides.

use crate::console::Console;
use crate::exit::Exit;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const EXIT_STATUS: &str = "\
Exit status: 0 accepted
             1 rejected
             2 the command line, or something that it names, cannot be used
             3 undecided: it could not be found out; never a success
Several images are all verified; the answer is then the first of 2, 1, 3, 0 that occurs.

With --output json one image gives one document over several lines, and several images give
one document a line each, in their order. An image whose name or source cannot be used has no
document, but a line on standard error.";

const TREE_HELP: &str = "\
Exit status: 0 all was looked at; says nothing about whether the image may be used: verify does
             2 the command line, or something that it names, cannot be used
             3 something could not be looked at

Without --key, --certificate-identity or --policy nothing is verified, and everything is shown
as such. Every platform is shown, unless --platform names fewer.";

#[cfg(feature = "admission-server")]
const SERVE_HELP: &str = "\
Runs until SIGTERM or SIGINT. Exit status: 0 stopped; 2 an option, or a file that it names,
cannot be used. Each decision is a line of JSON on standard output, or in --audit-log.";

/// Is this what our build produced, signed by whom we trust, and may it run?
#[derive(Debug, Parser)]
#[command(name = "veriseal", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Verifies images in registries and in OCI layouts
    #[command(after_help = EXIT_STATUS)]
    Verify(VerifyArguments),
    /// Judges saved evidence, offline, as `verify` would have judged it
    #[command(after_help = EXIT_STATUS)]
    Judge(JudgeArguments),
    /// Verifies one Sigstore bundle for one file or digest; ends with 0 or 1 only
    VerifyBundle(VerifyBundleArguments),
    /// Shows signed, unsigned, altered and re-tagged images in a registry inside this process
    #[cfg(feature = "demo")]
    Demo,
    /// Checks, explains, compares and tries policy files
    Policy(PolicyArguments),
    /// Verifies images and writes their digests to a lock file, for `verify --locked`
    #[command(after_help = EXIT_STATUS)]
    Pin(PinArguments),
    /// Decides Kubernetes admission requests
    Admission(AdmissionArguments),
    /// Shows what is attached to an image, by where it is kept, and what of it verifies
    #[command(after_help = TREE_HELP)]
    Tree(TreeArguments),
    /// Says what digest a tag or a platform has; nothing is verified but that the bytes have it
    Digest(DigestArguments),
    /// Explains a code of a report, or lists all codes
    Codes(CodesArguments),
}

/// Arguments of `tree`.
#[derive(Args, Debug)]
pub(crate) struct TreeArguments {
    /// The image: REGISTRY/REPOSITORY[:TAG][@DIGEST], or oci:PATH[:TAG][@DIGEST] for an OCI layout
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) judging: JudgingArguments,
    #[command(flatten)]
    pub(crate) signatures: SignatureArguments,
    #[command(flatten)]
    pub(crate) registry: RegistryArguments,
}

/// Arguments of `digest`.
#[derive(Args, Debug)]
pub(crate) struct DigestArguments {
    /// Images: REGISTRY/REPOSITORY[:TAG][@DIGEST], or oci:PATH[:TAG][@DIGEST] for an OCI layout
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<String>,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
    #[command(flatten)]
    pub(crate) registry: RegistryArguments,
}

/// Of an image for several platforms, which is meant.
#[derive(Args, Debug, Default)]
pub(crate) struct PlatformArguments {
    /// os/arch[/variant] for the manifest of that platform, all, or index for what is named itself (the default); of
    /// several, each must be listed
    #[arg(long, value_name = "PLATFORM", value_delimiter = ',')]
    pub(crate) platform: Vec<String>,
}

/// Where signatures are.
#[derive(Args, Debug, Default)]
pub(crate) struct SignatureArguments {
    /// Look for signatures in this repository, and not beside the image (cosign's COSIGN_REPOSITORY)
    #[arg(long, value_name = "REPOSITORY")]
    pub(crate) signature_repository: Option<String>,
}

/// Arguments of `pin`.
#[derive(Args, Debug)]
pub(crate) struct PinArguments {
    /// The lock file; what it holds already is kept, unless it is named again
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: PathBuf,
    #[command(flatten)]
    pub(crate) verify: VerifyArguments,
}

/// Arguments of `admission`.
#[derive(Args, Debug)]
pub(crate) struct AdmissionArguments {
    #[command(subcommand)]
    pub(crate) command: AdmissionCommand,
}

/// What to do about admission.
#[derive(Debug, Subcommand)]
pub(crate) enum AdmissionCommand {
    /// Reviews one recorded AdmissionReview and prints the answer as JSON, as the webhook would give it
    #[command(
        after_help = "Exit status: 0 the object would be admitted, 1 it would be denied, 2 a file or an option cannot be used."
    )]
    Review(Box<AdmissionReviewArguments>),
    /// Serves the webhook over HTTPS: POST /mutate and /validate; GET /healthz, /readyz and /metrics
    #[cfg(feature = "admission-server")]
    #[command(after_help = SERVE_HELP)]
    Serve(Box<AdmissionServeArguments>),
}

/// Arguments of `admission serve`.
#[cfg(feature = "admission-server")]
#[derive(Args, Debug)]
pub(crate) struct AdmissionServeArguments {
    /// A policy file; may be given several times, every one that is about the namespace must accept
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) policy: Vec<PathBuf>,
    /// The server's certificate with its chain (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: PathBuf,
    /// Its private key (PEM, not encrypted)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: PathBuf,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8443")]
    pub(crate) listen: std::net::SocketAddr,
    /// Let everything pass that can be read, and say what would have been denied
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Answer within so many seconds; set the webhook's timeoutSeconds higher
    #[arg(long, value_name = "SECONDS", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=25))]
    pub(crate) deadline: u64,
    /// Requests under way at a time; more are denied
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) max_requests: u64,
    /// Images of one registry under way at a time, so that one that hangs does not take the places of the others
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) max_images_per_registry: u64,
    /// Acceptances that are remembered, so that the same evidence is not verified again
    #[arg(long, value_name = "N", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(crate) verdict_cache: u32,
    /// Append the audit log to this file and not to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_log: Option<PathBuf>,
    /// Put the audit log aside when it has so many MiB
    #[arg(long, value_name = "MIB", default_value_t = 100, requires = "audit_log", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) audit_log_size: u64,
    /// How many audit logs that were put aside are kept
    #[arg(long, value_name = "N", default_value_t = 5, requires = "audit_log", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) audit_log_keep: u32,
    /// What becomes of a decision that cannot be written down at once
    #[arg(long, value_enum, default_value_t = AuditFull::Deny)]
    pub(crate) audit_full: AuditFull,
    /// Read policies and certificate again so often; SIGHUP reads them at once
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) reload: u64,
    /// Take requests for so long after SIGTERM, while /readyz says no
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub(crate) stop_delay: u64,
    #[command(flatten)]
    pub(crate) signatures: SignatureArguments,
    #[command(flatten)]
    pub(crate) registry: RegistryArguments,
}

/// `--audit-full`.
#[cfg(feature = "admission-server")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditFull {
    /// It is denied
    Deny,
    /// It waits until the deadline, and is denied then
    Wait,
}

/// Arguments of `admission review`.
#[derive(Args, Debug)]
pub(crate) struct AdmissionReviewArguments {
    /// The request: an AdmissionReview of admission.k8s.io/v1 as JSON
    #[arg(value_name = "FILE")]
    pub(crate) review: PathBuf,
    /// A policy file; may be given several times, every one that is about the namespace must accept
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) policy: Vec<PathBuf>,
    /// Answer as the validating webhook: images must be named by digest, and nothing is patched
    #[arg(long)]
    pub(crate) validating: bool,
    /// Let everything pass, and say what would have been denied
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Judge as of this moment (RFC 3339), not as of now; the records say so
    #[arg(long, value_name = "TIME")]
    pub(crate) verification_time: Option<String>,
    #[command(flatten)]
    pub(crate) signatures: SignatureArguments,
    #[command(flatten)]
    pub(crate) registry: RegistryArguments,
}

/// Arguments of `policy`.
#[derive(Args, Debug)]
pub(crate) struct PolicyArguments {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

/// What to do with policy files.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Says what loads but is probably not meant; ends with 0 (clean), 1 (warnings) or 2 (does not load)
    Lint {
        /// The policy; the keys and trust roots that it names are read
        #[arg(value_name = "FILE")]
        policy: PathBuf,
        /// How the findings are printed
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Says which rule is about an image, and why that one; nothing is fetched
    Explain {
        /// The policy
        #[arg(long, value_name = "FILE")]
        policy: PathBuf,
        /// Images
        #[arg(value_name = "IMAGE", required = true)]
        images: Vec<String>,
        /// How the explanations are printed
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Says what changes for images when one policy takes the place of another; ends with 0 (nothing) or 1
    Diff {
        /// The policy before
        #[arg(value_name = "BEFORE")]
        before: PathBuf,
        /// The policy after
        #[arg(value_name = "AFTER")]
        after: PathBuf,
        /// Images
        #[arg(value_name = "IMAGE", required = true)]
        images: Vec<String>,
        /// How the difference is printed
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Judges saved evidence and compares with what is expected; ends with 0 (all as expected) or 1
    Test {
        /// The cases; the policy and the evidence that they name are read
        #[arg(value_name = "FILE")]
        cases: PathBuf,
        /// How the results are printed
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

/// Who may sign.
#[derive(Args, Debug, Default)]
pub(crate) struct AuthorityArguments {
    /// A trusted public key (PEM); may be given several times, any one of them suffices
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Vec<PathBuf>,
    /// The certificate's subject (e-mail address or URI), exactly
    #[arg(long, value_name = "IDENTITY")]
    pub(crate) certificate_identity: Option<String>,
    /// A pattern that the whole subject must match; together with the exact value both must hold
    #[arg(long, value_name = "PATTERN")]
    pub(crate) certificate_identity_regexp: Option<String>,
    /// The OIDC issuer that vouched for the subject, exactly
    #[arg(long, value_name = "URL")]
    pub(crate) certificate_oidc_issuer: Option<String>,
    /// A pattern that the whole issuer must match; together with the exact value both must hold
    #[arg(long, value_name = "PATTERN")]
    pub(crate) certificate_oidc_issuer_regexp: Option<String>,
}

/// What a signature must bring and say, by whom it is trusted, and how the answer is given: the same for `verify` and `judge`.
#[derive(Args, Debug)]
pub(crate) struct JudgingArguments {
    /// A policy file, which says who may sign what and what must come with it; may be given several times, every one
    /// must accept
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "certificate_identity", "certificate_identity_regexp",
          "certificate_oidc_issuer", "certificate_oidc_issuer_regexp", "platform", "trusted_root", "tlog", "sct", "timestamps", "attestation"])]
    pub(crate) policy: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) authority: AuthorityArguments,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
    /// Whom else to believe (logs, certificate and timestamp authorities): an embedded instance, or a trusted_root.json
    #[arg(long, value_name = "FILE|sigstore|sigstore-staging|github", default_value = "sigstore")]
    pub(crate) trusted_root: PathBuf,
    /// Whether a transparency-log entry must be there
    #[arg(long, value_enum, default_value_t = Tlog::Required)]
    pub(crate) tlog: Tlog,
    /// Whether the certificate must carry a signed certificate timestamp (identities only)
    #[arg(long, value_enum, default_value_t = Sct::Required)]
    pub(crate) sct: Sct,
    /// How many timestamp authorities must have stamped the signature
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) timestamps: usize,
    /// Ask for an attestation of this predicate type in place of a signature: a URI, or a short name of
    /// cosign's such as slsaprovenance1
    #[arg(long, value_name = "TYPE")]
    pub(crate) attestation: Option<String>,
    /// Judge as of this moment (RFC 3339), not as of now; the report says so
    #[arg(long, value_name = "TIME")]
    pub(crate) verification_time: Option<String>,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// `--tlog`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tlog {
    /// An entry of a trusted log must be there
    Required,
    /// An entry that is there must hold (weaker)
    IfPresent,
    /// Entries are not looked at (weaker)
    Ignored,
}

/// `--sct`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sct {
    /// One of a trusted log must be there
    Required,
    /// Not looked at (weaker)
    Ignored,
}

/// `--output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A tree for people
    Text,
    /// The report's JSON
    Json,
}

/// How registries are asked: the same for everything that asks them.
#[cfg(feature = "network")]
#[derive(Args, Debug)]
#[command(next_help_heading = "Registry options")]
pub(crate) struct RegistryArguments {
    /// Speak plain HTTP with this registry, and with no other; may be given several times
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) allow_http: Vec<String>,
    /// Credentials: a docker config.json or podman auth.json; nothing is read where none is named. May be given
    /// several times
    #[arg(long, value_name = "FILE")]
    pub(crate) registry_config: Vec<PathBuf>,
    /// Credentials: what docker login or podman login has stored, where these programs look for it
    #[arg(long, value_name = "PROGRAM", value_enum)]
    pub(crate) login_of: Vec<Login>,
    /// Credentials: a Kubernetes pull secret, as kubectl get secret -o json prints it
    #[arg(long, value_name = "FILE")]
    pub(crate) pull_secret: Vec<PathBuf>,
    /// Run the credential helpers that a config.json names; they are programs (docker-credential-NAME)
    #[arg(long)]
    pub(crate) credential_helpers: bool,
    /// Let this host issue tokens for the registry, which sends it the registry's credentials
    #[arg(long, value_name = "REGISTRY=HOST[:PORT]")]
    pub(crate) allow_realm: Vec<String>,
    /// Let redirects lead to this host although it is inside a private network and the registry is not
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) allow_redirect: Vec<String>,
    /// Trust the certificates in this PEM file for TLS, for all hosts or for one, beside the system's
    #[arg(long, value_name = "[HOST[:PORT]=]FILE")]
    pub(crate) registry_ca: Vec<OsString>,
    /// Trust for TLS what --registry-ca names alone, and not the system's certificates
    #[arg(long, requires = "registry_ca")]
    pub(crate) only_registry_ca: bool,
    /// Show this certificate (PEM, with its chain) to the registry, and to no other host; together with --client-key
    #[arg(long, value_name = "[HOST[:PORT]=]FILE", requires = "client_key")]
    pub(crate) client_cert: Option<OsString>,
    /// The private key of --client-cert (PEM, not encrypted)
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub(crate) client_key: Option<PathBuf>,
    /// Fetch what lies under a registry, or a path of it, from elsewhere; the image keeps its name; may be given
    /// several times
    #[arg(long, value_name = "HOST[/PATH]=HOST[/PATH]")]
    pub(crate) mirror: Vec<String>,
    /// Send everything through this HTTP proxy; the environment's is not used
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Keep fetched content in this directory; tags and lists of signatures are asked for anew each time
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) cache: Option<PathBuf>,
    /// How long one image may take: everything, retries included
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
}

/// Nothing to say: no registry can be asked.
#[cfg(not(feature = "network"))]
#[derive(Args, Debug)]
pub(crate) struct RegistryArguments {}

/// `--login-of`.
#[cfg(feature = "network")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Login {
    /// $DOCKER_CONFIG/config.json, else ~/.docker/config.json
    Docker,
    /// $REGISTRY_AUTH_FILE, else containers/auth.json in $XDG_RUNTIME_DIR or ~/.config
    Podman,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    /// Images: REGISTRY/REPOSITORY[:TAG][@DIGEST], or oci:PATH[:TAG][@DIGEST] for an OCI layout
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<String>,
    #[command(flatten)]
    pub(crate) judging: JudgingArguments,
    #[command(flatten)]
    pub(crate) signatures: SignatureArguments,
    /// Refuse what this lock file does not hold, or holds with another digest; only beside --policy
    #[arg(long, value_name = "FILE", requires = "policy")]
    pub(crate) locked: Option<PathBuf>,
    /// Append a line of JSON for each decision to this file; only beside --policy
    #[arg(long, value_name = "FILE", requires = "policy")]
    pub(crate) record: Option<PathBuf>,
    /// Save what was gathered, for `judge`: a folder, or an archive where the name ends in .tar; one image only
    #[arg(long, value_name = "PATH")]
    pub(crate) evidence_out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) registry: RegistryArguments,
}

/// Arguments of `judge`.
#[derive(Args, Debug)]
pub(crate) struct JudgeArguments {
    /// What `verify --evidence-out` saved
    #[arg(value_name = "EVIDENCE")]
    pub(crate) evidence: PathBuf,
    /// The image that is meant: it is never taken from the evidence
    #[arg(long, value_name = "REPOSITORY@DIGEST")]
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) judging: JudgingArguments,
}

/// Arguments of `verify-bundle`.
#[derive(Args, Debug)]
pub(crate) struct VerifyBundleArguments {
    /// Trust Sigstore's staging instance in place of the public one
    #[arg(long)]
    pub(crate) staging: bool,
    /// The bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: PathBuf,
    #[command(flatten)]
    pub(crate) authority: AuthorityArguments,
    /// A Sigstore trusted_root.json in place of the embedded one
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_root: Option<PathBuf>,
    /// The file, or sha256: and 64 hex digits where no file is called so
    #[arg(value_name = "FILE_OR_DIGEST")]
    pub(crate) artifact: PathBuf,
}

/// Arguments of `codes`.
#[derive(Args, Debug)]
pub(crate) struct CodesArguments {
    /// The name or number of a code, such as SIGNED_OTHER_DIGEST
    pub(crate) code: Option<String>,
}

/// Parses. Help and version are printed and accepted; a mistake is told on standard error.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>, console: &mut Console) -> Result<Command, Exit> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    CommandLine::try_parse_from(&arguments).map(|line| line.command).map_err(|error| {
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            console.print(error.render());
            return Exit::Accepted;
        }
        console.print_err(error.render());
        // The conformance suite knows success and failure only.
        let of_suite = arguments.get(1).is_some_and(|name| name == "verify-bundle");
        if of_suite { Exit::Rejected } else { Exit::Usage }
    })
}
