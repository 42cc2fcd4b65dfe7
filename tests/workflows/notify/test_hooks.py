"""Hooks by themselves: what a command is given and kept from, the desktop, and the proxy."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rein.errors import InputError
from rein.workflows.notify import hooks
from rein.workflows.notify.hooks import Command, Desktop, Webhook

EVENT: dict[str, Any] = {
    "id": "bid:ab",
    "type": "bid",
    "job_id": "a" * 20,
    "job_name": "--icon=/etc/passwd $(id)",
    "txid": None,
}
BODY = json.dumps(EVENT)


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_command_gets_the_event_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REIN_PASSPHRASE", "correct horse")
    monkeypatch.setenv("REIN_CHAIN", "http://bob:battery-staple@127.0.0.1:8332")
    keep = program(tmp_path, "keep", f"cat > {tmp_path}/in; env > {tmp_path}/env; echo $# > {tmp_path}/count")
    assert Command(f"{keep} 'one word; true'").notify(EVENT, BODY) is None
    assert (tmp_path / "in").read_text() == BODY
    assert (tmp_path / "count").read_text() == "1\n"
    variables = (tmp_path / "env").read_text()
    assert "REIN_EVENT_TYPE=bid\n" in variables
    assert "correct horse" not in variables
    assert "staple" not in variables
    assert "passwd" not in variables
    assert "TXID" not in variables


def test_a_command_that_hangs_or_is_gone_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "COMMAND_SECONDS", 0.2)
    slow = program(tmp_path, "slow", "exec sleep 30")
    assert "takes longer" in str(Command(str(slow)).notify(EVENT, BODY))
    gone = Command(str(slow))
    slow.unlink()
    assert "cannot be run" in str(gone.notify(EVENT, BODY))
    deaf = program(tmp_path, "deaf", "exit 0")
    assert Command(str(deaf)).notify(EVENT, "x" * 1_000_000) is None, "it need not read its input"


def test_the_desktop_shows_none_of_a_strangers_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REIN_PASSPHRASE", "correct horse")
    program(tmp_path, "notify-send", f'printf "%s\\n" "$@" > {tmp_path}/said; env > {tmp_path}/env')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert Desktop().notify(EVENT, BODY) is None
    assert (tmp_path / "said").read_text() == f"--app-name=rein\nRein\nbid in the job {'a' * 20}\n"
    assert "correct horse" not in (tmp_path / "env").read_text()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="notify-send"):
        Desktop()


def test_a_webhook_goes_through_the_proxy_or_nowhere() -> None:
    hook = Webhook("http://hook.invalid/x", "socks5h://127.0.0.1:1")
    assert "cannot be reached" in str(hook.notify(EVENT, BODY))
