import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, final

from veriseal._fetcher import Fetcher
from veriseal._report import Report

_Path = str | os.PathLike[str]
_Input = _Path | bytes | bytearray
_Now = datetime | str | _Clock | None

__all__ = [
    "Accepted",
    "AcceptedBlob",
    "Cache",
    "Code",
    "Evidence",
    "FetchFailure",
    "Found",
    "NotFound",
    "OciLayout",
    "Pattern",
    "Policy",
    "Registry",
    "RegistryCall",
    "Request",
    "Session",
    "Tls",
    "TrustRoot",
    "Verifier",
    "_Clock",
    "__version__",
    "codes",
]

__version__: str

def codes() -> list[Code]: ...

@final
class Code:
    @property
    def name(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def who(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def action(self) -> str: ...

@final
class Accepted:
    @property
    def pinned(self) -> str: ...
    @property
    def digest(self) -> str | None: ...
    @property
    def resolved(self) -> str: ...
    @property
    def platforms(self) -> list[tuple[str | None, str]]: ...
    @property
    def code(self) -> str: ...
    @property
    def basis(self) -> Literal["requirement", "exception"]: ...
    @property
    def report(self) -> Report: ...
    @property
    def report_json(self) -> str: ...
    @property
    def statements(self) -> list[dict[str, Any]]: ...
    def explain(self) -> str: ...
    def _repr_html_(self) -> str: ...
    def __copy__(self) -> Accepted: ...
    def __deepcopy__(self, _memo: object) -> Accepted: ...

@final
class AcceptedBlob:
    @property
    def digest(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def report(self) -> Report: ...
    @property
    def report_json(self) -> str: ...
    @property
    def statements(self) -> list[dict[str, Any]]: ...
    def explain(self) -> str: ...
    def _repr_html_(self) -> str: ...
    def __copy__(self) -> AcceptedBlob: ...
    def __deepcopy__(self, _memo: object) -> AcceptedBlob: ...

@final
class TrustRoot:
    @staticmethod
    def sigstore() -> TrustRoot: ...
    @staticmethod
    def sigstore_staging() -> TrustRoot: ...
    @staticmethod
    def github() -> TrustRoot: ...
    @staticmethod
    def from_file(path: _Path) -> TrustRoot: ...
    @staticmethod
    def from_json(json: bytes | bytearray, name: str = "given") -> TrustRoot: ...
    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...

@final
class Pattern:
    def __new__(cls, source: str) -> Pattern: ...
    @property
    def source(self) -> str: ...

@final
class Policy:
    @staticmethod
    def signed_by(
        *,
        key: _Input | Sequence[_Input] | None = None,
        identity: str | Pattern | None = None,
        issuer: str | Pattern | None = None,
        tlog: Literal["required", "if-present", "ignored"] = "required",
        sct: Literal["required", "ignored"] = "required",
        timestamps: int = 0,
        attestation: str | None = None,
        key_not_before: datetime | str | None = None,
        key_not_after: datetime | str | None = None,
    ) -> Policy: ...
    @staticmethod
    def from_file(path: _Path) -> Policy: ...
    @staticmethod
    def from_dict(
        document: dict[str, Any],
        *,
        folder: _Path | None = None,
        files: Mapping[str, bytes] | None = None,
        name: str = "policy.json",
    ) -> Policy: ...
    @property
    def mode(self) -> Literal["enforce", "warn", "audit"]: ...
    @property
    def fingerprint(self) -> str: ...
    @staticmethod
    def _restore_signed_by(
        keys: list[tuple[bytes, str]],
        identity: str | Pattern | None,
        issuer: str | Pattern | None,
        asked: tuple[str, str, int, str | None, list[str | None]],
    ) -> Policy: ...
    @staticmethod
    def _restore_document(bytes: bytes, name: str, files: dict[str, bytes]) -> Policy: ...

@final
class Request:
    @property
    def id(self) -> int: ...
    @property
    def repository(self) -> str: ...
    @property
    def registry(self) -> str | None: ...
    @property
    def path(self) -> str: ...
    @property
    def kind(self) -> Literal["manifest_by_tag", "only_image", "manifest", "referrers", "blob", "unknown"]: ...
    @property
    def tag(self) -> str | None: ...
    @property
    def digest(self) -> str | None: ...
    @property
    def size(self) -> int | None: ...
    @property
    def page(self) -> str | None: ...
    @property
    def max_bytes(self) -> int: ...

@final
class Found:
    def __new__(cls, data: bytes, media_type: str | None = None, next: str | None = None) -> Found: ...
    @property
    def data(self) -> bytes: ...
    @property
    def media_type(self) -> str | None: ...
    @property
    def next(self) -> str | None: ...

@final
class NotFound:
    def __new__(cls) -> NotFound: ...

@final
class FetchFailure: ...

@final
class Cache:
    @staticmethod
    def memory(max_bytes: int) -> Cache: ...
    @staticmethod
    def directory(path: _Path, max_bytes: int) -> Cache: ...

@final
class Tls:
    def __new__(
        cls,
        *,
        root_certificates: _Input | None = None,
        only_these_roots: bool = False,
        client_certificate: _Input | None = None,
        client_key: _Input | None = None,
    ) -> Tls: ...

@final
class Registry:
    def __new__(
        cls,
        *,
        timeout: float = 30.0,
        allow_http: Sequence[str] | None = None,
        docker_config: _Input | None = None,
        pull_secret: _Input | None = None,
        credentials: dict[str, tuple[str, str]] | None = None,
        identity_tokens: dict[str, str] | None = None,
        bearer_tokens: dict[str, str] | None = None,
        allow_realms: dict[str, str] | None = None,
        allow_redirects: Sequence[str] | None = None,
        mirrors: dict[str, str] | None = None,
        root_certificates: _Input | None = None,
        only_these_roots: bool = False,
        tls: dict[str, Tls] | None = None,
        proxy: str | None = None,
        user_agent: str | None = None,
        cache: Cache | None = None,
        answers_live: float | None = None,
        connect_timeout: float | None = None,
        first_byte_timeout: float | None = None,
        minimum_rate: tuple[int, float] | None = None,
        retry_pause: float | None = None,
    ) -> Registry: ...
    def call(self, timeout: float | None = None) -> RegistryCall: ...
    def fetch(self, request: Request) -> Found | NotFound: ...

@final
class RegistryCall:
    def fetch(self, request: Request) -> Found | NotFound: ...

@final
class OciLayout:
    def __new__(cls, path: _Path) -> OciLayout: ...
    def fetch(self, request: Request) -> Found | NotFound: ...

@final
class _Clock:
    def __new__(cls, at: str) -> _Clock: ...

@final
class Evidence:
    @staticmethod
    def load(path: _Path) -> Evidence: ...
    def save(self, path: _Path) -> None: ...
    @staticmethod
    def from_bytes(archive: bytes | bytearray) -> Evidence: ...
    def to_bytes(self) -> bytes: ...
    @property
    def image(self) -> str: ...
    @property
    def origin(self) -> Literal["gathered", "loaded"]: ...
    @property
    def candidates(self) -> int: ...

@final
class Session:
    def next_request(self) -> Request | None: ...
    def supply(self, request: Request, answer: Found | NotFound | Exception) -> None: ...
    def is_done(self) -> bool: ...

@final
class Verifier:
    def __new__(
        cls,
        trust_root: TrustRoot | None,
        policy: Policy,
        registry: Fetcher | None = None,
        platforms: str | None = None,
    ) -> Verifier: ...
    def verify(self, reference: str, *, now: _Now = None, timeout: float | None = None) -> Accepted: ...
    def verify_blob(
        self,
        artifact: _Input | None = None,
        bundle: _Input | None = None,
        *,
        digest: str | None = None,
        now: _Now = None,
    ) -> AcceptedBlob: ...
    def gather(self, reference: str, *, timeout: float | None = None) -> Evidence: ...
    def judge(self, evidence: Evidence | _Path, image: str, *, now: _Now = None) -> Accepted: ...
    def session(self, reference: str) -> Session: ...
    def conclude(self, session: Session, *, now: _Now = None) -> Accepted: ...
    def _source(self, reference: str, timeout: float | None = None) -> Fetcher: ...
    @property
    def trust_root(self) -> TrustRoot | None: ...
    @property
    def policy(self) -> Policy: ...
    @property
    def registry(self) -> Fetcher | None: ...
    @property
    def platforms(self) -> str | None: ...
    @property
    def fingerprint(self) -> str: ...
