"""`rein status` at a terminal of 80 columns."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.protocol.signed import Signed
from rein.store.store import Store
from rein.store.tables.chain_tip import SeenBlock
from rein.store.tables.escrows import EscrowOutput
from rein.store.tables.identities import IdentityRow
from tests.support.people import HEIGHT, TIME, enroll, job, person, story
from tests.support.screen import ended, rein_at_terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

TOLD = story()
NOWHERE = ("--network", "regtest", "--chain", "http://ann:x@127.0.0.1:9")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Of the mediator, who is to collect a fee."""
    me = TOLD.mediator
    store = Store(tmp_path / "h" / "rein.db")
    row = IdentityRow(0, "regtest", me.name, me.contact, me.master_address, me.delegate_address, "key")
    store.identities.add(row, enroll(me, True))
    documents: list[Signed[object]] = [*TOLD.enrollments, TOLD.job, *TOLD.documents]
    store.documents.add_received([(each, "http://x/") for each in documents])
    offer = TOLD.offer.document
    amounts = {"primary": offer.primary_amount, "mediator": offer.mediator_amount}
    outputs = [
        EscrowOutput(TOLD.offer.id, purse, OutPoint(f"{number}" * 64, 0), Sat(amount), HEIGHT + 3, 9)
        for number, (purse, amount) in enumerate(amounts.items(), start=1)
    ]
    store.escrows.observe(TOLD.offer.id, outputs, [])
    store.chain_tip.set("regtest", SeenBlock(HEIGHT + 11, TIME))
    return tmp_path / "h"


def shown(home: Path, *words: str) -> list[str]:
    with rein_at_terminal("--home", str(home), *NOWHERE, *words, TZ="Asia/Tokyo") as child:
        code, text = ended(child)
    assert code == 0, text
    return text.replace("\r\n", "\n").splitlines()


def test_what_is_next_stays_on_one_line(home: Path) -> None:
    lines = shown(home, "status")
    assert "Needs your action:" in lines
    number, row = next((number, line) for number, line in enumerate(lines) if TOLD.job.document.job_id in line)
    assert re.fullmatch(rf"{TOLD.job.document.job_id}  mediator  accepted  block \d+, \d+ ago  0\.05000000", row)
    assert lines[number + 1] == f"  {TOLD.job.document.name}"
    after = "".join(lines[number + 2 :])
    assert after.startswith(f"  collect your fee:  rein --home {home} --network regtest"), (
        "the terminal breaks a long path"
    )
    (home / "config.toml").write_text('network = "regtest"\n')
    own = {"HOME": str(home.parent), "REIN_HOME": str(home)}
    with rein_at_terminal("--chain", NOWHERE[-1], "status", **own) as child:
        code, text = ended(child)
    assert (code, "  collect your fee: rein collect\r\n" in text) == (0, True), text


def test_what_nobody_has_seen_is_said_with_the_command_on_a_line_of_its_own(home: Path) -> None:
    told = " ".join(line.strip() for line in shown(home, "status"))
    assert "No server holds 1 document of yours yet, so nobody else has seen it. Publish with: rein" in told
    assert "No server holds" not in " ".join(shown(home, "--quiet", "status"))


def test_it_says_when_it_last_fetched(home: Path) -> None:
    assert any("as of" in line and "never fetched" in line for line in shown(home, "status"))
    Store(home / "rein.db").learned.set_fetched("regtest", 1_790_000_000)
    assert any(re.search(r"as of +2026-09-21 23:13 JST", line) for line in shown(home, "status"))
    assert any(line.startswith("As of 2026-09-21 23:13 JST") for line in shown(home, "jobs", "--all"))


def test_the_story_shows_local_time_beside_the_block(home: Path) -> None:
    lines = shown(home, "status", "--jobid", TOLD.job.id)
    today = time.strftime("%Y-%m-%d")
    placed = [line for line in lines if re.match(r"  (after )?block \d+", line)]
    assert len(placed) == 7
    assert all(re.search(r"\(here since \d{4}-\d\d-\d\d \d\d:\d\d JST\)$", line) for line in placed), (today, placed)
    heights = [int(re.findall(r"block (\d+)", line)[0]) for line in placed]
    assert heights == sorted(heights)
    assert "    descriptor" in lines
    assert any(re.match(r"wsh\(.*#\w{8}$", line) for line in lines), "it is copied, so it has a line of its own"


def test_a_mediator_can_hide_a_job_that_nobody_funded(home: Path) -> None:
    other = job(person("Mallory"), TOLD.mediator, TOLD.enrollments.by_id(TOLD.job.document.mediator_enrollment))
    store = Store(home / "rein.db")
    store.documents.add_received([(enroll(person("Mallory")), "http://x/"), (other, "http://x/")])
    assert any(other.document.job_id in line for line in shown(home, "status"))
    shown(home, "hide", "job", other.id)
    lines = shown(home, "status")
    assert not any(other.id in line for line in lines)
    assert any(line.startswith("1 job is hidden:") for line in lines)


def test_the_overview_loads_no_documents_once_they_are_folded(home: Path) -> None:
    """So that it is quick, however many jobs there are."""
    script = (
        "import sys; from rein.cli.main import run; code = run(sys.argv[1:]); "
        "heavy = ('rein.protocol.documents', 'rein.escrow.terms'); "
        "print(code, [name for name in sys.modules if name.startswith(heavy)])"
    )
    words = ("--home", str(home), *NOWHERE, "--quiet", "status")
    for expected in (False, True):
        done = subprocess.run(
            [sys.executable, "-c", script, *words], capture_output=True, text=True, timeout=60, check=True
        )
        assert (done.stdout.splitlines()[-1] == "0 []") is expected, done.stdout
