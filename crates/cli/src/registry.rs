//! The registry client as the command line describes it.

use crate::arguments::{Login, RegistryArguments};
use crate::file;
use crate::source::Failed;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use veriseal::code::bounded;
use veriseal_registry::{Cache, Observer, Registry, RegistryBuilder, Tls};

/// Largest file of credentials that is read, in bytes.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;
/// Largest file of certificates, or of a key, that is read, in bytes.
const MAX_PEM_BYTES: u64 = 4 * 1024 * 1024;
/// How large `--cache` may become, in bytes.
const CACHE_BYTES: u64 = 256 * 1024 * 1024;

/// Makes the client that asks these registries.
pub(crate) fn client(
    arguments: &RegistryArguments,
    registries: &[&str],
    observer: Option<Arc<dyn Observer>>,
) -> Result<Registry, Failed> {
    client_with(arguments, registries, observer, None)
}

/// The same, with a cache of its own where `--cache` names none.
pub(crate) fn client_with(
    arguments: &RegistryArguments,
    registries: &[&str],
    observer: Option<Arc<dyn Observer>>,
    cache: Option<Cache>,
) -> Result<Registry, Failed> {
    let mut builder = Registry::builder().deadline(Duration::from_secs(arguments.timeout));
    if let Some(observer) = observer {
        builder = builder.observer(observer);
    }
    for host in &arguments.allow_http {
        builder = builder.allow_http(host);
    }
    for pair in &arguments.allow_realm {
        let (registry, host) = halves(pair, "--allow-realm REGISTRY=HOST")?;
        builder = builder.allow_realm(registry, host);
    }
    for host in &arguments.allow_redirect {
        builder = builder.allow_redirect(host);
    }
    if let Some(url) = &arguments.proxy {
        builder = builder.proxy(url);
    }
    for pair in &arguments.mirror {
        let (of, at) = halves(pair, "--mirror HOST[/PATH]=HOST[/PATH]")?;
        builder = builder.mirror(of, at);
    }
    if let Some(cache) = cache {
        builder = builder.cache(cache);
    }
    if let Some(path) = &arguments.cache {
        builder = builder.cache(Cache::directory(path, CACHE_BYTES).map_err(Failed::Registry)?);
    }
    let builder = credentials(builder, arguments)?;
    tls(builder, arguments, registries)?.build().map_err(Failed::Registry)
}

/// Later files come after earlier ones, and what a later one says of a registry counts.
fn credentials(mut builder: RegistryBuilder, arguments: &RegistryArguments) -> Result<RegistryBuilder, Failed> {
    for login in &arguments.login_of {
        builder = builder.docker_config_json(&login_file(*login, |name| std::env::var_os(name))?);
    }
    for path in &arguments.registry_config {
        builder = builder.docker_config_json(&read(path, MAX_CONFIG_BYTES, "--registry-config")?);
    }
    for path in &arguments.pull_secret {
        builder = builder.pull_secret(&read(path, MAX_CONFIG_BYTES, "--pull-secret")?);
    }
    Ok(if arguments.credential_helpers { builder.run_credential_helpers() } else { builder })
}

fn tls(mut builder: RegistryBuilder, arguments: &RegistryArguments, registries: &[&str]) -> Result<RegistryBuilder, Failed> {
    let mut hosts: BTreeMap<String, Tls> = BTreeMap::new();
    for value in &arguments.registry_ca {
        let (host, path) = of_host(value);
        let pem = read(&path, MAX_PEM_BYTES, "--registry-ca")?;
        match host {
            None => builder = builder.root_certificate_pem(&pem),
            Some(host) => {
                let tls = hosts.remove(&host).unwrap_or_default().root_certificate_pem(&pem);
                hosts.insert(host, if arguments.only_registry_ca { tls.only_these_roots() } else { tls });
            }
        }
    }
    if arguments.only_registry_ca {
        builder = builder.only_these_roots();
    }
    if let (Some(certificate), Some(key)) = (&arguments.client_cert, &arguments.client_key) {
        let (host, path) = of_host(certificate);
        let host = match host {
            Some(host) => host,
            None => the_one_host(registries, arguments)?,
        };
        let certificate = read(&path, MAX_PEM_BYTES, "--client-cert")?;
        let key = read(key, MAX_PEM_BYTES, "--client-key")?;
        let tls = hosts.remove(&host).unwrap_or_default().client_certificate_pem(&certificate, &key);
        hosts.insert(host, tls);
    }
    Ok(hosts.into_iter().fold(builder, |builder, (host, tls)| builder.tls(&host, tls)))
}

/// The registry of all images: a certificate belongs to one host, and which one is never guessed.
fn the_one_host(registries: &[&str], arguments: &RegistryArguments) -> Result<String, Failed> {
    match registries {
        [first, rest @ ..] if arguments.mirror.is_empty() && rest.iter().all(|other| other == first) => {
            Ok(first.to_ascii_lowercase())
        }
        _ => Err(Failed::Option(
            "--client-cert: several hosts are asked; say for which the certificate is: --client-cert HOST[:PORT]=FILE".to_owned(),
        )),
    }
}

fn read(path: &Path, max: u64, option: &str) -> Result<Vec<u8>, Failed> {
    file::read(path, max).map_err(|why| Failed::Option(format!("{option} {why}")))
}

fn halves<'p>(pair: &'p str, usage: &str) -> Result<(&'p str, &'p str), Failed> {
    let halves = pair.split_once('=').filter(|(one, other)| !one.is_empty() && !other.is_empty());
    halves.ok_or_else(|| Failed::Option(format!("{usage} is meant, and {} is given", bounded(pair))))
}

/// The host and the file of `HOST[:PORT]=FILE`, or a file alone. What has a slash before the first `=` is a path.
fn of_host(value: &OsStr) -> (Option<String>, PathBuf) {
    let bytes = value.as_encoded_bytes();
    let host = bytes.iter().position(|byte| *byte == b'=').and_then(|at| std::str::from_utf8(bytes.get(..at)?).ok());
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '\\']) => {
            let text = value.to_string_lossy();
            let path = value
                .to_str()
                .and_then(|text| text.split_once('='))
                .map_or_else(|| text.into_owned(), |(_, path)| path.to_owned());
            (Some(host.to_ascii_lowercase()), PathBuf::from(path))
        }
        _ => (None, PathBuf::from(value)),
    }
}

/// The file in which a program keeps what it was logged in with. The first that is there counts, as for the program.
fn login_file(login: Login, variable: impl Fn(&str) -> Option<OsString>) -> Result<Vec<u8>, Failed> {
    let under =
        |name: &str, rest: &str| variable(name).filter(|value| !value.is_empty()).map(|value| PathBuf::from(value).join(rest));
    let places = match login {
        Login::Docker => match under("DOCKER_CONFIG", "config.json") {
            Some(named) => vec![named],
            None => under("HOME", ".docker/config.json").into_iter().collect(),
        },
        Login::Podman => match variable("REGISTRY_AUTH_FILE").filter(|value| !value.is_empty()) {
            Some(named) => vec![PathBuf::from(named)],
            None => [
                under("XDG_RUNTIME_DIR", "containers/auth.json"),
                under("XDG_CONFIG_HOME", "containers/auth.json"),
                under("HOME", ".config/containers/auth.json"),
            ]
            .into_iter()
            .flatten()
            .collect(),
        },
    };
    let place = places.iter().find(|place| place.is_file()).or_else(|| places.first());
    let place = place.ok_or_else(|| Failed::Option("--login-of: no variable says where its file is".to_owned()))?;
    read(place, MAX_CONFIG_BYTES, "--login-of")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_before_a_file_is_told_from_a_path() {
        let of = |value: &str| of_host(OsStr::new(value));
        assert_eq!(of("ca.pem"), (None, PathBuf::from("ca.pem")));
        assert_eq!(of("Reg.example:5000=ca=1.pem"), (Some("reg.example:5000".to_owned()), PathBuf::from("ca=1.pem")));
        assert_eq!(of("./a=b.pem"), (None, PathBuf::from("./a=b.pem")));
        assert_eq!(of("/etc/x/a=b.pem"), (None, PathBuf::from("/etc/x/a=b.pem")));
        assert_eq!(of("=b.pem"), (None, PathBuf::from("=b.pem")));
    }

    #[test]
    fn the_file_of_a_login_is_where_the_program_looks() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        let with = |names: &'static [&'static str]| {
            let home = home.to_owned();
            move |name: &str| names.contains(&name).then(|| home.clone().into_os_string())
        };
        let content = |login, names| login_file(login, with(names)).ok();
        assert_eq!(content(Login::Docker, &["HOME"]), None);
        for (path, text) in [
            (".docker/config.json", "d"),
            ("config.json", "c"),
            ("containers/auth.json", "r"),
            (".config/containers/auth.json", "h"),
        ] {
            std::fs::create_dir_all(home.join(path).parent().unwrap()).unwrap();
            std::fs::write(home.join(path), text).unwrap();
        }
        assert_eq!(content(Login::Docker, &["HOME"]).unwrap(), b"d");
        assert_eq!(content(Login::Docker, &["HOME", "DOCKER_CONFIG"]).unwrap(), b"c");
        assert_eq!(content(Login::Podman, &["HOME"]).unwrap(), b"h");
        assert_eq!(content(Login::Podman, &["HOME", "XDG_RUNTIME_DIR"]).unwrap(), b"r");
        assert_eq!(content(Login::Podman, &[]), None);
    }
}
