"""Nothing in Python makes a success (K-AP-02)."""

from __future__ import annotations

import copy
import pickle
import types

import pytest
import veriseal
from conftest import IMAGES, KEY

SIGNED = f"oci:{IMAGES}/cosign-v3:1.0"


@pytest.fixture
def accepted(verifier: veriseal.Verifier) -> veriseal.Accepted:
    return verifier.verify(SIGNED)


@pytest.mark.parametrize("kind", [veriseal.Accepted, veriseal.AcceptedBlob, veriseal.Session, veriseal.Evidence, veriseal.Request])
def test_what_a_verifier_makes_has_no_constructor(kind: type) -> None:
    for make in (kind, kind.__new__, object.__new__, lambda cls: super(cls, cls).__new__(cls), lambda cls: copy.copy(cls)()):
        with pytest.raises(TypeError):
            make(kind) if make is not kind else kind()


@pytest.mark.parametrize(
    "kind",
    [veriseal.Accepted, veriseal.AcceptedBlob, veriseal.Verifier, veriseal.Policy, veriseal.TrustRoot, veriseal.Found],
)
def test_native_classes_have_no_subclass(kind: type) -> None:
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Forged", (kind,), {})
    with pytest.raises(TypeError):
        types.new_class("Forged", (kind,))


def test_no_field_of_an_acceptance_can_be_set_or_deleted(accepted: veriseal.Accepted) -> None:
    for name in ("pinned", "code", "digest", "report_json", "new"):
        with pytest.raises(AttributeError):
            setattr(accepted, name, "evil")
        with pytest.raises(AttributeError):
            delattr(accepted, name)
    with pytest.raises(AttributeError):
        object.__setattr__(accepted, "pinned", "evil")
    assert not hasattr(accepted, "__dict__")


def test_no_other_object_becomes_an_acceptance(accepted: veriseal.Accepted) -> None:
    class Forged:
        pinned = "evil"

    for other in (Forged(), veriseal.NotFound(), veriseal.Found(b""), veriseal.TrustRoot.sigstore()):
        with pytest.raises(TypeError):
            other.__class__ = veriseal.Accepted  # type: ignore[assignment]
    with pytest.raises(TypeError):
        accepted.__class__ = Forged  # type: ignore[assignment]
    with pytest.raises(TypeError):
        veriseal.Outcome("app:v1", Forged(), None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        veriseal.Outcome("app:v1", None, None)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_acceptance_is_not_pickled(accepted: veriseal.Accepted, protocol: int) -> None:
    with pytest.raises(TypeError, match="verify again"):
        pickle.dumps(accepted, protocol)


def test_no_pickle_becomes_an_acceptance(accepted: veriseal.Accepted) -> None:
    forged = [
        b"cveriseal\nAccepted\n.",  # The class itself is no verdict.
        b"cveriseal\nAccepted\n(tR.",
        b"cveriseal\nAccepted\n)\x81.",
        b"\x80\x02cveriseal\nAccepted\n)\x81}b.",
        b"ccopyreg\n_reconstructor\n(cveriseal\nAccepted\nc__builtin__\nobject\nNtR.",
        b"ccopyreg\n__newobj__\n(cveriseal\nAccepted\ntR.",
    ]
    for data in forged:
        try:
            loaded = pickle.loads(data)
        except (TypeError, AttributeError, pickle.UnpicklingError):
            continue
        assert type(loaded) is not veriseal.Accepted
    with pytest.raises((TypeError, AttributeError)):
        accepted.__setstate__({"pinned": "evil"})  # type: ignore[attr-defined]


def test_a_copy_of_an_acceptance_is_itself(accepted: veriseal.Accepted) -> None:
    assert copy.copy(accepted) is accepted
    assert copy.deepcopy([accepted])[0] is accepted
    with pytest.raises((TypeError, AttributeError)):
        copy.replace(accepted, pinned="evil")  # type: ignore[attr-defined]


def test_a_verdict_is_never_a_bool() -> None:
    answers = [veriseal.verify(SIGNED, key=KEY, tlog="ignored")]
    assert not any(isinstance(answer, bool) for answer in answers)
    for name in ("verify", "verify_blob", "judge"):
        assert getattr(veriseal, name).__annotations__["return"] in ("Accepted", "AcceptedBlob")


def test_an_exception_with_a_forged_report_is_still_an_exception() -> None:
    error = veriseal.Rejected('{"verdict": "accepted", "code": "ACCEPTED"}')
    assert not hasattr(error, "pinned")
    assert not isinstance(error, veriseal.Accepted)
