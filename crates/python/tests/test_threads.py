"""One verifier, many threads (K-AP-03)."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import veriseal
from conftest import IMAGES, KEY, ROOT, Copying

sys.path.append(str(ROOT / "crates/python"))
import load  # noqa: E402

ASKED = {
    f"oci:{IMAGES}/cosign-v2:1.0": "ACCEPTED",
    f"oci:{IMAGES}/cosign-v3:1.0": "ACCEPTED",
    f"oci:{IMAGES}/unsigned:1.0": "NO_SIGNATURE",
    f"oci:{IMAGES}/altered:1.0": "SIGNED_OTHER_DIGEST",
}


def test_threads_that_share_a_verifier_get_the_same_reports(verifier: veriseal.Verifier) -> None:
    now = "2026-11-21T12:00:00Z"

    def ask(reference: str) -> tuple[str, str]:
        try:
            return reference, verifier.verify(reference, now=now).report_json
        except veriseal.Rejected as error:
            return reference, error.report_json

    alone = dict(ask(reference) for reference in ASKED)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(ask, list(ASKED) * 25))
    assert all(report == alone[reference] for reference, report in together)


def test_other_threads_run_while_one_verifies() -> None:
    """A fetcher that waits for another thread would wait for ever if the interpreter's lock were kept."""
    waiting, go = threading.Event(), threading.Event()

    class Waiting(Copying):
        def fetch(self, request: veriseal.Request) -> Any:
            waiting.set()
            assert go.wait(30)
            return super().fetch(request)

    verifier = veriseal.verifier(key=KEY, tlog="ignored", registry=Waiting(f"{IMAGES}/cosign-v3"))
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(verifier.verify, "registry.example/app:1.0")
        assert waiting.wait(30)
        go.set()
        assert call.result(30).code == "ACCEPTED"


def test_nothing_of_a_call_is_kept(verifier: veriseal.Verifier) -> None:
    fetcher = Copying(f"{IMAGES}/cosign-v3")
    made = veriseal.verifier(key=KEY, tlog="ignored", registry=fetcher)
    counts = []
    for _ in range(3):
        for _ in range(20):
            made.verify("registry.example/app:1.0")
        counts.append((sys.getrefcount(fetcher), sys.getrefcount(made)))
    assert counts[0] == counts[1] == counts[2]


def test_many_threads_leave_nothing_behind(verifier: veriseal.Verifier) -> None:
    """A slice of `cargo xtask call-cost --long`: what leaks, leaks in every round."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("only Linux says how much memory a process has")
    assert load.growth(verifier, 32, 20) <= load.MAX_GROWTH
