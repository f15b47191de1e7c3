//! [`Credentials`] and which registry each belongs to.
//!
//! Looked up by exact `host[:port]` (K-OC-12), with one name for Docker Hub; a docker `config.json` is read as data, and
//! the credential helpers that it names are never run. Does not send anything: [`crate::token`] does, to the registry
//! and its own token service alone.

use crate::Secret;
use crate::origin::canonical_registry;
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::collections::BTreeMap;
use veriseal::code::{Code, Failure};

/// Largest `config.json` that is read, in bytes.
const MAX_CONFIG_BYTES: usize = 1024 * 1024;

/// What a registry knows us by.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// User name and password, for Basic authentication (RFC 7617) at the registry or its token service.
    Password {
        /// The user name; it may not contain a colon.
        username: String,
        /// The password or access token.
        password: Secret,
    },
    /// An identity token (OAuth 2 refresh token): traded for access tokens at the registry's token service.
    IdentityToken(Secret),
    /// A bearer token (RFC 6750) for the registry itself.
    RegistryToken(Secret),
}

/// Credentials by registry and optional path, and the registries whose credentials are in a helper.
#[derive(Clone, Debug, Default)]
pub(crate) struct CredentialStore {
    entries: BTreeMap<String, Credentials>,
    helpers: BTreeMap<String, String>,
    default_helper: Option<String>,
}

impl CredentialStore {
    /// Adds credentials for a registry (`host[:port]`), or for what lies under a path of it (`host[:port]/path`).
    pub(crate) fn add(&mut self, key: &str, credentials: Credentials) -> Result<(), Failure> {
        if let Credentials::Password { username, .. } = &credentials
            && (username.contains(':') || username.chars().any(char::is_control))
        {
            return Err(Failure::new(Code::ConfigInvalid).expected("a user name without colon or control characters").at(key));
        }
        self.entries.insert(normalised_key(key), credentials);
        Ok(())
    }

    /// The credentials for a repository: those of the longest path, else those of the registry.
    pub(crate) fn find(&self, registry: &str, path: &str) -> Option<&Credentials> {
        let registry = canonical_registry(registry);
        let mut key = format!("{registry}/{path}");
        loop {
            if let Some(found) = self.entries.get(&key) {
                return Some(found);
            }
            key.truncate(key.rfind('/')?);
        }
    }

    /// The helper that a configuration names for a registry; it was not run.
    pub(crate) fn helper(&self, registry: &str) -> Option<&str> {
        self.helpers.get(&canonical_registry(registry)).or(self.default_helper.as_ref()).map(String::as_str)
    }

    /// Adds what a docker `config.json` (or podman `auth.json`, or a Kubernetes `.dockerconfigjson`) holds.
    pub(crate) fn add_docker_config(&mut self, json: &[u8]) -> Result<(), Failure> {
        if json.len() > MAX_CONFIG_BYTES {
            return Err(invalid("docker config").expected("at most 1 MiB"));
        }
        // The parser's message is not passed on: it may quote a secret.
        let file: File = serde_json::from_slice(json)
            .map_err(|error| invalid("docker config").found(format_args!("bad JSON in line {}", error.line())))?;
        for (key, entry) in file.auths {
            if let Some(credentials) = entry.credentials(&key)? {
                self.add(&key, credentials)?;
            }
        }
        self.helpers.extend(file.cred_helpers.into_iter().map(|(key, helper)| (normalised_key(&key), helper)));
        self.default_helper = file.creds_store.filter(|helper| !helper.is_empty()).or(self.default_helper.take());
        Ok(())
    }
}

fn invalid(at: &str) -> Failure {
    Failure::new(Code::ConfigInvalid).at(at)
}

/// `https://index.docker.io/v1/` and `HOST:PORT` in one form. A path stays where no scheme was written.
fn normalised_key(key: &str) -> String {
    let with_scheme = key.split_once("://").map(|(_, rest)| rest);
    let (host, path) = with_scheme.unwrap_or(key).split_once('/').unwrap_or((with_scheme.unwrap_or(key), ""));
    let path = path.trim_end_matches('/');
    let host = canonical_registry(host);
    if path.is_empty() || with_scheme.is_some() || path == "v1" || path == "v2" { host } else { format!("{host}/{path}") }
}

#[derive(serde::Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default, rename = "credHelpers")]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    creds_store: Option<String>,
}

#[derive(serde::Deserialize)]
struct Entry {
    #[serde(default)]
    auth: Option<Secret>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<Secret>,
    #[serde(default)]
    identitytoken: Option<Secret>,
    #[serde(default)]
    registrytoken: Option<Secret>,
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl Entry {
    /// Tokens before passwords, as docker does; an entry without any is one whose credentials are in a helper.
    fn credentials(self, key: &str) -> Result<Option<Credentials>, Failure> {
        let given = |secret: &Secret| !secret.expose().is_empty();
        if let Some(token) = self.identitytoken.filter(given) {
            return Ok(Some(Credentials::IdentityToken(token)));
        }
        if let Some(token) = self.registrytoken.filter(given) {
            return Ok(Some(Credentials::RegistryToken(token)));
        }
        if let Some(auth) = self.auth.filter(given) {
            return decode_auth(&auth).map(Some).ok_or_else(|| invalid(key).expected("auth as base64 of user:password"));
        }
        Ok(self.username.zip(self.password).map(|(username, password)| Credentials::Password { username, password }))
    }
}

/// base64 of `user:password`, padded or not; a trailing NUL is dropped, as docker does.
fn decode_auth(auth: &Secret) -> Option<Credentials> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(auth.expose()).ok()?;
    let text = Secret::new(String::from_utf8(bytes).ok()?);
    let (username, password) = text.expose().split_once(':')?;
    Some(Credentials::Password { username: username.to_owned(), password: Secret::new(password.trim_end_matches('\0')) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(json: &str) -> CredentialStore {
        let mut store = CredentialStore::default();
        store.add_docker_config(json.as_bytes()).unwrap();
        store
    }

    fn password(found: Option<&Credentials>) -> Option<(&str, &str)> {
        match found? {
            Credentials::Password { username, password } => Some((username, password.expose())),
            _ => None,
        }
    }

    const CONFIG: &str = r#"{"auths":{
        "https://index.docker.io/v1/":{"auth":"aHViOmh1Yg=="},
        "ghcr.io":{"auth":"dXNlcjpwYTpzcw"},
        "reg.example:5000":{"username":"u","password":"p"},
        "reg.example/team/app":{"auth":"dGVhbTp0ZWFt"},
        "https://acr.example/v2/":{"identitytoken":"id","auth":"eDp5"},
        "token.example":{"registrytoken":"rt"},
        "empty.example":{}},
        "credsStore":"","credHelpers":{"gcr.io":"gcloud"},"HttpHeaders":{"a":"b"}}"#;

    #[test]
    fn a_docker_config_is_read_in_all_its_forms() {
        let store = store(CONFIG);
        assert_eq!(password(store.find("docker.io", "library/alpine")), Some(("hub", "hub")));
        assert_eq!(password(store.find("registry-1.docker.io", "a")), Some(("hub", "hub")));
        assert_eq!(password(store.find("ghcr.io", "a/b")), Some(("user", "pa:ss")));
        assert_eq!(password(store.find("reg.example:5000", "a")), Some(("u", "p")));
        assert_eq!(password(store.find("reg.example", "team/app/sub")), Some(("team", "team")));
        assert!(matches!(store.find("acr.example", "a"), Some(Credentials::IdentityToken(token)) if token.expose() == "id"));
        assert!(matches!(store.find("token.example", "a"), Some(Credentials::RegistryToken(token)) if token.expose() == "rt"));
        assert!(store.find("empty.example", "a").is_none());
        assert_eq!(store.helper("gcr.io"), Some("gcloud"));
        assert_eq!(store.helper("ghcr.io"), None);
    }

    /// K-OC-12.
    #[test]
    fn credentials_are_found_for_the_exact_host_and_port_only() {
        let store = store(CONFIG);
        for registry in [
            "cr.io",
            "evil-ghcr.io",
            "ghcr.io.evil.example",
            "ghcr.io:443",
            "ghcr.io:5000",
            "reg.example:5001",
            "sub.ghcr.io",
            "evil.io/ghcr.io",
        ] {
            assert!(store.find(registry, "a/b").is_none(), "{registry}");
        }
        assert!(store.find("reg.example", "team/application").is_none());
        assert!(store.find("reg.example", "other").is_none());
    }

    #[test]
    fn a_config_that_cannot_be_used_is_config_invalid_and_shows_no_secret() {
        for json in [
            r#"{"auths":{"a":{"auth":"s3cret%%"}}}"#,
            r#"{"auths":{"a":{"auth":"czNjcmV0"}}}"#,
            r#"{"auths":{"a":{"auth":["s3cret"]}}}"#,
            r#"{"auths":{"a":{"username":"a:b","password":"s3cret"}}}"#,
            r#"{"auths":"s3cret"}"#,
        ] {
            let failure = CredentialStore::default().add_docker_config(json.as_bytes()).unwrap_err();
            assert_eq!(failure.code(), Code::ConfigInvalid, "{json}");
            assert!(!failure.to_string().contains("s3cret"), "{failure}");
        }
    }

    #[test]
    fn debug_of_credentials_shows_no_secret() {
        let shown = format!("{:?}", store(CONFIG));
        for secret in ["pa:ss", "\"id\"", "\"rt\""] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
