//! Answering a challenge: Basic (RFC 7617), and tokens as in the distribution token specification, by `GET` or, with an
//! identity token, by OAuth 2 `POST`.
//!
//! Asks for `repository:<name>:pull` of the repository at hand and nothing wider, whatever scope the challenge names:
//! a registry must not have us fetch a token for another repository and hand it over. Where a token may be asked for
//! is decided in [`crate::client::realm`].

use crate::Secret;
use crate::client::bounds::Bounds;
use crate::client::builder::Settings;
use crate::client::challenge::Challenge;
use crate::client::credentials::Credentials;
use crate::client::fault::Fault;
use crate::client::headers::{is_encoded, retry_after};
use crate::client::origin::Origin;
use crate::client::transport::{self, Outgoing, Transport};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;
use veriseal::code::{Code, Failure};
use veriseal::gather::FetchError;
use zeroize::Zeroizing;

/// Largest answer of a token service, in bytes.
const MAX_TOKEN_BYTES: u64 = 64 * 1024;
/// What a token is worth when its service says nothing, and the least it is taken for (distribution token spec).
const LEAST_LIFE: Duration = Duration::from_secs(60);
/// The most a token is kept for.
const MOST_LIFE: Duration = Duration::from_secs(300);
/// Most authorisations kept at a time.
const MAX_TOKENS: usize = 256;

/// An `Authorization` value and until when to use it again.
#[derive(Clone)]
pub(crate) struct Authorization {
    pub(crate) header: HeaderValue,
    pub(crate) until: Instant,
}

/// Of which registry, and for which repository.
pub(crate) type TokenKey = (Origin, String);

/// Authorisations by origin and repository, each until it runs out.
#[derive(Default)]
pub(crate) struct Tokens {
    known: Mutex<HashMap<TokenKey, Authorization>>,
    turns: Mutex<HashMap<TokenKey, Arc<tokio::sync::Mutex<()>>>>,
}

impl Tokens {
    pub(crate) fn get(&self, key: &TokenKey) -> Option<Authorization> {
        let tokens = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(key).filter(|known| known.until > Instant::now()).cloned()
    }

    pub(crate) fn put(&self, key: TokenKey, authorization: Authorization) {
        let mut tokens = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX_TOKENS {
            let now = Instant::now();
            tokens.retain(|_, known| known.until > now);
        }
        if tokens.len() < MAX_TOKENS {
            tokens.insert(key, authorization);
        }
    }

    pub(crate) fn forget(&self, key: &TokenKey) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Whoever holds it is the one that asks for a token.
    pub(crate) fn turn(&self, key: &TokenKey) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= MAX_TOKENS {
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(turns.entry(key.clone()).or_default())
    }
}

/// Who asks for what.
pub(crate) struct Asking<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) transport: &'a Transport,
    pub(crate) registry: &'a str,
    pub(crate) path: &'a str,
    pub(crate) home: &'a Origin,
    pub(crate) bounds: &'a Bounds,
}

impl Asking<'_> {
    /// What to send in answer to these challenges.
    pub(crate) async fn authorize(&self, challenges: &[Challenge]) -> Result<Authorization, Fault> {
        let bearer = challenges.iter().find(|challenge| challenge.scheme() == "bearer");
        let basic = challenges.iter().any(|challenge| challenge.scheme() == "basic");
        if bearer.is_none() && !basic {
            return Err(self.denied("it asks for no kind of authentication that is known here"));
        }
        let credentials = self.credentials().await?;
        match (bearer, credentials.as_deref()) {
            (Some(_), Some(Credentials::RegistryToken(token))) => bearer_header(token.expose(), LEAST_LIFE),
            (Some(challenge), credentials) => self.token(challenge, credentials).await,
            (None, Some(Credentials::Password { username, password })) => {
                Ok(Authorization { header: basic_header(username, password.expose())?, until: Instant::now() + MOST_LIFE })
            }
            (None, _) => Err(self.denied("it asks for a user name and password, and none are given for it")),
        }
    }

    /// What the caller gave, else what a helper has where it may be run, else what a file holds.
    async fn credentials(&self) -> Result<Option<Cow<'_, Credentials>>, Fault> {
        let store = &self.settings.credentials;
        if let Some(given) = store.given(self.registry, self.path) {
            return Ok(Some(Cow::Borrowed(given)));
        }
        #[cfg(feature = "credential-helpers")]
        if let (Some(helpers), Some(helper)) = (&self.settings.helpers, store.helper(self.registry)) {
            let registry = crate::client::origin::canonical_registry(self.registry);
            if let Some(found) = helpers.ask(helper, &registry, self.bounds.deadline).await? {
                return Ok(Some(Cow::Owned(found)));
            }
        }
        Ok(store.of_files(self.registry, self.path).map(Cow::Borrowed))
    }

    /// Denied, and where credentials may be that were not used.
    pub(crate) fn denied(&self, why: &str) -> Fault {
        let registry = self.registry;
        let unused = !self.settings.runs_helpers() && self.settings.credentials.find(registry, self.path).is_none();
        let text = match self.settings.credentials.helper(registry) {
            Some(helper) if unused => format!(
                "{registry}: {why}; its credentials are in the credential helper {helper}, which is not run here: give them explicitly"
            ),
            _ => format!("{registry}: {why}"),
        };
        FetchError::Denied(text).into()
    }

    async fn token(&self, challenge: &Challenge, credentials: Option<&Credentials>) -> Result<Authorization, Fault> {
        let realm = challenge.parameter("realm").ok_or_else(|| {
            Fault::last(Failure::new(Code::ResponseInvalid).expected("a realm in the Bearer challenge").at("WWW-Authenticate"))
        })?;
        let url = self.settings.realms.check(self.registry, self.home, realm, &self.settings.plain_http).map_err(Fault::last)?;
        let response = match credentials {
            Some(Credentials::IdentityToken(identity)) => {
                let form = self.refresh_form(challenge, identity);
                self.ask(&url, None, Some(form)).await?
            }
            credentials => {
                let url = self.with_query(url, challenge);
                let authorization = match credentials {
                    Some(Credentials::Password { username, password }) => Some(basic_header(username, password.expose())?),
                    _ => None,
                };
                self.ask(&url, authorization.as_ref(), None).await?
            }
        };
        let answer: Answer = serde_json::from_slice(&response).map_err(|_| invalid("a JSON object with a token"))?;
        let token = [answer.token, answer.access_token].into_iter().flatten().find(|token| !token.is_empty());
        let token = Zeroizing::new(token.ok_or_else(|| invalid("a token"))?);
        bearer_header(&token, Duration::from_secs(answer.expires_in.unwrap_or(0)))
    }

    fn refresh_form(&self, challenge: &Challenge, identity: &Secret) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token").append_pair("client_id", "veriseal");
        if let Some(service) = challenge.parameter("service") {
            form.append_pair("service", service);
        }
        form.append_pair("scope", &self.scopes(challenge).join(" ")).append_pair("refresh_token", identity.expose());
        form.finish()
    }

    fn with_query(&self, mut url: Url, challenge: &Challenge) -> Url {
        let mut query = url.query_pairs_mut();
        if let Some(service) = challenge.parameter("service") {
            query.append_pair("service", service);
        }
        for scope in self.scopes(challenge) {
            query.append_pair("scope", &scope);
        }
        drop(query);
        url
    }

    /// The scope of this repository, and what the challenge names that is no repository (public.ecr.aws asks for `aws`).
    fn scopes(&self, challenge: &Challenge) -> Vec<String> {
        let own = format!("repository:{}:pull", self.path);
        let named = challenge.parameter("scope").unwrap_or("").split_ascii_whitespace();
        std::iter::once(own).chain(named.filter(|scope| !scope.contains(':')).take(4).map(str::to_owned)).collect()
    }

    async fn ask(
        &self,
        url: &Url,
        authorization: Option<&HeaderValue>,
        form: Option<String>,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.bounds.spend().map_err(Fault::last)?;
        let deadline = self.bounds.deadline;
        let outgoing = Outgoing { url, accept: Some("application/json"), authorization, form, reach: None, deadline };
        let response = self.transport.send(outgoing).await?;
        let at = transport::place(url);
        match response.status().as_u16() {
            200 if is_encoded(&response) => Err(invalid("an answer without Content-Encoding")),
            200 => match self.transport.body(response, MAX_TOKEN_BYTES, deadline).await {
                Err(Fault { error: FetchError::TooLarge { .. }, .. }) => Err(invalid("an answer of at most 64 KiB")),
                read => read.map(Zeroizing::new),
            },
            401 | 403 => Err(self.denied("its token service refused the credentials, or asks for some")),
            429 => Err(Fault::throttled(retry_after(&response))),
            // A token service that sends us elsewhere would take the credentials along.
            300..=399 => Err(Fault::last(Failure::new(Code::RedirectRefused).found("a redirect by the token service").at(at))),
            status @ (500 | 502..=504) => {
                let failure = Failure::new(Code::Unavailable).found(format_args!("HTTP status {status}")).at(at);
                Err(Fault::passing(failure).waiting(retry_after(&response)))
            }
            status => Err(Fault::last(Failure::new(Code::ResponseInvalid).found(format_args!("HTTP status {status}")).at(at))),
        }
    }
}

#[derive(serde::Deserialize)]
struct Answer {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
}

fn invalid(expected: &str) -> Fault {
    Fault::last(Failure::new(Code::ResponseInvalid).expected(expected).at("token service"))
}

/// A token as RFC 6750 allows, and a little wider: visible ASCII. A line break would be a header of the token
/// service's choice in our next request.
fn bearer_header(token: &str, life: Duration) -> Result<Authorization, Fault> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid("a token of visible ASCII characters"));
    }
    let text = Zeroizing::new(format!("Bearer {token}"));
    let header = sensitive(&text).ok_or_else(|| invalid("a token of visible ASCII characters"))?;
    Ok(Authorization { header, until: Instant::now() + life.clamp(LEAST_LIFE, MOST_LIFE) })
}

fn basic_header(username: &str, password: &str) -> Result<HeaderValue, Fault> {
    let plain = Zeroizing::new(format!("{username}:{password}"));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(plain.as_bytes())));
    sensitive(&text).ok_or_else(|| Fault::last(Failure::new(Code::Internal).found("base64 that is no header value")))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_ran_out_is_not_used_and_their_number_is_bounded() {
        let header = HeaderValue::from_static("Bearer t");
        let origin = Origin::of(&Url::parse("https://reg.example").unwrap()).unwrap();
        let key = |n: usize| (origin.clone(), n.to_string());
        let (now, later) = (Instant::now(), Instant::now() + Duration::from_secs(60));
        let tokens = Tokens::default();
        for n in 0..MAX_TOKENS {
            tokens.put(key(n), Authorization { header: header.clone(), until: if n == 0 { now } else { later } });
        }
        assert!(tokens.get(&key(0)).is_none());
        assert!(tokens.get(&key(1)).is_some());
        // The one that ran out makes room for one, and no more.
        tokens.put(key(1000), Authorization { header: header.clone(), until: later });
        tokens.put(key(1001), Authorization { header, until: later });
        assert!(tokens.get(&key(1000)).is_some());
        assert!(tokens.get(&key(1001)).is_none());
        tokens.forget(&key(1000));
        assert!(tokens.get(&key(1000)).is_none());
        for n in 0..2 * MAX_TOKENS {
            drop(tokens.turn(&key(n)));
        }
        assert!(tokens.turns.lock().unwrap().len() <= MAX_TOKENS);
    }

    #[test]
    fn a_token_with_a_line_break_is_response_invalid() {
        assert!(bearer_header("abc.DEF-_~+/=", LEAST_LIFE).is_ok());
        for token in ["", "a\r\nX-Evil: 1", "a b", "a\0", "tök"] {
            let fault = bearer_header(token, LEAST_LIFE).err().unwrap();
            assert_eq!(fault.error.failure().code(), Code::ResponseInvalid, "{token:?}");
        }
    }

    #[test]
    fn an_authorization_value_is_not_shown_by_debug() {
        let header = basic_header("victim", "s3cret").ok().unwrap();
        assert_eq!(format!("{header:?}"), "Sensitive");
    }
}
