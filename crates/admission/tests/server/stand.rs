//! What the tests of the server share: a registry with the images of the article, files on disk, a running server, a client.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use veriseal::{UnixTime, VerdictCache};
use veriseal_admission::server::{Audit, Certificates, Clock, Metrics, Parts, Policies, Server, Settings, WhenFull};
use veriseal_registry::{Cache, Registry};
use veriseal_testkit::{Bundle, HttpRegistry, Identity, Image, ImageBuilder, Sigstore, Store};

pub(crate) const REPOSITORY: &str = "docker.io/rayanos/kyverno-cosign-demo";
pub(crate) const SIGNED: &str = "rayanos/kyverno-cosign-demo:v1.0.1";
pub(crate) const UNSIGNED: &str = "rayanos/kyverno-cosign-demo:unsigned";

/// A registry that stands for Docker Hub, and a folder with policy, trusted root, certificate and key.
pub(crate) struct Stand {
    pub(crate) folder: TempDir,
    pub(crate) registry: HttpRegistry,
    pub(crate) signed: Image,
    pub(crate) now: UnixTime,
    /// The authority of the server's certificate.
    pub(crate) authority: CertifiedIssuer<'static, KeyPair>,
}

impl Stand {
    pub(crate) fn new() -> Self {
        let mut sigstore = Sigstore::new(1);
        let mut store = Store::with_referrers_api();
        let signed = ImageBuilder::new("signed").tagged(&mut store, "v1.0.1");
        ImageBuilder::new("unsigned").tagged(&mut store, "unsigned");
        let identity = Identity::github("rayanoss/kyverno-cosign-demo", "release.yml", "refs/heads/main");
        let signer = sigstore.keyless(&identity);
        let bundle = Bundle::image(&signed.digest, &signer).logged_v1(&mut sigstore.rekor, sigstore.now);
        store.attach_bundle(&signed, &bundle);
        let stand = Self {
            folder: tempfile::tempdir().unwrap(),
            registry: HttpRegistry::serve(store),
            signed,
            now: sigstore.now.saturating_add_seconds(86_400),
            authority: authority(),
        };
        std::fs::write(stand.path("root.json"), sigstore.trusted_root().to_bytes()).unwrap();
        stand.write_policy(&stand.policy("enforce"));
        stand.write_certificate(&stand.authority, |_| {});
        stand
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The policy of the article: images of `rayanos` need a signature of a workflow of `rayanoss`, in `test-app`.
    pub(crate) fn policy(&self, mode: &str) -> Value {
        json!({
            "apiVersion": "veriseal/v1",
            "mode": mode,
            "admission": { "namespaces": ["test-app"] },
            "trust": { "test": { "trustedRoot": "root.json" } },
            "images": [{
                "match": ["**"],
                "require": { "signature": { "keyless": {
                    "trust": "test",
                    "issuer": "https://token.actions.githubusercontent.com",
                    "identity": { "glob": "https://github.com/rayanoss/**" },
                } } },
            }],
        })
    }

    pub(crate) fn write_policy(&self, policy: &Value) {
        std::fs::write(self.path("require-signed-images.json"), policy.to_string()).unwrap();
    }

    /// A new certificate and key for the server.
    pub(crate) fn write_certificate(&self, issuer: &CertifiedIssuer<'_, KeyPair>, change: impl Fn(&mut CertificateParams)) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, issuer).unwrap();
        std::fs::write(self.path("tls.crt"), certificate.pem()).unwrap();
        std::fs::write(self.path("tls.key"), key.serialize_pem()).unwrap();
    }

    pub(crate) fn pinned(&self) -> String {
        format!("{REPOSITORY}@{}", self.signed.digest)
    }

    /// A client of this registry, which stands for Docker Hub, and for whatever else is named by its address.
    pub(crate) fn client(&self, metrics: &Arc<Metrics>, also: &[String]) -> Registry {
        let mut builder = Registry::builder().only_these_roots().retry_pause(Duration::ZERO);
        builder = builder.allow_http(&self.registry.host()).mirror("docker.io", &self.registry.host());
        for host in also {
            builder = builder.allow_http(host);
        }
        builder.cache(Cache::memory(1 << 20)).observer(Arc::<Metrics>::clone(metrics)).build().unwrap()
    }

    pub(crate) fn policies(&self) -> Policies {
        let verdicts = Arc::new(VerdictCache::new(100));
        Policies::load(vec![self.path("require-signed-images.json")], verdicts).unwrap()
    }

    pub(crate) fn certificates(&self) -> Arc<Certificates> {
        Certificates::load(&self.path("tls.crt"), &self.path("tls.key"), self.now).unwrap()
    }

    /// Settings for tests: nothing is done by itself, and nothing is waited for.
    pub(crate) fn settings() -> Settings {
        Settings {
            reload_every: None,
            stop_delay: Duration::ZERO,
            // Debug builds verify slowly.
            deadline: Duration::from_secs(60),
            image_deadline: Duration::from_secs(60),
            ..Settings::default()
        }
    }

    pub(crate) async fn start(&self) -> Running {
        self.start_with(Self::settings(), &[]).await
    }

    pub(crate) async fn start_with(&self, settings: Settings, also: &[String]) -> Running {
        let log = Log::default();
        let audit = Audit::start(Box::new(log.clone()), 1024, WhenFull::Deny).unwrap();
        self.start_writing(settings, also, audit, log).await
    }

    pub(crate) async fn start_writing(&self, settings: Settings, also: &[String], audit: Audit, log: Log) -> Running {
        let metrics = Arc::new(Metrics::new());
        let now = self.now;
        let clock: Clock = Arc::new(move || now);
        let notes = Log::default();
        let telling = notes.clone();
        let parts = Parts {
            policies: self.policies(),
            certificates: self.certificates(),
            registry: self.client(&metrics, also),
            audit,
            metrics,
            clock,
            notes: Arc::new(move |note| telling.line(note)),
        };
        let server = Server::new(parts, settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(Arc::clone(&server).serve(listener, async {
            let _ = stopped.await;
        }));
        let client = https(&self.authority);
        Running { server, address, stop: Some(stop), serving, client, log, notes }
    }
}

/// A server under test.
pub(crate) struct Running {
    pub(crate) server: Arc<Server>,
    pub(crate) address: SocketAddr,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) serving: JoinHandle<Result<(), veriseal::Failure>>,
    pub(crate) client: reqwest::Client,
    pub(crate) log: Log,
    pub(crate) notes: Log,
}

impl Running {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// Posts a review and gives back the `response`.
    pub(crate) async fn post(&self, path: &str, review: &Value) -> Value {
        let sent = self.client.post(self.url(path)).header("content-type", "application/json").body(review.to_string());
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!((&answer["apiVersion"], &answer["kind"]), (&json!("admission.k8s.io/v1"), &json!("AdmissionReview")));
        assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
        answer["response"].clone()
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(self.url(path)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The value of a sample of `/metrics`, named with its labels.
    pub(crate) async fn metric(&self, sample: &str) -> Option<String> {
        let (status, page) = self.get("/metrics").await;
        assert_eq!(status, 200);
        page.lines().find_map(|line| Some(line.strip_prefix(sample)?.strip_prefix(' ')?.to_owned()))
    }

    /// Stops the server and gives back the lines of its audit log.
    pub(crate) async fn stop(mut self) -> Vec<Value> {
        drop(self.stop.take());
        self.serving.await.unwrap().unwrap();
        self.log.lines()
    }
}

/// What was written, by whomever.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn line(&self, line: &str) {
        self.0.lock().unwrap().extend_from_slice(format!("{line}\n").as_bytes());
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A client that trusts this authority alone.
pub(crate) fn https(authority: &CertifiedIssuer<'_, KeyPair>) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(config).no_proxy().build().unwrap()
}

/// A recorded request.
pub(crate) fn recorded(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/reviews/{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The recorded pod with another image.
pub(crate) fn pod(image: &str) -> Value {
    let mut review = recorded("pod");
    review["request"]["object"]["spec"]["containers"][0]["image"] = json!(image);
    review
}

pub(crate) fn patch(response: &Value) -> Value {
    assert_eq!(response["patchType"], "JSONPatch");
    serde_json::from_slice(&veriseal::encoding::base64::decode(response["patch"].as_str().unwrap()).unwrap()).unwrap()
}
