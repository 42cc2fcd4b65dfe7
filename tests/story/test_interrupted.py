"""Two commands at once on one home, and commands that are stopped or killed at any moment: the home stays usable."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import rein
from rein.btc.hd import new_mnemonic
from tests.story.conftest import PASSPHRASE, Person, World

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("REIN_TEST_KILLS", "4"))
"""How often each command is interrupted by each signal."""
SEED = int(os.environ.get("REIN_TEST_SEED", str(time.time_ns())))
"""Printed when a test fails: the same seed draws the same moments."""
INTERRUPTED = {0, 130, -signal.SIGINT, -signal.SIGKILL, 1}
"""Done before the signal came; stopped; stopped or killed before Rein began (1: while Python was starting)."""


@pytest.fixture
def drawn() -> Iterator[random.Random]:
    sys.stdout.write(f"REIN_TEST_SEED={SEED}\n")
    return random.Random(SEED)


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REIN_")}
    environment |= {"REIN_PASSPHRASE": PASSPHRASE, "PYTHONPATH": str(Path(rein.__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-m", "rein", "--home", str(home), "--json", "--yes", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.fixture
def home(world: World, tmp_path: Path) -> Person:
    """Somebody who mediates for himself, so that he can post."""
    found = Person("zoe", tmp_path / "zoe")
    found.rein(*chain_of(world), "setup", "--name", "zoe", "--contact", "z@x", "--mediate", "--fee", "1.0")
    found.rein("request", world.server_urls[0])
    found.rein("sync")
    return found


def chain_of(world: World) -> tuple[str, ...]:
    return ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))


POST = ("post", "--name", "x", "--description", "y", "--mediator")


def usable(person: Person) -> None:
    """Nothing fails, nothing is half, and the next commands work."""
    result = person.run("doctor", "--offline")
    assert result.code == 0, result.err
    if (person.home / "rein.db").exists() and person.run("status").code != 3:
        person.rein("status")


def test_two_commands_at_once_on_one_home(world: World, home: Person) -> None:
    mediator = _somebody_else(world, home)
    many = [start(home.home, *POST, mediator) for _ in range(3)]
    many += [start(home.home, "sync"), start(home.home, "status"), start(home.home, "request", world.server_urls[1])]
    for each in many:
        _, err = each.communicate(timeout=120)
        assert each.returncode == 0, err
    usable(home)
    report = home.rein("sync")
    assert report["documents"] == 4
    assert [server["held"] for server in report["servers"]] == [4, 4]
    assert len(home.rein("status")["jobs"]) == 3


def test_two_syncs_at_once_upload_everything(world: World, home: Person) -> None:
    mediator = _somebody_else(world, home)
    for _ in range(2):
        home.rein(*POST, mediator)
    both = [start(home.home, "sync") for _ in range(2)]
    for each in both:
        _, err = each.communicate(timeout=120)
        assert each.returncode in (0, 8), err
    report = home.rein("sync")
    assert [(server["held"], server["error"]) for server in report["servers"]] == [(3, None)]


def _somebody_else(world: World, home: Person) -> str:
    other = Person("yan", home.home.parent / "yan")
    made = other.rein(*chain_of(world), "setup", "--name", "yan", "--contact", "y@x", "--mediate", "--fee", "1.0")
    other.rein("request", world.server_urls[0])
    other.rein("sync")
    address: str = made["master_address"]
    return address


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
@pytest.mark.parametrize("name", ["post", "sync", "request", "config", "status", "fund"])
def test_interrupted_at_any_moment(
    world: World, home: Person, drawn: random.Random, name: str, number: signal.Signals
) -> None:
    mediator = _somebody_else(world, home)
    words = {
        "post": (*POST, mediator),
        "request": ("request", world.server_urls[1]),
        "config": ("config", "chain_wallet", "watched"),
        "fund": ("fund", "--no-wait"),
    }.get(name, (name,))
    began = time.monotonic()
    start(home.home, *words).communicate(timeout=120)
    lasts = time.monotonic() - began
    for _ in range(KILLS):
        if name == "sync":
            home.rein(*POST, mediator)
        interrupt(start(home.home, *words), drawn.uniform(0, lasts), number)
        usable(home)
    after = home.run(*words)
    if name == "request" and after.code:
        assert "Maximum free buckets" in after.error["message"], after.err  # those that came through took them all
    else:
        assert after.code == 0 or name == "fund", after.err
    report = home.rein("sync")
    assert all((each["held"], each["error"]) == (report["documents"], None) for each in report["servers"])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def test_an_interrupted_setup_is_repeated(
    world: World, tmp_path: Path, drawn: random.Random, number: signal.Signals
) -> None:
    """With the same words, for they may be on paper already."""
    words, lasts = new_mnemonic(), 2.0
    for attempt in range(2 * KILLS):
        person = Person("new", tmp_path / str(attempt))
        began = time.monotonic()
        interrupt(_setup(world, person, words), drawn.uniform(0.2, lasts), number)
        lasts = min(lasts, time.monotonic() - began + 0.5)
        usable(person)
        _, err = (again := _setup(world, person, words)).communicate(timeout=60)
        assert again.returncode == 0 or "already" in err, err
        assert person.rein("status")["identity"]["name"] == "new"
        usable(person)


def _setup(world: World, person: Person, words: str) -> subprocess.Popen[str]:
    reading, writing = os.pipe()
    os.write(writing, words.encode())
    os.close(writing)
    given = ("--home", str(person.home), "--json", "--yes", *chain_of(world), "setup", "--name", "new")
    given += ("--contact", "n@x", "--no-mediate")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REIN_")}
    environment |= {"REIN_PASSPHRASE": PASSPHRASE, "PYTHONPATH": str(Path(rein.__file__).parents[1])}
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "rein", *given, "--words-fd", str(reading)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            pass_fds=(reading,),
        )
    finally:
        os.close(reading)


def interrupt(process: subprocess.Popen[str], after: float, number: signal.Signals) -> None:
    """Send the signal after so many seconds, unless it is done by then."""
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode in INTERRUPTED | {2}, err
