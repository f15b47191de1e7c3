"""What pickles name: each makes an object again from what it was made of, and checks it as the first time."""

from __future__ import annotations

from typing import Any

from veriseal import _native


def embedded_trust_root(name: str) -> _native.TrustRoot:
    makers = {
        "sigstore": _native.TrustRoot.sigstore,
        "sigstore_staging": _native.TrustRoot.sigstore_staging,
        "github": _native.TrustRoot.github,
    }
    return makers[name]()


def trust_root(json: bytes, name: str) -> _native.TrustRoot:
    return _native.TrustRoot.from_json(json, name)


def signed_by(*arguments: Any) -> _native.Policy:
    return _native.Policy._restore_signed_by(*arguments)


def policy_document(document: bytes, name: str, files: dict[str, bytes]) -> _native.Policy:
    return _native.Policy._restore_document(document, name, files)


def registry(arguments: dict[str, Any]) -> _native.Registry:
    return _native.Registry(**arguments)
