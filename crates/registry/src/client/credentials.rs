//! [`Credentials`] and which registry each belongs to.
//!
//! Looked up by exact `host[:port]` (K-OC-12), with one name for Docker Hub; a docker `config.json` is read as data, and
//! the credential helpers that it names are not run here: `helper` does, where the caller asked for it. Does not send anything: [`crate::client::token`] does, to the registry
//! and its own token service alone.

use crate::Secret;
use crate::client::cache::Scope;
use crate::client::origin::canonical_registry;
use crate::client::target::Target;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::collections::BTreeMap;
use veriseal::code::{Code, Failure};
use veriseal::digest::Digest;
use zeroize::Zeroizing;

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
    /// What the caller gave itself: comes before every file.
    given: BTreeMap<String, Credentials>,
    /// What files hold.
    entries: BTreeMap<String, Credentials>,
    helpers: BTreeMap<String, String>,
    default_helper: Option<String>,
}

impl CredentialStore {
    /// Adds credentials for a registry (`host[:port]`), or for what lies under a path of it (`host[:port]/path`).
    pub(crate) fn add(&mut self, key: &str, credentials: Credentials) -> Result<(), Failure> {
        self.given.insert(normalised_key(key), checked(key, credentials)?);
        Ok(())
    }

    /// The credentials that the caller gave for a repository: those of the longest path, else those of the registry.
    pub(crate) fn given(&self, registry: &str, path: &str) -> Option<&Credentials> {
        longest(&self.given, registry, path)
    }

    /// The credentials that files hold for a repository.
    pub(crate) fn of_files(&self, registry: &str, path: &str) -> Option<&Credentials> {
        longest(&self.entries, registry, path)
    }

    /// The credentials for a repository, from either.
    pub(crate) fn find(&self, registry: &str, path: &str) -> Option<&Credentials> {
        self.given(registry, path).or_else(|| self.of_files(registry, path))
    }

    /// The helper that a configuration names for a registry; it was not run.
    pub(crate) fn helper(&self, registry: &str) -> Option<&str> {
        self.helpers.get(&canonical_registry(registry)).or(self.default_helper.as_ref()).map(String::as_str)
    }

    /// Whose content is fetched from there. A password is left out, since a hash of it on a disk could be searched for;
    /// a token cannot be guessed.
    pub(crate) fn scope(&self, target: &Target, runs_helpers: bool) -> Scope {
        let Target { registry, path, home, .. } = target;
        let helper = self.helper(registry).filter(|_| runs_helpers && self.given(registry, path).is_none());
        let identity = match (helper, self.find(registry, path)) {
            (Some(helper), _) => ["helper", helper].map(str::to_owned),
            (None, None) => ["anonymous", ""].map(str::to_owned),
            (None, Some(Credentials::Password { username, .. })) => ["user", username].map(str::to_owned),
            (None, Some(Credentials::IdentityToken(token) | Credentials::RegistryToken(token))) => {
                ["token".to_owned(), Digest::sha256(token.expose().as_bytes()).hex()]
            }
        };
        let [kind, name] = &identity;
        Scope::new(&[&home.to_string(), path, kind, name])
    }

    /// Adds what a docker `config.json` (or podman `auth.json`, or a Kubernetes `.dockerconfigjson`) holds.
    pub(crate) fn add_docker_config(&mut self, json: &[u8]) -> Result<(), Failure> {
        let file: File = parse(json, "docker config")?;
        self.add_entries(file.auths)?;
        self.helpers.extend(file.cred_helpers.into_iter().map(|(key, helper)| (normalised_key(&key), helper)));
        self.default_helper = file.creds_store.filter(|helper| !helper.is_empty()).or(self.default_helper.take());
        Ok(())
    }

    /// Adds what a Kubernetes pull secret holds: a `Secret` of type `kubernetes.io/dockerconfigjson`, or of the older
    /// type `kubernetes.io/dockercfg`, as `kubectl get secret -o json` prints it.
    pub(crate) fn add_pull_secret(&mut self, json: &[u8]) -> Result<(), Failure> {
        const AT: &str = "pull secret";
        let secret: PullSecret = parse(json, AT)?;
        if secret.kind != "Secret" {
            return Err(invalid(AT).expected("kind Secret").found(secret.kind));
        }
        let (name, data) = match secret.secret_type.as_str() {
            "kubernetes.io/dockerconfigjson" => (".dockerconfigjson", secret.data.config_json),
            "kubernetes.io/dockercfg" => (".dockercfg", secret.data.config),
            other => {
                let expected = "type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg";
                return Err(invalid(AT).expected(expected).found(other));
            }
        };
        let decoded = data.and_then(|data| STANDARD.decode(data.expose()).ok()).map(Zeroizing::new);
        let decoded = decoded.ok_or_else(|| invalid(AT).expected(format_args!("data {name} in base64")))?;
        if name == ".dockercfg" { self.add_entries(parse(&decoded, AT)?) } else { self.add_docker_config(&decoded) }
    }

    fn add_entries(&mut self, entries: BTreeMap<String, Entry>) -> Result<(), Failure> {
        for (key, entry) in entries {
            if let Some(credentials) = entry.credentials(&key)? {
                self.entries.insert(normalised_key(&key), checked(&key, credentials)?);
            }
        }
        Ok(())
    }
}

fn longest<'c>(entries: &'c BTreeMap<String, Credentials>, registry: &str, path: &str) -> Option<&'c Credentials> {
    let mut key = format!("{}/{path}", canonical_registry(registry));
    loop {
        if let Some(found) = entries.get(&key) {
            return Some(found);
        }
        key.truncate(key.rfind('/')?);
    }
}

/// Credentials that can be sent.
pub(crate) fn checked(key: &str, credentials: Credentials) -> Result<Credentials, Failure> {
    match &credentials {
        Credentials::Password { username, .. } if username.contains(':') || username.chars().any(char::is_control) => {
            Err(Failure::new(Code::ConfigInvalid).expected("a user name without colon or control characters").at(key))
        }
        _ => Ok(credentials),
    }
}

/// Reads JSON that holds secrets: the parser's message is not passed on, since it may quote one.
fn parse<T: serde::de::DeserializeOwned>(json: &[u8], at: &str) -> Result<T, Failure> {
    if json.len() > MAX_CONFIG_BYTES {
        return Err(invalid(at).expected("at most 1 MiB"));
    }
    serde_json::from_slice(json).map_err(|error| invalid(at).found(format_args!("bad JSON in line {}", error.line())))
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
struct PullSecret {
    kind: String,
    #[serde(rename = "type")]
    secret_type: String,
    data: PullSecretData,
}

#[derive(serde::Deserialize)]
struct PullSecretData {
    #[serde(default, rename = ".dockerconfigjson")]
    config_json: Option<Secret>,
    #[serde(default, rename = ".dockercfg")]
    config: Option<Secret>,
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

    fn pull_secret(kind: &str, name: &str, content: &str) -> String {
        let data = STANDARD.encode(content);
        format!(
            r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"x"}},"type":"kubernetes.io/{kind}","data":{{"{name}":"{data}"}}}}"#
        )
    }

    #[test]
    fn a_pull_secret_is_read_in_both_its_forms() {
        let entries = r#"{"reg.example":{"username":"u","password":"p","email":"x","auth":"dTpw"}}"#;
        for json in [
            pull_secret("dockerconfigjson", ".dockerconfigjson", &format!(r#"{{"auths":{entries}}}"#)),
            pull_secret("dockercfg", ".dockercfg", entries),
        ] {
            let mut store = CredentialStore::default();
            store.add_pull_secret(json.as_bytes()).unwrap();
            assert_eq!(password(store.find("reg.example", "a")), Some(("u", "p")));
        }
    }

    #[test]
    fn what_is_no_pull_secret_is_config_invalid_and_shows_no_secret() {
        let config = r#"{"auths":{"a":{"auth":"s3cret%%"}}}"#;
        for json in [
            pull_secret("dockerconfigjson", ".dockerconfigjson", config),
            pull_secret("dockerconfigjson", ".dockercfg", r#"{"auths":{}}"#),
            pull_secret("dockercfg", ".dockerconfigjson", "{}"),
            pull_secret("tls", ".dockerconfigjson", r#"{"auths":{}}"#),
            pull_secret("dockercfg", ".dockercfg", r#"{"a":"s3cret"}"#),
            pull_secret("dockercfg", ".dockercfg", "{}").replace("Secret", "ConfigMap"),
            r#"{"auths":{}}"#.to_owned(),
            r#"{"kind":"Secret","type":"kubernetes.io/dockercfg","data":{".dockercfg":"s3cret%"}}"#.to_owned(),
        ] {
            let failure = CredentialStore::default().add_pull_secret(json.as_bytes()).unwrap_err();
            assert_eq!(failure.code(), Code::ConfigInvalid, "{json}");
            assert!(!failure.to_string().contains("s3cret"), "{failure}");
        }
    }

    #[test]
    fn what_the_caller_gave_comes_before_every_file() {
        let mut store = store(CONFIG);
        store.add("ghcr.io", Credentials::Password { username: "given".to_owned(), password: "x".into() }).unwrap();
        assert_eq!(password(store.find("ghcr.io", "a/b")), Some(("given", "x")));
        assert_eq!(password(store.of_files("ghcr.io", "a/b")), Some(("user", "pa:ss")));
    }

    #[test]
    fn debug_of_credentials_shows_no_secret() {
        let shown = format!("{:?}", store(CONFIG));
        for secret in ["pa:ss", "\"id\"", "\"rt\""] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
