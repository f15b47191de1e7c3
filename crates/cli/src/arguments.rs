//! The command line. Its text is what users read first: every option says what it decides.

use crate::console::Console;
use crate::exit::Exit;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Is this what our build produced, signed by whom we trust, and may it run?
#[derive(Debug, Parser)]
#[command(name = "veriseal", version, about, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Verifies one Sigstore bundle for one file or digest; ends with 0 or 1 only
    VerifyBundle(VerifyBundleArguments),
    /// Explains a code of a report, or lists all codes
    Codes(CodesArguments),
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
