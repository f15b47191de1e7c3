"""What is raised. Plain classes: anybody may make one, since none of them is a success."""

from __future__ import annotations

from typing import Any

from veriseal._report import Report, parse

__all__ = [
    "Cancelled",
    "ConfigurationError",
    "DeadlineExceeded",
    "Denied",
    "FetchError",
    "Rejected",
    "Throttled",
    "TooLarge",
    "Unavailable",
    "Undecided",
    "VerificationError",
    "VerisealError",
]

#: Most signatures that a message names; the report names all.
_SHOWN = 8


class VerisealError(Exception):
    """The base of everything that veriseal raises."""

    __module__ = "veriseal"


class ConfigurationError(VerisealError, ValueError):
    """What the caller gave cannot be used: found before anything is decided.

    ``code`` is the stable name of the reason (docs/codes.md).
    """

    __module__ = "veriseal"

    def __init__(self, message: str, code: str = "CONFIG_INVALID") -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.code)


class VerificationError(VerisealError):
    """Not accepted. Either :class:`Rejected` or :class:`Undecided`; both mean: do not deploy.

    Carries the whole account: ``code``, ``report`` (a dictionary), ``report_json`` (the same bytes from every language)
    and :meth:`explain`.
    """

    __module__ = "veriseal"

    def __init__(self, report_json: str, text: str = "") -> None:
        #: The account of every check as JSON.
        self.report_json = report_json
        self._text = text
        report = parse(report_json)
        #: The stable name of the code that says most about the verdict.
        self.code = str(report.get("code", "INTERNAL"))
        super().__init__(_message(report))

    @property
    def report(self) -> Report:
        """The account of every check (docs/report.schema.json), a dictionary of its own for each caller."""
        return parse(self.report_json)

    def explain(self) -> str:
        """The account as a tree for people."""
        return self._text or str(self)

    def _repr_html_(self) -> str:
        return self.report._repr_html_()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.report_json, self._text)


class Rejected(VerificationError):
    """The requirement does not hold: asking again changes nothing."""

    __module__ = "veriseal"


class Undecided(VerificationError):
    """It could not be found out: asking again may help. Never a success.

    Where a fetcher of yours raised on the way, that exception is the ``__cause__``.
    """

    __module__ = "veriseal"


class FetchError(VerisealError):
    """Why something could not be found out; what a fetcher raises. "There is none" is no error but ``NotFound()``."""

    __module__ = "veriseal"
    #: What a native source said, kept so that nothing of it is lost on the way back.
    _failure: object = None

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        #: One sentence for the report, where it is escaped and cut.
        self.detail = detail


class Denied(FetchError):
    """401 or 403."""

    __module__ = "veriseal"


class Throttled(FetchError):
    """429; the registry may say how many seconds to wait."""

    __module__ = "veriseal"

    def __init__(self, detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TooLarge(FetchError):
    """More bytes than ``request.max_bytes``."""

    __module__ = "veriseal"

    def __init__(self, detail: str = "", max_bytes: int = 0) -> None:
        super().__init__(detail)
        self.max_bytes = max_bytes


class Unavailable(FetchError):
    """Everything else that is not an answer."""

    __module__ = "veriseal"


class DeadlineExceeded(Unavailable):
    """The time that the call had is over."""

    __module__ = "veriseal"


class Cancelled(FetchError):
    """The caller gave up."""

    __module__ = "veriseal"


def _message(report: Report) -> str:
    """Some lines for a traceback: the reason, the image, each signature with why it does not count, what to do.

    Whatever came from outside was escaped and cut when the report was made.
    """
    lines = [_reason(report)]
    subject = report.get("subject", {})
    image = subject.get("asked", "")
    digest = subject.get("digest", "")
    lines.append(f"  image: {image}" if not digest or digest in image else f"  image: {image} ({digest})")
    candidates = report.get("candidates", [])
    for candidate in candidates[:_SHOWN]:
        why = candidate.get("reason")
        if why is not None:
            kind = candidate.get("format", "unknown format")
            lines.append(f"  signature {candidate.get('number')} ({kind}): {_reason(why)}")
    if len(candidates) > _SHOWN:
        lines.append(f"  and {len(candidates) - _SHOWN} more signatures: see .report")
    for note in report.get("gathering", [])[:_SHOWN]:
        lines.append(f"  not gathered: {_reason(note)}")
    lines.append(f"  what to do: {report.get('action', '')}")
    return "\n".join(lines)


def _reason(reason: dict[str, Any]) -> str:
    details = [f"{name} {reason[name]}" for name in ("expected", "found", "at") if name in reason]
    said = f"{reason.get('code')}: {reason.get('message')}"
    return f"{said} ({', '.join(details)})" if details else said
