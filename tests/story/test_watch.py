"""`rein watch` over real servers and a real chain: each event once, whatever happens in between."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest

from rein.chain.core_rpc import CoreRpc
from rein.workflows.identity.file_lock import only_one
from tests.story.conftest import Person, Trio, World, agree, deliver, fund, post
from tests.support.serving import QuietHandler, serving

KEEP = """
import json, os, sys
event = json.load(sys.stdin)
told = {key: value for key, value in os.environ.items() if key.startswith("REIN_")}
with open(sys.argv[1], "a") as file:
    file.write(json.dumps([event, told, sys.argv]) + "\\n")
sys.exit(os.path.exists(sys.argv[1] + ".fail"))
"""


class Keeper:
    """A program for --exec that writes down what it is told, and fails while it is told to."""

    def __init__(self, folder: Path) -> None:
        program = folder / "keep.py"
        program.write_text(KEEP)
        self.log = folder / "log"
        self.fails = folder / "log.fail"
        self.words = ("--exec", f"{sys.executable} {program} {self.log}")

    def told(self) -> list[tuple[dict[str, Any], dict[str, str], list[str]]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [tuple(json.loads(line)) for line in lines]


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path)


def once(person: Person, job_id: str, *words: str) -> list[str]:
    """What one look tells of a job."""
    events = person.rein("watch", "--once", *words)["events"]
    return [event["type"] for event in events if event["job_id"] == job_id]


def test_a_whole_job_is_told_once_to_each_of_the_three(trio: Trio) -> None:
    for person in trio.everybody:
        person.rein("watch", "--once")
    agreed = agree(trio)
    job_id = agreed.job_id
    assert once(trio.charlie, job_id) == ["offer"]
    assert once(trio.bob, job_id) == ["bid"]
    assert once(trio.alice, job_id) == ["offer"]
    fund(trio, agreed)
    assert [once(person, job_id) for person in trio.everybody] == [["funded"]] * 3
    deliver(trio, agreed)
    trio.charlie.rein("message", "--jobid", job_id, "--to", "creator", "Is it what you wanted?")
    trio.charlie.rein("sync")
    assert sorted(once(trio.bob, job_id)) == ["delivery", "message"]
    assert once(trio.alice, job_id) == ["delivery"]
    trio.bob.rein("accept", "--jobid", job_id)
    trio.bob.rein("sync")
    trio.charlie.rein("collect", "--jobid", job_id)
    assert once(trio.charlie, job_id) == ["acceptance"]
    trio.bob.rein("devnet", "mine", "1")
    [paid] = trio.charlie.rein("watch", "--once")["events"]
    assert (paid["type"], paid["amount_sat"], len(paid["txid"])) == ("payment", 1_500_000, 64)
    for person in trio.everybody:
        once(person, job_id)
        assert once(person, job_id) == [], "nothing is told twice"


def test_what_was_there_before_the_first_look_is_not_told(trio: Trio, world: World) -> None:
    job_id = post(trio)["job_id"]
    dora = Person("dora", world.folder / "dora")
    chain_options = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    dora.rein(*chain_options, "setup", "--name", "dora", "--contact", "dora@x", "--no-mediate")
    dora.rein("request", world.server_urls[0])
    dora.rein("sync")
    assert once(dora, job_id) == []
    later = post(trio)["job_id"]
    dora.rein("sync")
    assert once(dora, later) == ["job"], "what came by another command since is told"
    assert once(dora, later) == []


def test_money_that_disappears_is_told_and_told_again_when_it_is_back(trio: Trio, chain: CoreRpc) -> None:
    for person in trio.everybody:
        person.rein("watch", "--once")
    agreed = agree(trio)
    fund(trio, agreed)
    assert once(trio.charlie, agreed.job_id) == ["offer", "funded"]
    for _ in range(2):
        chain.call("invalidateblock", chain.tip().hash)
        assert once(trio.charlie, agreed.job_id) == ["disappeared"]
        assert once(trio.charlie, agreed.job_id) == []
        trio.bob.rein("devnet", "mine", "1")
        assert once(trio.charlie, agreed.job_id) == ["funded"]
        assert once(trio.charlie, agreed.job_id) == []


def test_a_command_that_fails_is_told_again_and_one_that_succeeded_never(trio: Trio, keeper: Keeper) -> None:
    trio.charlie.rein("watch", "--once")
    keeper.fails.touch()
    evil = "Song $(touch /tmp/x); --help"
    job_id = post(trio, name=evil, tags="music")["job_id"]
    refused = trio.charlie.run("watch", "--once", "--on", "job", *keeper.words)
    assert (refused.code, refused.data["waiting"]) == (8, 1)
    assert "ended with 1" in refused.err
    assert trio.charlie.run("watch", "--once", "--on", "job", *keeper.words).data["events"] == []
    assert len(keeper.told()) == 2
    keeper.fails.unlink()
    assert trio.charlie.rein("watch", "--once", "--on", "job", *keeper.words)["waiting"] == 0
    assert trio.charlie.rein("watch", "--once", "--on", "job", *keeper.words)["waiting"] == 0
    told = keeper.told()
    assert len(told) == 3
    assert {event["id"] for event, _, _ in told} == {told[0][0]["id"]}
    event, variables, arguments = told[-1]
    assert (event["type"], event["job_id"], event["job_name"]) == ("job", job_id, evil)
    assert variables["REIN_EVENT_JOB_ID"] == job_id
    assert "Song" not in str(variables) + str(arguments), "strangers' words are in the JSON only"
    assert "REIN_PASSPHRASE" not in variables


def test_filters_by_type_tag_and_words(trio: Trio) -> None:
    trio.charlie.rein("watch", "--once")
    tagged = post(trio, name="A fence to paint", tags="paint")["job_id"]
    other = post(trio, name="A song", tags="music")["job_id"]
    events = trio.charlie.rein("watch", "--once", "--tag", "paint", "--match", "FENCE")["events"]
    assert [event["job_id"] for event in events] == [tagged]
    assert other not in str(trio.charlie.rein("watch", "--once")["events"]), "a later round does not tell it either"
    third = post(trio)["job_id"]
    assert once(trio.charlie, third, "--on", "bid") == []
    assert once(trio.charlie, third) == []


@contextmanager
def receiving(status: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook on this machine that answers everything with a status."""
    got: list[dict[str, Any]] = []

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            got.append({"event": body, "key": self.headers["Idempotency-Key"]})
            self.send_response(status)
            self.send_header("Location", self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}/hook", got


def test_a_webhook_gets_each_event_until_it_takes_it(trio: Trio, keeper: Keeper) -> None:
    trio.charlie.rein("watch", "--once")
    post(trio)
    with receiving(302) as (url, got):
        refused = trio.charlie.run("watch", "--once", "--webhook", url, *keeper.words)
        assert refused.code == 8
        assert "answered 302" in refused.err
        assert len(got) == 1, "a redirect is not followed"
    assert len(keeper.told()) == 1
    down = trio.charlie.run("watch", "--once", "--webhook", url, *keeper.words)
    assert (down.code, down.data["waiting"]) == (8, 1)
    assert len(keeper.told()) == 1, "who was told is not told again because another was not"


def test_what_cannot_be_watched_is_refused(trio: Trio) -> None:
    for words in (
        ("--exec", "/no/such/program"),
        ("--exec", "'unbalanced"),
        ("--webhook", "ftp://x/"),
        ("--webhook", "http://[x"),
        ("--every", "1"),
    ):
        assert trio.charlie.fails("watch", "--once", *words)["code"] == "input"
    with only_one(trio.charlie.home / "watch.lock", "busy"):
        assert "another rein watch" in trio.charlie.fails("watch", "--once")["message"]
