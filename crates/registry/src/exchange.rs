//! One request from first try to answer: address, redirects, authentication, retries, and what each status means.
//!
//! Only 404 is "there is none" (and, for the first page of a referrers list, what registries without that API are known
//! to answer, see [`Exchange::answer_of`]); everything else that is not 200 is an error with its own code. Bodies are
//! bounded while they are read; they are not judged here, the core does that.

use crate::challenge;
use crate::link;
use crate::origin::{Origin, base_url};
use crate::reach::Reach;
use crate::registry::{Settings, Tokens};
use crate::token::Asking;
use crate::transport::{self, Fault, Outgoing, Transport};
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LINK, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use url::Url;
use veriseal::code::{Code, Failure};
use veriseal::digest::Digest;
use veriseal::gather::{FetchError, Request, Response, What};
use veriseal::oci::media_type;

/// Most redirects of one request.
const MAX_REDIRECTS: usize = 5;
/// Most further tries after a fault that may pass.
const MAX_RETRIES: u32 = 2;
/// Longest path of a repository in bytes, twice what the distribution specification advises.
const MAX_PATH: usize = 512;

/// What a tag or digest may name. Schema 1 manifests are not asked for: they cannot be verified.
const ACCEPT_MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// One request with everything that answering it needs.
pub(crate) struct Exchange {
    pub(crate) settings: Arc<Settings>,
    pub(crate) transport: Arc<Transport>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) request: Request,
    pub(crate) deadline: Instant,
}

/// Where the request goes.
struct Target {
    registry: String,
    path: String,
    url: Url,
    home: Origin,
}

/// The head of an answer, and whether the registry itself gave it or a host that it redirected to.
struct Head {
    response: reqwest::Response,
    at_home: bool,
}

impl Exchange {
    /// Answers the request within its deadline.
    pub(crate) async fn run(self) -> Result<Response, FetchError> {
        let target = target(&self.request, &self.settings).map_err(FetchError::Unavailable)?;
        match tokio::time::timeout_at(self.deadline, self.tries(&target)).await {
            Ok(answer) => answer,
            Err(_) => Err(FetchError::Unavailable(
                Failure::new(Code::DeadlineExceeded).expected("an answer within the deadline of the call").at(&target.home),
            )),
        }
    }

    async fn tries(&self, target: &Target) -> Result<Response, FetchError> {
        let mut pause = self.settings.retry_pause;
        for _ in 0..MAX_RETRIES {
            let fault = match self.attempt(target).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let wait = match fault.error {
                FetchError::Throttled { retry_after: Some(wait) } => wait,
                _ => pause,
            };
            // A registry that asks for more patience than the call has is answered at once, with what it asked for.
            let waking = Instant::now().checked_add(wait);
            if !fault.again || waking.is_none_or(|waking| waking >= self.deadline) {
                return Err(fault.error);
            }
            sleep(wait).await;
            pause = pause.saturating_mul(4);
        }
        self.attempt(target).await.map_err(|fault| fault.error)
    }

    async fn attempt(&self, target: &Target) -> Result<Response, Fault> {
        let key = (target.home.clone(), target.path.clone());
        let known = self.tokens.get(&key);
        // A token that was kept may have run out: then the challenge is answered once more.
        let mut challenges_left = 1;
        let mut authorization = known.map(|known| known.header);
        loop {
            let head = self.follow(target, authorization.as_ref()).await?;
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
            let fresh = self.asking(target).authorize(&challenges).await?;
            authorization = Some(fresh.header.clone());
            self.tokens.put(key.clone(), fresh);
        }
    }

    fn asking<'a>(&'a self, target: &'a Target) -> Asking<'a> {
        Asking {
            settings: &self.settings,
            transport: &self.transport,
            registry: &target.registry,
            path: &target.path,
            home: &target.home,
            deadline: self.deadline,
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
        for _ in 0..=MAX_REDIRECTS {
            // Whoever is on the registry's own origin is the registry; every other host is one that it chose.
            let guard = if at_home { None } else { Some(reach.unwrap_or(Reach::Public)) };
            let outgoing = Outgoing { url: &url, accept, authorization, form: None, reach: guard, deadline: self.deadline };
            let response = self.transport.send(outgoing).await?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(Head { response, at_home });
            }
            if reach.is_none() {
                reach = Some(self.reach_of(target, &response));
            }
            let next = redirect(&response, &url).map_err(Fault::last)?;
            let (Some(from), Some(to)) = (Origin::of(&url), Origin::of(&next)) else {
                return Err(Fault::last(Failure::new(Code::RedirectRefused).found("a scheme other than https")));
            };
            if to != target.home {
                permit(&from, &to, reach.unwrap_or(Reach::Public), &self.settings.plain_http).map_err(Fault::last)?;
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

    /// What an answer means.
    ///
    /// For the first page of a referrers list "no such API" is said with 404 by the specification; with 400 or 406 by
    /// registries in use (Quay for a manifest it does not know, Artifactory); and with 200 and another content type by
    /// those that answer unknown paths with a web page. All are taken as [`Response::NotFound`], as ggcr does, after
    /// which the fallback tag is asked for, and only its 404 means "none". On later pages all of these are errors: a
    /// list that breaks off must not pass for a complete one.
    async fn answer_of(&self, target: &Target, head: Head) -> Result<Response, Fault> {
        let Head { response, at_home } = head;
        let is_referrers = matches!(self.request.what, What::Referrers { .. });
        let is_first_page = matches!(self.request.what, What::Referrers { page: None, .. });
        let at = transport::place(response.url());
        let status = response.status().as_u16();
        let invalid = |found: String| Fault::last(Failure::new(Code::ResponseInvalid).found(found).at(&at));
        match status {
            200 => {}
            400 | 404 | 406 if is_first_page => return Ok(Response::NotFound),
            404 if at_home && !is_referrers => return Ok(Response::NotFound),
            404 => return Err(invalid("404 where the registry itself had pointed to".to_owned())),
            401 | 403 => return Err(self.asking(target).denied(&format!("HTTP status {status} by {at}"))),
            429 => return Err(Fault { error: FetchError::Throttled { retry_after: retry_after(&response) }, again: true }),
            500 | 502..=504 => {
                return Err(Fault::passing(Failure::new(Code::Unavailable).found(format_args!("HTTP status {status}")).at(at)));
            }
            _ => return Err(invalid(format!("HTTP status {status}"))),
        }
        if is_encoded(&response) {
            return Err(invalid("a Content-Encoding that was not asked for".to_owned()));
        }
        let content_type = content_type(response.headers()).map_err(Fault::last)?;
        let mut next = None;
        if is_referrers {
            if content_type.as_deref() != Some(media_type::OCI_INDEX) {
                return if is_first_page {
                    Ok(Response::NotFound)
                } else {
                    Err(invalid(format!("content type {}", content_type.unwrap_or_else(|| "none".to_owned()))))
                };
            }
            let links = text_values(response.headers(), LINK).map_err(Fault::last)?;
            next =
                link::next(links).map_err(Fault::last)?.map(|link| next_page(target, &link)).transpose().map_err(Fault::last)?;
        }
        let claimed = match self.request.what {
            What::ManifestByTag(_) | What::Manifest(_) if at_home => claimed_digest(response.headers()).map_err(Fault::last)?,
            _ => None,
        };
        let bytes = match self.request.what {
            What::Blob { size, .. } if size < self.request.max_bytes => {
                transport::body(response, size, self.deadline).await.map_err(|fault| match fault.error {
                    FetchError::TooLarge { .. } => {
                        Fault::last(Failure::new(Code::SizeMismatch).expected(format_args!("{size} bytes")).found("more").at(&at))
                    }
                    _ => fault,
                })?
            }
            _ => transport::body(response, self.request.max_bytes, self.deadline).await?,
        };
        // The header is never trusted, but one that contradicts the body says that something is wrong (K-OC-08).
        if let Some(claimed) = claimed
            && !claimed.matches(&bytes)
        {
            let found = claimed.algorithm().hash(&[&bytes]);
            let failure = Failure::new(Code::DigestMismatch).expected(claimed).found(found);
            return Err(Fault::last(failure.at("Docker-Content-Digest")));
        }
        Ok(Response::Found { media_type: content_type, bytes, next })
    }
}

/// Checks every part that goes into the address, although the core's types have done so: nothing but the characters of
/// the grammar may reach a path (K-OC-13).
fn target(request: &Request, settings: &Settings) -> Result<Target, Failure> {
    let registry = request.repository.registry().ok_or_else(|| {
        Failure::new(Code::SourceInvalid).expected("a repository of a registry").found(request.repository.path())
    })?;
    let path = request.repository.path();
    let invalid = |found: &str| Failure::new(Code::ReferenceInvalid).found(found);
    let in_path = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
    if path.len() > MAX_PATH
        || !path.chars().all(in_path)
        || path.split('/').any(|part| part.is_empty() || part == "." || part == "..")
    {
        return Err(invalid(path));
    }
    let base = base_url(registry, settings.plain_http.contains(registry))?;
    let home = Origin::of(&base).ok_or_else(|| invalid(registry))?;
    let suffix = match &request.what {
        What::ManifestByTag(tag) => {
            let in_tag = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            let tag = tag.as_str();
            if tag.is_empty() || tag.len() > 128 || tag.starts_with(['.', '-']) || !tag.chars().all(in_tag) {
                return Err(invalid(tag));
            }
            format!("manifests/{tag}")
        }
        What::Manifest(digest) => format!("manifests/{digest}"),
        What::Blob { digest, .. } => format!("blobs/{digest}"),
        What::Referrers { subject, page: None } => format!("referrers/{subject}"),
        What::Referrers { page: Some(page), .. } => {
            let url = page.starts_with('/').then(|| base.join(page).ok()).flatten();
            let url = url.filter(|url| Origin::of(url).as_ref() == Some(&home));
            let url =
                url.ok_or_else(|| Failure::new(Code::ResponseInvalid).expected("a page of the same registry").found(page))?;
            return Ok(Target { registry: registry.to_owned(), path: path.to_owned(), url, home });
        }
        other => {
            return Err(Failure::new(Code::SourceInvalid)
                .expected("what a registry can answer")
                .found(format_args!("{other:?}")));
        }
    };
    let url = base.join(&format!("v2/{path}/{suffix}")).map_err(|_| invalid(path))?;
    Ok(Target { registry: registry.to_owned(), path: path.to_owned(), url, home })
}

/// The path and query of the next page, which must be the registry's own and another one than this.
fn next_page(target: &Target, link: &str) -> Result<String, Failure> {
    let invalid = |found: &str| Failure::new(Code::ResponseInvalid).found(found).at("Link");
    let url = target.url.join(link).map_err(|_| invalid("a next page that is no URL"))?;
    if Origin::of(&url).as_ref() != Some(&target.home) || !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("a next page on another host"));
    }
    let page = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    // `//host/…` would be read as another host when it comes back.
    if page.starts_with("//") || url == target.url {
        return Err(invalid("a next page that leads nowhere new"));
    }
    Ok(page)
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

/// Whether the body is in another encoding than its own.
pub(crate) fn is_encoded(response: &reqwest::Response) -> bool {
    response.headers().get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3). The form with a date is not read: it would need a clock.
pub(crate) fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().map(Duration::from_secs)
}

/// The one value of a header that must not stand twice: two parties would read two different answers.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Failure> {
    let at = name.clone();
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::to_str).transpose();
    let invalid = |found: &str| Failure::new(Code::ResponseInvalid).found(found).at(at);
    match value {
        Err(_) => Err(invalid("a header that is not ASCII")),
        Ok(_) if values.next().is_some() => Err(invalid("a header that stands twice")),
        Ok(value) => Ok(value),
    }
}

fn text_values(headers: &HeaderMap, name: HeaderName) -> Result<Vec<&str>, Failure> {
    let invalid = || Failure::new(Code::ResponseInvalid).found("a header that is not ASCII").at(&name);
    headers.get_all(&name).iter().map(|value| value.to_str().map_err(|_| invalid())).collect()
}

/// `Content-Type` in lower case and without parameters.
fn content_type(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let value = single(headers, CONTENT_TYPE)?;
    Ok(value.map(|value| value.split(';').next().unwrap_or("").trim().to_ascii_lowercase()).filter(|value| !value.is_empty()))
}

fn claimed_digest(headers: &HeaderMap) -> Result<Option<Digest>, Failure> {
    let value = single(headers, HeaderName::from_static("docker-content-digest"))?;
    value
        .map(|value| value.parse().map_err(|_| Failure::new(Code::ResponseInvalid).found(value).at("Docker-Content-Digest")))
        .transpose()
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
