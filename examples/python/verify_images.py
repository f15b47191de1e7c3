#!/usr/bin/env python3
"""A CI step that fails the pipeline on an image that is not signed, and writes down what may be deployed.

    verify_images.py --key cosign.pub --pinned pinned.txt registry.example/app:v1 registry.example/db:v3
    verify_images.py --identity https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1 \\
                     --issuer https://token.actions.githubusercontent.com registry.example/app:v1
    verify_images.py --policy policy.yaml registry.example/app:v1

Exit status: 0 all accepted, 1 some rejected, 2 usage, 3 some undecided (worth another try). Deploy the lines of --pinned, never
the tags that were asked for: they may point elsewhere a moment later.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import veriseal


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fails on an image that is not signed by whom we trust.")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--key", action="append", help="a trusted public key (PEM); any one of several suffices")
    parser.add_argument("--identity", help="the certificate's subject, exactly")
    parser.add_argument("--issuer", help="the OIDC issuer that vouched for it, exactly")
    parser.add_argument("--policy", help="a policy file, in place of key and identity")
    parser.add_argument("--tlog", choices=["required", "if-present", "ignored"], default="required")
    parser.add_argument("--trust-root", help="a trusted_root.json in place of Sigstore's public instance")
    parser.add_argument("--docker-config", help="a docker config.json with credentials")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds for each image")
    parser.add_argument("--pinned", type=Path, help="where the accepted references go, one a line")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    try:
        verifier = veriseal.verifier(
            key=given.key,
            identity=given.identity,
            issuer=given.issuer,
            policy=given.policy,
            tlog=given.tlog,
            trust_root=given.trust_root,
            # Without credentials images in local OCI layouts (oci:PATH) may be named too.
            registry=veriseal.Registry(docker_config=given.docker_config) if given.docker_config else None,
        )
        outcomes = veriseal.verify_many(given.images, verifier=verifier, timeout=given.timeout, progress=show)
    except veriseal.ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    pinned = [outcome.accepted.pinned for outcome in outcomes if outcome.accepted is not None]
    if len(pinned) == len(outcomes):
        if given.pinned is not None:
            given.pinned.write_text("".join(f"{reference}\n" for reference in pinned), encoding="utf-8")
        return 0
    errors = [outcome.error for outcome in outcomes]
    if any(isinstance(error, veriseal.ConfigurationError) for error in errors):
        return 2
    return 1 if any(isinstance(error, veriseal.Rejected) for error in errors) else 3


def show(done: int, total: int, outcome: veriseal.Outcome) -> None:
    """One line for an acceptance, the whole reason for everything else."""
    print(f"[{done}/{total}] {outcome.code} {outcome.reference!r}")
    if outcome.error is not None:
        print(outcome.error, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
