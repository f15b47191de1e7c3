"""asyncio over the session."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import veriseal
from conftest import IMAGES, KEY
from veriseal import aio

LAYOUT = f"{IMAGES}/cosign-v3"
IMAGE = "registry.example/app:1.0"
SIGNED = f"oci:{LAYOUT}:1.0"
UNSIGNED = f"oci:{IMAGES}/unsigned:1.0"
ARGUMENTS: dict[str, Any] = {"key": KEY, "tlog": "ignored"}


class Awaited:
    """Answers on the loop, and counts what is under way."""

    def __init__(self) -> None:
        self.layout = veriseal.OciLayout(LAYOUT)
        self.under_way = self.most = self.cancelled = 0
        self.gate: asyncio.Event | None = None

    async def fetch(self, request: veriseal.Request) -> veriseal.Found | veriseal.NotFound:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self.gate is not None:
                await self.gate.wait()
            await asyncio.sleep(0)
            return self.layout.fetch(request)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1


def test_an_async_fetcher_has_several_requests_under_way() -> None:
    fetcher = Awaited()
    accepted = asyncio.run(aio.verify(IMAGE, fetcher=fetcher, **ARGUMENTS))
    assert accepted.pinned.startswith("registry.example/app@sha256:")
    assert fetcher.most > 1


def test_native_sources_work_too_and_failures_are_raised() -> None:
    assert asyncio.run(aio.verify(SIGNED, **ARGUMENTS)).code == "ACCEPTED"
    with pytest.raises(veriseal.Rejected) as raised:
        asyncio.run(aio.verify(UNSIGNED, **ARGUMENTS))
    assert raised.value.code == "NO_SIGNATURE"
    with pytest.raises(veriseal.Undecided):
        asyncio.run(aio.verify("oci:no/such/layout", **ARGUMENTS))
    with pytest.raises(veriseal.ConfigurationError):
        asyncio.run(aio.verify(SIGNED))


def test_a_cancelled_call_cancels_its_requests_and_gives_no_verdict() -> None:
    async def run() -> Awaited:
        fetcher = Awaited()
        fetcher.gate = asyncio.Event()
        task = asyncio.ensure_future(aio.verify(IMAGE, fetcher=fetcher, **ARGUMENTS))
        while fetcher.under_way == 0:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [other for other in asyncio.all_tasks() if other is not asyncio.current_task()] == []
        return fetcher

    fetcher = asyncio.run(run())
    assert (fetcher.cancelled, fetcher.under_way) == (1, 0)


def test_time_that_is_over_is_undecided() -> None:
    async def run() -> None:
        fetcher = Awaited()
        fetcher.gate = asyncio.Event()
        await aio.verify(IMAGE, fetcher=fetcher, timeout=0.01, **ARGUMENTS)

    with pytest.raises(veriseal.Undecided) as raised:
        asyncio.run(run())
    assert raised.value.code == "DEADLINE_EXCEEDED"


def test_what_an_async_fetcher_raises_is_undecided_and_the_cause() -> None:
    class Failing:
        async def fetch(self, request: veriseal.Request) -> veriseal.Found:
            raise KeyError("bug")

    with pytest.raises(veriseal.Undecided) as raised:
        asyncio.run(aio.verify(IMAGE, fetcher=Failing(), **ARGUMENTS))
    assert isinstance(raised.value.__cause__, KeyError)


@pytest.mark.parametrize("answer", [None, True, b"{}"])
def test_an_answer_of_another_kind_is_undecided(answer: Any) -> None:
    class Wrong:
        async def fetch(self, request: veriseal.Request) -> Any:
            return answer

    with pytest.raises(veriseal.Undecided) as raised:
        asyncio.run(aio.verify(IMAGE, fetcher=Wrong(), **ARGUMENTS))
    assert raised.value.code == "SOURCE_INVALID"


def test_many_images_keep_their_order() -> None:
    seen: list[int] = []
    asked = [UNSIGNED, SIGNED, "no reference"] * 4
    call = aio.verify_many(asked, progress=lambda done, total, outcome: seen.append(done), **ARGUMENTS)
    outcomes = asyncio.run(call)
    assert [outcome.code for outcome in outcomes] == ["NO_SIGNATURE", "ACCEPTED", "REFERENCE_INVALID"] * 4
    assert seen == list(range(1, 13))
