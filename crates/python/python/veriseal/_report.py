"""The report as a dictionary that a notebook can show."""

from __future__ import annotations

import json
from html import escape
from typing import Any

__all__ = ["Report", "parse"]

_COLOURS = {"accepted": "#1a7f37", "rejected": "#cf222e", "undecided": "#9a6700"}
_MARKS = {"passed": "✓", "failed": "✗", "ignored": "–"}


class Report(dict[str, Any]):
    """The account of one verify call (docs/report.schema.json): a dictionary, and a table in a notebook.

    It is an account, not the verdict: changing it changes nothing.

    >>> Report(verdict="rejected", code="NO_SIGNATURE")["code"]
    'NO_SIGNATURE'
    """

    __module__ = "veriseal"

    def _repr_html_(self) -> str:
        """A table. Everything in it is escaped: registries and signers are hostile."""
        verdict = str(self.get("verdict", ""))
        colour = _COLOURS.get(verdict, "#57606a")
        subject = _dictionary(self.get("subject"))
        rows = [
            ("image", _code(subject.get("asked"))),
            ("why", _reason(self)),
            ("what to do", _text(self.get("action"))),
        ]
        if subject.get("pinned"):
            rows.append(("deploy", _code(subject.get("pinned"))))
        rows.extend(_candidate(candidate) for candidate in _list(self.get("candidates")))
        rows.extend(("weaker than the default", _reason(weak)) for weak in _list(self.get("weakened")))
        rows.extend(("notice", _reason(notice)) for notice in _list(self.get("notices")))
        rows.extend(("not gathered", _reason(note)) for note in _list(self.get("gathering")))
        body = "".join(f"<tr><th style='text-align:left'>{_text(name)}</th><td>{cell}</td></tr>" for name, cell in rows)
        return f"<div><strong style='color:{colour}'>{_text(verdict).upper()}</strong><table>{body}</table></div>"


def parse(report_json: str) -> Report:
    """The dictionary of a report's JSON."""
    return Report(json.loads(report_json))


def _candidate(candidate: Any) -> tuple[str, str]:
    candidate = _dictionary(candidate)
    name = f"signature {candidate.get('number', '')}"
    if candidate.get("accepted") is not True:
        return name, f"✗ {_reason(candidate.get('reason'))}"
    lines = []
    for evaluation in _list(candidate.get("evaluations")):
        evaluation = _dictionary(evaluation)
        signer = _dictionary(evaluation.get("signer"))
        who = signer.get("subject") or signer.get("name") or signer.get("id")
        issuer = signer.get("issuer")
        lines.append(f"{_text(who)}, vouched for by {_text(issuer)}" if issuer else _text(who))
        for check in _list(evaluation.get("checks")):
            check = _dictionary(check)
            mark = _MARKS.get(str(check.get("outcome")), "·")
            lines.append(f"{mark} {_text(check.get('rule'))}: {_text(check.get('asks'))}")
    return name, "✓ " + "<br>".join(lines)


def _reason(reason: Any) -> str:
    reason = _dictionary(reason)
    parts = [f"{name} {reason[name]}" for name in ("expected", "found", "at") if name in reason]
    detail = f" ({_text(', '.join(parts))})" if parts else ""
    return f"{_code(reason.get('code'))} {_text(reason.get('message'))}{detail}"


def _code(value: Any) -> str:
    return f"<code>{_text(value)}</code>"


def _text(value: Any) -> str:
    return "" if value is None else escape(str(value), quote=True)


def _dictionary(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
