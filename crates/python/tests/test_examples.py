"""examples/python, run as a pipeline would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import IMAGES, KEY, ROOT

SIGNED = f"oci:{IMAGES}/cosign-v3:1.0"
UNSIGNED = f"oci:{IMAGES}/unsigned:1.0"
MISSING = "oci:no/such/layout:1.0"


def step(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "examples/python/verify_images.py"), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("images", "status"),
    [
        ([SIGNED], 0),
        ([SIGNED, UNSIGNED], 1),
        ([UNSIGNED, MISSING], 1),
        ([SIGNED, MISSING], 3),
        ([SIGNED, "no reference"], 2),
    ],
)
def test_a_pipeline_goes_on_only_where_every_image_is_signed(images: list[str], status: int, tmp_path: Path) -> None:
    pinned = tmp_path / "pinned.txt"
    ended = step("--key", KEY, "--tlog", "ignored", "--pinned", str(pinned), *images)
    assert ended.returncode == status, ended.stderr
    assert pinned.exists() is (status == 0)
    if status == 0:
        assert pinned.read_text().startswith(f"oci:{IMAGES}/cosign-v3@sha256:")


def test_a_pipeline_without_a_signer_does_not_begin() -> None:
    ended = step(SIGNED)
    assert ended.returncode == 2
    assert "nobody is named who may sign" in ended.stderr
