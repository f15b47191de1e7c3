"""sigstore-python, asked by `compare`: verifies every bundle of a folder in this process, offline.

    sigstore_python.py                  prints {"version": ...}, or fails where the package is missing
    sigstore_python.py FOLDER ROUNDS    prints {"version", "accepted", "refused": [{"sample", "why"}], "microseconds": [[...], ...]}

The folder holds what src/outside.rs writes: trusted_root.json, manifest.json and the bundles and artifacts that it names.
"""

import hashlib
import json
import sys
import time
from pathlib import Path

import sigstore
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy


def verify(verifier, who, text, artifact):
    """One call: the bundle is parsed in it, as everybody's is."""
    bundle = Bundle.from_json(text)
    if b'"dsseEnvelope"' not in text:
        verifier.verify_artifact(artifact, bundle, who)
        return
    # It leaves to its caller whether the statement is about the artifact.
    _, payload = verifier.verify_dsse(bundle, who)
    digest = hashlib.sha256(artifact).hexdigest()
    if all(subject["digest"].get("sha256") != digest for subject in json.loads(payload)["subject"]):
        raise ValueError("the statement is about something else")


def main():
    version = sigstore.__version__
    if len(sys.argv) == 1:
        print(json.dumps({"version": version}))
        return
    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    manifest = json.loads((folder / "manifest.json").read_text())
    samples = [((folder / one["bundle"]).read_bytes(), (folder / one["artifact"]).read_bytes()) for one in manifest["samples"]]
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(folder / "trusted_root.json")))
    # Managed keys it refuses by itself, while it reads the bundle.
    who = policy.UnsafeNoOp()
    if manifest.get("identity"):
        who = policy.Identity(identity=manifest["identity"], issuer=manifest["issuer"])

    # Warms up, and shows who is refused.
    refused = []
    for number, (bundle, artifact) in enumerate(samples):
        try:
            verify(verifier, who, bundle, artifact)
        except Exception as error:  # Whatever it is, it is no acceptance.
            refused.append({"sample": number, "why": f"{type(error).__name__}: {error}"})
    microseconds = [[] for _ in samples]
    if not refused:
        for _ in range(rounds):
            for number, (bundle, artifact) in enumerate(samples):
                begun = time.perf_counter_ns()
                verify(verifier, who, bundle, artifact)
                microseconds[number].append((time.perf_counter_ns() - begun) / 1000)
    accepted = len(samples) - len(refused)
    print(json.dumps({"version": version, "accepted": accepted, "refused": refused[:3], "microseconds": microseconds}))


main()
