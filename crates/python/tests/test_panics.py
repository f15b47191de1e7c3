"""A panic inside a native call is an exception, never an acceptance, and the process goes on (K-AP-01)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from veriseal import _native

#: A folder with the package, built with the feature `panics`.
PANICS = os.environ.get("VERISEAL_PANICS")


def test_the_shipped_package_has_no_way_to_panic() -> None:
    assert not hasattr(_native, "_panic_at")
    assert b"as the test wants" not in Path(str(_native.__file__)).read_bytes()


def test_a_panic_in_a_native_call_is_an_exception_and_never_an_acceptance() -> None:
    if PANICS is None:
        pytest.skip("VERISEAL_PANICS names no folder with a package that can be made to panic")
    command = [sys.executable, str(Path(__file__).with_name("panicking.py"))]
    told = subprocess.run(command, env={**os.environ, "PYTHONPATH": PANICS}, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    lines = told.stdout.splitlines()
    assert lines[-1] == "over" and len(lines) == 22, told.stdout
