"""What a notebook shows: escaped, since registries and signers are hostile."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
import veriseal
from conftest import IMAGES, KEY

HOSTILE = "<script>alert(1)</script><img src=x onerror='alert(2)'>\"'&</td></table>"
TAGS = {"div", "strong", "table", "tr", "th", "td", "code", "br"}


class Tags(HTMLParser):
    """Notes every tag and every attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    tags.close()
    return tags


def poisoned(value: Any) -> Any:
    """The same structure with hostile text in every place, keys kept."""
    if isinstance(value, dict):
        return {key: poisoned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [poisoned(inner) for inner in value]
    return HOSTILE if not isinstance(value, bool) else value


@pytest.mark.parametrize("layout", ["cosign-v2", "cosign-v3", "altered", "unsigned"])
def test_every_text_of_a_report_is_escaped(verifier: veriseal.Verifier, layout: str) -> None:
    try:
        report = verifier.verify(f"oci:{IMAGES}/{layout}:1.0").report
    except veriseal.Rejected as error:
        report = error.report
    for shown in (report, veriseal.Report(poisoned(report))):
        tags = parsed(shown._repr_html_())
        assert tags.tags <= TAGS
        assert tags.attributes <= {"style"}
    poisonous = veriseal.Report(poisoned(report))._repr_html_()
    assert "&lt;script&gt;" in poisonous.lower()


@pytest.mark.parametrize("value", [None, 1, "x", [], [1], {"code": []}, [[]], [{"evaluations": [1], "accepted": True}]])
def test_a_report_of_another_shape_is_shown_all_the_same(value: Any) -> None:
    fields = ("verdict", "subject", "candidates", "weakened", "notices", "gathering", "action", "code")
    for field in fields:
        assert veriseal.Report({field: value})._repr_html_().startswith("<div>")


def test_acceptances_exceptions_and_outcomes_show_their_report() -> None:
    asked = [f"oci:{IMAGES}/cosign-v3:1.0", f"oci:{IMAGES}/unsigned:1.0", "<b>no reference</b>"]
    outcomes = veriseal.verify_many(asked, key=KEY, tlog="ignored")
    shown = [outcome._repr_html_() for outcome in outcomes]
    assert "ACCEPTED" in shown[0] and "NO_SIGNATURE" in shown[1] and "REFERENCE_INVALID" in shown[2]
    assert shown[0] == outcomes[0].accept()._repr_html_()
    assert "<b>" not in shown[2]
