//! [`Stand`]: a signed image in a registry that asks for the canary and then does what a test wants, and one whole
//! verification of that image.

use super::server::{Seen, Server, Stream, reply};
use super::tls::{authority, config};
use super::{CANARY, CANARY_BASIC, assert_no_canary};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};
use veriseal::gather::{Fetch, Response, What};
use veriseal::policy::{Identity, StringMatch};
use veriseal::trust::{TrustRoot, TrustRootOrigin};
use veriseal::{Authority, KeyAuthority, KeylessAuthority, Policy, PublicKey, Reference, Report, Requirement, Verifier};
use veriseal_registry::{Credentials, Event, Observer, Registry, RegistryBuilder, Secret};
use veriseal_testkit::Store;
use veriseal_testkit::scenario::{self, Scenario};

/// The deadline of every call here: short, so that what meets it does so soon.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// First byte and window of the minimum rate.
pub(crate) const STEP: Duration = Duration::from_secs(1);

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// The image, by tag or digest.
    Image,
    /// Cosign's tag of signatures.
    Signatures,
    /// The referrers API.
    Referrers,
    /// The tag in its place.
    Fallback,
    /// Any other manifest.
    Manifest,
    Blob,
    /// Whatever is no registry's address.
    Other,
}

/// A request, as a fault sees it.
pub(crate) struct Ask<'s> {
    pub(crate) seen: &'s Seen,
    pub(crate) kind: Kind,
    /// Requests before it for the same thing, with the same right.
    pub(crate) before: usize,
    /// Whether it carries the canary, which opens everything.
    pub(crate) authorized: bool,
    /// The other server, as `host:port`.
    pub(crate) elsewhere: &'s str,
    pub(crate) with_tls: bool,
}

pub(crate) struct Stand {
    pub(crate) scenario: Scenario,
    pub(crate) server: Server,
    /// Another origin: it must never see the canary.
    pub(crate) elsewhere: Server,
    bytes: Arc<Bytes>,
    builder: Box<dyn Fn() -> RegistryBuilder>,
}

#[derive(Default)]
struct Bytes(AtomicU64);

impl Observer for Bytes {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Received { bytes } = event {
            self.0.fetch_add(*bytes, Ordering::Relaxed);
        }
    }
}

/// What came of a verification, and what it took.
pub(crate) struct Outcome {
    pub(crate) report: Report,
    pub(crate) elapsed: Duration,
    pub(crate) requests: usize,
    pub(crate) bytes: u64,
}

impl Stand {
    /// Over plain HTTP, or over TLS with an authority of the test's own. A fault writes what it likes and says so, or leaves
    /// the request to the registry.
    pub(crate) fn start(
        with_tls: bool,
        scenario: Scenario,
        fault: impl Fn(&Ask<'_>, &mut dyn Stream) -> bool + Send + Sync + 'static,
    ) -> Self {
        static AUTHORITY: LazyLock<super::tls::Authority> = LazyLock::new(authority);
        let elsewhere = Server::start(|_, _| reply(200, &[], br#"{"token":"stolen"}"#));
        let (store, image) = (scenario.store.clone(), scenario.image.digest);
        let tls = with_tls.then(|| config(&AUTHORITY, "127.0.0.1", |_| {}));
        let counts: Mutex<HashMap<(String, bool), usize>> = Mutex::default();
        let name = elsewhere.other_name();
        let server = Server::raw(tls, move |seen, _, stream| {
            let authorized = seen.authorization() == Some(CANARY_BASIC);
            let before = {
                let mut counts = counts.lock().unwrap();
                let count = counts.entry((seen.target.clone(), authorized)).or_default();
                *count += 1;
                *count - 1
            };
            let ask = Ask { seen, kind: kind(seen, &image), before, authorized, elsewhere: &name, with_tls };
            if fault(&ask, stream) {
                return;
            }
            let answer = if authorized { truth(&store, seen) } else { reply(401, &[("WWW-Authenticate", "Basic realm=x")], b"") };
            let _ = stream.write_all(&answer);
        });
        let bytes = Arc::new(Bytes::default());
        let (registry, other, observer) = (server.name(), elsewhere.other_name(), Arc::clone(&bytes));
        let builder = move || {
            let password = Credentials::Password { username: "victim".to_owned(), password: Secret::new(CANARY) };
            let builder = Registry::builder()
                .only_these_roots()
                .credentials(&registry, password)
                .deadline(DEADLINE)
                .first_byte_timeout(STEP)
                .minimum_rate(1024, STEP)
                .retry_pause(Duration::from_millis(5))
                .allow_http(&other)
                .observer(Arc::clone(&observer) as Arc<dyn Observer>);
            if with_tls { builder.root_certificate_pem(AUTHORITY.pem().as_bytes()) } else { builder.allow_http(&registry) }
        };
        Self { scenario, server, elsewhere, bytes, builder: Box::new(builder) }
    }

    pub(crate) fn builder(&self) -> RegistryBuilder {
        (self.builder)()
    }

    pub(crate) fn by_tag(&self) -> String {
        format!("{}/{}:{}", self.server.name(), scenario::REPOSITORY, scenario::TAG)
    }

    pub(crate) fn by_digest(&self) -> String {
        format!("{}/{}@{}", self.server.name(), scenario::REPOSITORY, self.scenario.image.digest)
    }

    /// Verifies, and sees to it that the canary has not left.
    pub(crate) fn verify(&self, reference: &str) -> Outcome {
        self.verify_with(reference, &self.builder().build().unwrap())
    }

    pub(crate) fn verify_with(&self, reference: &str, fetch: &dyn Fetch) -> Outcome {
        let reference: Reference = reference.parse().unwrap();
        let (requests, bytes) = (self.server.seen().len(), self.bytes.0.load(Ordering::Relaxed));
        let verifier = verifier(&self.scenario);
        let started = Instant::now();
        let outcome = verifier.verify(&reference, fetch, self.scenario.now);
        let elapsed = started.elapsed();
        let report = match &outcome {
            Ok(accepted) => {
                assert_eq!(accepted.pinned().digest(), Some(&self.scenario.image.digest));
                accepted.report().clone()
            }
            Err(not_accepted) => not_accepted.report().clone(),
        };
        for text in [report.to_json(), format!("{outcome:?}")] {
            assert!(!text.contains(CANARY) && !text.contains("dmljdGlt"), "{text}");
        }
        assert_no_canary(&self.elsewhere);
        Outcome {
            report,
            elapsed,
            requests: self.server.seen().len() - requests,
            bytes: self.bytes.0.load(Ordering::Relaxed) - bytes,
        }
    }
}

pub(crate) fn verifier(scenario: &Scenario) -> Verifier {
    let authority = match scenario.authority {
        scenario::Authority::Key => {
            let key = PublicKey::from_pem(scenario.key_pem.as_bytes()).unwrap();
            Authority::Key(KeyAuthority::new(key, "release"))
        }
        scenario::Authority::Keyless => {
            let subject = StringMatch::Exact(scenario.identity.subject_text());
            let issuer = StringMatch::Exact(scenario.identity.issuer.clone());
            let identity = Identity::new(subject, issuer).unwrap();
            Authority::Keyless(KeylessAuthority::new(vec![identity]).unwrap())
        }
    };
    let trust = TrustRoot::from_json(&scenario.trusted_root(), TrustRootOrigin::default()).unwrap();
    Verifier::new(trust, Policy::new(Requirement::signed_by(authority)).unwrap())
}

fn parts(seen: &Seen) -> Option<(&str, &str, Option<&str>)> {
    let (path, query) = seen.target.split_once('?').map_or((seen.target.as_str(), None), |(path, query)| (path, Some(query)));
    let rest = path.strip_prefix("/v2/")?.strip_prefix(scenario::REPOSITORY)?.strip_prefix('/')?;
    let (kind, name) = rest.split_once('/')?;
    Some((kind, name, query))
}

fn kind(seen: &Seen, image: &veriseal::digest::Digest) -> Kind {
    match parts(seen) {
        Some(("manifests", name, _)) if name == scenario::TAG || name == image.to_string() => Kind::Image,
        Some(("manifests", name, _)) if name.ends_with(".sig") => Kind::Signatures,
        Some(("manifests", name, _)) if name.starts_with("sha256-") => Kind::Fallback,
        Some(("manifests", ..)) => Kind::Manifest,
        Some(("blobs", ..)) => Kind::Blob,
        Some(("referrers", ..)) => Kind::Referrers,
        _ => Kind::Other,
    }
}

/// What an honest registry answers.
pub(crate) fn truth(store: &Store, seen: &Seen) -> Vec<u8> {
    let Some((kind, name, query)) = parts(seen) else { return reply(404, &[], b"") };
    let page = query.and_then(|query| query.strip_prefix("page=")).map(str::to_owned);
    let what = match (kind, name.parse()) {
        ("manifests", Ok(digest)) => What::Manifest(digest),
        ("manifests", Err(_)) => What::ManifestByTag(name.parse().unwrap()),
        ("blobs", Ok(digest)) => What::Blob { digest, size: 0 },
        ("referrers", Ok(subject)) => What::Referrers { subject, page },
        _ => return reply(404, &[], b""),
    };
    match store.answer(&what, u64::MAX).unwrap() {
        Response::NotFound => reply(404, &[], b"404 page not found"),
        Response::Found { media_type, bytes, next } => {
            let path = seen.target.split('?').next().unwrap();
            let link = next.map(|page| format!(r#"<{path}?page={page}>; rel="next""#));
            let mut headers = vec![("Content-Type", media_type.as_deref().unwrap_or("application/octet-stream"))];
            headers.extend(link.as_deref().map(|link| ("Link", link)));
            reply(200, &headers, &bytes)
        }
    }
}
