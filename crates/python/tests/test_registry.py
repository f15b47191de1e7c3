"""Every option of `Registry`: what happens with it, and what without. The registries are the testkit's."""

from __future__ import annotations

import base64
import json
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import veriseal

#: The program that serves them, and the folder where it leaves keys and certificates.
PROGRAM = os.environ.get("VERISEAL_REGISTRIES")
CANARY = "canary-secret"


class Served:
    """The running registries of the testkit."""

    def __init__(self, program: str, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen([program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said = self._line()
        self.hosts: dict[str, str] = said["hosts"]
        self.now: str = said["now"]
        self.digest: str = said["digest"]

    def _line(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def command(self, text: str) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self._line()

    def requests(self, name: str) -> list[dict[str, Any]]:
        """What was asked of a registry since the last time."""
        found: list[dict[str, Any]] = self.command(f"requests {name}")
        return found

    def path(self, name: str) -> Path:
        return self.folder / name

    def verifier(self, registry: veriseal.Registry) -> veriseal.Verifier:
        policy = veriseal.Policy.signed_by(key=self.path("key.pub"))
        return veriseal.Verifier(veriseal.TrustRoot.from_file(self.path("trusted_root.json")), policy, registry)

    def verify(self, name: str, registry: veriseal.Registry, rounds: int = 1) -> list[tuple[str, veriseal.Report]]:
        """Code and report of each round."""
        host = self.hosts.get(name, name)
        made, found = self.verifier(registry), []
        for _ in range(rounds):
            try:
                accepted = made.verify(f"{host}/acme/app:v1", now=self.now)
                found.append((accepted.code, accepted.report))
            except veriseal.VerificationError as error:
                assert CANARY not in str(error) + repr(error) + error.report_json + error.explain(), "K-AP-05"
                found.append((error.code, error.report))
        return found

    def code(self, name: str, **options: Any) -> str:
        """The code of one verification; plain HTTP is allowed where no TLS is spoken."""
        http = [host for of, host in self.hosts.items() if of not in ("tls", "mtls")]
        registry = veriseal.Registry(**{"allow_http": http, "retry_pause": 0, **options})
        assert CANARY not in repr(registry), "K-AP-05"
        return self.verify(name, registry)[0][0]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if PROGRAM is None:
        pytest.skip("VERISEAL_REGISTRIES names no program that serves the testkit's registries")
    made = Served(PROGRAM, tmp_path_factory.mktemp("registries"))
    yield made
    assert made.process.stdin is not None
    made.process.stdin.close()
    assert made.process.wait(30) == 0


def test_plain_http_is_spoken_only_where_it_is_allowed(served: Served) -> None:
    assert served.code("plain") == "ACCEPTED"
    assert served.code("plain", allow_http=["127.0.0.1:1"]) in ("PLAIN_HTTP_REFUSED", "UNAVAILABLE")


def docker_config(host: str) -> bytes:
    auth = base64.b64encode(f"user:{CANARY}".encode()).decode()
    return json.dumps({"auths": {host: {"auth": auth}}}).encode()


def pull_secret(host: str) -> bytes:
    data = {".dockerconfigjson": base64.b64encode(docker_config(host)).decode()}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "data": data}).encode()


def test_credentials_open_a_registry_whichever_way_they_are_given(served: Served, tmp_path: Path) -> None:
    host = served.hosts["basic"]
    assert served.code("basic") == "DENIED"
    assert served.code("basic", credentials={host: ("user", CANARY)}) == "ACCEPTED"
    assert served.code("basic", credentials={"127.0.0.1:1": ("user", CANARY)}) == "DENIED"
    for option, content in (("docker_config", docker_config), ("pull_secret", pull_secret)):
        (tmp_path / option).write_bytes(content(host))
        assert served.code("basic", **{option: content(host)}) == "ACCEPTED", option
        assert served.code("basic", **{option: tmp_path / option}) == "ACCEPTED", option
        assert served.code("basic", **{option: content("127.0.0.1:1")}) == "DENIED", option
    with pytest.raises(veriseal.ConfigurationError):
        veriseal.Registry(pull_secret=docker_config(host))


def test_tokens_are_sent_as_what_they_are(served: Served) -> None:
    host = served.hosts["bearer"]
    assert served.code("bearer") == "DENIED"
    assert served.code("bearer", bearer_tokens={host: CANARY}) == "ACCEPTED"
    served.requests("bearer")
    # An identity token is traded at the token service; this one knows passwords only.
    assert served.code("bearer", identity_tokens={host: CANARY}) == "DENIED"
    traded = [asked for asked in served.requests("bearer") if asked["target"] == "/token"]
    assert any(f"refresh_token={CANARY}" in asked["body"] for asked in traded)


def test_another_token_service_is_asked_only_where_it_is_allowed(served: Served) -> None:
    # By another name: what is on the registry's own host is its own.
    service = served.hosts["tokens"].replace("127.0.0.1", "localhost")
    options: dict[str, Any] = {"allow_http": [served.hosts["realm"], service]}
    assert served.code("realm", **options) == "REALM_REFUSED"
    assert served.requests("tokens") == []
    assert served.code("realm", **options, allow_realms={served.hosts["realm"]: service}) == "ACCEPTED"
    assert served.requests("tokens") != []


def test_everything_goes_through_the_proxy_and_redirects_only_where_they_are_allowed(served: Served) -> None:
    options: dict[str, Any] = {"allow_http": ["reg.example:5000"], "proxy": f"http://{served.hosts['leading']}"}
    assert served.code("reg.example:5000", **options) == "REDIRECT_REFUSED"
    asked = served.requests("leading")
    assert asked and all(one["target"].startswith("http://reg.example:5000/v2/") for one in asked)
    assert served.code("reg.example:5000", **options, allow_redirects=["127.0.0.1:1"]) != "REDIRECT_REFUSED"
    assert "CONNECT" in {one["method"] for one in served.requests("leading")}


def test_what_is_mirrored_is_fetched_from_the_mirror_and_keeps_its_name(served: Served) -> None:
    host = served.hosts["plain"]
    registry = veriseal.Registry(allow_http=[host], mirrors={"registry.invalid": host})
    accepted = served.verifier(registry).verify("registry.invalid/acme/app:v1", now=served.now)
    assert accepted.pinned == f"registry.invalid/acme/app@{served.digest}"
    assert served.code("registry.invalid", mirrors={"other.invalid": host}, timeout=2) != "ACCEPTED"
    with pytest.raises(veriseal.ConfigurationError):
        veriseal.Registry(mirrors={"": host})


#: In a process of its own, since the system's roots are those of `SSL_CERT_FILE` there.
ASK = """
import json, sys, veriseal
options = json.loads(sys.argv[1])
options["tls"] = {host: veriseal.Tls(**tls) for host, tls in options.get("tls", {}).items()} or None
policy = veriseal.Policy.signed_by(key=sys.argv[2])
made = veriseal.Verifier(veriseal.TrustRoot.from_file(sys.argv[3]), policy, veriseal.Registry(retry_pause=0, **options))
try:
    print(made.verify(sys.argv[4], now=sys.argv[5]).code)
except veriseal.VerificationError as error:
    print(error.code)
"""


def ask(served: Served, system: str, **options: Any) -> str:
    reference = f"{served.hosts['tls']}/acme/app:v1"
    command = [sys.executable, "-c", ASK, json.dumps(options), str(served.path("key.pub"))]
    command += [str(served.path("trusted_root.json")), reference, served.now]
    environment = {**os.environ, "SSL_CERT_FILE": str(served.path(system))}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_roots_are_trusted_beside_the_systems_or_instead(served: Served) -> None:
    host, own, other = served.hosts["tls"], str(served.path("tls-ca.pem")), str(served.path("mtls-ca.pem"))
    assert ask(served, "mtls-ca.pem") == "UNAVAILABLE"
    assert ask(served, "mtls-ca.pem", root_certificates=own) == "ACCEPTED"
    assert ask(served, "tls-ca.pem", root_certificates=other) == "ACCEPTED"
    assert ask(served, "tls-ca.pem", root_certificates=other, only_these_roots=True) == "UNAVAILABLE"
    # For one host.
    assert ask(served, "mtls-ca.pem", tls={host: {"root_certificates": own}}) == "ACCEPTED"
    assert ask(served, "mtls-ca.pem", tls={"127.0.0.1:1": {"root_certificates": own}}) == "UNAVAILABLE"
    assert ask(served, "tls-ca.pem", tls={host: {"root_certificates": other}}) == "ACCEPTED"
    assert ask(served, "tls-ca.pem", tls={host: {"root_certificates": other, "only_these_roots": True}}) == "UNAVAILABLE"


def test_a_client_certificate_is_shown_to_its_host(served: Served) -> None:
    host, root = served.hosts["mtls"], served.path("mtls-ca.pem")
    client = {"client_certificate": served.path("mtls-client.pem"), "client_key": served.path("mtls-client.key").read_bytes()}
    options: dict[str, Any] = {"root_certificates": root, "only_these_roots": True}
    assert served.code("mtls", **options) == "UNAVAILABLE"
    assert served.code("mtls", **options, tls={host: veriseal.Tls(**client)}) == "ACCEPTED"
    assert served.code("mtls", **options, tls={"127.0.0.1:1": veriseal.Tls(**client)}) == "UNAVAILABLE"
    for half in client:
        with pytest.raises(veriseal.ConfigurationError):
            veriseal.Tls(**{half: client[half]})
    with pytest.raises(veriseal.ConfigurationError):
        veriseal.Registry(tls={host: veriseal.Tls(client_certificate=b"none", client_key=b"none")})


def test_what_is_kept_is_not_asked_for_again(served: Served, tmp_path: Path) -> None:
    host = served.hosts["plain"]

    def requests(cache: veriseal.Cache | None, rounds: int = 1) -> int:
        served.requests("plain")
        registry = veriseal.Registry(allow_http=[host], cache=cache)
        assert {code for code, _ in served.verify("plain", registry, rounds)} == {"ACCEPTED"}
        return len(served.requests("plain"))

    once, twice = requests(None), requests(None, 2)
    assert twice == 2 * once
    assert requests(veriseal.Cache.memory(1_000_000), 2) < twice
    assert requests(veriseal.Cache.memory(0), 2) == twice
    shared = veriseal.Cache.memory(1_000_000)
    assert requests(shared) == once and requests(shared) < once
    folder = tmp_path / "cache"
    assert requests(veriseal.Cache.directory(folder, 1_000_000)) == once
    assert requests(veriseal.Cache.directory(folder, 1_000_000)) < once
    (tmp_path / "file").touch()
    with pytest.raises(veriseal.ConfigurationError):
        veriseal.Cache.directory(tmp_path / "file", 1)


def test_what_comes_from_a_cache_is_judged_as_what_was_fetched(served: Served) -> None:
    """K-AP-04: hit and miss give the same report."""
    http = [served.hosts["plain"]]
    fresh = served.verify("plain", veriseal.Registry(allow_http=http))
    cached = served.verify("plain", veriseal.Registry(allow_http=http, cache=veriseal.Cache.memory(1_000_000)), 3)
    assert cached == fresh * 3


def test_answers_are_taken_again_where_asked_for_and_the_report_says_so(served: Served) -> None:
    """K-CA-02: a report says where an answer was not fresh."""
    http = [served.hosts["plain"]]

    def second(**options: Any) -> str:
        return json.dumps(served.verify("plain", veriseal.Registry(allow_http=http, **options), 2)[1][1])

    assert "ANSWERS_REUSED" not in second()
    assert "ANSWERS_REUSED" in second(answers_live=60)


def test_each_step_has_its_bound(served: Served) -> None:
    # Were these not kept to, the call would take an hour, or as long as its defaults.
    assert served.code("hanging", timeout=0.05) == "DEADLINE_EXCEEDED"
    assert served.code("hanging", timeout=3600, first_byte_timeout=0.05) == "DEADLINE_EXCEEDED"
    for option in ("timeout", "connect_timeout", "first_byte_timeout", "answers_live", "retry_pause"):
        for value in (-1.0, 86_401.0, float("nan"), float("inf")):
            with pytest.raises(veriseal.ConfigurationError):
                veriseal.Registry(**{option: value})
    for option in ("timeout", "connect_timeout", "first_byte_timeout"):
        with pytest.raises(veriseal.ConfigurationError):
            veriseal.Registry(**{option: 0})
    with pytest.raises(veriseal.ConfigurationError):
        veriseal.Registry(minimum_rate=(1, 0))


def test_a_body_that_comes_too_slowly_is_given_up(served: Served) -> None:
    """A server begins a body and never goes on."""
    server = socket.create_server(("127.0.0.1", 0))
    host = f"127.0.0.1:{server.getsockname()[1]}"
    taken = []

    def serve() -> None:
        connection, _ = server.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
        taken.append(connection)

    threading.Thread(target=serve, daemon=True).start()
    ((code, report),) = served.verify(host, veriseal.Registry(allow_http=[host], timeout=3600, minimum_rate=(1000, 0.05)))
    assert code == "DEADLINE_EXCEEDED" and "minimum rate" in json.dumps(report)
    server.close()


def test_a_further_try_comes_after_its_pause(served: Served) -> None:
    served.command("busy plain")
    assert served.code("plain", retry_pause=0) == "ACCEPTED"
    served.command("busy plain")
    # No time is left for a pause of an hour.
    assert served.code("plain", retry_pause=3600, timeout=0.5) != "ACCEPTED"


def test_the_registry_is_told_who_asks(served: Served) -> None:
    served.requests("plain")
    assert served.code("plain", user_agent="engine/7") == "ACCEPTED"
    assert {asked["headers"]["user-agent"] for asked in served.requests("plain")} == {"engine/7"}
    with pytest.raises(veriseal.ConfigurationError):
        veriseal.Registry(user_agent="a\nb")


def test_a_pickled_registry_does_what_it_did_before(served: Served, tmp_path: Path) -> None:
    host = served.hosts["plain"]
    (tmp_path / "pull.json").write_bytes(pull_secret(served.hosts["basic"]))
    cache = veriseal.Cache.directory(tmp_path / "cache", 1_000_000)
    options: dict[str, Any] = {
        "allow_http": [host, served.hosts["basic"]],
        "pull_secret": tmp_path / "pull.json",
        "mirrors": {"registry.invalid": host},
        "allow_redirects": ["127.0.0.1:1"],
        "cache": cache,
        "answers_live": 60,
        "user_agent": "engine/7",
        "connect_timeout": 7,
        "first_byte_timeout": 7,
        "minimum_rate": (1000, 7.5),
        "retry_pause": 0,
    }
    again = pickle.loads(pickle.dumps(veriseal.Registry(**options)))
    served.requests("plain")
    codes = served.verify("registry.invalid", again, 2)
    assert [code for code, _ in codes] == ["ACCEPTED", "ACCEPTED"]
    assert "ANSWERS_REUSED" in json.dumps(codes[1][1])
    assert {asked["headers"]["user-agent"] for asked in served.requests("plain")} == {"engine/7"}
    assert served.verify("basic", again)[0][0] == "ACCEPTED"
    assert list((tmp_path / "cache").iterdir())
    assert repr(pickle.loads(pickle.dumps(cache))) == repr(cache)
    assert repr(pickle.loads(pickle.dumps(veriseal.Cache.memory(7)))) == "<veriseal.Cache in memory, 7 bytes>"


def test_no_secret_goes_into_a_pickle() -> None:
    """K-AP-05."""
    secret = {"pull_secret": pull_secret("a.example")}, {"identity_tokens": {"a.example": CANARY}}, {"bearer_tokens": {"a.example": CANARY}}
    for options in (*secret, {"tls": {"a.example": veriseal.Tls()}}):
        with pytest.raises(TypeError) as refused:
            pickle.dumps(veriseal.Registry(**options))
        assert CANARY not in str(refused.value)
    with pytest.raises(TypeError):
        pickle.dumps(veriseal.Tls())
