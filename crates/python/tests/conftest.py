"""What the tests share. They run against the installed package, from the root of the repository."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import veriseal

ROOT = Path(__file__).resolve().parents[3]
IMAGES = "examples/images"
KEY = f"{IMAGES}/cosign.pub"
#: What `cargo run -p veriseal-testkit --example scenarios` wrote.
SCENARIOS = os.environ.get("VERISEAL_SCENARIOS")


def pytest_configure(config: pytest.Config) -> None:
    os.chdir(ROOT)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The line that `cargo xtask test` counts."""
    count = {name: len(terminalreporter.stats.get(name, [])) for name in ("passed", "failed", "error", "skipped")}
    failed = count["failed"] + count["error"]
    word = "FAILED" if failed else "ok"
    line = f"test result: {word}. {count['passed']} passed; {failed} failed; {count['skipped']} ignored"
    terminalreporter.write_line(line)


@dataclass(frozen=True)
class Scenario:
    """One situation of the testkit, written to disk."""

    name: str
    folder: Path
    fields: dict[str, Any]

    @property
    def reference(self) -> str:
        return f"oci:{self.folder / 'layout'}:{self.fields['tag']}"

    @property
    def remote(self) -> str:
        return f"{self.fields['repository']}:{self.fields['tag']}"

    @property
    def now(self) -> str:
        return str(self.fields["now"])

    def verifier(self, registry: Any = None) -> veriseal.Verifier:
        who: dict[str, Any]
        if self.fields["authority"] == "key":
            who = {"key": self.folder / "key.pub"}
        else:
            who = {"identity": self.fields["identity"], "issuer": self.fields["issuer"]}
        policy = veriseal.Policy.signed_by(**who, attestation=self.fields.get("attestation"))
        return veriseal.Verifier(veriseal.TrustRoot.from_file(self.folder / "trusted_root.json"), policy, registry)


def scenarios() -> list[Scenario]:
    if SCENARIOS is None:
        return []
    listed = json.loads((Path(SCENARIOS) / "scenarios.json").read_text())
    return [Scenario(fields["name"], Path(SCENARIOS) / fields["name"], fields) for fields in listed]


def scenario(name: str) -> Scenario:
    for one in scenarios():
        if one.name == name:
            return one
    pytest.skip("VERISEAL_SCENARIOS names no folder with the testkit's scenarios")


@pytest.fixture
def verifier() -> veriseal.Verifier:
    """Trusts the key that signed the example images."""
    return veriseal.verifier(key=KEY, tlog="ignored")


class Copying:
    """Answers from a layout, and remembers what it was asked."""

    def __init__(self, path: str | Path) -> None:
        self.layout = veriseal.OciLayout(path)
        self.asked: list[str] = []

    def fetch(self, request: veriseal.Request) -> veriseal.Found | veriseal.NotFound:
        self.asked.append(request.kind)
        return self.layout.fetch(request)
