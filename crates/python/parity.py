"""The Python side of `cargo xtask parity` and `cargo xtask call-cost`; xtask/src/parity.rs describes the format.

One case a line on the input, one answer a line on the output. `cost CALLS` times calls of the first case instead and prints the
fastest in microseconds.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import veriseal
from veriseal import _native


def moment(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds), timezone.utc).isoformat().replace("+00:00", "Z")


def verifier(case: dict[str, Any]) -> veriseal.Verifier:
    root = veriseal.TrustRoot.from_file(case["trust"])
    arguments: dict[str, Any] = {}
    if case.get("key"):
        arguments["key"] = case["key"]
        if case.get("key_not_before"):
            arguments["key_not_before"] = moment(case["key_not_before"])
            arguments["key_not_after"] = moment(case["key_not_after"])
    else:
        named = veriseal.Pattern if case.get("match") == "pattern" else str
        arguments["identity"], arguments["issuer"] = named(case["identity"]), named(case["issuer"])
    policy = veriseal.Policy.signed_by(
        **arguments,
        tlog=case.get("tlog") or "required",
        sct=case.get("sct") or "required",
        timestamps=int(case.get("timestamps") or 0),
        attestation=case.get("claim") or None,
    )
    layout = veriseal.OciLayout(case["layout"]) if case["kind"] == "image" else None
    return veriseal.Verifier(root, policy, layout)


def judge(case: dict[str, Any]) -> tuple[str, str, str, str]:
    # In other languages the time is always an argument; here it stands in for the clock, so that the report does not say that
    # it was given.
    now = _native._Clock(moment(case["now"]))
    try:
        made = verifier(case)
        if case["kind"] == "image":
            accepted = made.verify(case["reference"], now=now)
            return "ACCEPTED", accepted.code, accepted.pinned, accepted.report_json
        artifact = Path(case["blob"]).read_bytes() if case.get("blob") else None
        digest = None if artifact is not None else case["digest"]
        blob = made.verify_blob(artifact, Path(case["bundle"]).read_bytes(), digest=digest, now=now)
        return "ACCEPTED", blob.code, blob.digest, blob.report_json
    except veriseal.ConfigurationError as error:
        return "REFUSED", error.code, "", ""
    except veriseal.VerificationError as error:
        return type(error).__name__.upper(), error.code, "", error.report_json


def cost(case: dict[str, Any], calls: int) -> float:
    """The fastest call in microseconds: the digest from its text, the verdict, the report as JSON, and all of it given up."""
    made, now = verifier(case), _native._Clock(moment(case["now"]))
    bundle, digest = Path(case["bundle"]).read_bytes(), case["digest"]
    best = float("inf")
    for call in range(calls + 1):
        begun = time.perf_counter()
        report = made.verify_blob(None, bundle, digest=digest, now=now).report_json
        took = time.perf_counter() - begun
        if len(report) < 100:
            raise RuntimeError("not accepted")
        if call > 0:
            best = min(best, took)
    return best * 1e6


def main() -> None:
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    for line in sys.stdin.buffer:
        case = json.loads(line)
        if sys.argv[1:2] == ["cost"]:
            print(f"{cost(case, int(sys.argv[2])):.3f}")
            return
        print("\t".join((case["id"], *judge(case))))


if __name__ == "__main__":
    main()
