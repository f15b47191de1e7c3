"""What becomes of a panic inside a native call (K-AP-01): run by `test_panics.py` on a package with the feature `panics`.

Says `test NAME` for each, and ends with `over`: neither an abort nor an acceptance came in between.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import veriseal
from veriseal import _native, aio

IMAGES = "examples/images"
SIGNED = f"oci:{IMAGES}/cosign-v3:1.0"
KEY = f"{IMAGES}/cosign.pub"


class Mine:
    layout = veriseal.OciLayout(f"{IMAGES}/cosign-v3")

    def fetch(self, request: veriseal.Request) -> Any:
        return self.layout.fetch(request)


def concluded(made: veriseal.Verifier) -> veriseal.Accepted:
    session, layout = made.session(SIGNED), veriseal.OciLayout(f"{IMAGES}/cosign-v3")
    while (request := session.next_request()) is not None:
        session.supply(request, layout.fetch(request))
    return made.conclude(session)


def calls(made: veriseal.Verifier) -> dict[str, tuple[list[str], Callable[[], object]]]:
    """Each call that accepts, and the places that it passes."""
    evidence = made.gather(SIGNED)
    saved = Path(tempfile.mkdtemp()) / "evidence.tar"
    evidence.save(saved)
    mine = veriseal.verifier(key=KEY, tlog="ignored", registry=Mine())
    everywhere, offline = ["fetch", "judged", "accepted"], ["judged", "accepted"]
    return {
        "verify": (everywhere, lambda: made.verify(SIGNED)),
        "a fetcher in Python": (everywhere, lambda: mine.verify("registry.example/app:1.0")),
        "verify of one line": (everywhere, lambda: veriseal.verify(SIGNED, key=KEY, tlog="ignored")),
        "verify_many": (everywhere, lambda: veriseal.verify_many([SIGNED] * 3, verifier=made)),
        "aio": (offline, lambda: asyncio.run(aio.verify(SIGNED, key=KEY, tlog="ignored"))),
        "gather": (["fetch"], lambda: made.gather(SIGNED)),
        "judge": (offline, lambda: made.judge(evidence, evidence.image)),
        "judge of a file": (offline, lambda: made.judge(saved, evidence.image)),
        "conclude": (offline, lambda: concluded(made)),
    }


def main() -> None:
    made = veriseal.verifier(key=KEY, tlog="ignored")
    for name, (places, call) in calls(made).items():
        for place in places:
            result: object = None
            _native._panic_at(place)  # type: ignore[attr-defined]
            try:
                result = call()
            except BaseException as error:
                assert type(error).__name__ == "PanicException", (name, place, error)
                # Neither a verdict nor an error that a caller may take for one.
                assert not isinstance(error, Exception), (name, place)
            assert result is None, f"{name} went on after a panic at {place}"
            # The process goes on, and the same call is answered again.
            assert call() is not None, (name, place)
            print(f"test {name} at {place}")
    print("over")


if __name__ == "__main__":
    main()
