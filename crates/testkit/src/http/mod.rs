//! [`HttpRegistry`]: an OCI registry on 127.0.0.1 that serves [`Store`]s (OCI distribution-spec), for tests of clients.
//!
//! HTTP/1.1, plain or (feature `tls`) over TLS, on threads of its own, no timeouts and no clock; it stops when dropped. It serves what the stores hold,
//! right or wrong, and it answers faults that a test asked for. It takes pushes as well, so that other tools can sign
//! into it.

mod access;
mod fault;
mod routes;
#[cfg(feature = "tls")]
mod tls;
mod wire;

pub use access::{Access, AccessScheme};
pub use fault::{Action, Fault};
#[cfg(feature = "tls")]
pub use tls::{Clients, TlsMaterials};
pub use wire::{Answer, Ask};

use crate::store::Store;
use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// A running registry. Cloning is not possible; share it by reference.
#[derive(Debug)]
pub struct HttpRegistry {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    contents: Mutex<Contents>,
    faults: Mutex<Vec<Fault>>,
    access: Mutex<Option<Access>>,
    host: String,
    #[cfg(feature = "tls")]
    tls: Option<Arc<rustls::ServerConfig>>,
    log: Mutex<Vec<Ask>>,
    connections: Mutex<Vec<TcpStream>>,
    workers: Mutex<Vec<JoinHandle<()>>>,
    stopped: AtomicBool,
}

/// What is served.
#[derive(Debug, Default)]
struct Contents {
    /// Stores by repository name.
    repositories: BTreeMap<String, Store>,
    /// The store of every other name; without it they do not exist.
    other: Option<Store>,
    /// Uploads under way, by number.
    uploads: BTreeMap<u64, Vec<u8>>,
    next_upload: u64,
}

impl HttpRegistry {
    /// Serves one store under every repository name.
    ///
    /// # Panics
    /// When the loopback interface cannot be listened on.
    #[must_use]
    pub fn serve(store: Store) -> Self {
        Self::start(Contents { other: Some(store), ..Contents::default() }, Shared::default())
    }

    /// Serves one store under every repository name, over TLS.
    ///
    /// # Panics
    /// When the loopback interface cannot be listened on, or no key can be made.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn serve_tls(store: Store, clients: Clients) -> (Self, TlsMaterials) {
        let (config, materials) = tls::prepare(clients).expect("keys and certificates can be made");
        let shared = Shared { tls: Some(config), ..Shared::default() };
        (Self::start(Contents { other: Some(store), ..Contents::default() }, shared), materials)
    }

    /// Serves stores by repository name; other names are not found.
    ///
    /// # Panics
    /// When the loopback interface cannot be listened on.
    #[must_use]
    pub fn serve_repositories(repositories: BTreeMap<String, Store>) -> Self {
        Self::start(Contents { repositories, ..Contents::default() }, Shared::default())
    }

    fn start(contents: Contents, shared: Shared) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 can be listened on");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Shared { contents: Mutex::new(contents), host: address.to_string(), ..shared };
        let shared = Arc::new(shared);
        let acceptor = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// The socket address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `127.0.0.1:<port>`: the registry part of a reference.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// A reference into this registry: `rest` is the repository with tag or digest, such as `app:v1`.
    #[must_use]
    pub fn reference(&self, rest: &str) -> String {
        format!("{}/{rest}", self.host())
    }

    /// Changes what is served: the store of that repository, made empty when there is none of that name and none for all.
    pub fn edit<T>(&self, repository: &str, change: impl FnOnce(&mut Store) -> T) -> T {
        change(lock(&self.shared.contents).store_mut(repository))
    }

    /// Puts a store in the place of a repository.
    pub fn push(&self, repository: &str, store: Store) {
        lock(&self.shared.contents).repositories.insert(repository.to_owned(), store);
    }

    /// A copy of the store that a repository is served from.
    #[must_use]
    pub fn store(&self, repository: &str) -> Option<Store> {
        lock(&self.shared.contents).store(repository).cloned()
    }

    /// Asks clients for credentials from now on, or stops to.
    pub fn require(&self, access: Option<Access>) {
        *lock(&self.shared.access) = access;
    }

    /// Adds a fault. The first that fits a request decides.
    pub fn fault(&self, fault: Fault) {
        lock(&self.shared.faults).push(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// The requests so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Ask> {
        lock(&self.shared.log).clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        lock(&self.shared.log).clear();
    }
}

impl Drop for HttpRegistry {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // A connection of our own wakes the acceptor, which then sees that it shall stop.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for connection in lock(&self.shared.connections).drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        let workers = std::mem::take(&mut *lock(&self.shared.workers));
        for worker in workers {
            let _ = worker.join();
        }
    }
}

impl Contents {
    fn store(&self, repository: &str) -> Option<&Store> {
        self.repositories.get(repository).or(self.other.as_ref())
    }

    fn store_mut(&mut self, repository: &str) -> &mut Store {
        if !self.repositories.contains_key(repository)
            && let Some(other) = &mut self.other
        {
            return other;
        }
        self.repositories.entry(repository.to_owned()).or_default()
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        if let Ok(copy) = stream.try_clone() {
            lock(&shared.connections).push(copy);
        }
        let for_worker = Arc::clone(shared);
        let worker = std::thread::spawn(move || serve_connection(stream, &for_worker));
        lock(&shared.workers).push(worker);
    }
}

/// Answers requests on one connection until the client or a fault closes it.
fn serve_connection(stream: TcpStream, shared: &Shared) {
    let _ = stream.set_nodelay(true);
    let Ok(end) = stream.try_clone() else { return };
    #[cfg(feature = "tls")]
    let stream = match &shared.tls {
        None => Some(stream),
        Some(config) => {
            if let Ok(session) = rustls::ServerConnection::new(Arc::clone(config)) {
                let mut stream = serve_stream(rustls::StreamOwned::new(session, stream), shared);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
            None
        }
    };
    #[cfg(not(feature = "tls"))]
    let stream = Some(stream);
    if let Some(stream) = stream {
        serve_stream(stream, shared);
    }
    let _ = end.shutdown(Shutdown::Both);
}

fn serve_stream<S: Read + Write>(stream: S, shared: &Shared) -> S {
    let mut stream = BufReader::new(stream);
    while let Ok(Some(ask)) = wire::read(&mut stream) {
        lock(&shared.log).push(ask.clone());
        let action = fault::take(&mut lock(&shared.faults), &ask);
        let answer = match action {
            Some(Action::Hang) => {
                // Nothing is sent; the client's timeout, or the end of the registry, ends the wait.
                let _ = wire::read(&mut stream);
                break;
            }
            Some(Action::Close) => break,
            Some(Action::Answer(answer)) => answer,
            None => {
                let refused = lock(&shared.access).as_ref().and_then(|access| access.decide(&ask, shared.scheme(), &shared.host));
                refused.unwrap_or_else(|| routes::answer(&mut lock(&shared.contents), &ask))
            }
        };
        if wire::write(stream.get_mut(), &ask, &answer).is_err() || ask.wants_close() || answer.cut_after.is_some() {
            break;
        }
    }
    stream.into_inner()
}

impl Shared {
    /// How its own addresses begin.
    fn scheme(&self) -> &'static str {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return "https";
        }
        "http"
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ImageBuilder;
    use serde_json::json;

    /// Sends raw text on one connection and returns everything that comes back until the peer closes.
    fn exchange(registry: &HttpRegistry, text: &str) -> String {
        let mut stream = TcpStream::connect(registry.address()).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        stream.read_to_end(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn get(registry: &HttpRegistry, target: &str) -> String {
        exchange(registry, &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    }

    fn registry() -> (HttpRegistry, crate::Image) {
        let mut store = Store { page_size: Some(1), ..Store::with_referrers_api() };
        let image = ImageBuilder::new("app").tagged(&mut store, "v1");
        store.attach_bundle_bytes(&image, b"one", json!({}));
        store.attach_bundle_bytes(&image, b"two", json!({}));
        (HttpRegistry::serve(store), image)
    }

    #[test]
    fn manifests_and_blobs_come_by_tag_and_digest() {
        let (registry, image) = registry();
        let answer = get(&registry, "/v2/app/manifests/v1");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains(&format!("docker-content-digest: {}\r\n", image.digest)), "{answer}");
        assert!(answer.contains(&format!("content-type: {}\r\n", image.media_type)), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(image.digest.matches(body.as_bytes()));
        let by_digest = get(&registry, &format!("/v2/some/where/app/manifests/{}", image.digest));
        assert_eq!(by_digest.split_once("\r\n\r\n").unwrap().1, body);
        let layer = veriseal::digest::Digest::sha256(b"one");
        assert!(get(&registry, &format!("/v2/app/blobs/{layer}")).ends_with("\r\n\r\none"));
        assert!(get(&registry, "/v2/app/manifests/v2").starts_with("HTTP/1.1 404 Not Found\r\n"));
        assert!(get(&registry, "/v2/").starts_with("HTTP/1.1 200 OK\r\n"));
    }

    #[test]
    fn one_connection_serves_several_requests_and_head_has_no_body() {
        let (registry, image) = registry();
        let text = "HEAD /v2/app/manifests/v1 HTTP/1.1\r\nHost: x\r\n\r\nGET /v2/ HTTP/1.1\r\nConnection: close\r\n\r\n";
        let answers = exchange(&registry, text);
        assert!(answers.contains(&format!("content-length: {}\r\n", image.size)), "{answers}");
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
        let methods: Vec<String> = registry.requests().into_iter().map(|ask| ask.method).collect();
        assert_eq!(methods, ["HEAD", "GET"]);
    }

    #[test]
    fn referrers_are_paged_by_link_and_absent_without_the_api() {
        let (registry, image) = registry();
        let target = format!("/v2/app/referrers/{}", image.digest);
        let first = get(&registry, &target);
        assert!(first.contains(&format!("link: <{target}?page=1>; rel=\"next\"\r\n")), "{first}");
        let second = get(&registry, &format!("{target}?page=1"));
        assert!(second.starts_with("HTTP/1.1 200") && !second.contains("link:"), "{second}");
        registry.edit("app", |store| store.referrers_api = false);
        assert!(get(&registry, &target).starts_with("HTTP/1.1 404"));
    }

    #[test]
    fn a_fault_decides_as_often_as_it_was_told_to() {
        let (registry, image) = registry();
        registry.fault(Fault::status("/v2/app/referrers/", 403));
        let throttled = Answer::new(429).header("retry-after", "7");
        registry.fault(Fault::new("/v2/app/manifests/", Action::Answer(throttled)).times(1));
        assert!(get(&registry, &format!("/v2/app/referrers/{}", image.digest)).starts_with("HTTP/1.1 403"));
        let answer = get(&registry, "/v2/app/manifests/v1");
        assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("retry-after: 7\r\n"), "{answer}");
        assert!(get(&registry, "/v2/app/manifests/v1").starts_with("HTTP/1.1 200"));
        registry.clear_faults();
        registry.fault(Fault::new("/v2/", Action::Close));
        assert_eq!(get(&registry, "/v2/app/manifests/v1"), "");
    }

    #[test]
    fn a_token_opens_what_a_challenge_closed() {
        let (registry, _) = registry();
        registry.require(Some(Access::bearer("user", "pass")));
        let answer = get(&registry, "/v2/app/manifests/v1");
        let challenge = format!(
            "www-authenticate: Bearer realm=\"http://{0}/token\",service=\"{0}\",scope=\"repository:app:pull\"\r\n",
            registry.host()
        );
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains(&challenge), "{answer}");
        let with = |target: &str, authorization: &str| {
            let text = format!("GET {target} HTTP/1.1\r\nAuthorization: {authorization}\r\nConnection: close\r\n\r\n");
            exchange(&registry, &text)
        };
        assert!(with("/token?service=x", "Basic dXNlcjpwYXNzIQ==").starts_with("HTTP/1.1 401"));
        let token = with("/token?service=x", "Basic dXNlcjpwYXNz");
        assert!(token.contains("\"token\":\"testkit-token\""), "{token}");
        assert!(with("/v2/app/manifests/v1", "Bearer testkit-token").starts_with("HTTP/1.1 200"));
        assert!(with("/v2/app/manifests/v1", "Bearer other").starts_with("HTTP/1.1 401"));
        registry.require(Some(Access::basic("user", "pass")));
        assert!(with("/v2/app/manifests/v1", "Basic dXNlcjpwYXNz").starts_with("HTTP/1.1 200"));
        assert!(with("/v2/app/manifests/v1", "Bearer testkit-token").contains("www-authenticate: Basic realm="));
    }

    #[test]
    fn a_cut_body_ends_before_its_length() {
        let (registry, _) = registry();
        let answer = Answer { cut_after: Some(2), ..Answer::new(200).body(b"12345") };
        registry.fault(Fault::new("/v2/app", Action::Answer(answer)));
        let text = exchange(&registry, "GET /v2/app/manifests/v1 HTTP/1.1\r\n\r\n");
        assert!(text.contains("content-length: 5\r\n") && text.ends_with("\r\n\r\n12"), "{text}");
    }

    #[test]
    fn a_push_is_stored_and_listed_as_referrer() {
        let (registry, image) = registry();
        let body = "hello";
        let started =
            exchange(&registry, "POST /v2/app/blobs/uploads/ HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let location = started.split("location: ").nth(1).unwrap().split("\r\n").next().unwrap().to_owned();
        let digest = veriseal::digest::Digest::sha256(body.as_bytes());
        let patch = format!(
            "PATCH {location} HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
        );
        assert!(exchange(&registry, &patch).starts_with("HTTP/1.1 202"));
        let put = format!(
            "PUT {location}?digest={} HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            digest.to_string().replace(':', "%3A")
        );
        assert!(exchange(&registry, &put).starts_with("HTTP/1.1 201"));
        assert!(registry.store("app").unwrap().blobs.contains_key(&digest));
        let manifest = json!({ "subject": crate::image::descriptor("a/b", &image.digest, 1), "artifactType": "c/d" }).to_string();
        let put = format!(
            "PUT /v2/app/manifests/sig HTTP/1.1\r\nContent-Type: a/b\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{manifest}",
            manifest.len()
        );
        let answer = exchange(&registry, &put);
        assert!(answer.starts_with("HTTP/1.1 201") && answer.contains(&format!("oci-subject: {}\r\n", image.digest)), "{answer}");
        let store = registry.store("app").unwrap();
        assert_eq!(store.tagged("sig").unwrap().bytes, manifest.as_bytes());
        assert_eq!(store.referrers[&image.digest].len(), 3);
    }
}
