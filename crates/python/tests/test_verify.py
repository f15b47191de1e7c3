"""The one call, on images that the real cosign signed."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
import veriseal
from conftest import IMAGES, KEY, scenario

SIGNED = f"oci:{IMAGES}/cosign-v3:1.0"
UNSIGNED = f"oci:{IMAGES}/unsigned:1.0"
PINNED = f"oci:{IMAGES}/cosign-v3@sha256:13c1d6dea41f7fffe64d3b4ae1bd7e470ada63307e8c2aeabdcf20ce6c8e5a99"
IDENTITY = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"
KEYLESS = f"oci:{IMAGES}/keyless"
ROOT = f"{IMAGES}/keyless-trusted-root.json"


@pytest.mark.parametrize("layout", ["cosign-v2", "cosign-v3", "saved-v2", "saved-v3"])
def test_an_image_that_cosign_signed_is_accepted_and_pinned(layout: str) -> None:
    tag = ":1.0" if layout.startswith("cosign") else ""
    accepted = veriseal.verify(f"oci:{IMAGES}/{layout}{tag}", key=KEY, tlog="ignored")
    assert accepted.code == "ACCEPTED"
    assert accepted.pinned == f"oci:{IMAGES}/{layout}@{accepted.digest}"
    assert [weak["code"] for weak in accepted.report["weakened"]] == ["LOG_IGNORED"]


def test_an_unsigned_image_is_rejected_with_a_message_that_says_what_to_do() -> None:
    with pytest.raises(veriseal.Rejected) as raised:
        veriseal.verify(UNSIGNED, key=KEY, tlog="ignored")
    assert raised.value.code == "NO_SIGNATURE"
    assert str(raised.value).splitlines()[0] == "NO_SIGNATURE: no signatures found"
    assert "what to do: Sign the image" in str(raised.value)
    assert raised.value.explain().startswith("REJECTED oci:")


def test_an_altered_image_is_rejected_for_the_digest_that_was_signed() -> None:
    with pytest.raises(veriseal.Rejected) as raised:
        veriseal.verify(f"oci:{IMAGES}/altered:1.0", key=KEY, tlog="ignored")
    assert raised.value.code == "SIGNED_OTHER_DIGEST"
    assert "signature 1 (simple signing): SIGNED_OTHER_DIGEST" in str(raised.value)


def test_a_missing_log_entry_is_refused_unless_the_caller_says_otherwise() -> None:
    with pytest.raises(veriseal.Rejected) as raised:
        veriseal.verify(SIGNED, key=KEY)
    assert [one["reason"]["code"] for one in raised.value.report["candidates"]] == ["LOG_ENTRY_MISSING"]


def test_a_keyless_image_needs_identity_and_issuer() -> None:
    accepted = veriseal.verify(KEYLESS, identity=IDENTITY, issuer=ISSUER, trust_root=ROOT)
    assert accepted.report["weakened"] == []
    for identity, issuer, code in [
        (IDENTITY + "x", ISSUER, "IDENTITY_MISMATCH"),
        (IDENTITY, ISSUER + "/", "ISSUER_MISMATCH"),
        (veriseal.Pattern("https://github.com/acme/"), ISSUER, "IDENTITY_MISMATCH"),
    ]:
        with pytest.raises(veriseal.Rejected) as raised:
            veriseal.verify(KEYLESS, identity=identity, issuer=issuer, trust_root=ROOT)
        assert [one["reason"]["code"] for one in raised.value.report["candidates"]] == [code]
    pattern = veriseal.Pattern("https://github.com/acme/.*")
    assert veriseal.verify(KEYLESS, identity=pattern, issuer=ISSUER, trust_root=ROOT).basis == "requirement"


def test_a_layout_that_is_not_there_is_undecided_and_never_unsigned() -> None:
    with pytest.raises(veriseal.Undecided) as raised:
        veriseal.verify("oci:no/such/layout:1.0", key=KEY, tlog="ignored")
    assert raised.value.code == "SOURCE_INVALID"


def test_a_registry_that_cannot_be_reached_is_undecided() -> None:
    registry = veriseal.Registry(timeout=5, allow_http=["127.0.0.1:1"])
    with pytest.raises(veriseal.Undecided) as raised:
        veriseal.verify("127.0.0.1:1/app:v1", key=KEY, registry=registry)
    assert raised.value.code == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "CONFIG_INVALID"),
        ({"identity": IDENTITY}, "CONFIG_INVALID"),
        ({"issuer": ISSUER}, "CONFIG_INVALID"),
        ({"key": KEY, "identity": IDENTITY, "issuer": ISSUER}, "CONFIG_INVALID"),
        ({"key": []}, "POLICY_INVALID"),
        ({"key": [KEY, KEY], "timestamps": -1}, OverflowError),
        ({"key": b"no key"}, "KEY_INVALID"),
        ({"key": "no/such/key.pub"}, "KEY_INVALID"),
        ({"key": KEY, "tlog": "off"}, "POLICY_INVALID"),
        ({"key": KEY, "sct": ""}, "POLICY_INVALID"),
        ({"key": KEY, "attestation": "slsa"}, "POLICY_INVALID"),
        ({"identity": "", "issuer": ISSUER}, "POLICY_INVALID"),
        ({"key": KEY, "trust_root": KEY}, "TRUST_ROOT_INVALID"),
        ({"key": KEY, "timeout": 0}, "CONFIG_INVALID"),
        ({"key": KEY, "timeout": float("nan")}, "CONFIG_INVALID"),
        ({"policy": {}}, "POLICY_INVALID"),
        ({"policy": "no/such/policy.yaml"}, "POLICY_INVALID"),
        ({"policy": "no/such/policy.yaml", "key": KEY}, "CONFIG_INVALID"),
        ({"policy": "no/such/policy.yaml", "tlog": "ignored"}, "CONFIG_INVALID"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_before_anything_is_decided(arguments: dict, code: object) -> None:
    if not isinstance(code, str):
        with pytest.raises(code):  # type: ignore[call-overload]
            veriseal.verify(SIGNED, **arguments)
        return
    with pytest.raises(veriseal.ConfigurationError) as raised:
        veriseal.verify(SIGNED, **arguments)
    assert raised.value.code == code
    assert not isinstance(raised.value, veriseal.VerificationError)


@pytest.mark.parametrize("reference", ["", " ", "app:v 1", "oci:", "a@sha256:00", "app:v1\n", "app:v1\0", "\ud800"])
def test_a_reference_that_cannot_be_parsed_is_refused(reference: str) -> None:
    with pytest.raises((veriseal.ConfigurationError, UnicodeEncodeError)):
        veriseal.verify(reference, key=KEY)


def test_a_file_that_cannot_be_read_is_neither_an_artifact_nor_a_bundle(verifier: veriseal.Verifier, tmp_path: Path) -> None:
    none, some = tmp_path / "none", tmp_path / "some"
    some.write_bytes(b"{}")
    for artifact, bundle in [(none, b"{}"), (b"{}", none), (tmp_path, b"{}"), (b"{}", tmp_path)]:
        with pytest.raises(veriseal.VerisealError) as raised:
            verifier.verify_blob(artifact, bundle)
        assert raised.value.code == "ARTIFACT_UNREADABLE"
    with pytest.raises(veriseal.Rejected) as rejected:
        verifier.verify_blob(some, some)
    assert rejected.value.report["candidates"][0]["reason"]["code"] == "BUNDLE_MALFORMED"


def test_a_time_that_is_given_stands_in_the_report(verifier: veriseal.Verifier) -> None:
    given = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    for now in (given, "2026-11-21T10:00:00Z"):
        report = verifier.verify(SIGNED, now=now).report
        assert report["verificationTime"] == "2026-11-21T10:00:00Z"
        assert "TIME_GIVEN" in [weak["code"] for weak in report["weakened"]]
    assert "TIME_GIVEN" not in verifier.verify(SIGNED).report_json


@pytest.mark.parametrize("now", [datetime.datetime(2026, 11, 21), 0, True, "today", datetime.date(2026, 11, 21), b"x"])
def test_a_time_without_zone_or_of_another_kind_is_refused(verifier: veriseal.Verifier, now: object) -> None:
    with pytest.raises((TypeError, veriseal.ConfigurationError)):
        verifier.verify(SIGNED, now=now)  # type: ignore[arg-type]


def test_a_report_is_a_dictionary_of_its_own_for_each_caller(verifier: veriseal.Verifier) -> None:
    accepted = verifier.verify(SIGNED)
    accepted.report["verdict"] = "changed"
    assert accepted.report["verdict"] == "accepted"
    assert json.loads(accepted.report_json) == accepted.report


def test_the_key_may_be_a_path_bytes_or_text_and_any_of_several(tmp_path: Path) -> None:
    pem = Path(KEY).read_bytes()
    other = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n-----END PUBLIC KEY-----\n"
    for key in (KEY, Path(KEY), pem, pem.decode(), bytearray(pem), [other, pem]):
        assert veriseal.verify(SIGNED, key=key, tlog="ignored").pinned == PINNED
    with pytest.raises(veriseal.Rejected):
        veriseal.verify(SIGNED, key=other, tlog="ignored")


def test_a_key_counts_only_within_its_window() -> None:
    one = scenario("key_signed")
    root, key = one.verifier().trust_root, one.folder / "key.pub"

    def verify(**window: str) -> veriseal.Accepted:
        return veriseal.Verifier(root, veriseal.Policy.signed_by(key=key, **window)).verify(one.reference, now=one.now)

    inside = {"key_not_before": "2026-01-01T00:00:00Z", "key_not_after": "2026-02-01T00:00:00Z"}
    assert verify(**inside).code == "ACCEPTED"
    for outside in ({"key_not_before": "2026-01-15T12:00:01Z"}, {"key_not_after": "2026-01-15T11:59:59Z"}):
        with pytest.raises(veriseal.Rejected) as raised:
            verify(**outside)
        assert [one["reason"]["code"] for one in raised.value.report["candidates"]] == ["KEY_OUTSIDE_WINDOW"]
    with pytest.raises(veriseal.ConfigurationError):
        veriseal.Policy.signed_by(key=key, key_not_before=inside["key_not_after"], key_not_after=inside["key_not_before"])
    with pytest.raises(veriseal.ConfigurationError):
        veriseal.Policy.signed_by(identity=IDENTITY, issuer=ISSUER, **inside)  # type: ignore[arg-type]


def test_a_policy_comes_from_a_file_a_dictionary_or_an_object(tmp_path: Path) -> None:
    document = {
        "apiVersion": "veriseal/v1",
        "images": [
            {"match": ["**"], "require": {"signature": {"key": "cosign.pub", "tlog": "ignored"}}},
        ],
    }
    pem = Path(KEY).read_bytes()
    (tmp_path / "cosign.pub").write_bytes(pem)
    (tmp_path / "policy.json").write_text(json.dumps(document))
    made = veriseal.Policy.from_file(tmp_path / "policy.json")
    given = veriseal.Policy.from_dict(document, files={"cosign.pub": pem})
    assert made.fingerprint == given.fingerprint
    assert veriseal.Policy.from_dict(document, folder=tmp_path).fingerprint == given.fingerprint
    for policy in (made, given, tmp_path / "policy.json"):
        assert veriseal.verify(SIGNED, policy=policy).pinned == PINNED


def test_evidence_is_saved_moved_and_judged_for_the_image_that_is_named(verifier: veriseal.Verifier, tmp_path: Path) -> None:
    evidence = verifier.gather(SIGNED)
    assert (evidence.origin, evidence.candidates, evidence.image) == ("gathered", 1, PINNED)
    evidence.save(tmp_path / "evidence.tar")
    for given in (tmp_path / "evidence.tar", veriseal.Evidence.load(tmp_path / "evidence.tar"), evidence):
        assert verifier.judge(given, PINNED).pinned == PINNED
    other = PINNED[:-1] + "0"
    with pytest.raises(veriseal.VerificationError) as raised:
        verifier.judge(evidence, other)
    assert raised.value.code == "EVIDENCE_FOR_OTHER_IMAGE"
    for image in (SIGNED, f"oci:{IMAGES}/cosign-v3", PINNED.replace("@", ":1.0@")):
        with pytest.raises(veriseal.ConfigurationError):
            verifier.judge(evidence, image)
    with pytest.raises(veriseal.ConfigurationError) as unusable:
        verifier.judge(KEY, PINNED)
    assert unusable.value.code == "EVIDENCE_INVALID"


def test_gathering_an_image_that_is_not_there_is_undecided(verifier: veriseal.Verifier) -> None:
    with pytest.raises(veriseal.Undecided) as raised:
        verifier.gather(f"oci:{IMAGES}/cosign-v3:2.0")
    assert raised.value.code == "IMAGE_NOT_FOUND"


def test_many_images_keep_their_order_and_each_has_its_own_answer() -> None:
    asked = [UNSIGNED, SIGNED, "no reference", f"oci:{IMAGES}/altered:1.0", SIGNED] * 5
    seen: list[tuple[int, int, str]] = []

    def progress(done: int, total: int, outcome: veriseal.Outcome) -> None:
        seen.append((done, total, outcome.code))

    outcomes = veriseal.verify_many(iter(asked), key=KEY, tlog="ignored", progress=progress)
    codes = ["NO_SIGNATURE", "ACCEPTED", "REFERENCE_INVALID", "SIGNED_OTHER_DIGEST", "ACCEPTED"] * 5
    assert [outcome.code for outcome in outcomes] == codes
    assert [outcome.reference for outcome in outcomes] == asked
    assert [done for done, _, _ in seen] == list(range(1, 26))
    assert sorted(code for _, _, code in seen) == sorted(codes)
    assert outcomes[1].accept().pinned == PINNED
    with pytest.raises(veriseal.Rejected):
        outcomes[0].accept()
    assert veriseal.verify_many([], key=KEY) == []


def test_outcomes_have_no_truth_value() -> None:
    outcomes = veriseal.verify_many([UNSIGNED], key=KEY)
    with pytest.raises(TypeError):
        all(outcomes)
    with pytest.raises(TypeError):
        veriseal.verify_many(SIGNED, key=KEY)


def test_what_progress_raises_ends_the_call() -> None:
    def stop(done: int, total: int, outcome: veriseal.Outcome) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError):
        veriseal.verify_many([SIGNED] * 50, key=KEY, progress=stop)


def test_one_platform_of_a_signed_index_is_pinned_by_its_own_manifest() -> None:
    one = scenario("index_signed")
    root, policy = one.verifier().trust_root, one.verifier().policy
    accepted = veriseal.Verifier(root, policy, platforms="linux/amd64").verify(one.reference, now=one.now)
    assert accepted.resolved.endswith(one.fields["digest"])
    assert accepted.pinned != accepted.resolved
    assert accepted.platforms == [("linux/amd64", accepted.pinned)]
    assert one.verifier().verify(one.reference, now=one.now).pinned.endswith(one.fields["digest"])
    with pytest.raises(veriseal.VerificationError):
        veriseal.Verifier(root, policy, platforms="plan9/amd64").verify(one.reference, now=one.now)
    for platforms in ("", "linux", "linux/amd64,linux/amd64"):
        with pytest.raises(veriseal.ConfigurationError) as raised:
            veriseal.Verifier(root, policy, platforms=platforms)
        assert raised.value.code == "PLATFORM_INVALID"


def test_every_code_has_a_name_a_number_and_a_meaning() -> None:
    codes = veriseal.codes()
    assert len({code.number for code in codes}) == len({code.name for code in codes}) == len(codes) > 100
    accepted = [code for code in codes if code.kind == "accepted"]
    assert [code.name for code in accepted] == ["ACCEPTED"]
    assert all(code.meaning and code.action and code.who for code in codes)
