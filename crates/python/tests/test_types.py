"""The stubs are those of the installed package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import veriseal

pytest.importorskip("mypy")

USE = '''
import veriseal
from veriseal import aio

def deploy(reference: str) -> str:
    accepted = veriseal.verify(reference, key="key.pub")
    reveal_type(accepted)
    return accepted.pinned

async def wait(reference: str) -> str:
    return (await aio.verify(reference, key="key.pub")).pinned

class Mine:
    def fetch(self, request: veriseal.Request) -> veriseal.Found | veriseal.NotFound:
        return veriseal.NotFound()

veriseal.verifier(key="key.pub", registry=Mine())
'''
MISUSE = '''
import veriseal

class Mine(veriseal.Accepted): ...
class Wrong:
    def fetch(self, request: veriseal.Request) -> bytes: return b""

veriseal.verify("app:v1", key="key.pub").pinned = "evil"
veriseal.verifier(key="key.pub", registry=Wrong())
veriseal.verify("app:v1", key="key.pub", tlog="off")
'''


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def test_the_stubs_say_what_the_installed_package_has(tmp_path: Path) -> None:
    # From elsewhere, so that it is not the sources that are looked at; without the module stubtest would pass on nothing.
    told = run("mypy.stubtest", "veriseal", cwd=tmp_path)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "no issues found" in told.stdout
    assert (Path(veriseal.__file__).parent / "py.typed").is_file()


def test_the_installed_package_is_strictly_typed(tmp_path: Path) -> None:
    told = run("mypy", "--strict", "-p", "veriseal", cwd=tmp_path)
    assert told.returncode == 0, told.stdout + told.stderr


def test_right_use_is_typed_and_wrong_use_is_told(tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(USE)
    (tmp_path / "misuse.py").write_text(MISUSE)
    told = run("mypy", "--strict", "use.py", cwd=tmp_path)
    assert told.returncode == 0, told.stdout
    assert 'Revealed type is "veriseal._native.Accepted"' in told.stdout
    told = run("mypy", "--strict", "misuse.py", cwd=tmp_path)
    for code in ("final", "read-only", "Wrong", "tlog"):
        assert code in told.stdout, told.stdout
