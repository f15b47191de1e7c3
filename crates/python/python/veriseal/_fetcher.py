"""What a source of bytes looks like."""

from __future__ import annotations

from typing import Protocol

from veriseal._native import Found, NotFound, Request

__all__ = ["AsyncFetcher", "Fetcher"]


class Fetcher(Protocol):
    """Any object with ``fetch(request)``. May be called from several threads at once.

    Returns :class:`Found`, or :class:`NotFound` for a plain "there is none"; raises a :class:`FetchError` for everything
    else. Any other exception, and any other answer, is undecided. Never trusted: what it returns is measured and hashed.
    """

    def fetch(self, request: Request, /) -> Found | NotFound:
        """Answers one request."""
        ...


class AsyncFetcher(Protocol):
    """A :class:`Fetcher` for asyncio. Several requests may be under way at once."""

    async def fetch(self, request: Request, /) -> Found | NotFound:
        """Answers one request."""
        ...
