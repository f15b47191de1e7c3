//! The pieces of a verification by themselves: what is read, and what is judged.

use benches::material::{Kind, Set};
use benches::native::Ours;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use veriseal::Limits;
use veriseal::encoding::base64;
use veriseal::format::bundle;
use veriseal::format::log_entry::LogEntryBody;
use veriseal::format::tsp::TimestampToken;
use veriseal::tlog::checkpoint::SignedCheckpoint;
use veriseal::tlog::merkle;
use veriseal::x509::{Certificate, sct};
use veriseal_policy::{Format, PolicyFile};

/// Keyless releases, and nothing else.
const POLICY: &str = r#"
apiVersion: veriseal/v1
images:
  - match: ["registry.testkit.example/acme/**"]
    require:
      signature:
        keyless:
          issuer: https://token.actions.githubusercontent.com
          identity: https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main
  - match: ["**"]
    deny:
      reason: not ours
"#;

fn reading(criterion: &mut Criterion) {
    let limits = Limits::DEFAULT;
    let mut group = criterion.benchmark_group("read");
    for kind in [Kind::KeylessV1, Kind::Dsse, Kind::KeylessV2, Kind::ManagedKey] {
        let set = Set::make(kind, 1);
        let bytes = set.samples[0].bundle.clone();
        // What is refused would be fast: here and below everything is seen to be good first.
        bundle::parse(&bytes, &limits, false).expect("a bundle");
        group.bench_function(format!("bundle, {}", kind.id()), |bencher| {
            bencher.iter(|| bundle::parse(black_box(&bytes), &limits, false));
        });
    }
    let set = Set::make(Kind::KeylessV2, 1);
    let document: serde_json::Value = serde_json::from_slice(&set.samples[0].bundle).expect("JSON");
    let material = &document["verificationMaterial"];
    let decoded = |value: &serde_json::Value| value.as_str().and_then(base64::decode).expect("base64");
    let leaf = decoded(&material["certificate"]["rawBytes"]);
    group.bench_function("certificate", |bencher| bencher.iter(|| Certificate::from_der(black_box(&leaf), &limits)));
    let certificate = Certificate::from_der(&leaf, &limits).expect("a certificate");
    sct::embedded(&certificate).expect("timestamps");
    group.bench_function("certificate timestamps", |bencher| bencher.iter(|| sct::embedded(black_box(&certificate))));
    let token = decoded(&material["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"]);
    TimestampToken::parse_response(&token).expect("a timestamp");
    group.bench_function("timestamp", |bencher| {
        bencher.iter(|| TimestampToken::parse_response(black_box(&token)).map(|token| token.scheme()));
    });
    let entry = &material["tlogEntries"][0];
    let body = decoded(&entry["canonicalizedBody"]);
    LogEntryBody::parse(&body).expect("an entry");
    group.bench_function("log entry", |bencher| bencher.iter(|| LogEntryBody::parse(black_box(&body))));
    let proof = &entry["inclusionProof"];
    let note = proof["checkpoint"]["envelope"].as_str().expect("a note");
    SignedCheckpoint::parse(note, &limits).expect("a checkpoint");
    group.bench_function("checkpoint", |bencher| {
        bencher.iter(|| SignedCheckpoint::parse(black_box(note), &limits).is_ok());
    });
    let number = |value: &serde_json::Value| value.as_str().and_then(|text| text.parse::<u64>().ok()).expect("a number");
    let (index, size) = (number(&proof["logIndex"]), number(&proof["treeSize"]));
    let hash = |value: &serde_json::Value| merkle::hash_from_bytes(&decoded(value)).expect("a hash");
    let path: Vec<_> = proof["hashes"].as_array().into_iter().flatten().map(hash).collect();
    let root = hash(&proof["rootHash"]);
    merkle::verify_inclusion(index, size, &merkle::leaf_hash(&body), &path, &root).expect("a proof");
    group.bench_function(format!("inclusion proof, {} hashes", path.len()), |bencher| {
        bencher.iter(|| merkle::verify_inclusion(index, size, &merkle::leaf_hash(black_box(&body)), &path, &root));
    });
    group.finish();
}

fn judging(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("judge");
    for kind in Kind::ALL {
        // Several, in turn: none is verified twice in a row.
        let set = Set::make(kind, 32);
        for (name, tables) in [("generic", false), ("prepared", true)] {
            let ours = Ours::new(&set, tables);
            for number in 0..32 {
                assert!(ours.run(number), "{}", ours.why(number));
            }
            let mut number = 0;
            group.bench_function(format!("{}, {name} keys", kind.id()), |bencher| {
                bencher.iter_batched(
                    || {
                        number = (number + 1) % 32;
                        number
                    },
                    |number| ours.run(number),
                    BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
}

fn policies(criterion: &mut Criterion) {
    let load = || PolicyFile::parse(black_box(POLICY.as_bytes()), Format::Yaml, "policy.yaml", &mut |_| Err(String::new()));
    load().expect("a policy");
    criterion.bench_function("load a policy file", |bencher| {
        bencher.iter(|| load().is_ok());
    });
}

criterion_group!(benches, reading, judging, policies);
criterion_main!(benches);
