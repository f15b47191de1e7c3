//! Bombs: the most that an attacker may send, and more than that. Each runs in a process of its own, whose peak of memory
//! (`VmHWM`) is reset after the input was made: what counts is what refusing it takes, beside the input itself.

use crate::bases::ARTIFACT;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;
use veriseal::trust::TrustRootOrigin;
use veriseal::{
    Artifact, Authority, Code, Digest, KeyAuthority, KeylessAuthority, Limits, Policy, PublicKey, Reference, Requirement,
    SignatureRequirement, StringMatch, TrustRoot, UnixTime, Verifier,
};
use veriseal_testkit::dsse::{COSIGN_SIGN, Statement};
use veriseal_testkit::mutation::{Random, Style, Tree};
use veriseal_testkit::simple_signing::CERTIFICATE;
use veriseal_testkit::{Bundle, Identity, Image, ImageBuilder, LogEntry, Signer, Sigstore, Store, sign_simple};

/// Most that refusing an input may take, and most that the largest admissible one may take.
const REFUSED_MS: f64 = 5.0;
const ADMISSIBLE_MS: f64 = 50.0;
/// The same for each MiB where the caller took the bound of size away: all of it is looked at.
const UNGATED_MS: f64 = 20.0;
/// Most memory beside the input.
const MEMORY_KIB: u64 = 32 * 1024;

/// One bomb: what it is, what must come of it, and how it is made.
struct Bomb {
    name: &'static str,
    /// Whether its size is one that is read: then it may take longer, for it is verified.
    admissible: bool,
    expected: Code,
    make: fn(&mut World) -> Load,
}

/// What is judged.
enum Load {
    Bundle(Vec<u8>),
    /// The same where no bundle is too large, so that only the counts are left to refuse it.
    Ungated(Vec<u8>),
    Image(Box<(Store, Image)>),
    Key(Vec<u8>),
}

const fn refused(name: &'static str, expected: Code, make: fn(&mut World) -> Load) -> Bomb {
    Bomb { name, admissible: false, expected, make }
}

const fn admissible(name: &'static str, expected: Code, make: fn(&mut World) -> Load) -> Bomb {
    Bomb { name, admissible: true, expected, make }
}

const ENTRIES: &str = "/verificationMaterial/tlogEntries";
const STAMPS: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";
const HASHES: &str = "/verificationMaterial/tlogEntries/0/inclusionProof/hashes";

const BOMBS: &[Bomb] = &[
    refused("10 000 log entries", Code::TooLarge, |world| Load::Bundle(world.copies(ENTRIES, 10_000))),
    refused("10 000 log entries, no bound of size", Code::BundleMalformed, |world| Load::Ungated(world.copies(ENTRIES, 10_000))),
    refused("10 000 timestamps", Code::TooLarge, |world| Load::Bundle(world.copies(STAMPS, 10_000))),
    refused("10 000 timestamps, no bound of size", Code::BundleMalformed, |world| Load::Ungated(world.copies(STAMPS, 10_000))),
    refused("1 000 000 proof hashes", Code::TooLarge, |world| Load::Bundle(world.copies(HASHES, 1_000_000))),
    refused("1 000 000 proof hashes, no bound of size", Code::BundleMalformed, |world| {
        Load::Ungated(world.copies(HASHES, 1_000_000))
    }),
    refused("log entries to the full size of a bundle", Code::BundleMalformed, |world| {
        Load::Bundle(world.copies_within(ENTRIES))
    }),
    refused("timestamps to the full size of a bundle", Code::BundleMalformed, |world| Load::Bundle(world.copies_within(STAMPS))),
    refused("proof hashes to the full size of a bundle", Code::BundleMalformed, |world| {
        Load::Bundle(world.copies_within(HASHES))
    }),
    refused("empty log entries to the full size", Code::BundleMalformed, |world| {
        let document = world.bundle.to_json();
        Load::Bundle(with_list(document, ENTRIES, &"{},".repeat(330_000)))
    }),
    refused("100 000 checkpoint lines", Code::TooLarge, |world| Load::Bundle(world.checkpoint_lines(100_000, false))),
    refused("checkpoint lines to the full size", Code::CheckpointMalformed, |world| {
        Load::Bundle(world.checkpoint_lines(7_000, false))
    }),
    refused("bad checkpoint lines to the full size", Code::CheckpointMalformed, |world| {
        Load::Bundle(world.checkpoint_lines(7_000, true))
    }),
    refused("500 MB in an unknown field", Code::TooLarge, |world| Load::Bundle(world.unknown(&quoted(500_000_000)))),
    refused("100 MB in an unknown field, no bound of size", Code::BundleMalformed, |world| {
        Load::Ungated(world.unknown(&quoted(100_000_000)))
    }),
    refused("1 MB in an unknown field", Code::BundleMalformed, |world| Load::Bundle(world.unknown(&quoted(1_000_000)))),
    refused("500 000 brackets", Code::BundleMalformed, |world| {
        Load::Bundle(world.unknown(&format!("{}1{}", "[".repeat(500_000), "]".repeat(500_000))))
    }),
    refused("1 000 000 digits", Code::BundleMalformed, |world| Load::Bundle(world.unknown(&"1".repeat(1_000_000)))),
    refused("1 000 000 escapes", Code::BundleMalformed, |world| {
        Load::Bundle(world.unknown(&format!("\"{}\"", "\\u0061".repeat(160_000))))
    }),
    refused("80 000 members", Code::BundleMalformed, |world| {
        let members: Vec<String> = (0..80_000).map(|number| format!("\"{number}\":0")).collect();
        Load::Bundle(world.unknown(&format!("{{{}}}", members.join(","))))
    }),
    refused("a certificate of 10 000 nested sequences", Code::CertificateMalformed, |world| {
        let mut nested = vec![0x05, 0x00];
        for _ in 0..10_000 {
            nested = veriseal_testkit::der::tlv(0x30, &nested);
        }
        Load::Bundle(world.certificate(&nested))
    }),
    refused("a certificate that states 4 GiB", Code::CertificateMalformed, |world| {
        Load::Bundle(world.certificate(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x30, 0x00]))
    }),
    refused("a certificate of 700 KB", Code::CertificateMalformed, |world| {
        let inside = veriseal_testkit::der::tlv(0x04, &vec![7; 700_000]);
        Load::Bundle(world.certificate(&veriseal_testkit::der::tlv(0x30, &inside)))
    }),
    refused("10 MB of PEM boundaries as a key, no bound of size", Code::KeyInvalid, |_| {
        Load::Key(b"-----BEGIN ".repeat(900_000))
    }),
    refused("PEM boundaries in an annotation", Code::AnnotationMalformed, |world| {
        let (mut store, image, signature) = world.simple();
        let mut layer = signature.layer();
        layer.annotations.insert(CERTIFICATE.to_owned(), "-----BEGIN ".repeat(20_000));
        store.attach_layers(&image.digest, "sig", &[layer]);
        Load::Image(Box::new((store, image)))
    }),
    refused("a signature layer that states 1 GiB", Code::TooLarge, |world| {
        let (mut store, image, signature) = world.simple();
        let stored = store.attach_layers(&image.digest, "sig", &[signature.layer()]);
        let mut manifest: Value = serde_json::from_slice(&store.manifests[&stored.digest].bytes).unwrap_or_default();
        manifest["layers"][0]["size"] = json!(1_u64 << 30);
        let media_type = stored.media_type.clone();
        let changed = store.put_json(&media_type, &manifest);
        store.tags.values_mut().filter(|digest| **digest == stored.digest).for_each(|digest| *digest = changed.digest);
        Load::Image(Box::new((store, image)))
    }),
    // Signed by the right one, so that it is verified before its subjects are counted.
    admissible("a statement of 8 000 subjects", Code::TooManyEntries, |world| Load::Bundle(world.subjects(8_000))),
    admissible("a good bundle", Code::Accepted, |world| Load::Bundle(world.bundle.to_bytes())),
    admissible("a statement of 1 024 subjects", Code::Accepted, |world| Load::Bundle(world.subjects(1_024))),
    admissible("a good bundle with white space to its full size", Code::Accepted, |world| {
        let mut bytes = world.bundle.to_bytes();
        bytes.resize(1024 * 1024, b' ');
        Load::Bundle(bytes)
    }),
    admissible("8 entries of 64 lines each and 8 timestamps, by a stranger", Code::BudgetExhausted, |world| {
        Load::Bundle(world.costly().to_bytes())
    }),
    admissible("7 timestamps that hold and a good entry", Code::Accepted, |world| {
        let mut bundle = world.bundle.clone();
        bundle.timestamps = vec![bundle.timestamps[0].clone(); 7];
        Load::Bundle(bundle.to_bytes())
    }),
];

/// The virtual Sigstore, a good bundle with timestamp, and who judges.
struct World {
    sigstore: Sigstore,
    signer: Signer,
    bundle: Bundle,
    authority: Authority,
    now: UnixTime,
}

impl World {
    fn new() -> Result<Self, String> {
        let mut sigstore = Sigstore::new(1);
        let identity = Identity::github("acme/app", "release.yml", "refs/heads/main");
        let signer = sigstore.keyless(&identity);
        let bundle = Bundle::image(&Digest::sha256(ARTIFACT), &signer).logged_v1(&mut sigstore.rekor, sigstore.now);
        let bundle = bundle.timestamped(&sigstore.tsa, sigstore.now);
        let exact = |text: &str| StringMatch::Exact(text.to_owned());
        let named = veriseal::Identity::new(exact(&identity.subject_text()), exact(&identity.issuer));
        let named = named.map_err(|failure| failure.to_string())?;
        let authority = Authority::Keyless(KeylessAuthority::new(vec![named]).map_err(|failure| failure.to_string())?);
        let now = sigstore.now.saturating_add_seconds(86_400);
        Ok(Self { sigstore, signer, bundle, authority, now })
    }

    fn verifier(&self, limits: Limits) -> Result<Verifier, String> {
        let trust = TrustRoot::from_json(&self.sigstore.trusted_root().to_bytes(), TrustRootOrigin::default());
        let leaf = Requirement::signature(SignatureRequirement::new(self.authority.clone()));
        let policy = Policy::new(leaf).map_err(|failure| failure.to_string())?;
        let trust = Arc::new(trust.map_err(|failure| failure.to_string())?);
        Ok(Verifier::with_limits(trust, policy, limits))
    }

    fn copies(&self, list: &str, count: usize) -> Vec<u8> {
        let document = self.bundle.to_json();
        let item = document.pointer(&format!("{list}/0")).cloned().unwrap_or_else(|| json!("AAAA"));
        with_list(document, list, &format!("{item},").repeat(count))
    }

    /// As many copies as fit into a bundle.
    fn copies_within(&self, list: &str) -> Vec<u8> {
        let one = self.copies(list, 1).len();
        let each = self.copies(list, 2).len() - one;
        self.copies(list, (1024 * 1024 - one) / each)
    }

    fn checkpoint_lines(&self, count: usize, bad: bool) -> Vec<u8> {
        let mut bundle = self.bundle.clone();
        if let Some(note) = bundle.entries[0].proof.as_mut().and_then(|proof| proof.checkpoint.as_mut())
            && let Some((text, line)) = note.clone().split_once("\n\n")
        {
            let repeated = if bad { line.replace('A', "B") } else { line.to_owned() };
            *note = format!("{text}\n\n{}{line}", repeated.repeat(count));
        }
        bundle.to_bytes()
    }

    fn unknown(&self, value: &str) -> Vec<u8> {
        let text = self.bundle.to_json().to_string();
        [&text[..text.len() - 1], ",\"unknown\":", value, "}"].concat().into_bytes()
    }

    fn certificate(&self, der: &[u8]) -> Vec<u8> {
        let mut document = self.bundle.to_json();
        document["verificationMaterial"]["certificate"]["rawBytes"] = json!(veriseal::encoding::base64::encode(der));
        document.to_string().into_bytes()
    }

    fn subjects(&mut self, count: usize) -> Vec<u8> {
        let mut statement: Value =
            serde_json::from_slice(&Statement::new(&Digest::sha256(ARTIFACT), COSIGN_SIGN, json!({})).to_bytes())
                .unwrap_or_default();
        let subject = statement["subject"][0].clone();
        statement["subject"] = (0..count - 1)
            .map(|number| json!({ "digest": { "sha256": Digest::sha256(&number.to_be_bytes()).hex() } }))
            .chain([subject])
            .collect();
        let envelope = veriseal_testkit::dsse::Envelope::sign(
            veriseal_testkit::dsse::IN_TOTO,
            statement.to_string().as_bytes(),
            &self.signer,
        );
        Bundle::envelope(envelope, &self.signer).logged_v1(&mut self.sigstore.rekor, self.sigstore.now).to_bytes()
    }

    fn simple(&mut self) -> (Store, Image, veriseal_testkit::SimpleSignature) {
        let mut store = Store::with_referrers_api();
        let image = ImageBuilder::new("app").build(&mut store);
        let signature = sign_simple(&image.digest, "registry.testkit.example/acme/app", &[], &self.signer);
        let signature = signature.logged(&mut self.sigstore.rekor, self.sigstore.now);
        (store, image, signature)
    }

    /// What costs most to refuse: as many entries, lines and timestamps as are read, and a signer of whom one knows last.
    fn costly(&mut self) -> Bundle {
        let mallory = Identity::email("mallory@example.com", "https://mallory.example");
        let stranger = self.sigstore.keyless(&mallory);
        let at = self.sigstore.now;
        let bundle = Bundle::image(&Digest::sha256(ARTIFACT), &stranger).logged_v1(&mut self.sigstore.rekor, at);
        let mut bundle = bundle.timestamped(&self.sigstore.tsa, at);
        let mut entry = bundle.entries.remove(0);
        if let Some(note) = entry.proof.as_mut().and_then(|proof| proof.checkpoint.as_mut())
            && let Some((text, line)) = note.clone().split_once("\n\n")
        {
            *note = format!("{text}\n\n{}", line.repeat(64));
        }
        entry.set = None;
        bundle.entries = (0..8).map(|index| LogEntry { log_index: index, ..entry.clone() }).collect();
        bundle.timestamps = vec![bundle.timestamps[0].clone(); 8];
        bundle
    }
}

fn quoted(length: usize) -> String {
    format!("\"{}\"", "x".repeat(length))
}

/// The document with the text of a list's items, the last comma cut. Written as text: a value of that size would be what
/// is measured.
fn with_list(mut document: Value, list: &str, items: &str) -> Vec<u8> {
    if let Some(place) = document.pointer_mut(list) {
        *place = json!("list");
    }
    let plain =
        Tree::parse(document.to_string().as_bytes()).map(|tree| tree.write(&Style::default(), &mut Random::new(0, "", 0)));
    plain.unwrap_or_default().replace("\"list\"", &format!("[{}]", items.trim_end_matches(','))).into_bytes()
}

/// Every bomb in a process of its own, as a table.
pub(crate) fn all() -> Result<bool, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    println!("{:62} {:>10} {:>9} {:>10}  answer", "bomb", "bytes", "ms", "peak KiB");
    let (mut failed, mut slowest, mut largest) = (0, [0.0_f64; 3], 0);
    for bomb in BOMBS {
        let output = Command::new(&program).args(["bomb", bomb.name]).output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stdout);
        let fields: Vec<&str> = said.trim().split('\t').collect();
        let [bytes, ms, peak, code] = fields.as_slice() else {
            return Err(format!("{}: {} {said}{}", bomb.name, output.status, String::from_utf8_lossy(&output.stderr)));
        };
        let (took, kib): (f64, u64) = (ms.parse().unwrap_or(f64::MAX), peak.parse().unwrap_or(u64::MAX));
        let size: f64 = bytes.parse().unwrap_or(0.0);
        let is_ungated = bomb.name.ends_with("no bound of size");
        let most = match (bomb.admissible, is_ungated) {
            (true, _) => ADMISSIBLE_MS,
            (false, true) => UNGATED_MS * size / 1_048_576.0,
            (false, false) => REFUSED_MS,
        };
        let good = took <= most && kib <= MEMORY_KIB && *code == bomb.expected.name();
        let kind = if is_ungated { 2 } else { usize::from(bomb.admissible) };
        slowest[kind] = slowest[kind].max(took);
        largest = largest.max(kib);
        failed += u32::from(!good);
        println!("{:62} {bytes:>10} {ms:>9} {peak:>10}  {code}{}", bomb.name, if good { "" } else { "  FAILED" });
    }
    println!(
        "total: {} bombs: refused in {:.2} ms at most (goal {REFUSED_MS}), admissible in {:.2} ms (goal {ADMISSIBLE_MS}), without a bound of size in {:.0} ms, {largest} KiB (goal {MEMORY_KIB}), {failed} failed",
        BOMBS.len(),
        slowest[0],
        slowest[1],
        slowest[2],
    );
    Ok(failed == 0)
}

/// One bomb in this process: bytes, milliseconds, memory and code between tabs.
pub(crate) fn one(name: &str) -> Result<bool, String> {
    let bomb = BOMBS.iter().find(|bomb| bomb.name == name).ok_or("there is no such bomb")?;
    let mut world = World::new()?;
    let load = (bomb.make)(&mut world);
    let limits = match &load {
        Load::Ungated(_) => Limits { bundle_bytes: u64::MAX, ..Limits::DEFAULT },
        _ => Limits::DEFAULT,
    };
    let verifier = world.verifier(limits)?;
    let bytes = match &load {
        Load::Bundle(bytes) | Load::Ungated(bytes) | Load::Key(bytes) => bytes.len(),
        Load::Image(image) => image.0.manifests.values().map(|manifest| manifest.bytes.len()).sum(),
    };
    // The peak so far was that of making the input.
    let reset = fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = if reset { status("VmRSS:") } else { 0 };
    let first = answer(&verifier, &load, world.now);
    let peak = status("VmHWM:").saturating_sub(before);
    // The work is the same each time; the least of some is what it takes without what else the machine does.
    let mut best = f64::MAX;
    let mut code = first.0;
    for _ in 0..5 {
        // The system counts in ticks; several calls together are long enough for it.
        let calls = (40.0 / first.1.max(0.5)).clamp(1.0, 80.0).round();
        let mut took = 0.0;
        let before = on_processor();
        for _ in 0..calls as u32 {
            let (again, waited) = answer(&verifier, &load, world.now);
            took += waited;
            code = if again == first.0 { code } else { Code::Internal };
        }
        let ran = on_processor().zip(before).map(|(after, before)| (after - before) / 1e6);
        best = best.min(ran.unwrap_or(took) / calls);
    }
    println!("{bytes}\t{best:.3}\t{peak}\t{}", code.name());
    Ok(true)
}

fn answer(verifier: &Verifier, load: &Load, now: UnixTime) -> (Code, f64) {
    let begun = Instant::now();
    let code = match load {
        Load::Bundle(bytes) | Load::Ungated(bytes) => match verifier.verify_blob(&Artifact::bytes(ARTIFACT), bytes, now) {
            Ok(_) => Code::Accepted,
            Err(refused) => refused.code(),
        },
        Load::Image(image) => {
            let reference: Reference = crate::base::pinned(&image.1);
            match verifier.verify(&reference, &image.0, now) {
                Ok(_) => Code::Accepted,
                Err(refused) => crate::base::closest(&refused),
            }
        }
        Load::Key(bytes) => PublicKey::from_pem(bytes)
            .map(|key| drop(KeyAuthority::new(key, "key")))
            .map_or_else(|failure| failure.code(), |()| Code::Accepted),
    };
    (code, begun.elapsed().as_secs_f64() * 1e3)
}

/// Nanoseconds that this thread was on a processor, where the system counts them: what else the machine does is none of it.
fn on_processor() -> Option<f64> {
    fs::read_to_string("/proc/thread-self/schedstat").ok()?.split_whitespace().next()?.parse().ok()
}

/// A figure of this process in KiB.
fn status(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
