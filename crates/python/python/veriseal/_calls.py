"""The calls of one line, and the call for many images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Literal, TypeAlias, final

from veriseal._errors import ConfigurationError, VerisealError
from veriseal._fetcher import Fetcher
from veriseal._native import Accepted, AcceptedBlob, Evidence, Pattern, Policy, TrustRoot, Verifier

__all__ = ["Outcome", "judge", "verifier", "verify", "verify_blob", "verify_many"]

Path: TypeAlias = str | os.PathLike[str]
Key: TypeAlias = Path | bytes | bytearray

#: Threads of `verify_many` by default: verification waits for the network far longer than it computes.
_WORKERS = 8


def verifier(
    *,
    key: Key | Sequence[Key] | None = None,
    identity: str | Pattern | None = None,
    issuer: str | Pattern | None = None,
    policy: Policy | Mapping[str, Any] | Path | None = None,
    trust_root: TrustRoot | Path | None = None,
    registry: Fetcher | None = None,
    platforms: str | None = None,
    tlog: Literal["required", "if-present", "ignored"] = "required",
    sct: Literal["required", "ignored"] = "required",
    timestamps: int = 0,
    attestation: str | None = None,
) -> Verifier:
    """A :class:`Verifier` from the arguments of :func:`verify`, for more than one call.

    Exactly one of ``key``, ``identity`` with ``issuer``, and ``policy`` says who may sign. There is no default for it.

    Without a ``registry`` a reference may name an OCI layout on this machine (``oci:PATH``). A service that takes references
    from strangers gives one, such as ``Registry()``: then none of them makes it read files.

    >>> verifier()
    Traceback (most recent call last):
    ...
    veriseal.ConfigurationError: CONFIG_INVALID: nobody is named who may sign: give key, or identity together with issuer
    """
    if policy is None:
        made = Policy.signed_by(
            key=key,
            identity=identity,
            issuer=issuer,
            tlog=tlog,
            sct=sct,
            timestamps=timestamps,
            attestation=attestation,
        )
    else:
        weaker = (tlog, sct, timestamps, attestation) != ("required", "required", 0, None)
        if key is not None or identity is not None or issuer is not None or weaker:
            raise ConfigurationError(
                "CONFIG_INVALID: policy says who may sign and what must come with it: give nothing of that beside it"
            )
        made = _policy(policy)
    root = TrustRoot.from_file(trust_root) if isinstance(trust_root, (str, os.PathLike)) else trust_root
    return Verifier(root, made, registry, platforms)


def verify(
    reference: str,
    *,
    key: Key | Sequence[Key] | None = None,
    identity: str | Pattern | None = None,
    issuer: str | Pattern | None = None,
    policy: Policy | Mapping[str, Any] | Path | None = None,
    trust_root: TrustRoot | Path | None = None,
    registry: Fetcher | None = None,
    platforms: str | None = None,
    timeout: float | None = None,
    tlog: Literal["required", "if-present", "ignored"] = "required",
    sct: Literal["required", "ignored"] = "required",
    timestamps: int = 0,
    attestation: str | None = None,
) -> Accepted:
    """Verifies one image and returns what may be deployed; whatever is not accepted is raised.

    ``reference`` is ``registry/repository[:tag][@digest]``, or ``oci:PATH[:tag][@digest]`` for an OCI layout. Who may sign
    is one of ``key`` (PEM as bytes, or the path of a file; a list means any of them), ``identity`` together with ``issuer``
    (text is meant exactly, a :class:`Pattern` matches the whole), and ``policy`` (a :class:`Policy`, its document, or the
    path of a file). ``platforms`` says what of an image for several platforms is verified and pinned: ``index`` (the default),
    one as ``linux/amd64``, several, or ``all``. ``timeout`` is in seconds for the whole call; 30 by default.

    Raises :class:`Rejected` where the requirement does not hold, :class:`Undecided` where that could not be found out, and
    :class:`ConfigurationError` where the arguments cannot be used.

    >>> accepted = verify("oci:examples/images/cosign-v3:1.0", key="examples/images/cosign.pub", tlog="ignored")
    >>> accepted.pinned
    'oci:examples/images/cosign-v3@sha256:13c1d6dea41f7fffe64d3b4ae1bd7e470ada63307e8c2aeabdcf20ce6c8e5a99'

    >>> verify("oci:examples/images/unsigned:1.0", key="examples/images/cosign.pub", tlog="ignored")
    Traceback (most recent call last):
    ...
    veriseal.Rejected: NO_SIGNATURE: no signatures found
      image: oci:examples/images/unsigned:1.0 (sha256:bda0e7fbb65d255ba8e5202564e56ccbceba99e89e7d041940c2c4c028f41232)
      what to do: Sign the image, or check that signatures were copied along with it.
    """
    made = verifier(
        key=key,
        identity=identity,
        issuer=issuer,
        policy=policy,
        trust_root=trust_root,
        registry=registry,
        platforms=platforms,
        tlog=tlog,
        sct=sct,
        timestamps=timestamps,
        attestation=attestation,
    )
    return made.verify(reference, timeout=timeout)


def verify_blob(
    artifact: Path | bytes | bytearray | None = None,
    bundle: Path | bytes | bytearray | None = None,
    *,
    digest: str | None = None,
    key: Key | Sequence[Key] | None = None,
    identity: str | Pattern | None = None,
    issuer: str | Pattern | None = None,
    policy: Policy | None = None,
    trust_root: TrustRoot | Path | None = None,
    tlog: Literal["required", "if-present", "ignored"] = "required",
    sct: Literal["required", "ignored"] = "required",
    timestamps: int = 0,
    attestation: str | None = None,
) -> AcceptedBlob:
    """Verifies a blob with its Sigstore bundle. Text is the path of a file, bytes are the content itself.

    In place of ``artifact`` its ``digest`` may be given (``sha256:…``). An attestation counts only where its predicate type
    is named in ``attestation``.
    """
    made = verifier(
        key=key,
        identity=identity,
        issuer=issuer,
        policy=policy,
        trust_root=trust_root,
        tlog=tlog,
        sct=sct,
        timestamps=timestamps,
        attestation=attestation,
    )
    return made.verify_blob(artifact, bundle, digest=digest)


def judge(
    evidence: Evidence | Path,
    image: str,
    *,
    key: Key | Sequence[Key] | None = None,
    identity: str | Pattern | None = None,
    issuer: str | Pattern | None = None,
    policy: Policy | Mapping[str, Any] | Path | None = None,
    trust_root: TrustRoot | Path | None = None,
    tlog: Literal["required", "if-present", "ignored"] = "required",
    sct: Literal["required", "ignored"] = "required",
    timestamps: int = 0,
    attestation: str | None = None,
) -> Accepted:
    """Judges saved evidence, offline. ``image`` is the ``repository@digest`` that is meant; it is never taken from the file."""
    made = verifier(
        key=key,
        identity=identity,
        issuer=issuer,
        policy=policy,
        trust_root=trust_root,
        tlog=tlog,
        sct=sct,
        timestamps=timestamps,
        attestation=attestation,
    )
    return made.judge(evidence, image)


@final
class Outcome:
    """What came of one image of :func:`verify_many`. No truth value: ask :meth:`accept`, or read ``accepted`` and ``error``.

    An exception is as true as an acceptance is, so that ``all(outcomes)`` would let everything pass; it raises instead.
    """

    __module__ = "veriseal"
    __slots__ = ("_accepted", "_error", "_reference")

    def __init__(self, reference: str, accepted: Accepted | None, error: VerisealError | None) -> None:
        if (accepted is None) == (error is None) or not isinstance(accepted, (Accepted, type(None))):
            raise TypeError("an Outcome is either an Accepted or an error")
        self._reference = reference
        self._accepted = accepted
        self._error = error

    @property
    def reference(self) -> str:
        """What was asked for."""
        return self._reference

    @property
    def accepted(self) -> Accepted | None:
        """The acceptance, or ``None``."""
        return self._accepted

    @property
    def error(self) -> VerisealError | None:
        """Why it was not accepted, or ``None``."""
        return self._error

    @property
    def code(self) -> str:
        """The stable name of the code: ``ACCEPTED``, or why not."""
        if self._accepted is not None:
            return self._accepted.code
        return str(getattr(self._error, "code", "INTERNAL"))

    def accept(self) -> Accepted:
        """The acceptance; raises the error where there is none."""
        if self._accepted is not None:
            return self._accepted
        raise self._error if self._error is not None else RuntimeError("an Outcome without content")

    def __bool__(self) -> bool:
        raise TypeError("an Outcome is no truth value: call accept(), or compare .accepted with None")

    def __repr__(self) -> str:
        return f"<veriseal.Outcome {self.code} {self._reference!r}>"

    def _repr_html_(self) -> str:
        shown = self._accepted if self._accepted is not None else self._error
        html = getattr(shown, "_repr_html_", None)
        if html is not None:
            return str(html())
        from html import escape

        return f"<div><code>{escape(self.code)}</code> {escape(str(self._error))}</div>"


def verify_many(
    references: Iterable[str],
    *,
    verifier: Verifier | None = None,
    workers: int = _WORKERS,
    progress: Callable[[int, int, Outcome], object] | None = None,
    timeout: float | None = None,
    **arguments: Any,
) -> list[Outcome]:
    """Verifies many images on several threads. The answer has one :class:`Outcome` for each, in their order.

    One that fails does not keep the others from being verified. Takes a ``verifier``, or the arguments of :func:`verify`.
    ``progress(done, total, outcome)`` is called on the calling thread as each one ends; what it raises ends the call.
    ``timeout`` is in seconds for each image.

    >>> images = ["oci:examples/images/cosign-v3:1.0", "oci:examples/images/unsigned:1.0", "no reference"]
    >>> outcomes = verify_many(images, key="examples/images/cosign.pub", tlog="ignored")
    >>> [outcome.code for outcome in outcomes]
    ['ACCEPTED', 'NO_SIGNATURE', 'REFERENCE_INVALID']
    """
    if verifier is None:
        verifier = _verifier(**arguments)
    elif arguments:
        raise ConfigurationError(f"CONFIG_INVALID: a verifier is given: {', '.join(arguments)} belong to it")
    if isinstance(references, str):
        raise TypeError("references is a list of references, and one text was given")
    asked = list(references)
    outcomes: list[Outcome | None] = [None] * len(asked)
    made = verifier

    def one(reference: str) -> Outcome:
        try:
            return Outcome(reference, made.verify(reference, timeout=timeout), None)
        except VerisealError as error:
            return Outcome(reference, None, error)

    pool = ThreadPoolExecutor(max_workers=max(1, min(workers, len(asked) or 1)), thread_name_prefix="veriseal")
    try:
        places: dict[Future[Outcome], int] = {pool.submit(one, reference): at for at, reference in enumerate(asked)}
        open_, done = set(places), 0
        while open_:
            ended, open_ = wait(open_, return_when=FIRST_COMPLETED)
            for future in sorted(ended, key=places.__getitem__):
                outcome = future.result()
                outcomes[places[future]] = outcome
                done += 1
                if progress is not None:
                    progress(done, len(asked), outcome)
    finally:
        # What has not begun is not begun any more where progress raised or the caller interrupts.
        pool.shutdown(wait=True, cancel_futures=True)
    ordered = [outcome for outcome in outcomes if outcome is not None]
    if len(ordered) != len(asked):
        raise RuntimeError("not every image has an outcome")
    return ordered


def _policy(policy: Policy | Mapping[str, Any] | Path) -> Policy:
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, Mapping):
        return Policy.from_dict(dict(policy))
    return Policy.from_file(policy)


_verifier = verifier
