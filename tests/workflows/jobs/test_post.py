"""`rein post` warns whoever tries things out on mainnet (python-rein did so since its issue #30)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rein.btc.networks import MAINNET, REGTEST, TESTNET4, Network
from rein.cli.common import Cli
from rein.cli.jobs.post import ask_about_tests
from rein.cli.toolkit.terminal import Terminal
from rein.errors import InputError
from tests.workflows.conftest import Sit


def at(sit: Sit, network: Network) -> Cli:
    cli = Cli()
    vars(cli)["session"] = replace(sit(), network=network)
    return cli


@pytest.mark.parametrize(
    ("network", "text", "warned"),
    [
        (MAINNET, "A Test job", True),
        (MAINNET, "x\njust testing", True),
        (MAINNET, "A theme song", False),
        (TESTNET4, "A test job", False),
        (REGTEST, "A test job", False),
    ],
)
def test_a_test_on_mainnet_is_warned_of(
    sit: Sit, capsys: pytest.CaptureFixture[str], network: Network, text: str, warned: bool
) -> None:
    ask_about_tests(at(sit, network), text)
    assert ("rein testnet true" in capsys.readouterr().err) is warned


@pytest.mark.parametrize("answer", [True, False])
def test_a_person_is_asked(sit: Sit, monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    monkeypatch.setattr(Terminal, "interactive", property(lambda _: True))
    monkeypatch.setattr(Terminal, "agrees", lambda *_: answer)
    if answer:
        ask_about_tests(at(sit, MAINNET), "test")
    else:
        with pytest.raises(InputError, match="you said no"):
            ask_about_tests(at(sit, MAINNET), "test")
