"""Fetchers of one's own: never trusted, and never the reason for a success."""

from __future__ import annotations

from typing import Any

import pytest
import veriseal
from conftest import IMAGES, KEY, Copying, scenario

LAYOUT = f"{IMAGES}/cosign-v3"
IMAGE = "registry.example/app:1.0"
OTHER = f"{IMAGES}/unsigned"


def verifier(registry: Any) -> veriseal.Verifier:
    return veriseal.verifier(key=KEY, tlog="ignored", registry=registry)


class Answering(Copying):
    """Answers as the layout does, but for one kind of request."""

    def __init__(self, kind: str, answer: Any, path: str = LAYOUT) -> None:
        super().__init__(path)
        self.kind = kind
        self.answer = answer

    def fetch(self, request: veriseal.Request) -> Any:
        if self.kind not in ("*", request.kind):
            return super().fetch(request)
        if isinstance(self.answer, BaseException) or (isinstance(self.answer, type) and issubclass(self.answer, BaseException)):
            raise self.answer
        return self.answer(request, self.layout) if callable(self.answer) else self.answer


def test_a_fetcher_is_asked_and_its_bytes_are_accepted_under_the_name_that_was_asked_for() -> None:
    fetcher = Copying(LAYOUT)
    accepted = verifier(fetcher).verify(IMAGE)
    assert accepted.pinned.startswith("registry.example/app@sha256:13c1d6de")
    assert fetcher.asked[0] == "manifest_by_tag"
    assert "blob" in fetcher.asked


def changed(request: veriseal.Request, layout: veriseal.OciLayout) -> veriseal.Found:
    found = layout.fetch(request)
    assert isinstance(found, veriseal.Found)
    return veriseal.Found(found.data[:-1] + b" ", found.media_type, found.next)


def longer(request: veriseal.Request, layout: veriseal.OciLayout) -> veriseal.Found:
    return veriseal.Found(b" " * (request.max_bytes + 1))


def codes(error: veriseal.VerificationError) -> set[str]:
    report = error.report
    reasons = [candidate.get("reason", {}) for candidate in report["candidates"]] + report["gathering"] + [report]
    return {reason["code"] for reason in reasons if "code" in reason}


@pytest.mark.parametrize(
    ("kind", "answer", "code"),
    [
        ("blob", changed, "DIGEST_MISMATCH"),
        ("blob", longer, "SIZE_MISMATCH"),
        ("manifest_by_tag", longer, "TOO_LARGE"),
        ("blob", veriseal.Found(b"{}"), "SIZE_MISMATCH"),
        ("blob", veriseal.NotFound(), "DANGLING"),
        ("manifest", changed, "DIGEST_MISMATCH"),
        ("manifest_by_tag", veriseal.Found(b"not a manifest"), "RESPONSE_INVALID"),
        ("manifest_by_tag", veriseal.NotFound(), "IMAGE_NOT_FOUND"),
        ("*", veriseal.NotFound(), "IMAGE_NOT_FOUND"),
    ],
)
def test_a_fetcher_that_lies_is_found_out(kind: str, answer: Any, code: str) -> None:
    with pytest.raises(veriseal.VerificationError) as raised:
        verifier(Answering(kind, answer)).verify(IMAGE)
    assert code in codes(raised.value), raised.value


def test_the_image_of_another_layout_is_not_accepted_for_this_ones_signature() -> None:
    def other(request: veriseal.Request, layout: veriseal.OciLayout) -> Any:
        return veriseal.OciLayout(OTHER).fetch(request)

    with pytest.raises(veriseal.Rejected) as raised:
        verifier(Answering("manifest_by_tag", other)).verify(IMAGE)
    assert raised.value.code in ("NO_SIGNATURE", "SIGNED_OTHER_DIGEST")


@pytest.mark.parametrize("answer", [None, True, False, b"", "", 0, {}, [], object(), (200, b"{}"), veriseal.Found, Exception()])
def test_an_answer_that_is_none_is_never_there_is_none(answer: Any) -> None:
    fetcher = Answering("*", lambda request, layout: answer)
    with pytest.raises(veriseal.Undecided) as raised:
        verifier(fetcher).verify(IMAGE)
    assert raised.value.code == "SOURCE_INVALID"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (veriseal.Denied("no"), "DENIED"),
        (veriseal.Throttled(retry_after=7), "THROTTLED"),
        (veriseal.Throttled(retry_after=float("nan")), "THROTTLED"),
        (veriseal.TooLarge(max_bytes=5), "TOO_LARGE"),
        (veriseal.Unavailable("down"), "UNAVAILABLE"),
        (veriseal.DeadlineExceeded(), "DEADLINE_EXCEEDED"),
        (veriseal.Cancelled(), "CANCELLED"),
        (veriseal.FetchError("other"), "UNAVAILABLE"),
        (KeyError("bug"), "UNAVAILABLE"),
        (ConnectionError("down"), "UNAVAILABLE"),
    ],
)
def test_what_a_fetcher_raises_is_undecided_and_is_the_cause(error: Exception, code: str) -> None:
    with pytest.raises(veriseal.Undecided) as raised:
        verifier(Answering("*", error)).verify(IMAGE)
    assert raised.value.code == code
    assert raised.value.__cause__ is error


def test_a_denied_list_of_signatures_is_never_an_unsigned_image() -> None:
    fetcher = Answering("referrers", veriseal.Denied("403"), OTHER)
    with pytest.raises(veriseal.Undecided) as raised:
        verifier(fetcher).verify(IMAGE)
    assert raised.value.code == "DENIED"


def test_the_text_of_a_strangers_exception_stays_out_of_the_report() -> None:
    """K-AP-05: it may hold a URL with a token. The exception itself is the cause."""
    with pytest.raises(veriseal.Undecided) as raised:
        verifier(Answering("*", ConnectionError("https://user:s3cret@registry"))).verify(IMAGE)
    error = raised.value
    assert "s3cret" not in str(error) + error.report_json + error.explain()
    assert "ConnectionError" in str(error)


class Fatal(BaseException):
    pass


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), Fatal()])
def test_what_ends_a_program_ends_the_call_and_nothing_more_is_asked(error: BaseException) -> None:
    fetcher = Answering("referrers", error)
    with pytest.raises(type(error)) as raised:
        verifier(fetcher).verify(IMAGE)
    assert raised.value is error
    assert "blob" not in fetcher.asked


def test_an_object_without_fetch_is_undecided() -> None:
    with pytest.raises(veriseal.Undecided) as raised:
        verifier(object()).verify(IMAGE)
    assert isinstance(raised.value.__cause__, AttributeError)


def test_the_reason_of_a_wrapped_native_source_is_not_lost() -> None:
    registry = veriseal.Registry(timeout=5, allow_http=["127.0.0.1:1"])

    class Wrapping:
        def fetch(self, request: veriseal.Request) -> veriseal.Found | veriseal.NotFound:
            return registry.fetch(request)

    reports = []
    for source in (registry, Wrapping()):
        with pytest.raises(veriseal.Undecided) as raised:
            verifier(source).verify("127.0.0.1:1/app:v1", now="2026-11-21T12:00:00Z")
        reports.append(raised.value.report)
    assert reports[0] == reports[1]


def test_with_a_registry_no_reference_makes_us_read_files() -> None:
    made = verifier(veriseal.Registry())
    with pytest.raises(veriseal.Undecided) as raised:
        made.verify(f"oci:{LAYOUT}:1.0")
    assert raised.value.code == "SOURCE_INVALID"
    assert verifier(None).verify(f"oci:{LAYOUT}:1.0").code == "ACCEPTED"


def test_time_that_is_over_is_undecided() -> None:
    import time

    def slow(request: veriseal.Request, layout: veriseal.OciLayout) -> Any:
        while time.monotonic() < begun + 0.02:
            pass
        return layout.fetch(request)

    begun = time.monotonic()
    with pytest.raises(veriseal.Undecided) as raised:
        verifier(Answering("manifest_by_tag", slow)).verify(IMAGE, timeout=0.01)
    assert "DEADLINE_EXCEEDED" in codes(raised.value)


def test_requests_say_what_is_wanted() -> None:
    session = verifier(None).session("registry.example/app:1.0")
    request = session.next_request()
    assert request is not None
    assert (request.kind, request.tag, request.digest, request.size, request.page) == ("manifest_by_tag", "1.0", None, None, None)
    assert (request.repository, request.registry, request.path) == ("registry.example/app", "registry.example", "app")
    assert request.max_bytes > 0
    assert session.next_request() is None
    assert "manifest_by_tag" in repr(request)


def test_each_answer_is_supplied_once_and_to_its_own_session() -> None:
    made = verifier(None)
    session = made.session(IMAGE)
    request = session.next_request()
    assert request is not None
    session.supply(request, veriseal.NotFound())
    with pytest.raises(veriseal.ConfigurationError) as raised:
        session.supply(request, veriseal.NotFound())
    assert raised.value.code == "REQUEST_UNKNOWN"


def test_a_session_that_is_not_done_is_undecided_and_concluded_once() -> None:
    made = verifier(None)
    session = made.session(IMAGE)
    session.next_request()
    assert not session.is_done()
    with pytest.raises(veriseal.Undecided) as raised:
        made.conclude(session)
    assert raised.value.code == "SESSION_UNFINISHED"
    with pytest.raises(veriseal.ConfigurationError):
        made.conclude(session)
    assert session.next_request() is None


def test_a_session_of_another_verifier_is_never_accepted() -> None:
    """K-EV-04."""
    one, other = scenario("keyless"), scenario("key_signed")
    session = one.verifier().session(one.reference)
    source = veriseal.OciLayout(one.folder / "layout")
    while (request := session.next_request()) is not None:
        session.supply(request, source.fetch(request))
    with pytest.raises(veriseal.Undecided) as raised:
        other.verifier().conclude(session)
    assert raised.value.code == "SESSION_FOR_OTHER_VERIFIER"


def test_a_rule_that_refuses_asks_for_nothing() -> None:
    document = {"apiVersion": "veriseal/v1", "images": [{"match": ["registry.example/**"], "deny": {"reason": "closed"}}]}
    fetcher = Copying(LAYOUT)
    made = veriseal.verifier(policy=document, registry=fetcher)
    session = made.session(IMAGE)
    assert session.next_request() is None and session.is_done()
    for ask in (lambda: made.verify(IMAGE), lambda: made.conclude(session)):
        with pytest.raises(veriseal.Rejected) as raised:
            ask()
        assert raised.value.code == "IMAGE_DENIED"
    with pytest.raises(veriseal.Rejected) as raised:
        made.verify("elsewhere.example/app:1.0")
    assert raised.value.code == "NO_RULE"
    assert fetcher.asked == []
