"""What carries a verifier to another process: its inputs, and no secret."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import veriseal
from conftest import IMAGES, KEY, scenario

SIGNED = f"oci:{IMAGES}/cosign-v3:1.0"
UNSIGNED = f"oci:{IMAGES}/unsigned:1.0"


def pinned(verifier: veriseal.Verifier, reference: str) -> str:
    return verifier.verify(reference).pinned


def test_a_verifier_goes_to_a_process_pool_and_its_exceptions_come_back(verifier: veriseal.Verifier) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(pinned, verifier, SIGNED).result() == verifier.verify(SIGNED).pinned
        with pytest.raises(veriseal.Rejected) as raised:
            pool.submit(pinned, verifier, UNSIGNED).result()
    assert raised.value.code == "NO_SIGNATURE"
    assert raised.value.report["verdict"] == "rejected"
    assert raised.value.explain().startswith("REJECTED")


def test_what_a_verifier_is_made_of_survives_a_pickle(tmp_path: Path) -> None:
    one = scenario("keyless")
    (tmp_path / "key.pub").write_bytes(Path(KEY).read_bytes())
    document = {"apiVersion": "veriseal/v1", "images": [{"match": ["**"], "require": {"signature": {"key": "key.pub"}}}]}
    identity = veriseal.Pattern("https://github[.]com/.*")
    window = veriseal.Policy.signed_by(key=KEY, key_not_before="2026-01-01T00:00:00Z")
    verifiers = [
        veriseal.verifier(policy=window),
        one.verifier(),
        scenario("key_signed").verifier(),
        veriseal.verifier(key=[KEY, Path(KEY).read_bytes()], timestamps=0, sct="ignored", tlog="if-present"),
        veriseal.verifier(identity=identity, issuer="https://issuer.example", attestation="https://slsa.dev/provenance/v1"),
        veriseal.verifier(key=KEY, trust_root=veriseal.TrustRoot.github(), attestation="any"),
        veriseal.verifier(policy=veriseal.Policy.from_dict(document, folder=tmp_path)),
        veriseal.verifier(key=KEY, platforms="linux/amd64,linux/arm64"),
        veriseal.verifier(key=KEY, registry=veriseal.OciLayout(f"{IMAGES}/unsigned")),
        veriseal.verifier(key=KEY, registry=veriseal.Registry(timeout=7, allow_http=["127.0.0.1:5000"])),
    ]
    (tmp_path / "key.pub").unlink()
    for made in verifiers:
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            again = pickle.loads(pickle.dumps(made, protocol))
            assert again.fingerprint == made.fingerprint
            assert again.platforms == made.platforms
            assert repr(again.registry) == repr(made.registry)


def test_a_pickle_that_was_edited_is_checked_like_any_input() -> None:
    data = pickle.dumps(veriseal.Policy.signed_by(key=Path(KEY).read_bytes()), 2)
    with pytest.raises((veriseal.ConfigurationError, pickle.UnpicklingError, ValueError)):
        pickle.loads(data.replace(b"PUBLIC KEY", b"PUBLIC_KEY"))
    with pytest.raises(veriseal.ConfigurationError):
        pickle.loads(data.replace(b"required", b"requited"))


def test_no_secret_goes_into_a_pickle_a_repr_or_an_exception() -> None:
    """K-AP-05."""
    canary = "s3cret-canary"
    registry = veriseal.Registry(credentials={"127.0.0.1:1": ("user", canary)}, allow_http=["127.0.0.1:1"], timeout=5)
    made = veriseal.verifier(key=KEY, registry=registry)
    for object_ in (registry, made):
        with pytest.raises(TypeError) as refused:
            pickle.dumps(object_)
        assert canary not in str(refused.value) + repr(object_)
    with pytest.raises(veriseal.Undecided) as raised:
        made.verify("127.0.0.1:1/app:v1")
    error = raised.value
    assert canary not in str(error) + repr(error) + error.explain() + error.report_json + error._repr_html_()
    for arguments in ({"proxy": f"ftp://user:{canary}@proxy"}, {"credentials": {"reg.example": ("a:b", canary)}}):
        with pytest.raises(veriseal.ConfigurationError) as unusable:
            veriseal.Registry(**arguments)
        assert canary not in str(unusable.value)


def test_sessions_and_evidence_are_not_pickled(verifier: veriseal.Verifier) -> None:
    for object_ in (verifier.session(SIGNED), verifier.gather(SIGNED)):
        with pytest.raises(TypeError):
            pickle.dumps(object_)
