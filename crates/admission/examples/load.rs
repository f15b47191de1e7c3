//! Load on the webhook, to run by hand on a quiet machine:
//!
//! `cargo run --release -p veriseal-admission --features server --example load -- --requests 100000 --rate 200`
//!
//! The server runs in a process of its own, so that its memory is measured alone. Requests are sent when they are due, whether
//! or not earlier ones were answered, and latency counts from when they were due. Every tenth names an unsigned image; an
//! answer that admits one of these is a wrong admission. `--stall` lets every fiftieth name an image of a registry that never
//! answers, `--reload` rewrites the policy (also to something broken), `--rotate` the certificate, all while requests come.
//!
//! Ends with 1 where anything was admitted wrongly.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::as_conversions, clippy::arithmetic_side_effects)]

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use veriseal::{UnixTime, VerdictCache};
use veriseal_admission::server::{
    Audit, Certificates, Metrics, Parts, Policies, QUEUE, RotatingFile, Server, Settings, WhenFull, run,
};
use veriseal_registry::{Cache, Registry};
use veriseal_testkit::http::{Action, Fault};
use veriseal_testkit::{Bundle, HttpRegistry, Identity, ImageBuilder, Sigstore, Store};

/// Different images, so that caches hold more than one.
const SIGNED: usize = 40;
const UNSIGNED: usize = 8;

/// What is asked for.
#[derive(Clone)]
struct Plan {
    requests: u64,
    rate: u64,
    connections: usize,
    stall: bool,
    reload: bool,
    rotate: bool,
}

impl Plan {
    fn of(arguments: &[String]) -> Self {
        let has = |name: &str| arguments.iter().any(|argument| argument == name);
        let number = |name: &str, default: u64| {
            let at = arguments.iter().position(|argument| argument == name);
            at.map_or(default, |at| arguments[at + 1].parse().unwrap())
        };
        Self {
            requests: number("--requests", 5000),
            rate: number("--rate", 200),
            connections: usize::try_from(number("--connections", 64)).unwrap(),
            stall: has("--stall"),
            reload: has("--reload"),
            rotate: has("--rotate"),
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, rest)) if first == "serve" => serve(rest),
        _ => load(&Plan::of(&arguments)),
    }
}

/// The server: folder, moment, and the registries.
fn serve(arguments: &[String]) -> ExitCode {
    let folder = Path::new(&arguments[0]);
    let now = UnixTime::from_seconds(arguments[1].parse().unwrap());
    let metrics = Arc::new(Metrics::new());
    let mut registry = Registry::builder().only_these_roots();
    for host in &arguments[2..] {
        registry = registry.allow_http(host);
    }
    let registry = registry.cache(Cache::memory(64 << 20)).observer(Arc::<Metrics>::clone(&metrics));
    let file = RotatingFile::open(&folder.join("audit.log"), 10 << 20, 2).unwrap();
    let parts = Parts {
        policies: Policies::load(vec![folder.join("policy.json")], Arc::new(VerdictCache::new(2048))).unwrap(),
        certificates: Certificates::load(&folder.join("tls.crt"), &folder.join("tls.key"), now).unwrap(),
        registry: registry.build().unwrap(),
        audit: Audit::start(Box::new(file), QUEUE, WhenFull::Deny).unwrap(),
        metrics,
        clock: Arc::new(move || now),
        notes: Arc::new(|note| println!("{note}")),
    };
    let settings = Settings { reload_every: Some(Duration::from_secs(1)), ..Settings::default() };
    run(Server::new(parts, settings), ([127, 0, 0, 1], 0).into()).unwrap();
    ExitCode::SUCCESS
}

/// Everything outside the server.
struct World {
    folder: tempfile::TempDir,
    registry: HttpRegistry,
    stalled: HttpRegistry,
    authority: CertifiedIssuer<'static, KeyPair>,
    now: UnixTime,
}

impl World {
    fn new() -> Self {
        let mut sigstore = Sigstore::new(1);
        let mut store = Store::with_referrers_api();
        let identity = Identity::github("rayanoss/kyverno-cosign-demo", "release.yml", "refs/heads/main");
        for number in 0..SIGNED {
            let image = ImageBuilder::new(&format!("signed {number}")).tagged(&mut store, &format!("signed-{number}"));
            let signer = sigstore.keyless(&identity);
            let bundle = Bundle::image(&image.digest, &signer).logged_v1(&mut sigstore.rekor, sigstore.now);
            store.attach_bundle(&image, &bundle);
        }
        for number in 0..UNSIGNED {
            ImageBuilder::new(&format!("unsigned {number}")).tagged(&mut store, &format!("unsigned-{number}"));
        }
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            stalled: HttpRegistry::serve(Store::new()),
            registry: HttpRegistry::serve(store),
            authority: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap(),
            now: sigstore.now.saturating_add_seconds(86_400),
        };
        world.stalled.fault(Fault::new("/v2/", Action::Hang));
        std::fs::write(world.path("root.json"), sigstore.trusted_root().to_bytes()).unwrap();
        world.write_policy(0);
        world.write_certificate();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes beside and renames, as a mounted ConfigMap changes.
    fn put(&self, name: &str, bytes: &str) {
        let beside = self.path(&format!("{name}.new"));
        std::fs::write(&beside, bytes).unwrap();
        std::fs::rename(beside, self.path(name)).unwrap();
    }

    /// Every third one is broken; the others differ in a rule that is about no image of ours.
    fn write_policy(&self, number: u64) {
        if number % 3 == 2 {
            return self.put("policy.json", "{\"apiVersion\": \"veriseal/v1\", \"images\": [{\"match\": [\"**\"]}]}");
        }
        let policy = json!({
            "apiVersion": "veriseal/v1",
            "trust": { "test": { "trustedRoot": "root.json" } },
            "images": [
                { "match": [format!("{}/**", self.registry.host()), format!("{}/**", self.stalled.host())],
                  "require": { "signature": { "keyless": {
                      "trust": "test",
                      "issuer": "https://token.actions.githubusercontent.com",
                      "identity": { "glob": "https://github.com/rayanoss/**" },
                  } } } },
                { "match": [format!("other.example/number-{number}")], "deny": { "reason": "nobody asks" } },
            ],
        });
        self.put("policy.json", &policy.to_string());
    }

    fn write_certificate(&self) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &self.authority).unwrap();
        self.put("tls.key", &key.serialize_pem());
        self.put("tls.crt", &certificate.pem());
    }

    fn start(&self) -> (Child, String) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("serve").arg(self.folder.path()).arg(self.now.seconds().to_string());
        command.args([self.registry.host(), self.stalled.host()]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.next().unwrap().unwrap().strip_prefix("listening on ").unwrap().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        (child, address)
    }

    fn client(&self) -> reqwest::Client {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        reqwest::Client::builder().tls_backend_preconfigured(config).no_proxy().build().unwrap()
    }

    fn request(&self, number: u64, plan: &Plan) -> (What, String) {
        let what = match number {
            number if plan.stall && number % 50 == 7 => What::Stalled,
            number if number % 10 == 3 => What::Unsigned,
            _ => What::Signed,
        };
        let pick = |of: usize| number as usize / 3 % of;
        let image = match what {
            What::Stalled => self.stalled.reference("app:v1"),
            What::Unsigned => self.registry.reference(&format!("app:unsigned-{}", pick(UNSIGNED))),
            What::Signed => self.registry.reference(&format!("app:signed-{}", pick(SIGNED))),
        };
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "load", "labels": { "number": number.to_string() } },
            "spec": { "containers": [{ "name": "app", "image": image }] },
        });
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": number.to_string(), "kind": { "group": "", "version": "v1", "kind": "Pod" }, "namespace": "load",
                "operation": "CREATE", "userInfo": { "username": "load" }, "object": pod,
            },
        });
        (what, review.to_string())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Signed,
    Unsigned,
    Stalled,
}

/// What came of it.
#[derive(Default)]
struct Results {
    /// Of requests that asked registries which answer: when each was due, and the microseconds that it took.
    latencies: Vec<(Duration, u64)>,
    stalled: Vec<u64>,
    wrongly_admitted: u64,
    wrongly_denied: BTreeMap<String, u64>,
    failed: BTreeMap<String, u64>,
}

#[tokio::main]
async fn load(plan: &Plan) -> ExitCode {
    let world = Arc::new(World::new());
    let (mut child, address) = world.start();
    let url = Arc::new(format!("https://{address}/mutate?timeout=10s"));
    let results = Arc::new(Mutex::new(Results::default()));
    let next = Arc::new(AtomicU64::new(0));

    // Warm: every image once.
    let client = world.client();
    for number in 0..(3 * SIGNED as u64) {
        let (what, body) = world.request(number, &Plan { stall: false, ..plan.clone() });
        let answer = client.post(&*url).body(body).send().await.unwrap().bytes().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["response"]["allowed"], what == What::Signed, "{answer}");
    }
    let mut memory = vec![("start", resident(child.id()))];
    let started = Instant::now();
    let host = Host::watched_from(started);
    let mut workers = Vec::new();
    for _ in 0..plan.connections {
        let (world, url, results, next, plan) =
            (Arc::clone(&world), Arc::clone(&url), Arc::clone(&results), Arc::clone(&next), plan.clone());
        workers.push(tokio::spawn(async move {
            let mut client = world.client();
            let mut sent = 0_u64;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= plan.requests {
                    return;
                }
                let (what, body) = world.request(number, &plan);
                let due = started + Duration::from_micros(number * 1_000_000 / plan.rate);
                tokio::time::sleep_until(due.into()).await;
                sent += 1;
                if plan.rotate && sent.is_multiple_of(200) {
                    // A new connection, and with it the newest certificate.
                    client = world.client();
                }
                let answer = async { client.post(&*url).body(body).send().await?.bytes().await }.await;
                let took = due.elapsed().as_micros() as u64;
                let mut results = results.lock().unwrap();
                match answer {
                    Err(error) => *results.failed.entry(format!("{error:?}")).or_default() += 1,
                    Ok(bytes) => results.note(what, (due - started, took), &serde_json::from_slice(&bytes).unwrap_or_default()),
                }
            }
        }));
    }
    let changing = tokio::spawn({
        let (world, plan) = (Arc::clone(&world), plan.clone());
        async move {
            for number in 1.. {
                tokio::time::sleep(Duration::from_secs(2)).await;
                // What the registries remember of requests would be the test's memory.
                world.registry.clear_requests();
                world.stalled.clear_requests();
                if plan.reload {
                    world.write_policy(number);
                }
                if plan.rotate {
                    world.write_certificate();
                }
            }
        }
    });
    while next.load(Ordering::Relaxed) < plan.requests / 10 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    memory.push(("at 10 %", resident(child.id())));
    for worker in workers {
        worker.await.unwrap();
    }
    memory.push(("at the end", resident(child.id())));
    let took = started.elapsed();
    let host = host.until_now();
    changing.abort();
    let page = world.client().get(format!("https://{address}/metrics")).send().await.unwrap().text().await.unwrap();
    let cpu = processor_seconds(child.id());
    let stopped = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().is_ok_and(|status| status.success());
    assert!(stopped && child.wait().unwrap().success());

    let mut results = results.lock().unwrap();
    println!(
        "{} requests in {:.1} s, {:.1} a second",
        plan.requests,
        took.as_secs_f64(),
        plan.requests as f64 / took.as_secs_f64()
    );
    let mut all: Vec<u64> = results.latencies.iter().map(|(_, took)| *took).collect();
    let undisturbed = results.latencies.iter().filter(|(due, _)| host.left_alone(*due));
    let mut undisturbed: Vec<u64> = undisturbed.map(|(_, took)| *took).collect();
    println!("latency from due time    {}", percentiles(&mut all));
    println!("  while host took none   {}", percentiles(&mut undisturbed));
    println!("  of stalled registries  {}", percentiles(&mut results.stalled));
    for (when, kib) in memory {
        println!("memory {when:<10}        {:.1} MiB", kib as f64 / 1024.0);
    }
    println!("processor time           {cpu:.1} s, {:.2} ms a request", cpu * 1000.0 / plan.requests as f64);
    println!("taken by the host        {:.1} % of the processors' time", host.share());
    println!("wrongly admitted         {}", results.wrongly_admitted);
    println!("signed and denied        {:?}", results.wrongly_denied);
    println!("without an answer        {:?}", results.failed);
    let shown = [
        "veriseal_verdict_cache",
        "veriseal_registry",
        "veriseal_reloads",
        "veriseal_audit",
        "veriseal_admission_duration_seconds_",
    ];
    for line in page.lines().filter(|line| shown.iter().any(|name| line.starts_with(name))) {
        println!("{line}");
    }
    if results.wrongly_admitted == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Results {
    fn note(&mut self, what: What, (due, took): (Duration, u64), answer: &Value) {
        let response = &answer["response"];
        let allowed = response["allowed"] == true;
        let pinned = response["patchType"] == "JSONPatch";
        match what {
            What::Stalled => self.stalled.push(took),
            _ => self.latencies.push((due, took)),
        }
        match (what, allowed) {
            (What::Signed, true) if pinned => {}
            (What::Signed, true) | (What::Unsigned | What::Stalled, true) => self.wrongly_admitted += 1,
            (What::Signed, false) => {
                let message = response["status"]["message"].as_str().unwrap_or("no message").chars().take(120).collect();
                *self.wrongly_denied.entry(message).or_default() += 1;
            }
            (What::Unsigned | What::Stalled, false) => {}
        }
    }
}

fn percentiles(micros: &mut [u64]) -> String {
    micros.sort_unstable();
    let at = |share: f64| micros.get(((micros.len() as f64 * share) as usize).min(micros.len().saturating_sub(1)));
    let ms = |share: f64| at(share).map_or("none".to_owned(), |micros| format!("{:.1} ms", *micros as f64 / 1000.0));
    format!("p50 {}, p90 {}, p99 {}, p99.9 {}, max {} of {}", ms(0.5), ms(0.9), ms(0.99), ms(0.999), ms(1.0), micros.len())
}

/// VmRSS in KiB; 0 where there is no /proc.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// How often the processors' time is read.
const SAMPLE: Duration = Duration::from_millis(250);

/// What the host of a virtual machine took of its processors for others, as Linux counts it: a latency that was measured while
/// it took much says more about the host. Nothing where there is no /proc.
struct Host {
    /// Hundredths of seconds taken, and of all time, since the start of the machine; one pair a [`SAMPLE`].
    samples: Arc<Mutex<Vec<(u64, u64)>>>,
    watch: tokio::task::JoinHandle<()>,
}

impl Host {
    fn watched_from(started: Instant) -> Self {
        let samples = Arc::new(Mutex::new(Vec::new()));
        let watch = tokio::spawn({
            let samples = Arc::clone(&samples);
            async move {
                for number in 0.. {
                    tokio::time::sleep_until((started + SAMPLE * number).into()).await;
                    samples.lock().unwrap().push(Self::taken());
                }
            }
        });
        Self { samples, watch }
    }

    fn until_now(self) -> Taken {
        self.watch.abort();
        self.samples.lock().unwrap().push(Self::taken());
        Taken(std::mem::take(&mut self.samples.lock().unwrap()))
    }

    fn taken() -> (u64, u64) {
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
        let ticks: Vec<u64> = fields.filter_map(|field| field.parse().ok()).collect();
        (ticks.get(7).copied().unwrap_or(0), ticks.iter().sum())
    }
}

/// The samples of a run.
struct Taken(Vec<(u64, u64)>);

impl Taken {
    /// In per cent.
    fn share(&self) -> f64 {
        let (first, last) = (self.0[0], self.0[self.0.len() - 1]);
        100.0 * (last.0 - first.0) as f64 / (last.1 - first.1).max(1) as f64
    }

    /// Whether nothing was taken about that time: from one sample before it to the second after it.
    fn left_alone(&self, due: Duration) -> bool {
        let at = (due.as_millis() / SAMPLE.as_millis()) as usize;
        let last = self.0.len() - 1;
        self.0[at.saturating_sub(1).min(last)].0 == self.0[(at + 2).min(last)].0
    }
}

/// User and system time so far, in hundredths as Linux counts them.
fn processor_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
