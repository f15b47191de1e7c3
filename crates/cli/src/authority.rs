//! Who may vouch, from what the user wrote: keys, or one identity with its issuer; never both, never nobody.

use crate::arguments::AuthorityArguments;
use crate::file;
use std::path::Path;
use veriseal::{Authority, Failure, Identity, KeyAuthority, KeylessAuthority, Pattern, PublicKey, StringMatch};

/// Largest key file that is read, in bytes.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// The authorities; any one of them suffices. The error is one sentence for the user.
pub(crate) fn authorities(arguments: &AuthorityArguments) -> Result<Vec<Authority>, String> {
    let identity = named(
        arguments.certificate_identity.as_deref(),
        arguments.certificate_identity_regexp.as_deref(),
        "--certificate-identity",
    )?;
    let issuer = named(
        arguments.certificate_oidc_issuer.as_deref(),
        arguments.certificate_oidc_issuer_regexp.as_deref(),
        "--certificate-oidc-issuer",
    )?;
    match (arguments.key.is_empty(), identity, issuer) {
        (true, None, None) => Err("nobody is named who may sign: give --key FILE, or --certificate-identity together with \
                                   --certificate-oidc-issuer"
            .to_owned()),
        (false, None, None) => arguments.key.iter().map(|path| key(path)).collect(),
        (true, Some(identity), Some(issuer)) => {
            let keyless = Identity::new(identity, issuer).and_then(|identity| KeylessAuthority::new(vec![identity]));
            let keyless = keyless.map_err(|failure| format!("--certificate-identity: {failure}"))?;
            Ok(vec![Authority::Keyless(keyless)])
        }
        (true, Some(_), None) => {
            Err("--certificate-identity is given without --certificate-oidc-issuer: an identity means nothing without the \
                 issuer that vouches for it"
                .to_owned())
        }
        (true, None, Some(_)) => Err("--certificate-oidc-issuer is given without --certificate-identity: the issuer alone \
                                      would accept everybody whom it vouches for"
            .to_owned()),
        (false, _, _) => Err("--key is given together with --certificate-identity or --certificate-oidc-issuer: name either \
                              keys or an identity"
            .to_owned()),
    }
}

/// A trusted key from a PEM file.
pub(crate) fn key(path: &Path) -> Result<Authority, String> {
    let pem = file::read(path, MAX_KEY_BYTES).map_err(|why| format!("--key {why}"))?;
    let invalid = |failure: Failure| format!("--key {}: {failure}", file::show(path));
    let key = PublicKey::from_pem(&pem).map_err(invalid)?;
    Ok(Authority::Key(KeyAuthority::new(key, &file::show(path))))
}

/// An exact value, a pattern, or both, which then must both hold.
fn named(exact: Option<&str>, pattern: Option<&str>, option: &str) -> Result<Option<StringMatch>, String> {
    if exact == Some("") {
        return Err(format!("{option} is empty"));
    }
    let pattern = pattern.map(Pattern::new).transpose().map_err(|failure| format!("{option}-regexp: {failure}"))?;
    Ok(match (exact, pattern) {
        (None, None) => None,
        (Some(exact), None) => Some(StringMatch::Exact(exact.to_owned())),
        (None, Some(pattern)) => Some(StringMatch::Pattern(pattern)),
        (Some(exact), Some(pattern)) => Some(StringMatch::Both(exact.to_owned(), pattern)),
    })
}
