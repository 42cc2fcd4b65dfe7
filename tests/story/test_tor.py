"""With a proxy set, no command opens a socket past it or resolves a name: heard from inside, by an audit hook."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import rein
from rein.demo.processes import free_ports, running, server_program
from tests.reference.commands import leaves
from tests.story.conftest import PASSPHRASE, World
from tests.support.socks import Socks, socks_server

pytestmark = pytest.mark.slow

ONION = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"
NOT_RUN = {"devnet", "demo", "completion", "setup"}
"""Servers of one's own; a script; and what was run before."""

_HOOK = """
import os, sys
def heard(event, arguments, _file=os.environ["REIN_HEARD"]):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        told = arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"):
        told = arguments[0]
    else:
        return
    with open(_file, "a") as file:
        file.write(repr((event, told)) + chr(10))
sys.addaudithook(heard)
"""


@dataclass(frozen=True)
class Listened:
    """Runs commands, each in a process of its own that writes down what it connects to and which names it resolves."""

    folder: Path

    def run(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("REIN_")}
        environment |= {
            "PYTHONPATH": f"{self.folder}{os.pathsep}{Path(rein.__file__).parents[1]}",
            "REIN_HEARD": str(self.folder / "heard"),
            "REIN_PASSPHRASE": PASSPHRASE,
            "HTTP_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": ".onion,.example",
        }
        home = ("--home", str(self.folder / name), "--json", "--yes")
        done = subprocess.run(
            [sys.executable, "-m", "rein", *home, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            cwd=self.folder,
            timeout=120,
        )
        assert "Traceback" not in done.stderr, (words, done.stderr)
        return done

    def rein(self, name: str, *words: str) -> dict[str, Any]:
        done = self.run(name, *words)
        assert done.returncode == 0, f"{words}\n{done.stderr}"
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def heard(self) -> list[tuple[str, Any]]:
        """What there was since it was last asked."""
        file = self.folder / "heard"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [ast.literal_eval(line) for line in lines]


@pytest.fixture
def listened(tmp_path: Path) -> Listened:
    (tmp_path / "sitecustomize.py").write_text(_HOOK)
    return Listened(tmp_path)


@pytest.fixture
def socks() -> Iterator[Socks]:
    with socks_server() as found:
        yield found


@pytest.fixture(scope="module")
def hidden(world: World) -> Iterator[str]:
    """The address of a server that knows itself by a name only a proxy can find."""
    (port,) = free_ports(1)
    program = server_program(world.folder / "hidden", port)
    url = f"http://{ONION}:{port}"
    with running([dataclasses.replace(program, arguments=(*program.arguments, "--public-urls", url))]):
        yield url


def _settle_in(listened: Listened, world: World, name: str, port: int, *mediate: str) -> None:
    """A home behind a proxy, which knows its own node, on this machine, directly."""
    for words in (("tor", "on", f"127.0.0.1:{port}"), ("network", "regtest")):
        listened.rein(name, "config", *words)
    listened.rein(name, "config", "chain", "core", world.chain_url, "--cookie", str(world.cookie))
    listened.rein(name, "setup", "--name", name, "--contact", "c@x", *(mediate or ("--no-mediate",)))


def test_everything_goes_through_the_proxy(world: World, hidden: str, listened: Listened, socks: Socks) -> None:
    for name, mediate in (("mia", ("--mediate", "--fee", "1.0")), ("ben", ()), ("wes", ())):
        _settle_in(listened, world, name, socks.port, *mediate)
        granted = listened.rein(name, "request", hidden)
        assert granted["url"] == f"{hidden}/", "an onion address is one as any other"
        listened.rein(name, "sync")
    job = listened.rein("ben", "post", "--name", "x", "--description", "y", "--mediator", "mia")["job_id"]
    listened.rein("ben", "sync")
    listened.rein("wes", "bid", "--jobid", job, "--amount", "0.01", "--description", "d")
    listened.rein("wes", "sync")
    listened.rein("ben", "offer", "--bid", job)
    listened.rein("ben", "sync")
    uris = [each["uri"] for each in listened.rein("ben", "fund", "--jobid", job, "--no-wait")["escrows"]]
    listened.rein("ben", "devnet", "pay", *uris)
    listened.rein("ben", "devnet", "mine", "1")
    listened.rein("ben", "sync")
    listened.rein("wes", "deliver", "--jobid", job, "--deliverables", "z")
    assert listened.rein("ben", "doctor")["healthy"] is True
    _only_these(listened.heard(), socks.port, int(world.chain_url.rsplit(":", 1)[1]))
    for name, command in leaves():
        if name not in NOT_RUN:
            words = ("--once",) if name == "watch" else _words(job, command)
            listened.run("ben", "--chain", "http://ann:x@chain.example", *name.split(), *words)
    _only_these(listened.heard(), socks.port)
    assert {("name", ONION), ("name", "chain.example")} <= {asked[:2] for asked in socks.asked}
    assert {kind for kind, _, _ in socks.asked} == {"name"}, "names are resolved at the other end"


def _words(job: str, command: Any) -> list[str]:
    words = ["--jobid", job] if any(each.name == "job" and each.opts[0] == "--jobid" for each in command.params) else []
    for each in command.params:
        if each.required:
            value = str(each.type.choices[0]) if hasattr(each.type, "choices") else "1"
            words += [each.opts[0], value] if each.opts[0].startswith("-") else [value]
        elif each.name == "wait":
            words.append("--no-wait")
    return words


def _only_these(heard: list[tuple[str, Any]], *ports: int) -> None:
    # A path is a socket of this machine: the one behind which `rein unlock` keeps the words.
    connected = {told for event, told in heard if event == "socket.connect" and not isinstance(told, str)}
    assert connected == {("127.0.0.1", port) for port in ports}
    assert {event for event, _ in heard} <= {"socket.connect", "socket.getaddrinfo"}
    assert {told for event, told in heard if event == "socket.getaddrinfo"} <= {"127.0.0.1"}


def test_with_a_dead_proxy_nothing_connects_at_all(world: World, hidden: str, listened: Listened) -> None:
    with socks_server() as socks:
        _settle_in(listened, world, "ben", socks.port)
        listened.rein("ben", "request", hidden)
    listened.heard()
    listened.rein("ben", "config", "chain", "remove", world.chain_url)
    listened.rein("ben", "config", "chain", "core", "http://ann:x@chain.example")
    told = listened.run("ben", "doctor")
    assert told.returncode == 1
    verdicts = {each["check"]: each["verdict"] for each in json.loads(told.stdout)["findings"]}
    assert (verdicts["proxy"], verdicts["chain"]) == ("fail", "fail")
    for source in ("esplora+http://esplora.example/api", f"causeway+http://{ONION}/", "http://chain.example"):
        listened.run("ben", "--chain", source, "doctor")
    assert listened.run("ben", "sync").returncode == 8
    assert listened.run("ben", "request", f"http://{ONION}/").returncode == 8
    _only_these(listened.heard(), socks.port)


def test_the_hook_hears_what_goes_past(world: World, hidden: str, listened: Listened) -> None:
    """Without the proxy the same commands are heard to connect: the tests above can fail."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        _settle_in(listened, world, "ben", free.getsockname()[1])
    listened.rein("ben", "config", "tor", "off")
    listened.heard()
    listened.run("ben", "request", hidden)
    assert ("socket.getaddrinfo", ONION) in listened.heard()
