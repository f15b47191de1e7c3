//! [`Access`]: who may read and write, and the token service that says so (distribution `token.md`, RFC 6750, RFC 7617).

use super::wire::{Answer, Ask};
use serde_json::json;
use veriseal::encoding::base64;

/// What a registry asks of its clients. Tokens never expire: there is no clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The scheme of the challenge.
    pub scheme: AccessScheme,
    /// User name and password; `None` gives tokens to everybody.
    pub credentials: Option<(String, String)>,
    /// The realm of a bearer challenge; the path `/token` of this registry when `None`.
    pub realm: Option<String>,
    /// The member of the token answer that holds the token: `token` or `access_token`.
    pub member: String,
    /// The token that opens everything.
    pub token: String,
}

/// How a registry challenges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessScheme {
    /// HTTP Basic on every request.
    Basic,
    /// A bearer token from the realm.
    Bearer,
}

impl Access {
    /// Asks for user name and password.
    #[must_use]
    pub fn basic(user: &str, password: &str) -> Self {
        Self { scheme: AccessScheme::Basic, ..Self::bearer(user, password) }
    }

    /// Asks for a token, which `/token` gives for user name and password.
    #[must_use]
    pub fn bearer(user: &str, password: &str) -> Self {
        Self { credentials: Some((user.to_owned(), password.to_owned())), ..Self::anonymous_bearer() }
    }

    /// Asks for a token, which `/token` gives to everybody, as public registries do.
    #[must_use]
    pub fn anonymous_bearer() -> Self {
        Self {
            scheme: AccessScheme::Bearer,
            credentials: None,
            realm: None,
            member: "token".to_owned(),
            token: "testkit-token".to_owned(),
        }
    }

    /// The answer that takes the place of the true one: a token, or a challenge. `None` lets the request pass.
    pub(super) fn decide(&self, ask: &Ask, scheme: &str, host: &str) -> Option<Answer> {
        if ask.path() == "/token" && self.scheme == AccessScheme::Bearer {
            return Some(if self.knows(ask) {
                let body = json!({ &self.member: self.token, "expires_in": 300 }).to_string();
                Answer::new(200).header("content-type", "application/json").body(body.as_bytes())
            } else {
                Answer::new(401)
            });
        }
        let open = match self.scheme {
            AccessScheme::Basic => self.knows(ask),
            AccessScheme::Bearer => ask.header("authorization") == Some(&format!("Bearer {}", self.token)),
        };
        (!open).then(|| self.challenge(ask, scheme, host))
    }

    fn knows(&self, ask: &Ask) -> bool {
        let Some((user, password)) = &self.credentials else { return true };
        let expected = format!("Basic {}", base64::encode(format!("{user}:{password}").as_bytes()));
        ask.header("authorization") == Some(&expected)
    }

    fn challenge(&self, ask: &Ask, scheme: &str, host: &str) -> Answer {
        let challenge = match self.scheme {
            AccessScheme::Basic => "Basic realm=\"testkit\"".to_owned(),
            AccessScheme::Bearer => {
                let realm = self.realm.clone().unwrap_or_else(|| format!("{scheme}://{host}/token"));
                let actions = if matches!(ask.method.as_str(), "GET" | "HEAD") { "pull" } else { "pull,push" };
                let repository = repository_of(ask.path());
                let scope = repository.map(|name| format!(",scope=\"repository:{name}:{actions}\"")).unwrap_or_default();
                format!("Bearer realm=\"{realm}\",service=\"{host}\"{scope}")
            }
        };
        let body = json!({ "errors": [{ "code": "UNAUTHORIZED", "message": "authentication required" }] });
        Answer::new(401)
            .header("www-authenticate", &challenge)
            .header("content-type", "application/json")
            .body(body.to_string().as_bytes())
    }
}

fn repository_of(path: &str) -> Option<&str> {
    let path = path.strip_prefix("/v2/")?;
    ["/manifests/", "/blobs/", "/referrers/"].iter().find_map(|kind| path.split_once(kind)).map(|(name, _)| name)
}
