"""`rein demo` as a newcomer runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc
from rein.demo.stage import PASSPHRASE
from tests.reference.schemas import faults, read_schemas

pytestmark = pytest.mark.slow


def start_demo(temporary: Path, *words: str) -> subprocess.Popen[str]:
    """The demo, with its temporary folder inside ours."""
    return subprocess.Popen(
        [sys.executable, "-m", "rein", "demo", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )


def processes_about(folder: Path) -> list[str]:
    """What still runs with this folder in its command line."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if str(folder) in command:
            found.append(command)
    return found


@pytest.fixture
def short_folder() -> Any:
    """Unix sockets want short paths, shorter than pytest's."""
    with tempfile.TemporaryDirectory(prefix="rd-") as folder:
        yield Path(folder)


def test_the_jobs_end_as_they_should_and_everybody_is_paid_to_the_satoshi(short_folder: Path) -> None:
    demo = start_demo(short_folder, "--json")
    out, err = demo.communicate(timeout=120)
    assert demo.returncode == 0, err
    report = json.loads(out)
    assert faults(read_schemas()["demo"], report) == []
    endings = [(job["state"], job["ending"], job["worker_received_sat"]) for job in report["jobs"]]
    assert endings == [
        ("settled", "acceptance", 1_500_000),
        ("settled", "resolution", 1_000_000),
        ("refunded", "refund", 0),
    ]
    for job in report["jobs"]:
        assert job["price_sat"] == 1_500_000
        received = [job[f"{who}_received_sat"] for who in ("worker", "creator", "mediator")]
        assert job["worker_received_sat"] + job["creator_received_sat"] >= job["price_sat"], "what the miners left, too"
        assert sum(received) + job["fee_sat"] == job["funded_sat"]
        assert job["mediator_received_sat"] == 15_000
        assert job["fee_sat"] > 0
        assert len(bytes.fromhex(job["primary_txid"])) == len(bytes.fromhex(job["mediator_txid"])) == 32
    assert len({server["url"] for server in report["servers"]}) == 2
    assert {server["documents"] for server in report["servers"]} == {19}, "three enrollments and the rest of the jobs"
    assert report["chain"]["network"] == "regtest"
    assert list(short_folder.iterdir()) == [], "it cleans up after itself"
    assert processes_about(short_folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(short_folder: Path, number: signal.Signals) -> None:
    demo = start_demo(short_folder)
    assert demo.stdout is not None
    for line in demo.stdout:
        if "rein --home alice sync" in line:
            break
    demo.send_signal(number)
    out, err = demo.communicate(timeout=60)
    assert demo.returncode == 130, out + err
    assert "Traceback" not in err
    assert list(short_folder.iterdir()) == []
    assert processes_about(short_folder) == []


def test_what_is_kept_goes_on_by_hand(short_folder: Path) -> None:
    kept = short_folder / "kept"
    demo = start_demo(short_folder, "--keep", str(kept))
    out, err = demo.communicate(timeout=120)
    assert demo.returncode == 0, err
    commands = [line.strip().removesuffix(" &").split() for line in out.splitlines() if line.endswith(" &")][-3:]
    assert [command[0] for command in commands] == ["rein", "causeway", "causeway"]
    modules = [[sys.executable, "-m", *command] for command in commands]
    log = short_folder / "log"
    with log.open("w") as file:
        programs = [subprocess.Popen(words, stdout=file, stderr=file) for words in modules]
    try:
        deadline = time.monotonic() + 30
        while log.read_text().count(" on http") < 3:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        environment = {**os.environ, "REIN_PASSPHRASE": PASSPHRASE}
        for words, expected in ((["sync"], "holds 9 of your 9 documents"), (["status"], "settled")):
            answer = subprocess.run(
                [sys.executable, "-m", "rein", "--home", str(kept / "bob"), *words],
                capture_output=True,
                text=True,
                env=environment,
                timeout=60,
            )
            assert answer.returncode == 0, answer.stderr
            assert expected in answer.stdout
        url = commands[0][commands[0].index("--port") + 1]
        with CoreRpc(f"http://127.0.0.1:{url}", REGTEST, cookie_file=kept / "chain" / ".cookie") as chain:
            assert chain.tip().height == 107, "the chain was kept"
    finally:
        for program in programs:
            program.terminate()
        for program in programs:
            program.wait(20)
    assert processes_about(kept) == []


def test_a_folder_with_something_in_it_is_left_alone(short_folder: Path) -> None:
    (short_folder / "mine.txt").write_text("mine")
    demo = start_demo(short_folder, "--keep", str(short_folder))
    _, err = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert "is not empty" in err
    assert (short_folder / "mine.txt").read_text() == "mine"
