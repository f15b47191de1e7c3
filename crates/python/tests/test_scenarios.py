"""Every scenario of the testkit, through each way to ask, with the exact codes."""

from __future__ import annotations

import asyncio

import pytest
import veriseal
from conftest import Copying, Scenario, scenarios
from veriseal import _native, aio

pytestmark = pytest.mark.skipif(not scenarios(), reason="VERISEAL_SCENARIOS names no folder")


def reports(scenario: Scenario) -> dict[str, tuple[str, str]]:
    """The verdict's class and the report of each way to ask."""
    now = _native._Clock(scenario.now)
    native = scenario.verifier()
    custom = scenario.verifier(Copying(scenario.folder / "layout"))

    def stepwise() -> veriseal.Accepted:
        session = native.session(scenario.reference)
        source = veriseal.OciLayout(scenario.folder / "layout")
        while (request := session.next_request()) is not None:
            try:
                session.supply(request, source.fetch(request))
            except veriseal.FetchError as error:
                session.supply(request, error)
        assert session.is_done()
        return native.conclude(session, now=now)

    ways = {
        "native": lambda: native.verify(scenario.reference, now=now),
        "fetcher": lambda: custom.verify(scenario.reference, now=now),
        "session": stepwise,
        "asyncio": lambda: asyncio.run(aio.verify(scenario.reference, verifier=native, now=now)),
        "asyncio fetcher": lambda: asyncio.run(aio.verify(scenario.reference, verifier=custom, now=now)),
    }
    told = {}
    for name, way in ways.items():
        try:
            accepted = way()
            told[name] = (type(accepted).__name__, accepted.report_json)
        except veriseal.VerificationError as error:
            told[name] = (type(error).__name__, error.report_json)
    return told


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_a_scenario_has_its_verdict_whoever_fetches(scenario: Scenario) -> None:
    told = reports(scenario)
    assert len(set(told.values())) == 1, told
    name, report_json = told["native"]
    report = veriseal.Report(__import__("json").loads(report_json))
    reasons = {candidate["reason"]["code"] for candidate in report["candidates"] if "reason" in candidate}
    verdict, reason = scenario.fields["verdict"], scenario.fields["reason"]
    assert name == ("Accepted" if verdict == "ACCEPTED" else "Rejected")
    assert report["code"] == verdict
    assert reason is None or reason in reasons
    assert report["weakened"] == []


def test_the_scenarios_are_there() -> None:
    names = {scenario.name for scenario in scenarios()}
    assert len(names) >= 25
    assert {"keyless", "unsigned", "altered", "wrong_issuer", "unknown_log"} <= names
