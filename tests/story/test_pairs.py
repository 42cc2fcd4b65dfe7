"""Two commands at once on one home: both are done, or one is and the other says why not; nothing is said twice and
differently, nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rein
from tests.story.conftest import PASSPHRASE, Agreed, Person, Trio, agree, deliver, fund, post

ROUNDS = int(os.environ.get("REIN_TEST_PAIRS", "2"))
"""How often each pair is tried: who comes first is chance."""


def at_once(person: Person, *commands: tuple[str, ...]) -> list[tuple[int, dict[str, Any]]]:
    """Start commands together; how each ended, and what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REIN_")}
    environment |= {"REIN_PASSPHRASE": PASSPHRASE, "PYTHONPATH": str(Path(rein.__file__).parents[1])}
    words = [sys.executable, "-m", "rein", "--home", str(person.home), "--json", "--yes"]
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = [subprocess.Popen([*words, *each], text=True, env=environment, **pipes) for each in commands]
    ended = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        ended.append((process.returncode, json.loads(out or "{}") if "watch" not in process.args else {}))
    usable = person.run("doctor", "--offline")
    assert usable.code == 0, usable.err
    return ended


def one_did(ended: list[tuple[int, dict[str, Any]]]) -> None:
    """One is done, the other says that it would contradict it, or that there is nothing to do any more."""
    codes = sorted(code for code, _ in ended)
    assert codes[0] == 0, ended
    assert codes[1] in (4, 5), ended


def delivered(trio: Trio) -> Agreed:
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    trio.sync()
    return agreed


def kinds(person: Person, job_id: str) -> list[str]:
    story = person.rein("status", "--jobid", job_id)
    assert story["state"] != "frozen"
    return [each["kind"] for each in story["documents"]]


def test_two_acceptances(trio: Trio) -> None:
    job = ("--jobid", delivered(trio).job_id)
    one_did(at_once(trio.bob, *(("accept", *job, "--feerate", rate) for rate in ("3", "4"))))
    trio.bob.rein("sync")
    assert kinds(trio.bob, job[1]).count("accept") == 1


@pytest.mark.slow
@pytest.mark.parametrize("_round", range(ROUNDS))
def test_two_offers_and_two_bids(trio: Trio, _round: int) -> None:
    job_id = post(trio)["job_id"]
    bid = ("bid", "--jobid", job_id, "--description", "Yes.", "--amount")
    both = at_once(trio.charlie, (*bid, "0.01"), (*bid, "0.02"))
    assert [code for code, _ in both] == [0, 0], "somebody may bid twice"
    trio.sync()
    one_did(at_once(trio.bob, *(("offer", "--bid", told["document_id"]) for _, told in both)))
    assert kinds(trio.bob, job_id).count("offer") == 1


@pytest.mark.slow
@pytest.mark.parametrize("_round", range(ROUNDS))
def test_two_decisions_and_two_collections(trio: Trio, _round: int) -> None:
    job_id = delivered(trio).job_id
    trio.bob.rein("creatordispute", "--jobid", job_id, "--detail", "It is silent.")
    trio.sync()
    resolve = ("resolve", "--jobid", job_id, "--resolution", "So.", "--worker")
    one_did(at_once(trio.alice, (*resolve, "0.01"), (*resolve, "0.012")))
    trio.sync()
    take = ("acceptresolution", "--jobid", job_id)
    took = at_once(trio.charlie, take, take)
    assert 0 in [code for code, _ in took], took
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()
    assert trio.bob.rein("status", "--jobid", job_id)["state"] == "settled"
    assert kinds(trio.charlie, job_id).count("acceptresolution") == 1

    job_id = delivered(trio).job_id
    trio.bob.rein("accept", "--jobid", job_id)
    trio.sync()
    collected = at_once(trio.charlie, *[("collect", "--jobid", job_id)] * 2)
    sent = {payment["txid"] for code, told in collected if not code for payment in told["payments"]}
    assert len(sent) == 1, collected
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()


@pytest.mark.slow
@pytest.mark.parametrize("_round", range(ROUNDS))
def test_what_does_not_contradict(trio: Trio, tmp_path: Path, _round: int) -> None:
    before = len(trio.bob.rein("status")["jobs"])
    write = ("post", "--name", "x", "--description", "y", "--mediator", "alice")
    file = str(tmp_path / "file")
    many = (write, write, ("sync",), ("sync",), ("watch", "--once"), ("backup", file), ("config", "copies", "1"))
    for code, told in at_once(trio.bob, *many):
        assert code in (0, 8), told
    report = trio.bob.rein("sync")
    assert [server["error"] for server in report["servers"]] == [None, None]
    assert len(trio.bob.rein("status")["jobs"]) == before + 2
    assert trio.bob.fails("restore", file)["code"] == "input", "a home in use is not overwritten"
    back = Person("bob", tmp_path / "back")
    back.rein("restore", file)
    assert back.run("doctor", "--offline").code == 0


@pytest.mark.slow
def test_two_enrollments(trio: Trio) -> None:
    """Of two that answer the same one only one would count."""
    ended = at_once(trio.charlie, ("enroll", "--contact", "one@x"), ("enroll", "--contact", "two@x"))
    assert 0 in [code for code, _ in ended], ended
    trio.charlie.rein("sync")
    mine = [told["document_id"] for code, told in ended if not code]
    if len(mine) == 1:
        [problem] = [told for code, told in ended if code]
        assert "meanwhile" in problem["error"]["message"]
    trio.charlie.rein("enroll", "--contact", "charlie@x")
