//! Credential helpers: programs that keep credentials for docker and podman (docker-credential-helpers protocol).
//!
//! Run only where the caller asked for it, by the crate `docker_credential`, and for a bounded time. What a helper prints
//! is never passed on: it may be a secret.

use crate::Secret;
use crate::client::credentials::{Credentials, checked};
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use veriseal::code::{Code, Failure};
use veriseal::gather::FetchError;

/// How long a helper may take; the deadline of the call bounds it too.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long its answer is used again: a helper may ask a cloud's token service, or a person.
const LIFE: Duration = Duration::from_secs(300);
/// Most answers kept at a time.
const MAX_ANSWERS: usize = 256;
/// What a helper prints where it has none.
const NONE: &str = "credentials not found in native keychain";

/// What helpers answered.
#[derive(Default)]
pub(crate) struct Helpers(Mutex<HashMap<String, (Option<Credentials>, Instant)>>);

impl Helpers {
    /// The credentials that a helper has for a registry, or that it has none.
    ///
    /// # Errors
    /// [`Code::Denied`] where it fails, and [`Code::DeadlineExceeded`] where it does not answer in time; it is then left
    /// to itself.
    pub(crate) async fn ask(&self, helper: &str, registry: &str, deadline: Instant) -> Result<Option<Credentials>, FetchError> {
        // One after the other: a program that asks a person for a password should ask once.
        let mut answers = self.0.lock().await;
        let now = Instant::now();
        if let Some((known, until)) = answers.get(registry)
            && *until > now
        {
            return Ok(known.clone());
        }
        let deadline = deadline.min(now + PATIENCE);
        let (name, of) = (helper.to_owned(), registry.to_owned());
        let running = tokio::task::spawn_blocking(move || run(&name, &of));
        let answer = timeout_at(deadline, running).await.map_err(|_| {
            let failure = Failure::new(Code::DeadlineExceeded).expected("the credential helper's answer in time");
            FetchError::Unavailable(failure.at(helper))
        })?;
        let answer = answer.unwrap_or_else(|_| Err("it could not be run".to_owned()));
        let answer = answer.map_err(|why| FetchError::Denied(format!("{registry}: credential helper {helper}: {why}")))?;
        if answers.len() >= MAX_ANSWERS {
            answers.clear();
        }
        answers.insert(registry.to_owned(), (answer.clone(), Instant::now() + LIFE));
        Ok(answer)
    }
}

/// Runs `docker-credential-<helper> get`. The error is a clause without anything that the helper printed.
fn run(helper: &str, registry: &str) -> Result<Option<Credentials>, String> {
    // With a slash it would be a path, and the program not one that was installed.
    if helper.is_empty() || !helper.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
        return Err("its name is not one of a program".to_owned());
    }
    let server = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    let config = serde_json::json!({ "credHelpers": { server: helper } }).to_string();
    let credentials = match get_credential_from_reader(config.as_bytes(), server) {
        Ok(DockerCredential::IdentityToken(token)) => Credentials::IdentityToken(Secret::new(token)),
        Ok(DockerCredential::UsernamePassword(username, password)) => {
            Credentials::Password { username, password: Secret::new(password) }
        }
        Err(CredentialRetrievalError::HelperFailure { stdout, .. }) if stdout.trim() == NONE => return Ok(None),
        Err(CredentialRetrievalError::HelperFailure { .. }) => return Err("it ended with a failure".to_owned()),
        Err(CredentialRetrievalError::MalformedHelperResponse) => return Err("its answer cannot be read".to_owned()),
        Err(_) => return Err("it could not be run".to_owned()),
    };
    checked(registry, credentials).map(Some).map_err(|_| "its user name cannot be sent".to_owned())
}
