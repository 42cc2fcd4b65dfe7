"""From nothing to the report, and back to nothing."""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rein.demo.processes import DemoError, chain_program, free_ports, require_installed, running, server_program
from rein.demo.report import Report, make_report
from rein.demo.stage import PASSPHRASE, Run, Stage
from rein.demo.story import PEOPLE, introduce, play_disputed_job, play_happy_job, play_refunded_job
from rein.errors import InputError

_SERVERS = 2


def tour(run: Run, say: Callable[[str], None], keep: Path | None) -> dict[str, Any]:
    """Play the whole demo.

    :param run: runs one `rein` command.
    :param keep: a folder, new or empty, in which everything is left; otherwise a temporary one is used and removed.
    :returns: the report.
    :raises DemoError: something is not as it should be.
    """
    require_installed()
    began = time.monotonic()
    with _folder(keep) as folder, _terminated_as_interrupt():
        ports = free_ports(1 + _SERVERS)
        stage = Stage(folder, ports[0], tuple(ports[1:]), run, say)
        programs = [chain_program(stage.chain_folder, stage.chain_port)]
        programs += [server_program(stage.server_folder(i), port) for i, port in enumerate(stage.server_ports)]
        for program in programs:
            say(f"$ {program.shown.replace(str(folder) + '/', '')} &")
        say("# A private chain with Bitcoin Core's rules, and two servers, each with a PostgreSQL of its own.")
        with running(programs):
            introduce(stage)
            jobs = [play(stage) for play in (play_happy_job, play_disputed_job, play_refunded_job)]
            report = make_report(stage, jobs, began)
        _tell(stage, report)
        if keep is not None:
            _tell_how_to_go_on(stage, [program.shown for program in programs])
        else:
            say("Everything was temporary and is removed now; `rein demo --keep DIR` leaves it for you to go on.")
    return report.data


def _tell(stage: Stage, report: Report) -> None:
    say, data = stage.say, report.data
    for job in data["jobs"]:
        say(f"\nJob {job['job_id']} is {job['state']}, by {job['ending']}. Who got what:\n")
        say(f"  {'':<8}{'satoshis':>10}  confirmations  transaction")
        for receipt in report.receipts:
            if receipt.job_id == job["job_id"]:
                say(f"  {receipt.person:<8}{receipt.amount:>10,}  {receipt.confirmations:>13}  {receipt.txid}")
        say(f"  {'miners':<8}{job['fee_sat']:>10,}")
        say(f"  {'paid in':<8}{job['funded_sat']:>10,}")
    held = " and ".join(f"{server['url']} ({server['documents']})" for server in data["servers"])
    say(f"\nThese servers hold the same documents: {held}.")
    say(f"The chain has {data['chain']['height']} blocks. All this took {data['seconds']} seconds.")


def _tell_how_to_go_on(stage: Stage, commands: list[str]) -> None:
    say = stage.say
    say(f"\nEverything is kept in {stage.folder}. To go on by hand, start the programs again:\n")
    for command in commands:
        say(f"  {command} &")
    say(f"\nand be any of the three (the passphrase is {PASSPHRASE!r}):\n")
    for person in PEOPLE:
        say(f"  rein --home {stage.folder / person.lower()} status")


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        folder = keep.resolve()
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"{folder} is not empty; the demo would mix with what is there", hint="Name a new folder.")
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    temporary = Path(tempfile.mkdtemp(prefix="rein-demo-"))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if temporary.exists():
            raise DemoError(f"{temporary} could not be removed")


@contextmanager
def _terminated_as_interrupt() -> Iterator[None]:
    """SIGTERM cleans up like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
