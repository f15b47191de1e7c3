"""Calls with whatever comes to hand (K-AP-07): an exception each, never a crash and never an acceptance."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import veriseal
from conftest import IMAGES, KEY, ROOT

CALLS = 4000


def junk(verifier: veriseal.Verifier) -> list[Any]:
    """Values of every kind but those that are accepted. No text names a registry, so that nothing is sent anywhere."""
    session = verifier.session("oci:nothing:1")
    request = session.next_request()
    texts = ["", "\x00", "\ud800", "oci:nothing", "oci:\x00", "a b", "-", "x" * 100_000, "oci:a@sha256:" + "0" * 64]
    numbers = [-1, 0, 1, 2**63, 2**70, -(2**70), 0.0, -1.5, float("nan"), float("inf")]
    kept = [verifier, verifier.policy, session, request, veriseal.NotFound(), veriseal.Found(b""), veriseal.Tls()]
    kinds = [veriseal.Accepted, veriseal.Verifier, type, int]
    return [None, True, *texts, *numbers, b"", b"\xff" * 10, bytearray(b"{}"), [], [None], {}, {"a": 1}, (), object(), *kept, *kinds]


def calls(verifier: veriseal.Verifier) -> list[Callable[..., Any]]:
    kinds: list[Any] = [getattr(veriseal, name) for name in veriseal.__all__ if not name.startswith("_")]
    found = [kind for kind in kinds if callable(kind)]
    natives = [veriseal.TrustRoot, veriseal.Policy, veriseal.Evidence, veriseal.Cache]
    found += [getattr(kind, name) for kind in natives for name in vars(kind) if not name.startswith("__")]
    objects = [verifier, verifier.policy, verifier.session("oci:nothing:1"), veriseal.OciLayout(ROOT / IMAGES / "unsigned")]
    found += [getattr(one, name) for one in objects for name in dir(one) if not name.startswith("__")]
    return [call for call in found if callable(call)]


def misuse(verifier: veriseal.Verifier, seed: int, count: int) -> int:
    """How many calls raised something."""
    chance, raised = random.Random(seed), 0
    values, callables = junk(verifier), calls(verifier)
    keywords = ["key", "identity", "issuer", "policy", "timeout", "registry", "digest", "now", "trust_root", "cache", "tls", "mirrors"]
    for _ in range(count):
        call = chance.choice(callables)
        positional = [chance.choice(values) for _ in range(chance.randrange(4))]
        named = {name: chance.choice(values) for name in chance.sample(keywords, chance.randrange(3))}
        try:
            result = call(*positional, **named)
        except Exception:
            raised += 1
            continue
        kinds = veriseal.Accepted, veriseal.AcceptedBlob
        assert not isinstance(result, kinds), (call, positional, named)
        if isinstance(result, list):
            assert not any(isinstance(one, veriseal.Outcome) and one.accepted is not None for one in result)
    return raised


def test_calls_with_whatever_comes_to_hand_raise_and_accept_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What writes files writes them here.
    key = (ROOT / KEY).read_bytes()
    monkeypatch.chdir(tmp_path)
    verifier = veriseal.verifier(key=key, tlog="ignored", registry=veriseal.OciLayout(ROOT / IMAGES / "unsigned"))
    assert misuse(verifier, 1, CALLS) > CALLS // 2
    # And from several threads at once, on the same objects.
    threads = [threading.Thread(target=misuse, args=(verifier, seed, CALLS // 8)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verifier.policy is not None
