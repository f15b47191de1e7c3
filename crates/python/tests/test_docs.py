"""The examples in docstrings and in the READMEs, run."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest
import veriseal
import veriseal.aio
from conftest import ROOT

MODULES = ["veriseal", "veriseal._calls", "veriseal._errors", "veriseal._fetcher", "veriseal._report", "veriseal.aio"]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_do_what_they_say(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    attempted = sum(doctest.testmod(importlib.import_module(name)).attempted for name in MODULES)
    assert attempted >= 10


@pytest.mark.parametrize("path", ["README.md", "crates/python/README.md", "examples/python/README.md"])
def test_the_readmes_examples_run(path: str) -> None:
    blocks = BLOCK.findall((ROOT / path).read_text(encoding="utf-8"))
    assert blocks, f"{path} has no example"
    for block in blocks:
        exec(compile(block, path, "exec"), {"__name__": "readme"})


def test_everything_public_has_a_docstring() -> None:
    missing = []
    for name in veriseal.__all__:
        item = getattr(veriseal, name)
        if isinstance(item, str):
            continue
        if not (item.__doc__ or "").strip():
            missing.append(name)
        if isinstance(item, type) and item.__module__ == "veriseal":
            members = {key: value for key, value in vars(item).items() if not key.startswith("_")}
            missing += [f"{name}.{key}" for key, value in members.items() if callable(value) and not value.__doc__]
    assert missing == []


def test_the_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    assert veriseal.__version__ == version("veriseal")
    assert Path(veriseal.__file__).resolve().is_relative_to(ROOT / "crates") is False, "the tests run on the installed package"
