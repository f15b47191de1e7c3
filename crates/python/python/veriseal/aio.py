"""The same calls for asyncio, over :class:`veriseal.Session`.

The requests of one image are under way together. Native sources are asked on threads of the loop's default executor, so
that the loop is never blocked; a fetcher of your own with ``async def fetch(request)`` is awaited on the loop.

>>> import asyncio
>>> from veriseal import aio
>>> call = aio.verify("oci:examples/images/cosign-v3:1.0", key="examples/images/cosign.pub", tlog="ignored")
>>> asyncio.run(call).code
'ACCEPTED'

Cancelling a call cancels its requests and raises ``CancelledError``, never a verdict. A request that a native source has
under way on a thread ends there by its own deadline; its answer is thrown away.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from veriseal._calls import Outcome
from veriseal._calls import verifier as _verifier
from veriseal._errors import ConfigurationError, DeadlineExceeded, VerificationError, VerisealError
from veriseal._fetcher import AsyncFetcher, Fetcher
from veriseal._native import Accepted, Found, NotFound, Request, Session, Verifier

__all__ = ["verify", "verify_many"]

#: Images of `verify_many` that are under way at once, by default.
_CONCURRENCY = 8
#: Requests of one image that are under way at once.
_OPEN = 16

_Answer = Found | NotFound | Exception


async def verify(
    reference: str,
    *,
    verifier: Verifier | None = None,
    fetcher: AsyncFetcher | Fetcher | None = None,
    timeout: float | None = None,
    now: datetime | str | None = None,
    **arguments: Any,
) -> Accepted:
    """Verifies one image as :func:`veriseal.verify` does. Takes a ``verifier``, or the arguments of :func:`veriseal.verify`.

    ``fetcher`` takes the place of the verifier's registry. ``timeout`` is in seconds for all requests together.
    """
    made = _made(verifier, arguments)
    session = made.session(reference)
    cause: list[Exception] = []
    source = fetcher if fetcher is not None else await asyncio.to_thread(made._source, reference, timeout)
    await _gather(session, source, timeout, cause)
    try:
        return await asyncio.to_thread(made.conclude, session, now=now)
    except VerificationError as error:
        if cause:
            raise error from cause[0]
        raise


async def verify_many(
    references: Iterable[str],
    *,
    verifier: Verifier | None = None,
    concurrency: int = _CONCURRENCY,
    progress: Callable[[int, int, Outcome], object] | None = None,
    timeout: float | None = None,
    **arguments: Any,
) -> list[Outcome]:
    """Verifies many images, so many at once. The answer has one :class:`veriseal.Outcome` for each, in their order."""
    if isinstance(references, str):
        raise TypeError("references is a list of references, and one text was given")
    made = _made(verifier, arguments)
    asked = list(references)
    room = asyncio.Semaphore(max(1, concurrency))
    done = 0

    async def one(reference: str) -> Outcome:
        nonlocal done
        async with room:
            try:
                outcome = Outcome(reference, await verify(reference, verifier=made, timeout=timeout), None)
            except VerisealError as error:
                outcome = Outcome(reference, None, error)
        done += 1
        if progress is not None:
            progress(done, len(asked), outcome)
        return outcome

    tasks = [asyncio.ensure_future(one(reference)) for reference in asked]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        await _cancel(tasks)


def _made(verifier: Verifier | None, arguments: dict[str, Any]) -> Verifier:
    if verifier is None:
        return _verifier(**arguments)
    if arguments:
        raise ConfigurationError(f"CONFIG_INVALID: a verifier is given: {', '.join(arguments)} belong to it")
    return verifier


async def _gather(session: Session, source: Any, timeout: float | None, cause: list[Exception]) -> None:
    """Answers every request of a session, several at once."""
    loop = asyncio.get_running_loop()
    deadline = None if timeout is None else loop.time() + timeout
    tasks: dict[asyncio.Task[_Answer], Request] = {}
    try:
        while True:
            late = deadline is not None and loop.time() >= deadline
            while len(tasks) < _OPEN and (request := session.next_request()) is not None:
                if late:
                    session.supply(request, DeadlineExceeded())
                else:
                    tasks[asyncio.ensure_future(_ask(source, request, cause))] = request
            if not tasks:
                return
            left = None if deadline is None else max(0.0, deadline - loop.time())
            ended, _ = await asyncio.wait(tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                session.supply(tasks.pop(task), task.result())
            if not ended:
                await _cancel(tasks)
                for request in tasks.values():
                    session.supply(request, DeadlineExceeded())
                tasks.clear()
    finally:
        await _cancel(tasks)


async def _ask(source: Any, request: Request, cause: list[Exception]) -> _Answer:
    try:
        if inspect.iscoroutinefunction(source.fetch):
            answer = await source.fetch(request)
        else:
            answer = await asyncio.to_thread(source.fetch, request)
            if inspect.isawaitable(answer):
                answer = await answer
    except Exception as error:
        cause.append(error)
        return error
    # Whatever this is, the session takes nothing but Found and NotFound as an answer.
    return answer  # type: ignore[no-any-return]


async def _cancel(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancels what is under way and waits for it to end, so that nothing outlives the call."""
    under_way = [task for task in tasks if not task.done()]
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
