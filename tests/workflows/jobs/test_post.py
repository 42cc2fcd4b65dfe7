"""`rein post` warns whoever tries things out on mainnet (python-rein did so since its issue #30)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rein.btc.amounts import Sat
from rein.btc.networks import MAINNET, REGTEST, TESTNET4, Network
from rein.cli.common import Cli
from rein.cli.console.terminal import Terminal
from rein.cli.jobs.post import ask_about_tests
from rein.errors import InputError
from rein.protocol.values import Budget
from rein.workflows.jobs.post import JobDraft, check_deadline, commit, find_mediator, prepare
from rein.workflows.orders.load import find_order
from tests.support.people import enroll, person
from tests.workflows.conftest import Home, Sit


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


def test_a_budget_and_a_deadline_are_signed_and_a_day_that_is_past_is_not(home: Callable[[str], Home]) -> None:
    bob = home("Bob")
    bob.learn(enroll(person("Alice"), mediator=True))
    draft = JobDraft(
        "Song", "x", ("music",), 14, find_mediator(bob.session, "Alice"), Budget(None, Sat(5)), "2999-12-24"
    )
    signed = commit(bob.session, prepare(bob.session, draft)).signed
    assert (signed.document.budget_max, signed.document.deadline) == (5, "2999-12-24")
    found = find_order(bob.session, signed.id).job.document
    assert (found.budget_min, found.budget_max, found.deadline) == (None, 5, "2999-12-24")
    with pytest.raises(InputError, match="the deadline 2009-01-03 is past"):
        prepare(bob.session, replace(draft, deadline="2009-01-03"))
    with pytest.raises(InputError, match="the deadline 2009-01-03 is past"):
        check_deadline(bob.session, "2009-01-03")
    assert [check_deadline(bob.session, day) for day in (None, "2999-12-24")] == [None, "2999-12-24"]


@pytest.mark.parametrize("answer", [True, False])
def test_a_person_is_asked(sit: Sit, monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    monkeypatch.setattr(Terminal, "interactive", property(lambda _: True))
    monkeypatch.setattr(Terminal, "agrees", lambda *_: answer)
    if answer:
        ask_about_tests(at(sit, MAINNET), "test")
    else:
        with pytest.raises(InputError, match="you said no"):
            ask_about_tests(at(sit, MAINNET), "test")
