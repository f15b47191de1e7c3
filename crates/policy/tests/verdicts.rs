//! Verdicts of policies over real evidence: logic, exceptions, modes, and the attacks on policies by their ids.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects)]
#![allow(clippy::string_slice, clippy::nonminimal_bool, reason = "formulas stand as the policy does")]

mod kit;

use kit::{World, report};
use serde_json::{Value, json};
use veriseal::gather::{Fetch, FetchError, Request, Response};
use veriseal::{Authority, Basis, Code, Failure, Verdict};
use veriseal_policy::{Action, Mode, PolicyFile};
use veriseal_testkit::scenario::{self, Scenario};
use veriseal_testkit::{Bundle, Identity, ImageBuilder, Signer, Sigstore};

const KEYS: [&str; 3] = ["release", "security", "third"];

/// An image signed by those of the three keys whose bit is set.
fn signed_by(outcome: usize, order: &[usize]) -> World {
    let mut scenario = Scenario::new("unsigned");
    for index in order {
        if outcome & (1 << index) != 0 {
            let signer = Signer::key(scenario.sigstore.key(KEYS[*index]));
            let bundle = scenario.bundle(&signer);
            scenario.store.attach_bundle(&scenario.image, &bundle);
        }
    }
    World::of(scenario)
}

fn all(of: &[Value]) -> Value {
    json!({ "all": of })
}

fn any(of: &[Value]) -> Value {
    json!({ "any": of })
}

fn least(count: usize, of: &[Value]) -> Value {
    json!({ "atLeast": count, "of": of })
}

type Expected = fn(bool, bool, bool) -> bool;

/// K-PO-06: twelve requirements over three authorities and their eight outcomes, against the plain formula.
#[test]
fn requirements_hold_exactly_where_their_formula_does() {
    let name = World::of(Scenario::new("unsigned"));
    let [a, b, c] = KEYS.map(|key| name.key(key));
    let table: Vec<(&str, Value, Expected)> = vec![
        ("all a b c", all(&[a.clone(), b.clone(), c.clone()]), |a, b, c| a && b && c),
        ("any a b c", any(&[a.clone(), b.clone(), c.clone()]), |a, b, c| a || b || c),
        ("1 of a b c", least(1, &[a.clone(), b.clone(), c.clone()]), |a, b, c| a || b || c),
        ("2 of a b c", least(2, &[a.clone(), b.clone(), c.clone()]), |a, b, c| (a && b) || (a && c) || (b && c)),
        ("3 of a b c", least(3, &[a.clone(), b.clone(), c.clone()]), |a, b, c| a && b && c),
        ("all(any(a b) c)", all(&[any(&[a.clone(), b.clone()]), c.clone()]), |a, b, c| (a || b) && c),
        ("any(all(a b) c)", any(&[all(&[a.clone(), b.clone()]), c.clone()]), |a, b, c| (a && b) || c),
        ("all(2 of a b c, a)", all(&[least(2, &[a.clone(), b.clone(), c.clone()]), a.clone()]), |a, b, c| a && (b || c)),
        ("any(all(a b) all(b c))", any(&[all(&[a.clone(), b.clone()]), all(&[b.clone(), c.clone()])]), |a, b, c| b && (a || c)),
        // One signer never stands for two: `any(a b)` and `a` need two of them.
        ("2 of any(a b) a", least(2, &[any(&[a.clone(), b.clone()]), a.clone()]), |a, b, _| a && b),
        ("2 of any(a b) any(b c)", least(2, &[any(&[a.clone(), b.clone()]), any(&[b.clone(), c.clone()])]), |a, b, c| {
            (a && b) || (a && c) || (b && c)
        }),
        ("a", a.clone(), |a, _, _| a),
    ];
    for outcome in 0..8 {
        let world = signed_by(outcome, &[0, 1, 2]);
        let bit = |index: usize| outcome & (1 << index) != 0;
        for (name, node, formula) in &table {
            let policy = world.load(&world.requiring(node)).unwrap();
            let verdict = world.verify(&policy);
            assert_eq!(verdict.is_ok(), formula(bit(0), bit(1), bit(2)), "{name} for {outcome:03b}");
            assert_ne!(report(&verdict).verdict(), Verdict::Undecided, "{name} for {outcome:03b}");
        }
    }
}

/// The order in which candidates are listed changes neither verdict nor code.
#[test]
fn the_order_of_candidates_changes_nothing() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let name = World::of(Scenario::new("unsigned"));
    let [a, b, c] = KEYS.map(|key| name.key(key));
    let stranger = name.key("stranger");
    for node in [least(2, &[a.clone(), b.clone(), stranger.clone()]), all(&[c, stranger.clone()]), any(&[stranger])] {
        let codes: Vec<Code> = orders
            .iter()
            .map(|order| {
                let world = signed_by(0b111, order);
                world.code(&world.requiring(&node))
            })
            .collect();
        assert!(codes.iter().all(|code| *code == codes[0]), "{codes:?}");
    }
}

/// K-PO-03: a policy of nothing does not load, in any spelling.
#[test]
fn a_policy_that_names_nobody_does_not_load() {
    let world = World::new();
    for node in [
        json!({}),
        json!(null),
        json!(true),
        json!([]),
        json!({ "all": [] }),
        json!({ "any": [] }),
        json!({ "atLeast": 0, "of": [world.key("release")] }),
        json!({ "signature": {} }),
        json!({ "signature": { "keyless": { "trust": "test" } } }),
        json!({ "signature": { "keyless": { "trust": "test", "identities": [] } } }),
        json!({ "signature": { "keyless": { "trust": "test", "issuer": "", "identity": "" } } }),
        json!({ "signature": { "keyless": { "trust": "test", "issuer": "https://i.example", "identity": { "glob": "" } } } }),
        json!({ "signature": { "keyless": { "trust": "test", "issuer": { "regex": "" }, "identity": "a@b.example" } } }),
    ] {
        assert!(world.load(&world.requiring(&node)).is_err(), "{node}");
    }
    for policy in [json!({}), json!({ "apiVersion": "veriseal/v1" }), json!({ "apiVersion": "veriseal/v1", "images": [{}] })] {
        assert!(world.load(&policy).is_err(), "{policy}");
    }
}

/// K-PO-04: a key and an identity in one leaf; one of the two would be ignored.
#[test]
fn a_leaf_with_a_key_and_an_identity_does_not_load() {
    let world = World::new();
    let mut leaf = world.key("release");
    leaf["signature"]["keyless"] = json!({ "trust": "test", "issuer": "https://i.example", "identity": "a@b.example" });
    assert_eq!(world.load(&world.requiring(&leaf)).unwrap_err().code(), Code::PolicyInvalid);
}

/// K-PO-05: two clauses of one leaf are held against one signature, never one clause against each of two.
#[test]
fn two_signatures_never_satisfy_one_leaf_together() {
    let mut scenario = Scenario::new("unsigned");
    let identities = [
        Identity::github("acme/app", "release.yml", "refs/heads/main"),
        Identity::github("acme/tool", "release.yml", "refs/tags/v1"),
    ];
    for identity in &identities {
        let bundle = scenario.bundle(&scenario.sigstore.keyless(identity));
        scenario.store.attach_bundle(&scenario.image, &bundle);
    }
    let world = World::of(scenario);
    let ask = |repository: &str, reference: &str| {
        let leaf = json!({ "signature": { "keyless": {
            "trust": "test", "issuer": identities[0].issuer, "identity": { "glob": "https://github.com/acme/**" },
            "extensions": { "githubWorkflowRepository": repository, "githubWorkflowRef": reference },
        } } });
        world.code(&world.requiring(&leaf))
    };
    assert_eq!(ask("acme/app", "refs/heads/main"), Code::Accepted);
    assert_eq!(ask("acme/tool", "refs/tags/v1"), Code::Accepted);
    assert_eq!(ask("acme/app", "refs/tags/v1"), Code::NoMatchingSignature);
}

/// Answers as the store does until the request of that number, which it refuses.
struct Failing<'s> {
    scenario: &'s Scenario,
    refuse: usize,
    seen: std::sync::atomic::AtomicUsize,
}

impl Fetch for Failing<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        if self.seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == self.refuse {
            return Err(FetchError::Unavailable(Failure::new(Code::Unavailable)));
        }
        self.scenario.store.fetch(request)
    }
}

/// K-PO-07: an outcome is made by verifying and by nothing else. No outcome and no fact can be read from a document, made of
/// nothing, or be written by whoever writes annotations and lock files.
#[test]
fn no_outcome_comes_from_what_was_written_down() {
    use veriseal::policy::{AuthenticatedTime, LogFact, VerifiedSignature};
    // Each line compiles only while the type implements none of the named traits: otherwise the marker is ambiguous.
    macro_rules! never {
        ($($kind:ty),*) => {$({
            trait Marked<A> {
                fn mark() {}
            }
            struct Read;
            struct Empty;
            impl<T: ?Sized> Marked<()> for T {}
            impl<T: ?Sized + serde::de::DeserializeOwned> Marked<Read> for T {}
            impl<T: ?Sized + Default> Marked<Empty> for T {}
            <$kind as Marked<_>>::mark();
        })*};
    }
    never!(veriseal::Accepted, veriseal::AcceptedBlob, veriseal::NotAccepted, veriseal::Report);
    never!(VerifiedSignature, AuthenticatedTime, LogFact, veriseal::policy::Signer, Basis);

    // What other verifiers write into the registry, and what we write ourselves, says nothing.
    let mut scenario = Scenario::new("unsigned");
    let accepted = World::new();
    let outcome = accepted.verify(&accepted.load(&accepted.policy()).unwrap()).unwrap();
    let says = json!({
        "kyverno.io/image-verification-outcomes": "{\"verified\":true}",
        "veriseal.report/v1": outcome.report().to_json(),
    });
    scenario.store.attach_bundle_bytes(&scenario.image, outcome.report().to_json().as_bytes(), says);
    let world = World::of(scenario);
    let policy = world.load(&world.requiring(&world.key("release"))).unwrap();
    assert!(world.verify(&policy).is_err());
    // A lock that names the very digest adds a condition and takes none away.
    let reference: veriseal::Reference = world.scenario.reference().parse().unwrap();
    let text = format!(
        "{{\"schema\":\"veriseal.lock/v1\",\"policies\":[],\"images\":{{\"{reference}\":\"{}\"}}}}",
        world.scenario.image.digest
    );
    let lock = veriseal_policy::Lock::parse(text.as_bytes()).unwrap();
    assert_eq!(lock.digest_of(&reference).unwrap(), &world.scenario.image.digest);
    assert!(world.verify(&policy).is_err());
}

/// K-PO-09: whatever could not be fetched is never "no signature needed"; it may only be found out that enough is there.
#[test]
fn a_failed_request_never_accepts_what_all_requests_would_not() {
    let world = World::of(scenario::wrong_identity());
    let policy = world.load(&world.requiring(&world.key("release"))).unwrap();
    let reference = world.scenario.reference().parse().unwrap();
    for refuse in 0..8 {
        let fetch = Failing { scenario: &world.scenario, refuse, seen: std::sync::atomic::AtomicUsize::new(0) };
        let outcome = policy.verify(&reference, &fetch, world.scenario.now);
        assert!(outcome.is_err(), "request {refuse}");
    }
}

/// K-PO-10: an image that nobody signed.
#[test]
fn an_image_without_candidates_is_rejected() {
    let world = World::of(scenario::unsigned());
    assert_eq!(world.code(&world.requiring(&world.key("release"))), Code::NoSignature);
    assert_eq!(world.code(&world.requiring(&any(&[world.key("release"), world.key("third")]))), Code::NoSignature);
}

/// K-PO-12: warn and audit are data beside the verdict; neither makes the type that means verified.
#[test]
fn modes_change_what_is_enforced_and_never_the_verdict() {
    for (mode, deny) in [("enforce", true), ("warn", false), ("audit", false)] {
        let world = World::of(scenario::wrong_key());
        let mut policy = world.requiring(&world.key("release"));
        policy["mode"] = json!(mode);
        let policy = world.load(&policy).unwrap();
        let outcome = world.verify(&policy);
        assert!(outcome.is_err(), "{mode}");
        let enforcement = policy.enforcement(&outcome);
        assert_eq!((enforcement.deny, enforcement.would_deny), (deny, true), "{mode}");
        let weakened = report(&outcome).weakened_codes();
        assert_eq!(weakened.contains(&Code::NotEnforced), policy.mode() != Mode::Enforce, "{mode}");
    }
}

const DAY: i64 = 86_400;

fn exception(world: &World, digests: &[String], until: &str) -> PolicyFile {
    let allow = json!({ "digests": digests, "reason": "ticket 42", "until": until });
    world.load(&json!({ "apiVersion": "veriseal/v1", "images": [{ "match": ["**"], "allow": allow }] })).unwrap()
}

/// An exception is seen in the type, in the JSON and among what is weakened; it ends with the last second of its day, UTC.
#[test]
fn an_exception_accepts_its_digests_until_the_end_of_its_day() {
    let mut world = World::of(scenario::unsigned());
    let digest = world.scenario.image.digest.to_string();
    let start = world.scenario.now.seconds().div_euclid(DAY) * DAY;
    let day = veriseal::UnixTime::from_seconds(start).to_string()[..10].to_owned();
    let policy = exception(&world, std::slice::from_ref(&digest), &day);
    world.scenario.now = veriseal::UnixTime::from_seconds(start + DAY - 1);
    let accepted = world.verify(&policy).unwrap();
    assert!(matches!(accepted.basis(), Basis::Exception { reason, .. } if reason == "ticket 42"), "{:?}", accepted.basis());
    assert!(accepted.signatures().is_empty());
    assert_eq!(accepted.report().weakened_codes(), [Code::ExceptionApplies]);
    let json: Value = serde_json::from_str(&accepted.report().to_json()).unwrap();
    assert_eq!(json["basis"]["kind"], "exception");
    assert_eq!(json["basis"]["reason"], "ticket 42");
    assert!(accepted.report().to_text(veriseal::report::Style::Plain).contains("by an exception"));
    world.scenario.now = veriseal::UnixTime::from_seconds(start + DAY);
    assert_eq!(report(&world.verify(&policy)).code(), Code::ExceptionExpired);
}

#[test]
fn an_exception_accepts_no_other_digest_however_well_signed() {
    let world = World::of(scenario::key_signed_bundle());
    let other = format!("sha256:{}", "0".repeat(64));
    assert_eq!(report(&world.verify(&exception(&world, &[other], "2100-01-01"))).code(), Code::NotExcepted);
}

/// A requirement that holds says so too.
#[test]
fn a_requirement_that_holds_is_the_basis() {
    let world = World::new();
    let accepted = world.verify(&world.load(&world.policy()).unwrap()).unwrap();
    assert_eq!(accepted.basis(), &Basis::Requirement);
    assert!(accepted.report().to_json().contains(r#""basis":{"kind":"requirement"}"#));
}

/// Two trust roots side by side: each leaf is held against its own.
#[test]
fn no_trust_root_vouches_for_what_another_should() {
    let world = World::new();
    let leaf = |trust: &str, name: &str| json!({ "signature": { "key": { "file": format!("{name}.pub"), "trust": trust } } });
    let keyless = |trust: &str| {
        json!({ "signature": { "keyless": {
            "trust": trust, "issuer": world.scenario.identity.issuer, "identity": world.scenario.identity.subject_text(),
        } } })
    };
    assert_eq!(world.code(&world.requiring(&all(&[leaf("test", "release"), keyless("test")]))), Code::Accepted);
    assert_eq!(world.code(&world.requiring(&any(&[leaf("sigstore", "release"), keyless("test")]))), Code::Accepted);
    assert_eq!(world.code(&world.requiring(&all(&[leaf("sigstore", "release"), keyless("test")]))), Code::PolicyNotMet);
    assert_eq!(world.code(&world.requiring(&all(&[leaf("test", "release"), keyless("sigstore")]))), Code::PolicyNotMet);
    let policy = world.load(&world.requiring(&any(&[leaf("sigstore", "release"), keyless("test")]))).unwrap();
    let json: Value = serde_json::from_str(&report(&world.verify(&policy)).to_json()).unwrap();
    assert_eq!(json["trustRoot"]["name"], "sigstore");
    let own: Vec<_> =
        json["candidates"][0]["evaluations"].as_array().unwrap().iter().map(|one| &one["trustRoot"]["name"]).collect();
    assert_eq!(own, [&Value::Null, &json!("test")]);
}

/// A key is one key under every trust root.
#[test]
fn a_key_under_two_trust_roots_is_one() {
    let mut world = World::new();
    world.files.insert("elsewhere.json".to_owned(), Sigstore::new(2).trusted_root().to_bytes());
    let leaf = |trust: &str| json!({ "signature": { "key": { "file": "release.pub", "trust": trust } } });
    let mut policy = world.requiring(&least(2, &[leaf("test"), leaf("elsewhere")]));
    policy["trust"]["elsewhere"] = json!({ "trustedRoot": "elsewhere.json" });
    assert_eq!(world.load(&policy).unwrap_err().code(), Code::PolicyInvalid);
}

/// What counts as one: a key is one wherever it is trusted, and an identity in each trust domain. Roots that share a
/// certificate authority are one domain, so that two versions of a root do not let a person count twice.
#[test]
fn an_identity_counts_once_in_a_trust_domain() {
    let mut scenario = Scenario::new("unsigned");
    let identity = scenario.identity.clone();
    let mut elsewhere = Sigstore::new(2);
    let first = scenario.bundle(&scenario.keyless_signer());
    let theirs = Bundle::image(&scenario.image.digest, &elsewhere.keyless(&identity));
    let second = theirs.logged_v1(&mut elsewhere.rekor, elsewhere.now);
    let shared = scenario.sigstore.trusted_root().fulcio(&elsewhere.fulcio).ct_log(&elsewhere.ct_log).rekor_v1(&elsewhere.rekor);
    let world = |attached: &[&Bundle]| {
        let mut scenario = scenario.clone();
        for bundle in attached {
            scenario.store.attach_bundle(&scenario.image, bundle);
        }
        let mut world = World::of(scenario);
        world.files.insert("copy.json".to_owned(), world.files["root.json"].clone());
        world.files.insert("elsewhere.json".to_owned(), elsewhere.trusted_root().to_bytes());
        world.files.insert("shared.json".to_owned(), shared.to_bytes());
        world
    };
    let keyless = |trust: &str| json!({ "signature": { "keyless": { "trust": trust, "issuer": identity.issuer, "identity": identity.subject_text() } } });
    let both = |world: &World, of: &[&str]| {
        let mut policy = world.requiring(&least(2, &of.iter().map(|trust| keyless(trust)).collect::<Vec<_>>()));
        for name in ["copy", "elsewhere", "shared"] {
            policy["trust"][name] = json!({ "trustedRoot": format!("{name}.json") });
        }
        world.load(&policy).map(|policy| report(&world.verify(&policy)).code()).map_err(|error| error.code())
    };
    let two = world(&[&first, &second]);
    assert_eq!(both(&two, &["test", "elsewhere"]), Ok(Code::Accepted));
    assert_eq!(both(&two, &["elsewhere", "test"]), Ok(Code::Accepted));
    // One signature is one, however many roots vouch for it.
    assert_eq!(both(&world(&[&first]), &["test", "elsewhere"]), Ok(Code::PolicyNotMet));
    for one_domain in [["test", "copy"], ["copy", "test"], ["test", "test"], ["test", "shared"], ["shared", "elsewhere"]] {
        assert_eq!(both(&two, &one_domain), Err(Code::PolicyInvalid), "{one_domain:?}");
    }
    // A third root ties two domains together: nothing that is vouched for by both counts twice.
    assert_eq!(both(&two, &["test", "elsewhere", "shared"]), Err(Code::PolicyInvalid));
}

/// An attestation is no signature, and a signature no attestation.
#[test]
fn what_counts_as_signed_is_explicit() {
    let world = World::of(scenario::attestation_only());
    let keyless = json!({
        "trust": "test", "issuer": world.scenario.identity.issuer, "identity": world.scenario.identity.subject_text(),
    });
    assert_eq!(world.code(&world.requiring(&json!({ "signature": { "keyless": keyless } }))), Code::NoMatchingSignature);
    let attested = json!({ "attestation": { "predicateType": kit::SLSA, "keyless": keyless } });
    assert_eq!(world.code(&world.requiring(&attested)), Code::Accepted);
    let signed = json!({ "attestation": { "predicateType": "https://sigstore.dev/cosign/sign/v1", "keyless": keyless } });
    assert!(world.load(&world.requiring(&signed)).is_err());
}

#[test]
fn an_image_without_a_rule_is_denied_before_anything_is_fetched() {
    let world = World::new();
    let mut policy = world.policy();
    policy["images"][0]["match"] = json!(["ghcr.io/acme/*"]);
    let policy = world.load(&policy).unwrap();
    let nothing = Failing { scenario: &world.scenario, refuse: 0, seen: std::sync::atomic::AtomicUsize::new(0) };
    let outcome = policy.verify(&world.scenario.reference().parse().unwrap(), &nothing, world.scenario.now);
    assert_eq!(report(&outcome).code(), Code::NoRule);
    assert_eq!(report(&outcome).verdict(), Verdict::Rejected);
    assert_eq!(nothing.seen.into_inner(), 0);
}

#[test]
fn a_rule_that_asks_for_digests_takes_no_tag() {
    let world = World::new();
    let mut policy = world.policy();
    policy["images"][0]["pin"] = json!("require-digest");
    let policy = world.load(&policy).unwrap();
    assert_eq!(report(&world.verify(&policy)).code(), Code::DigestRequired);
    assert!(world.verify_as(&policy, &world.scenario.pinned()).is_ok());
}

/// What of an index is verified and pinned. A signature of the index counts for what it lists, one of a manifest for that
/// alone.
#[test]
fn platforms_say_what_of_an_index_is_accepted() {
    let whole = World::of(scenario::index_signed());
    let mut scenario = Scenario::new("unsigned");
    scenario.image = ImageBuilder::multi_arch("app", &["amd64", "arm64"]).tagged(&mut scenario.store, "v1");
    let index: Value = serde_json::from_slice(&scenario.store.manifests[&scenario.image.digest].bytes).unwrap();
    let listed: veriseal::Digest = index["manifests"][0]["digest"].as_str().unwrap().parse().unwrap();
    let signer = scenario.keyless_signer();
    let bundle = Bundle::image(&listed, &signer).logged_v1(&mut scenario.sigstore.rekor, scenario.sigstore.now);
    let manifest = veriseal_testkit::Image { digest: listed, ..scenario.image.clone() };
    scenario.store.attach_bundle(&manifest, &bundle);
    let part = World::of(scenario);
    let ask = |world: &World, platforms: Value| {
        let keyless = json!({
            "trust": "test", "issuer": world.scenario.identity.issuer, "identity": world.scenario.identity.subject_text(),
        });
        let mut policy = world.requiring(&json!({ "signature": { "keyless": keyless } }));
        policy["images"][0]["platforms"] = platforms;
        let outcome = world.verify(&world.load(&policy).unwrap());
        let pinned = outcome.as_ref().ok().map(|accepted| accepted.pinned().digest() == Some(&world.scenario.image.digest));
        (report(&outcome).code(), pinned)
    };
    let (index, manifest) = ((Code::Accepted, Some(true)), (Code::Accepted, Some(false)));
    assert_eq!(ask(&whole, json!("index")), index);
    assert_eq!(ask(&whole, json!("all")), index);
    assert_eq!(ask(&whole, json!(["linux/amd64"])), manifest);
    assert_eq!(ask(&whole, json!(["linux/arm64", "linux/amd64"])), index);
    assert_eq!(ask(&whole, json!(["linux/riscv64"])), (Code::PlatformNotFound, None));
    assert_eq!(ask(&part, json!("index")), (Code::NoSignature, None));
    assert_eq!(ask(&part, json!("all")).1, None);
    assert_eq!(ask(&part, json!(["linux/amd64"])), manifest);
    assert_eq!(ask(&part, json!(["linux/arm64"])).1, None);
}

/// Subjects of others that look like that of the policy, or would be taken for it by an unanchored or careless reader.
const HOSTILE: [&str; 40] = [
    "https://github.com/acme-evil/app/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com/acmeevil/app/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com/evil/acme/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com/evil/app/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com/ACME/app/.github/workflows/release.yml@refs/tags/v1",
    "https://GITHUB.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "http://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com.evil.example/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://githubxcom/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com@evil.example/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://evil.example/https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://evil.example/?https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://evil.example/#https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://evil.example#github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://user:https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
    " https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "\nhttps://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1\n",
    "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1\nevil",
    "evil\nhttps://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1\0",
    "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/x1",
    "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/v1",
    "https://github.com/acme/app/.github/workflows/release.yml@refs/pull/1/merge",
    "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/",
    "https://github.com/acme/app/.github/workflows/release.yml",
    "https://github.com/acme/app/.github/workflows/evil.yml@refs/tags/v1",
    "https://github.com/acme/app/.github/workflows/releasexyml@refs/tags/v1",
    "https://github.com/acme/app/.github/workflows/release.yml.evil.yml@refs/tags/v1",
    "https://github.com/acme/app/.github/workflows/x/release.yml@refs/tags/v1",
    "https://github.com/acme/app/xgithub/workflows/release.yml@refs/tags/v1",
    "https://github.com/acme//.github/workflows/release.yml@refs/heads/x",
    "https://github.com/acme/../evil/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com/acme/%61pp/.github/workflows/evil.yml@refs/tags/v1",
    "https://github.com/acme\u{2215}app/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com/\u{430}cme/app/.github/workflows/release.yml@refs/tags/v1",
    "https://github.com/acme/app?/.github/workflows/release.yml@refs/heads/x",
    "release@acme.example",
    "",
    "https://github.com/acme",
];

/// Ten ways to say "releases of acme by tag".
fn patterns() -> [Value; 10] {
    const BASE: &str = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1";
    [
        json!(BASE),
        json!({ "exact": BASE }),
        json!({ "glob": BASE }),
        json!({ "glob": "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v*" }),
        json!({ "glob": "https://github.com/acme/a*p/.github/workflows/release.yml@refs/tags/v*" }),
        json!({ "glob": "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v**" }),
        json!({ "regex": r"https://github\.com/acme/app/\.github/workflows/release\.yml@refs/tags/v1" }),
        json!({ "regex": r"https://github\.com/acme/app/\.github/workflows/release\.yml@refs/tags/v\d+" }),
        json!({ "regex": r"^https://github\.com/acme/[a-z]+/\.github/workflows/release\.yml@refs/tags/v[0-9]$" }),
        json!({ "regex": r"https://github\.com/acme/\w+/\.github/workflows/release\.yml@refs/tags/v[0-9.]+" }),
    ]
}

/// K-PO-02: 40 hostile identities against 10 patterns.
#[test]
fn no_pattern_matches_a_hostile_identity() {
    let world = World::new();
    for pattern in patterns() {
        let keyless = json!({ "trust": "test", "issuer": "https://i.example", "identity": pattern });
        let policy = world.load(&world.requiring(&json!({ "signature": { "keyless": keyless } }))).unwrap();
        let Action::Verify(verifier) = policy.rules()[0].action() else { panic!("{pattern}") };
        let Authority::Keyless(authority) = verifier.policy().leaves()[0].authority() else { panic!("{pattern}") };
        let identity = &authority.identities()[0];
        assert!(
            identity.subject().matches("https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1"),
            "{pattern}"
        );
        for hostile in HOSTILE {
            assert!(!identity.subject().matches(hostile), "{pattern} {hostile:?}");
        }
    }
}

/// K-PO-02, K-PO-13 with certificates: what no policy names is never accepted, whoever signed.
#[test]
fn certificates_of_hostile_identities_are_not_accepted() {
    let issuer = "https://token.actions.githubusercontent.com";
    let uri = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1";
    let signers = [
        (Identity::uri(HOSTILE[0], issuer), Code::IdentityMismatch),
        (Identity::uri(HOSTILE[10], issuer), Code::IdentityMismatch),
        (Identity::uri(HOSTILE[12], issuer), Code::IdentityMismatch),
        (Identity::uri(uri, "https://token.actions.githubusercontent.com/"), Code::IssuerMismatch),
        (Identity::uri(uri, "https://token.actions.githubusercontent.com#.evil.example"), Code::IssuerMismatch),
        (Identity::uri(uri, "https://evil#token.actions.githubusercontent.com"), Code::IssuerMismatch),
        (Identity::uri(uri, "https://evil.example"), Code::IssuerMismatch),
        (Identity::uri(uri, ""), Code::IssuerMismatch),
    ];
    for (signer, code) in signers {
        let mut scenario = Scenario::new("unsigned");
        let bundle = scenario.bundle(&scenario.sigstore.keyless(&signer));
        scenario.store.attach_bundle(&scenario.image, &bundle);
        let world = World::of(scenario);
        let identity = json!({ "glob": "https://github.com/acme/*/.github/workflows/release.yml@refs/tags/v*" });
        let keyless = json!({ "trust": "test", "issuer": issuer, "identity": identity });
        let policy = world.load(&world.requiring(&json!({ "signature": { "keyless": keyless } }))).unwrap();
        let outcome = world.verify(&policy);
        assert!(outcome.is_err(), "{signer:?}");
        assert_eq!(report(&outcome).candidate_codes(), [code], "{signer:?}");
    }
}

/// Kinds of names never mix: a URI that ends like an address is no address.
#[test]
fn a_pattern_for_addresses_matches_no_uri() {
    let issuer = "https://accounts.example";
    let ask = |kind: &str, signer: &Identity| {
        let mut scenario = Scenario::new("unsigned");
        let bundle = scenario.bundle(&scenario.sigstore.keyless(signer));
        scenario.store.attach_bundle(&scenario.image, &bundle);
        let world = World::of(scenario);
        let keyless =
            json!({ "trust": "test", "issuer": issuer, "identity": { "regex": r".*@acme\.example" }, "subjectKind": kind });
        let policy = world.load(&world.requiring(&json!({ "signature": { "keyless": keyless } }))).unwrap();
        let outcome = world.verify(&policy);
        (report(&outcome).code(), report(&outcome).to_json().contains("subjectKind"))
    };
    let (address, uri) =
        (Identity::email("release@acme.example", issuer), Identity::uri("https://evil.example/@acme.example", issuer));
    assert_eq!(ask("email", &address).0, Code::Accepted);
    assert_eq!(ask("uri", &uri).0, Code::Accepted);
    assert_eq!(ask("email", &uri), (Code::NoMatchingSignature, true));
    assert_eq!(ask("uri", &address), (Code::NoMatchingSignature, true));
    assert_eq!(ask("othername", &address), (Code::NoMatchingSignature, true));
}

/// K-PO-13: an issuer is compared byte for byte unless the policy says otherwise.
#[test]
fn an_issuer_is_exact_unless_said_otherwise() {
    let world = World::new();
    let keyless = json!({ "trust": "test", "issuer": "https://i.example", "identity": "a@b.example" });
    let policy = world.load(&world.requiring(&json!({ "signature": { "keyless": keyless } }))).unwrap();
    let Action::Verify(verifier) = policy.rules()[0].action() else { panic!() };
    let Authority::Keyless(authority) = verifier.policy().leaves()[0].authority() else { panic!() };
    let issuer = authority.identities()[0].issuer().clone();
    assert!(issuer.matches("https://i.example"));
    for hostile in
        ["https://i.example/", "https://I.example", "https://i.example#", "https://evil#i.example", "https://ixexample"]
    {
        assert!(!issuer.matches(hostile), "{hostile}");
    }
}
