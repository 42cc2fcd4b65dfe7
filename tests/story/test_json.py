"""What `--json` prints is what docs/json.md says, no more and no less: every command is run, and compared with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from rein.btc.address import p2pkh_address
from rein.btc.networks import REGTEST
from rein.cli.money.explain import PSBT_BEGINS
from tests.reference.commands import names
from tests.reference.schemas import Schema, faults, printed, read_schemas
from tests.story.conftest import Agreed, Person, Trio, World, agree, deliver, fund
from tests.support import legacy_documents
from tests.support.old_escrows import keys, scripts

NOT_HERE = {"demo", "devnet"}
"""The demo is compared in tests/demo; the node below."""

STRANGE = {
    *(f"rein case {name}: conflict[]" for name in ("export", "verify", "keep")),
    "rein oldescrow show: doubts[]",
    "rein fund: escrows[].taken_by[]",
    *(f"rein explain: payments[].differences[].{name}" for name in ("fault", "text")),
    *(f"rein status: refused[].{name}" for name in ("job_document", "job_id", "code", "message")),
    *(f"rein sync: servers[].{name}[]" for name in ("notes", "warnings")),
    *(f"rein sync: servers[].differences[].{name}" for name in ("document_id", "kind", "job_id", "showing")),
    *(f"rein sync: unpublished[].{name}" for name in ("document_id", "kind", "job_id")),
    "rein servers: servers[].warnings[]",
    "rein status: warnings[]",
    *(f"rein sync: refused[].{name}" for name in ("url", "code", "message")),
}
"""What only somebody hostile or careless makes appear: tests/story/test_hostile_server.py has him."""

ELSEWHERE = ("others[].", "not_counted[].")
"""As fields that are seen in another place: of another identity, and of ratings that count."""

_SHAPES = {"bump --replace": "a-stored-document", "status --jobid": "the-story-of-a-job"}


class Witness:
    """Runs commands, and compares each answer with the page."""

    def __init__(self) -> None:
        self.schemas = read_schemas()
        self.seen: dict[int, set[str]] = defaultdict(set)
        self.ran: set[str] = set()
        self.faults: list[str] = []

    def __call__(self, person: Person, *words: str, code: int = 0) -> dict[str, Any]:
        result = person.run(*words)
        assert result.code == code, (words, result.err)
        name, schema = self.schema_of(words)
        self.faults += [f"rein {name}: {fault}" for fault in faults(schema, result.data)]
        self.seen[id(schema)] |= {path for path, _ in printed(result.data)}
        return result.data

    def schema_of(self, words: tuple[str, ...]) -> tuple[str, Schema]:
        name = max((each for each in names() if words[: len(each.split())] == tuple(each.split())), key=len)
        self.ran.add(name)
        for shape, anchor in _SHAPES.items():
            if set(shape.split()) <= set(words):
                return shape, self.schemas[anchor]
        if name == "explain" and words[1].startswith(PSBT_BEGINS):
            return name, self.schemas["an-explained-psbt"]
        return name, self.schemas["the-chain-sources" if words[:2] == ("config", "chain") else name]

    def unseen(self) -> list[str]:
        """What the page promises, and nothing showed."""
        return [
            f"rein {name}: {path}"
            for name in sorted(self.ran)
            for path in self.schemas[name].types
            if path not in self.seen[id(self.schemas[name])] and not path.startswith(ELSEWHERE)
        ]


@pytest.mark.slow
def test_every_answer_is_as_documented(world: World, trio: Trio, tmp_path: Path) -> None:
    told = Witness()
    dora = _homes(told, trio, world, tmp_path)
    paid = _paid(told, trio, tmp_path)
    case = _disputed(told, trio, tmp_path)
    told(dora, "case", "keep", str(case))
    _given_back(told, trio)
    for person in trio.everybody:
        told(person, "status")
        told(person, "status", "--jobid", paid.job_id)
    _told_of(told, trio, paid, tmp_path)
    _other_wallets(told, trio, tmp_path)
    assert told.faults == []
    assert told.ran == set(names()) - NOT_HERE
    assert set(told.unseen()) == STRANGE


def _homes(told: Witness, trio: Trio, world: World, tmp_path: Path) -> Person:
    """Dora, who has no part in any job, and Eve in the same home."""
    dora = Person("dora", tmp_path / "dora")
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    told(dora, "testnet", "false")
    told(dora, "setup", "--name", "Dora", "--contact", "d@x", "--no-mediate", *chain)
    told(dora, "config", "network", "regtest")
    told(dora, "request", world.server_urls[0])
    told(dora, "buy", world.server_urls[1])
    told(dora, "servers")
    told(dora, "config", "chain", "list")
    told(dora, "doctor")
    told(dora, "completion", "zsh")
    told(dora, "enroll", "--contact", "dora@x")
    told(dora, "unlock", "--for", "1m")
    told(dora, "lock")
    told(dora, "setup", "--name", "Eve", "--contact", "e@x", "--no-mediate")
    told(dora, "identities")
    told(dora, "status", "--identity", "Dora")
    told(dora, "config", "identity", "Dora")
    told(dora, "status")
    told(dora, "backup", str(tmp_path / "dora.backup"))
    told(Person("dora", tmp_path / "again"), "restore", str(tmp_path / "dora.backup"))
    told(trio.alice, "sync")
    return dora


def _paid(told: Witness, trio: Trio, tmp_path: Path) -> Agreed:
    """Done, paid, hurried; and a second time, with a payment that replaces the first."""
    posted = told(trio.bob, "post", "--name", "x", "--description", "y", "--mediator", "alice", "--tags", "z")
    trio.bob.rein("sync")
    told(trio.charlie, "bid", "--jobid", posted["job_id"], "--amount", "0.01", "--description", "d")
    told(trio.charlie, "bid", "--sealed", "--jobid", posted["job_id"], "--amount", "0.02", "--description", "d")
    trio.charlie.rein("sync")
    trio.bob.rein("sync")
    told(trio.bob, "bids", "--jobid", posted["job_id"])
    cheapest = told(trio.bob, "bids", "--jobid", posted["job_id"], "--unseal")["bids"][0]
    told(trio.bob, "offer", "--bid", cheapest["document_id"], "--dry-run")
    for more in ((), ("--replace",)):
        agreed = agree(trio)
        told(trio.bob, "devnet", "pay", *agreed.uris)
        told(trio.bob, "devnet", "mine", "1")
        told(trio.bob, "fund", "--jobid", agreed.job_id)
        told(trio.charlie, "deliver", "--jobid", agreed.job_id, "--deliverables", "https://x")
        trio.charlie.rein("sync")
        told(trio.bob, "accept", "--jobid", agreed.job_id)
        trio.bob.rein("sync")
        _looked_at(told, trio.charlie, agreed, tmp_path / "signed.psbt")
        told(trio.charlie, "collect", "--jobid", agreed.job_id)
        told(trio.charlie, "bump", "--jobid", agreed.job_id, "--feerate", "40", *more)
        told(trio.bob, "devnet", "mine", "1")
        trio.sync()
    return agreed


def _told_of(told: Witness, trio: Trio, paid: Agreed, tmp_path: Path) -> None:
    """What there is, who is good, and what it came to."""
    trio.alice.rein("collect", "--jobid", paid.job_id)
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()
    _spent(told, trio, paid)
    told(trio.bob, "rate", "--jobid", paid.job_id, "--role", "worker", "--rating", "5", "--comment", "On time.")
    told(trio.bob, "trust", "charlie", "--explain")
    signed = tmp_path / "job.txt"
    signed.write_text(trio.bob.rein("status", "--jobid", paid.job_id)["documents"][0]["document"])
    told(trio.alice, "keep", str(signed))
    told(trio.bob, "verify", str(signed))
    signed.write_text(legacy_documents.JOB)
    told(trio.bob, "verify", str(signed))
    told(trio.bob, "jobs", "--mine")
    told(trio.bob, "bids")
    told(trio.bob, "mediators")
    told(trio.bob, "search", "x", "--all")
    told(trio.bob, "hide", "job", paid.job_id)
    told(trio.bob, "unhide", "job", paid.job_id)
    told(trio.bob, "export", "ledger")
    told(trio.charlie, "export", "invoice", paid.job_id)


def _spent(told: Witness, trio: Trio, paid: Agreed) -> None:
    """What the worker was paid, on its way into another wallet."""
    charlie, to = trio.charlie, "bcrt1qz0seesaumvzleuz2at57jpck8uh663mnttwlyf"
    told(charlie, "wallet")
    told(charlie, "wallet", "addresses")
    one = ("--from", paid.job_id, "--feerate", "3")
    told(charlie, "wallet", "send", to, "0.001", *one, "--psbt")
    told(charlie, "wallet", "send", to, "0.001", *one)
    trio.bob.rein("devnet", "mine", "1")
    told(charlie, "wallet", "sweep", to, *one, "--dry-run")
    told(charlie, "wallet", "history")
    told(charlie, "wallet", "export")


def _looked_at(told: Witness, person: Person, agreed: Agreed, file: Path) -> None:
    """The payments of a job before anybody completes them."""
    told(person, "explain", agreed.job_id)
    text = person.rein("status", "--jobid", agreed.job_id)["documents"][-1]["document"]
    (psbt,) = (line.split(": ")[1] for line in text.splitlines() if line.startswith("Primary payment PSBT: "))
    told(person, "explain", psbt)
    file.write_text(psbt)
    told(person, "psbt", "import", str(file), "--jobid", agreed.job_id)


def _disputed(told: Witness, trio: Trio, tmp_path: Path) -> Path:
    """Decided by the mediator, who is told of it and reads what the two wrote; put into a case."""
    told(trio.alice, "watch", "--once")
    agreed = agree(trio)
    told(trio.bob, "message", "--jobid", agreed.job_id, "--to", "worker", "Soon?")
    told(trio.bob, "disclose", "--jobid", agreed.job_id)
    fund(trio, agreed)
    deliver(trio, agreed)
    told(trio.bob, "dispute", "--jobid", agreed.job_id, "--detail", "No.", "--dry-run")
    told(trio.bob, "creatordispute", "--jobid", agreed.job_id, "--detail", "No.")
    told(trio.charlie, "workerdispute", "--jobid", agreed.job_id, "--detail", "Yes.")
    trio.sync()
    told(trio.alice, "watch", "--once")
    told(trio.alice, "messages", "--jobid", agreed.job_id)
    told(trio.alice, "resolve", "--jobid", agreed.job_id, "--worker", "0.01", "--resolution", "So.")
    trio.sync()
    told(trio.charlie, "acceptresolution", "--jobid", agreed.job_id)
    trio.charlie.rein("sync")
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()
    song, case = tmp_path / "song.flac", tmp_path / "case.zip"
    song.write_bytes(b"la")
    told(trio.bob, "case", "export", agreed.job_id, "--out", str(case), "--attach", str(song))
    told(trio.alice, "case", "verify", str(case))
    return case


def _given_back(told: Witness, trio: Trio) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    settled = told(trio.charlie, "settle", "--jobid", agreed.job_id, "--worker", "0.01", "--terms", "t")
    told(trio.charlie, "withdraw", "--document", settled["document_id"])
    told(trio.charlie, "refund", "--jobid", agreed.job_id, "--reason", "r")
    trio.charlie.rein("sync")
    told(trio.bob, "agree", "--jobid", agreed.job_id)


def _other_wallets(told: Witness, trio: Trio, tmp_path: Path) -> None:
    """An escrow of 2016, spent from hand to hand."""
    script, bob = scripts()["primary"], trio.bob
    (escrow,) = told(bob, "oldescrow", "show", script.hex())["escrows"]
    bob.rein("devnet", "pay", f"bitcoin:{escrow['testnet_address']}?amount=0.05")
    bob.rein("devnet", "mine", "1")
    to = f"{p2pkh_address(keys()['W'].public_key, REGTEST)}=4990000"
    spend = ("oldescrow", "spend", script.hex(), "--to", to, "--fee", "10000")
    unsigned = told(bob, *spend, "--unsigned")["psbt"]
    signed = [told(bob, "oldescrow", "sign", unsigned, "--key-fd", _key(name))["psbt"] for name in "CW"]
    both = told(bob, "psbt", "combine", *signed)["psbt"]
    told(bob, "psbt", "show", both)
    told(bob, "psbt", "export", both, "-o", str(tmp_path / "both.psbt"))
    told(bob, "psbt", "export", both, "--qr")
    told(bob, "oldescrow", "sign", signed[0], "--key-fd", _key("W"))
    told(bob, "oldescrow", "finish", both, "--send")


def _key(name: str) -> str:
    """A descriptor from which the private key is read."""
    reading, writing = os.pipe()
    os.write(writing, keys()[name].to_wif(REGTEST).encode())
    os.close(writing)
    return str(reading)


def test_what_the_node_says_when_it_is_ready(tmp_path: Path) -> None:
    words = ("--home", str(tmp_path), "--json", "devnet", "--port", "0")
    with subprocess.Popen(
        [sys.executable, "-m", "rein", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as node:
        assert node.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1].strip() != "}":
            lines.append(node.stdout.readline())
            assert lines[-1], "it ended without a word"
        node.send_signal(signal.SIGINT)
        node.communicate(timeout=60)
    assert faults(read_schemas()["devnet"], json.loads("".join(lines))) == []


@pytest.mark.parametrize("words", [("nonsense",), ("bid", "--nonsense"), ("status",)], ids=["command", "option", "run"])
def test_every_error_is_as_documented(words: tuple[str, ...], tmp_path: Path) -> None:
    failed = Person("nobody", tmp_path / "nobody").run(*words)
    assert failed.code in (2, 3)
    assert faults(read_schemas()["errors"], failed.data) == []
