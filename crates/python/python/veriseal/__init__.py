"""Is this the image that our build produced, signed by whom we trust, and may it run?

One call answers, or raises why not:

>>> import veriseal
>>> accepted = veriseal.verify(
...     "oci:examples/images/keyless",
...     identity="https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main",
...     issuer="https://token.actions.githubusercontent.com",
...     trust_root="examples/images/keyless-trusted-root.json",
... )
>>> accepted.basis
'requirement'

Deploy ``accepted.pinned``, never what was asked for. There is no truth value to test: what is not accepted is raised as
:class:`Rejected` or :class:`Undecided`, both :class:`VerificationError`. :class:`Accepted` has no constructor, no subclass
and no pickle; only a :class:`Verifier` makes one.

Threads may share everything here. ``veriseal.aio`` has the same calls for asyncio.
"""

from __future__ import annotations

from veriseal._calls import Outcome, judge, verifier, verify, verify_blob, verify_many
from veriseal._errors import (
    Cancelled,
    ConfigurationError,
    DeadlineExceeded,
    Denied,
    FetchError,
    Rejected,
    Throttled,
    TooLarge,
    Unavailable,
    Undecided,
    VerificationError,
    VerisealError,
)
from veriseal._fetcher import AsyncFetcher, Fetcher
from veriseal._native import (
    Accepted,
    AcceptedBlob,
    Cache,
    Code,
    Evidence,
    Found,
    NotFound,
    OciLayout,
    Pattern,
    Policy,
    Registry,
    RegistryCall,
    Request,
    Session,
    Tls,
    TrustRoot,
    Verifier,
    __version__,
    codes,
)
from veriseal._report import Report

__all__ = [
    "Accepted",
    "AcceptedBlob",
    "AsyncFetcher",
    "Cache",
    "Cancelled",
    "Code",
    "ConfigurationError",
    "DeadlineExceeded",
    "Denied",
    "Evidence",
    "FetchError",
    "Fetcher",
    "Found",
    "NotFound",
    "OciLayout",
    "Outcome",
    "Pattern",
    "Policy",
    "Registry",
    "RegistryCall",
    "Rejected",
    "Report",
    "Request",
    "Session",
    "Throttled",
    "Tls",
    "TooLarge",
    "TrustRoot",
    "Unavailable",
    "Undecided",
    "VerificationError",
    "Verifier",
    "VerisealError",
    "__version__",
    "codes",
    "judge",
    "verifier",
    "verify",
    "verify_blob",
    "verify_many",
]
