//! One request from first try to answer: cache, redirects, authentication, retries.
//!
//! Only 404 is "there is none" (and, for the first page of a referrers list, what registries without that API are known
//! to answer, see [`Exchange::answer_of`]); everything else that is not 200 is an error with its own code. Bodies are
//! bounded while they are read; they are not judged here, the core does that.

use crate::client::answers::Answers;
use crate::client::bounds::Bounds;
use crate::client::builder::Settings;
use crate::client::cache::Scope;
use crate::client::challenge;
use crate::client::fault::Fault;
use crate::client::headers::{single, text_values};
use crate::client::observer::Event;
use crate::client::origin::Origin;
use crate::client::reach::Reach;
use crate::client::target::Target;
use crate::client::token::{Asking, Authorization, Tokens};
use crate::client::transport::{self, Outgoing, Transport};
use reqwest::header::{HeaderValue, LOCATION, WWW_AUTHENTICATE};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::{Instant, sleep};
use url::Url;
use veriseal::code::{Code, Failure};
use veriseal::gather::{FetchError, Request, Response, What};
use veriseal::limits::Limits;
use veriseal::oci::{Document, media_type};

/// Most redirects of one request.
const MAX_REDIRECTS: usize = 5;
/// Most further tries after a fault that may pass.
const MAX_RETRIES: u32 = 2;

/// What a tag or digest may name. Schema 1 manifests are not asked for: they cannot be verified.
const ACCEPT_MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// One request with everything that answering it needs.
pub(crate) struct Exchange {
    pub(crate) settings: Arc<Settings>,
    pub(crate) transport: Arc<Transport>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) answers: Arc<Answers>,
    pub(crate) bounds: Arc<Bounds>,
    pub(crate) request: Request,
}

/// The head of an answer, and whether the registry itself gave it or a host that it redirected to.
pub(crate) struct Head {
    pub(crate) response: reqwest::Response,
    pub(crate) at_home: bool,
}

impl Exchange {
    /// Answers the request within the deadline of its call.
    pub(crate) async fn run(self) -> Result<Response, FetchError> {
        let target = Target::new(&self.request, &self.settings.mirrors, &self.settings.plain_http);
        let target = target.map_err(FetchError::Unavailable)?;
        let scope = self.settings.credentials.scope(&target, self.settings.runs_helpers());
        // Polled first, whatever the clock says: a call that is over must not send another request.
        let answer = if Instant::now() >= self.bounds.deadline {
            None
        } else {
            tokio::time::timeout_at(self.bounds.deadline, self.answer(&target, &scope)).await.ok()
        };
        let (answer, cached) = answer.unwrap_or_else(|| {
            let failure = Failure::new(Code::DeadlineExceeded).expected("an answer within the deadline of the call");
            (Err(FetchError::Unavailable(failure.at(&target.home))), false)
        });
        self.transport.tell(&Event::Answered { cached });
        answer
    }

    /// The answer, and whether it was known already.
    async fn answer(&self, target: &Target, scope: &Scope) -> (Result<Response, FetchError>, bool) {
        if let Some(known) = self.known(target, scope).await {
            return (Ok(known), true);
        }
        let answer = self.tries(target).await;
        if let Ok(answer) = &answer {
            self.keep(target, scope, answer).await;
        }
        (answer, false)
    }

    /// What need not be asked: content under its digest, which is hashed again, and what the caller gave a time to live.
    async fn known(&self, target: &Target, scope: &Scope) -> Option<Response> {
        if let (Some(cache), What::Manifest(digest) | What::Blob { digest, .. }) = (&self.settings.cache, &self.request.what)
            && let Some(bytes) = cache.get(scope, digest, self.request.max_bytes).await
        {
            return Some(Response::Found { media_type: None, bytes, next: None });
        }
        self.answers.get(scope, &target.url, Instant::now())
    }

    async fn keep(&self, target: &Target, scope: &Scope, answer: &Response) {
        match (&self.request.what, answer) {
            (What::Manifest(digest), Response::Found { media_type, bytes, .. }) => {
                // The digest does not cover the media type. What is kept says its own, or cached and fetched content
                // could be read as two different things.
                let own = Document::parse(bytes, None, &Limits::DEFAULT);
                if let (Some(cache), Ok(own), Some(media_type)) = (&self.settings.cache, own, media_type)
                    && own.media_type() == media_type
                {
                    cache.put(scope, digest, bytes).await;
                }
            }
            (What::Blob { digest, .. }, Response::Found { bytes, .. }) => {
                if let Some(cache) = &self.settings.cache {
                    cache.put(scope, digest, bytes).await;
                }
            }
            _ => self.answers.put(scope, &target.url, answer, Instant::now()),
        }
    }

    async fn tries(&self, target: &Target) -> Result<Response, FetchError> {
        let mut pause = self.settings.retry_pause;
        for _ in 0..MAX_RETRIES {
            let fault = match self.attempt(target).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let wait = fault.wait.unwrap_or(pause);
            // A registry that asks for more patience than the call has is answered at once, with what it asked for.
            let waking = Instant::now().checked_add(wait);
            if !fault.again || waking.is_none_or(|waking| waking >= self.bounds.deadline) {
                return Err(fault.error);
            }
            self.transport.tell(&Event::Waiting { code: fault.error.failure().code(), pause: wait });
            sleep(wait).await;
            pause = pause.saturating_mul(4);
        }
        self.attempt(target).await.map_err(|fault| fault.error)
    }

    async fn attempt(&self, target: &Target) -> Result<Response, Fault> {
        let key = (target.home.clone(), target.path.clone());
        let mut known = self.tokens.get(&key);
        // A token that was kept may have run out: then the challenge is answered once more.
        let mut challenges_left = 1;
        loop {
            let head = self.follow(target, known.as_ref().map(|known| &known.header)).await?;
            if head.response.status().as_u16() != 401 || !head.at_home || challenges_left == 0 {
                if head.response.status().as_u16() == 401 {
                    self.tokens.forget(&key);
                }
                return self.answer_of(target, head).await;
            }
            challenges_left -= 1;
            let values = text_values(head.response.headers(), WWW_AUTHENTICATE).map_err(Fault::last)?;
            let challenges = challenge::parse(values).map_err(Fault::last)?;
            drop(head);
            known = Some(self.authorize(target, &key, &challenges, known.as_ref()).await?);
        }
    }

    /// Answers a challenge, one request of a call at a time: the others take the token that this one gets.
    async fn authorize(
        &self,
        target: &Target,
        key: &(Origin, String),
        challenges: &[challenge::Challenge],
        refused: Option<&Authorization>,
    ) -> Result<Authorization, Fault> {
        let turn = self.tokens.turn(key);
        let _turn = turn.lock().await;
        if let Some(fresh) = self.tokens.get(key)
            && refused.is_none_or(|refused| refused.header != fresh.header)
        {
            return Ok(fresh);
        }
        let fresh = self.asking(target).authorize(challenges).await?;
        self.tokens.put(key.clone(), fresh.clone());
        Ok(fresh)
    }

    pub(crate) fn asking<'a>(&'a self, target: &'a Target) -> Asking<'a> {
        Asking {
            settings: &self.settings,
            transport: &self.transport,
            registry: &target.registry,
            path: &target.path,
            home: &target.home,
            bounds: &self.bounds,
        }
    }

    /// Sends the request and follows redirects, with the rules of K-OC-11.
    async fn follow(&self, target: &Target, authorization: Option<&HeaderValue>) -> Result<Head, Fault> {
        let accept = match self.request.what {
            What::Referrers { .. } => Some(media_type::OCI_INDEX),
            What::Blob { .. } => None,
            _ => Some(ACCEPT_MANIFESTS),
        };
        let mut url = target.url.clone();
        let mut authorization = authorization;
        let mut at_home = true;
        let mut reach = None;
        // Whoever is on the registry's own origin is the registry; every other host is one that it chose.
        let mut guard = None;
        for _ in 0..=MAX_REDIRECTS {
            let outgoing =
                Outgoing { url: &url, accept, authorization, form: None, reach: guard, deadline: self.bounds.deadline };
            if at_home {
                self.bounds.spend().map_err(Fault::last)?;
            }
            let response = self.transport.send(outgoing).await?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(Head { response, at_home });
            }
            let reach = *reach.get_or_insert_with(|| self.reach_of(target, &response));
            let next = redirect(&response, &url).map_err(Fault::last)?;
            let (Some(from), Some(to)) = (Origin::of(&url), Origin::of(&next)) else {
                return Err(Fault::last(Failure::new(Code::RedirectRefused).found("a scheme other than https")));
            };
            if to != target.home || !at_home {
                // A host that the user named for this may be inside a network that the registry is not in.
                let reach = if self.settings.redirects.contains(&to.authority()) { Reach::Loopback } else { reach };
                permit(&from, &to, reach, &self.settings.plain_http).map_err(Fault::last)?;
                guard = Some(reach);
                // Gone for good: a host that got the request may send it back to the registry with another path.
                authorization = None;
                at_home = false;
            }
            url = next;
        }
        Err(Fault::last(Failure::new(Code::RedirectRefused).expected("at most 5 redirects").at(&target.home)))
    }

    /// How far the registry may lead us, by the address it has itself.
    fn reach_of(&self, target: &Target, response: &reqwest::Response) -> Reach {
        let address = if self.settings.has_proxy { None } else { response.remote_addr().map(|address| address.ip()) };
        target.home.address().or(address).map_or(Reach::Public, Reach::of_registry)
    }
}

/// Whether a redirect may leave for another origin (K-OC-11).
fn permit(from: &Origin, to: &Origin, reach: Reach, plain_http: &BTreeSet<String>) -> Result<(), Failure> {
    let refused = || Failure::new(Code::RedirectRefused).at(to);
    if !to.is_https() {
        if from.is_https() {
            return Err(refused().found("a redirect from https to http"));
        }
        if !plain_http.contains(&to.authority()) {
            return Err(Failure::new(Code::PlainHttpRefused).at(to));
        }
    }
    // Names are held to the same rule when they are resolved.
    if to.address().is_some_and(|address| !reach.permits(address)) {
        return Err(refused().found("an address inside a private network"));
    }
    Ok(())
}

fn redirect(response: &reqwest::Response, from: &Url) -> Result<Url, Failure> {
    let at = transport::place(from);
    let refused = |found: &str| Failure::new(Code::RedirectRefused).found(found).at(&at);
    let location = single(response.headers(), LOCATION)?.ok_or_else(|| {
        Failure::new(Code::ResponseInvalid)
            .expected("a Location")
            .found(format_args!("HTTP status {}", response.status().as_u16()))
            .at(&at)
    })?;
    let mut url = from.join(location).map_err(|_| refused("a Location that is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("user information in the Location"));
    }
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of(&Url::parse(url).unwrap()).unwrap()
    }

    /// K-OC-11.
    #[test]
    fn a_redirect_of_a_public_registry_stays_public() {
        let plain = BTreeSet::from(["10.0.0.5:5000".to_owned()]);
        let code =
            |from: &str, to: &str, reach| permit(&origin(from), &origin(to), reach, &plain).map_err(|failure| failure.code());
        let public = "https://ghcr.io";
        assert_eq!(code(public, "https://storage.example", Reach::Public), Ok(()));
        assert_eq!(code(public, "https://1.1.1.1", Reach::Public), Ok(()));
        for to in ["https://10.0.0.5", "https://127.0.0.1", "https://[::1]", "https://192.168.1.1:8443", "http://10.0.0.5:5000"] {
            assert_eq!(code(public, to, Reach::Public), Err(Code::RedirectRefused), "{to}");
        }
        let private = "http://10.0.0.5:5000";
        assert_eq!(code(private, "https://10.0.0.6", Reach::Private), Ok(()));
        assert_eq!(code(private, "http://10.0.0.5:5000", Reach::Private), Ok(()));
        assert_eq!(code(private, "http://10.0.0.6:5000", Reach::Private), Err(Code::PlainHttpRefused));
        assert_eq!(code(private, "https://127.0.0.1", Reach::Private), Err(Code::RedirectRefused));
    }
}
