//! `where`, `maxAge`, `newest` and `all`.

use crate::kit::{SLSA, World, attest, provenance, report};
use serde_json::{Value, json};
use veriseal::gather::{Evidence, Fetch, FetchError, Request, Response};
use veriseal::{Code, Digest, Failure, Limits, Reference, UnixTime, Verdict};
use veriseal_testkit::dsse::{Envelope, IN_TOTO, Statement};
use veriseal_testkit::scenario::Scenario;
use veriseal_testkit::{Attestation, Bundle, Signer};

/// A leaf about the identity's provenance, with more fields.
fn leaf(world: &World, more: &Value) -> Value {
    let keyless = json!({
        "trust": "test", "issuer": world.scenario.identity.issuer, "identity": world.scenario.identity.subject_text(),
    });
    with(json!({ "predicateType": SLSA, "keyless": keyless }), more)
}

/// A leaf about provenance by the key `release`.
fn by_key(more: &Value) -> Value {
    with(json!({ "predicateType": SLSA, "key": { "file": "release.pub", "trust": "test" } }), more)
}

fn with(mut leaf: Value, more: &Value) -> Value {
    leaf.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "attestation": leaf })
}

fn built_on(branch: &str, level: i64) -> Value {
    let mut predicate = provenance();
    predicate["buildDefinition"]["externalParameters"]["branch"] = json!(branch);
    predicate["buildDefinition"]["externalParameters"]["level"] = json!(level);
    predicate
}

const BRANCH: &str = "/buildDefinition/externalParameters/branch";
const LEVEL: &str = "/buildDefinition/externalParameters/level";

/// An image with provenance by the identity, each made so many seconds after the first.
fn attested(predicates: &[(i64, Value)]) -> World {
    let mut scenario = Scenario::new("attested");
    let start = scenario.sigstore.now;
    for (after, predicate) in predicates {
        scenario.sigstore.now = start.saturating_add_seconds(*after);
        let signer = scenario.keyless_signer();
        attest(&mut scenario, &signer, predicate.clone());
    }
    World::of(scenario)
}

fn answer(world: &World, node: &Value) -> (Code, Vec<Code>) {
    let outcome = world.verify(&world.load(&world.requiring(node)).unwrap());
    (report(&outcome).code(), report(&outcome).candidate_codes())
}

/// K-PO-05: what one attestation says and what another one says is never added up.
#[test]
fn two_attestations_never_satisfy_one_where_together() {
    let world = attested(&[(0, built_on("main", 1)), (1, built_on("test", 3))]);
    let ask = |branch: &str, level: i64| answer(&world, &leaf(&world, &json!({ "where": { BRANCH: branch, LEVEL: level } })));
    assert_eq!(ask("main", 1).0, Code::Accepted);
    assert_eq!(ask("test", 3).0, Code::Accepted);
    assert_eq!(ask("main", 3), (Code::NoMatchingSignature, vec![Code::PredicateMismatch; 2]));
}

/// Every kind of clause holds of what is there and of nothing else, and the report names the pointer.
#[test]
fn a_predicate_must_say_all_that_is_asked_for() {
    let world = attested(&[(0, provenance())]);
    for (pointer, right, wrong) in [
        ("/buildDefinition/buildType", json!("https://testkit.example/build/v1"), json!("https://testkit.example/build")),
        (
            "/buildDefinition/buildType",
            json!({ "glob": "https://testkit.example/**" }),
            json!({ "glob": "https://testkit.example/*" }),
        ),
        ("/runDetails/builder/id", json!({ "regex": "https://builder\\.example/.*" }), json!({ "regex": "builder\\.example" })),
        ("/runDetails/builder/id", json!({ "exact": "https://builder.example/acme/v2" }), json!({ "exact": "x" })),
        (LEVEL, json!(3), json!("3")),
        (LEVEL, json!({ "atLeast": 2 }), json!({ "atLeast": 4 })),
        (LEVEL, json!({ "atMost": 3 }), json!({ "atMost": 2 })),
        ("/buildDefinition/externalParameters/score", json!({ "atLeast": 7, "atMost": 8 }), json!({ "atLeast": 8 })),
        ("/buildDefinition/externalParameters/debug", json!(false), json!(true)),
        (BRANCH, json!({ "oneOf": ["main", { "glob": "release-*" }] }), json!({ "oneOf": ["test", { "glob": "release-*" }] })),
        ("/verifiedLevels", json!({ "contains": { "glob": "SLSA_BUILD_LEVEL_*" } }), json!("SLSA_BUILD_LEVEL_3")),
        ("/verifiedLevels/0", json!("SLSA_BUILD_LEVEL_2"), json!("SLSA_BUILD_LEVEL_3")),
    ] {
        assert_eq!(answer(&world, &leaf(&world, &json!({ "where": { pointer: right } }))).0, Code::Accepted, "{pointer} {right}");
        let policy = world.load(&world.requiring(&leaf(&world, &json!({ "where": { pointer: wrong } })))).unwrap();
        let outcome = world.verify(&policy);
        assert_eq!(report(&outcome).candidate_codes(), [Code::PredicateMismatch], "{pointer} {wrong}");
        assert!(report(&outcome).to_json().contains(&format!("\"at\":\"where.{pointer}\"")), "{}", report(&outcome).to_json());
        // One clause that does not hold is not outweighed by one that does.
        let both = json!({ "where": { pointer: wrong, "/buildDefinition/externalParameters": { "contains": 1 } } });
        assert_ne!(answer(&world, &leaf(&world, &both)).0, Code::Accepted);
    }
    for absent in ["/none", "/buildDefinition/buildType/0", "/verifiedLevels/2", "/builddefinition/buildType", "/predicate"] {
        let asked = leaf(&world, &json!({ "where": { absent: { "glob": "**" } } }));
        assert_eq!(answer(&world, &asked), (Code::NoMatchingSignature, vec![Code::PredicateMismatch]), "{absent}");
    }
}

/// The predicate is read from the very bytes that were signed, and only once the signature, the signer, the subject and
/// the type are known: a good text by anybody else, or about anything else, says nothing.
#[test]
fn a_predicate_of_another_signer_image_or_type_says_nothing() {
    let asked = |world: &World| leaf(world, &json!({ "where": { BRANCH: "main" } }));
    let attach = |make: &dyn Fn(&mut Scenario) -> Bundle| {
        let mut scenario = Scenario::new("attested");
        let bundle = make(&mut scenario);
        scenario.store.attach_bundle(&scenario.image, &bundle);
        let world = World::of(scenario);
        answer(&world, &asked(&world)).1
    };
    let logged = |scenario: &mut Scenario, statement: &Statement, signer: &Signer| {
        let now = scenario.sigstore.now;
        Bundle::statement(statement, signer).logged_v1(&mut scenario.sigstore.rekor, now)
    };
    let main = |digest: &Digest, kind: &str| Statement::new(digest, kind, built_on("main", 3));
    let good = attach(&|scenario| {
        let signer = scenario.keyless_signer();
        logged(scenario, &main(&scenario.image.digest, SLSA), &signer)
    });
    assert_eq!(good, []);
    let stranger = attach(&|scenario| {
        let other = veriseal_testkit::Identity::github("mallory/app", "release.yml", "refs/heads/main");
        let signer = scenario.sigstore.keyless(&other);
        logged(scenario, &main(&scenario.image.digest, SLSA), &signer)
    });
    assert_eq!(stranger, [Code::IdentityMismatch]);
    let elsewhere = attach(&|scenario| {
        let signer = scenario.keyless_signer();
        logged(scenario, &main(&Digest::sha256(b"another image"), SLSA), &signer)
    });
    assert_eq!(elsewhere, [Code::StatementSubjectMismatch]);
    let another = attach(&|scenario| {
        let signer = scenario.keyless_signer();
        logged(scenario, &main(&scenario.image.digest, "https://slsa.dev/provenance/v0.2"), &signer)
    });
    assert_eq!(another, [Code::PredicateTypeMismatch]);
    // Doubled keys would let two readers see two branches.
    let doubled = attach(&|scenario| {
        let signer = scenario.keyless_signer();
        let text = String::from_utf8(main(&scenario.image.digest, SLSA).to_bytes()).unwrap();
        let text = text.replace("\"branch\":\"main\"", "\"branch\":\"test\",\"branch\":\"main\"");
        assert!(text.contains("\"branch\":\"test\""));
        let now = scenario.sigstore.now;
        Bundle::envelope(Envelope::sign(IN_TOTO, text.as_bytes(), &signer), &signer).logged_v1(&mut scenario.sigstore.rekor, now)
    });
    assert_eq!(doubled, [Code::StatementMalformed]);
    // What stands beside the signed bytes is no predicate: the annotations of the registry say what they like.
    let mut scenario = Scenario::new("attested");
    let signer = scenario.keyless_signer();
    let statement = Statement::new(&scenario.image.digest, SLSA, built_on("test", 1));
    let bundle = logged(&mut scenario, &statement, &signer);
    let says = json!({ "dev.sigstore.bundle.predicateType": SLSA, BRANCH: "main", "predicate": built_on("main", 3).to_string() });
    scenario.store.attach_bundle_bytes(&scenario.image, &bundle.to_bytes(), says);
    let world = World::of(scenario);
    assert_eq!(answer(&world, &asked(&world)).1, [Code::PredicateMismatch]);
}

/// The age ends with its last second.
#[test]
fn an_attestation_counts_until_the_last_second_of_its_age() {
    let mut world = attested(&[(0, provenance())]);
    let start = world.scenario.sigstore.now;
    for (age, seconds) in [("2d", 2 * 86_400), ("36h", 36 * 3600), ("90m", 90 * 60), ("45s", 45)] {
        let asked = leaf(&world, &json!({ "maxAge": age }));
        world.scenario.now = start.saturating_add_seconds(seconds);
        assert_eq!(answer(&world, &asked).0, Code::Accepted, "{age}");
        world.scenario.now = start.saturating_add_seconds(seconds + 1);
        assert_eq!(answer(&world, &asked), (Code::NoMatchingSignature, vec![Code::AttestationTooOld]), "{age}");
    }
}

/// A time that is added later makes nothing younger, and without any authenticated time there is no age.
#[test]
fn an_age_is_that_of_the_earliest_authenticated_time() {
    let attest = |make: &dyn Fn(&mut Scenario, Bundle) -> Bundle| {
        let mut scenario = Scenario::new("attested");
        let statement = Statement::new(&scenario.image.digest, SLSA, provenance());
        let signer = scenario.key_signer();
        let bundle = make(&mut scenario, Bundle::statement(&statement, &signer));
        scenario.store.attach_bundle(&scenario.image, &bundle);
        scenario.now = scenario.sigstore.now.saturating_add_seconds(3 * 86_400);
        World::of(scenario)
    };
    let later = |scenario: &Scenario| scenario.sigstore.now.saturating_add_seconds(2 * 86_400);
    let logged = |scenario: &mut Scenario, bundle: Bundle| {
        let now = scenario.sigstore.now;
        bundle.logged_v1(&mut scenario.sigstore.rekor, now)
    };
    let stamped_later = attest(&|scenario, bundle| logged(scenario, bundle).timestamped(&scenario.sigstore.tsa, later(scenario)));
    let asked = |age: &str| by_key(&json!({ "maxAge": age }));
    assert_eq!(answer(&stamped_later, &asked("2d")), (Code::NoMatchingSignature, vec![Code::AttestationTooOld]));
    assert_eq!(answer(&stamped_later, &asked("3d")).0, Code::Accepted);
    let only_stamped = attest(&|scenario, bundle| bundle.timestamped(&scenario.sigstore.tsa, later(scenario)));
    let unlogged = |age: &str| by_key(&json!({ "maxAge": age, "tlog": "ignored", "timestamps": 1 }));
    assert_eq!(answer(&only_stamped, &unlogged("1d")).0, Code::Accepted);
    assert_eq!(answer(&only_stamped, &unlogged("23h")).1, [Code::AttestationTooOld]);
    // Rekor v2 states no time.
    let untimed = attest(&|scenario, bundle| bundle.logged_v2(&mut scenario.sigstore.rekor2));
    assert_eq!(answer(&untimed, &by_key(&json!({}))).0, Code::Accepted);
    for more in [json!({ "maxAge": "9d" }), json!({ "newest": true })] {
        assert_eq!(answer(&untimed, &by_key(&more)), (Code::NoMatchingSignature, vec![Code::NoAuthenticatedTime]), "{more}");
    }
    assert_eq!(answer(&untimed, &by_key(&json!({ "all": true }))).0, Code::Accepted);
}

/// The newest is the one that counts: an older one that says the right thing is superseded, whatever the order in which
/// the registry lists them.
#[test]
fn only_the_newest_attestation_counts_where_newest_is_asked_for() {
    let (good, bad) = (built_on("main", 3), built_on("test", 3));
    for (predicates, newest, all) in [
        (vec![(0, good.clone())], Code::Accepted, Code::Accepted),
        (vec![(0, bad.clone())], Code::NoMatchingSignature, Code::NoMatchingSignature),
        (vec![(0, bad.clone()), (1, good.clone())], Code::Accepted, Code::AttestationSuperseded),
        (vec![(1, good.clone()), (0, bad.clone())], Code::Accepted, Code::AttestationSuperseded),
        (vec![(0, good.clone()), (1, bad.clone())], Code::AttestationSuperseded, Code::AttestationSuperseded),
        (vec![(1, bad.clone()), (0, good.clone())], Code::AttestationSuperseded, Code::AttestationSuperseded),
        // Of two of one second nobody can say which came later.
        (vec![(0, good.clone()), (0, bad.clone())], Code::AttestationSuperseded, Code::AttestationSuperseded),
        (vec![(0, good.clone()), (5, good.clone()), (9, good.clone())], Code::Accepted, Code::Accepted),
    ] {
        let world = attested(&predicates);
        let code = |field: &str| answer(&world, &leaf(&world, &json!({ "where": { BRANCH: "main" }, field: true }))).0;
        assert_eq!((code("newest"), code("all")), (newest, all), "{predicates:?}");
    }
}

/// Nothing in one layout hides what another one holds: a newer attestation under cosign's `.att` tag supersedes a bundle.
#[test]
fn the_newest_attestation_is_that_of_all_layouts() {
    for (branch, code) in [("test", Code::AttestationSuperseded), ("main", Code::Accepted)] {
        let mut scenario = Scenario::new("attested");
        let signer = scenario.keyless_signer();
        attest(&mut scenario, &signer, built_on("main", 3));
        let statement = Statement::new(&scenario.image.digest, SLSA, built_on(branch, 3));
        let later = scenario.sigstore.now.saturating_add_seconds(60);
        let attestation = Attestation::new(&statement, &signer).logged(&mut scenario.sigstore.rekor, later);
        scenario.store.attach_layers(&scenario.image.digest, "att", &[attestation.layer()]);
        let world = World::of(scenario);
        let asked = leaf(&world, &json!({ "where": { BRANCH: "main" }, "newest": true }));
        assert_eq!(answer(&world, &asked).0, code, "{branch}");
    }
}

/// The signatures of the acceptance are those that counted.
#[test]
fn an_older_attestation_is_no_signature_of_the_acceptance() {
    let world = attested(&[(0, built_on("main", 1)), (60, built_on("main", 3))]);
    let signatures = |more: Value| {
        let policy = world.load(&world.requiring(&leaf(&world, &more))).unwrap();
        let accepted = world.verify(&policy).unwrap();
        let levels = accepted.signatures().iter().map(|one| one.statement().unwrap().predicate.pointer(LEVEL).cloned().unwrap());
        (levels.collect::<Vec<_>>(), accepted.report().notice_codes().contains(&Code::RegistryCouldWithhold))
    };
    assert_eq!(signatures(json!({})), (vec![json!(1), json!(3)], false));
    assert_eq!(signatures(json!({ "newest": true })), (vec![json!(3)], true));
    assert_eq!(signatures(json!({ "all": true })), (vec![json!(1), json!(3)], true));
}

/// What strangers push neither counts nor blocks: neither their statements nor an attestation of the right signer that was
/// stripped of what it needs.
#[test]
fn nobody_else_can_supersede_an_attestation() {
    let mut scenario = Scenario::new("attested");
    let signer = scenario.keyless_signer();
    attest(&mut scenario, &signer, built_on("main", 3));
    let later = scenario.sigstore.now.saturating_add_seconds(60);
    let statement = Statement::new(&scenario.image.digest, SLSA, built_on("test", 3));
    let stranger = Signer::key(scenario.sigstore.key("stranger"));
    let foreign = Bundle::statement(&statement, &stranger).logged_v1(&mut scenario.sigstore.rekor, later);
    let stripped = Bundle::statement(&statement, &signer);
    for bundle in [foreign, stripped] {
        scenario.store.attach_bundle(&scenario.image, &bundle);
    }
    scenario.store.attach_bundle_bytes(&scenario.image, b"{\"no\":\"bundle\"}", json!({}));
    let world = World::of(scenario);
    for field in ["newest", "all"] {
        let asked = leaf(&world, &json!({ "where": { BRANCH: "main" }, field: true }));
        assert_eq!(answer(&world, &asked).0, Code::Accepted, "{field}");
    }
}

/// Answers as the store does, but not to the request of that number.
struct Failing<'s> {
    scenario: &'s Scenario,
    refuse: usize,
    seen: std::sync::atomic::AtomicUsize,
}

impl Fetch for Failing<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        let number = self.seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if number == self.refuse {
            return Err(FetchError::Unavailable(Failure::new(Code::Unavailable)));
        }
        self.scenario.store.fetch(request)
    }
}

/// What could not be gathered might have been the newest: then nothing is known, though something good is there.
#[test]
fn newest_and_all_are_undecided_where_something_could_not_be_gathered() {
    let world = attested(&[(0, built_on("main", 3)), (60, built_on("main", 3))]);
    let reference: Reference = world.scenario.reference().parse().unwrap();
    let mut undecided = 0;
    for field in ["newest", "all"] {
        let asked = leaf(&world, &json!({ "where": { BRANCH: "main" }, field: true }));
        let policy = world.load(&world.requiring(&asked)).unwrap();
        let any = world.load(&world.requiring(&leaf(&world, &json!({})))).unwrap();
        // The first is for the image itself, which must be there for anything to be judged.
        for refuse in 1..10 {
            let fetch = || Failing { scenario: &world.scenario, refuse, seen: std::sync::atomic::AtomicUsize::new(0) };
            let (first, whole) = (fetch(), fetch());
            let outcome = policy.verify(&reference, &first, world.scenario.now);
            let failed = first.seen.into_inner() > refuse;
            assert_eq!(outcome.is_ok(), !failed, "{field} {refuse}");
            if failed {
                assert_eq!(report(&outcome).verdict(), Verdict::Undecided, "{field} {refuse}");
                undecided += usize::from(any.verify(&reference, &whole, world.scenario.now).is_ok());
            }
        }
    }
    assert!(undecided > 0, "no case in which a leaf without order would have been satisfied");
}

/// K-EV-02: of saved evidence nobody knows what was left out.
#[test]
fn newest_and_all_are_undecided_over_saved_evidence() {
    let world = attested(&[(0, built_on("main", 3))]);
    let reference: Reference = world.scenario.reference().parse().unwrap();
    let judge = |more: Value| {
        let policy = world.load(&world.requiring(&leaf(&world, &more))).unwrap();
        let evidence = policy.verifier_for(&reference).unwrap().gather(&reference, &world.scenario.store).unwrap();
        let saved = evidence.to_saved();
        let loaded =
            Evidence::load(&saved.document, &mut |digest| saved.blobs.get(digest).map(|blob| blob.to_vec()), &Limits::DEFAULT);
        let loaded = loaded.unwrap();
        let (repository, digest) = (reference.repository(), &world.scenario.image.digest);
        let fresh = report(&policy.judge(repository, digest, &evidence, world.scenario.now)).code();
        let loaded = policy.judge(repository, digest, &loaded, world.scenario.now);
        (fresh, report(&loaded).code(), report(&loaded).verdict())
    };
    assert_eq!(judge(json!({})), (Code::Accepted, Code::Accepted, Verdict::Accepted));
    for field in ["newest", "all"] {
        let answer = judge(json!({ field: true }));
        assert_eq!(answer, (Code::Accepted, Code::AbsenceNotProved, Verdict::Undecided), "{field}");
    }
}

/// An age and an order together: the newest must not be too old either.
#[test]
fn the_newest_must_be_young_enough_too() {
    let mut world = attested(&[(0, built_on("main", 3)), (3600, built_on("test", 3))]);
    let start = UnixTime::from_seconds(veriseal_testkit::sigstore::NOW.seconds());
    let asked = |branch: &str| json!({ "where": { BRANCH: branch }, "maxAge": "2h", "newest": true });
    world.scenario.now = start.saturating_add_seconds(3 * 3600);
    assert_eq!(answer(&world, &leaf(&world, &asked("test"))).0, Code::Accepted);
    assert_eq!(answer(&world, &leaf(&world, &asked("main"))).0, Code::NoMatchingSignature);
    world.scenario.now = start.saturating_add_seconds(3 * 3600 + 1);
    assert_eq!(answer(&world, &leaf(&world, &asked("test"))).1, [Code::PredicateMismatch, Code::AttestationTooOld]);
}

/// Each mistake in the words of attestations, with words of the error.
#[test]
fn mistakes_about_attestations_do_not_load() {
    let world = World::new();
    for (more, words) in [
        (json!({ "where": {} }), "at least one JSON pointer"),
        (json!({ "where": "x" }), "a mapping of JSON pointers"),
        (json!({ "where": { "a": 1 } }), "RFC 6901"),
        (json!({ "where": { "/a~2": 1 } }), "RFC 6901"),
        (json!({ "where": { "/a": null } }), "text, a whole number, true or false"),
        (json!({ "where": { "/a": ["x"] } }), "text, a whole number, true or false"),
        (json!({ "where": { "/a": 1.5 } }), "a whole number"),
        (json!({ "where": { "/a": {} } }), "one of exact, glob, regex, oneOf, contains"),
        (json!({ "where": { "/a": { "equals": 1 } } }), "equals"),
        (json!({ "where": { "/a": { "glob": "x", "regex": "y" } } }), "exactly one of exact, glob, regex"),
        (json!({ "where": { "/a": { "oneOf": [] } } }), "an empty list"),
        (json!({ "where": { "/a": { "oneOf": ["x"], "glob": "x" } } }), "oneOf"),
        (json!({ "where": { "/a": { "contains": { "contains": 1 } } } }), "not a list"),
        (json!({ "where": { "/a": { "atLeast": "3" } } }), "without quotes"),
        (json!({ "where": { "/a": { "atLeast": 4, "atMost": 3 } } }), "no more than atMost"),
        (json!({ "where": { "/a": { "atLeast": 3, "atmost": 3 } } }), "atMost may be meant"),
        (json!({ "where": { "/a": { "regex": "(" } } }), "PATTERN_INVALID"),
        (json!({ "maxAge": "0d" }), "an age such as 90d"),
        (json!({ "maxAge": "90" }), "an age such as 90d"),
        (json!({ "maxAge": 90 }), "an age such as 90d"),
        (json!({ "maxAge": "90 d" }), "an age such as 90d"),
        (json!({ "maxAge": "-1d" }), "an age such as 90d"),
        (json!({ "maxAge": "1w" }), "an age such as 90d"),
        (json!({ "maxAge": "99999999999999999999d" }), "an age such as 90d"),
        (json!({ "maxAge": "40000d" }), "100 years"),
        (json!({ "maxAge": "1d", "tlog": "ignored" }), "nothing else says when"),
        (json!({ "newest": true, "tlog": "ignored" }), "nothing else says when"),
        (json!({ "newest": true, "all": true }), "either newest or all"),
        (json!({ "newest": "true" }), "true or false"),
    ] {
        let error = world.load(&world.requiring(&leaf(&world, &more))).unwrap_err();
        assert_eq!(error.code() == Code::PatternInvalid, words == "PATTERN_INVALID", "{error}");
        assert!(error.to_string().contains(words), "{more}: {error}");
        assert!(error.position().line > 5, "{error}");
    }
    // They are about attestations, and say so beside signatures.
    for field in ["where", "maxAge", "newest", "all"] {
        let mut signed = world.key("release");
        signed["signature"][field] = json!(true);
        assert!(world.load(&world.requiring(&signed)).unwrap_err().to_string().contains(field), "{field}");
    }
}
