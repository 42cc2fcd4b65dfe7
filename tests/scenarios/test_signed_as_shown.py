"""Between the question and the answer the chain and its estimates change. What is signed is what was shown, to the
satoshi and the outpoint, or the command refuses: for every command that signs money, the real one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import pytest

from rein.btc.amounts import Sat, format_btc
from rein.btc.psbt import Psbt
from rein.chain.core_rpc import CoreRpc
from rein.cli.common import Cli
from rein.cli.console.terminal import Terminal
from rein.cli.money.accept import accept
from rein.cli.money.bump import bump
from rein.cli.money.collect import collect
from rein.cli.money.dispute import creatordispute, workerdispute
from rein.cli.money.resolve import acceptresolution, resolve
from rein.cli.money.settle import agree, refund, settle
from rein.devnet import faucet
from rein.errors import EscrowError
from rein.protocol.orders import State
from tests.scenarios.blocks import Wallet, branch
from tests.scenarios.stage import FEE, PRICE, Actor, Play
from tests.scenarios.test_reorg import fund_from


class Watched(Terminal):
    """A person who reads, and answers yes after something has happened."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__()
        self.then = then
        self.lines: list[str] = []
        self.questions: list[str] = []
        self.told: dict[str, Any] = {}

    def say(self, text: str = "", *, exact: bool = False) -> None:
        self.lines.append(text)

    def note(self, text: str, *, vital: bool = False) -> None:
        self.lines.append(text)

    def result(self, data: dict[str, Any]) -> None:
        self.told = data

    def confirm(self, question: str) -> None:
        self.questions.append(question)
        self.then()

    @property
    def pays(self) -> list[str]:
        """The lines that say what a payment gives to whom, and to the miner."""
        return sorted(line.strip() for line in self.lines if line.strip().startswith(("pays ", "leaves ")))


class Estimating:
    """The chain, with an estimate of its own."""

    def __init__(self, chain: CoreRpc, rate: int) -> None:
        self.chain, self.rate = chain, rate

    def feerate(self, target_blocks: int = 6) -> int:
        return self.rate

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chain, name)


def run(play: Play, who: Actor, command: click.Command, *words: str, then: Callable[[], object]) -> Watched:
    """A command as somebody runs it at their session."""
    cli, terminal = Cli(), Watched(then)
    vars(cli).update(session=who.session, terminal=terminal)
    command.main(["--jobid", play.name, *words], obj=cli, standalone_mode=False)
    return terminal


def everything_changes(play: Play, who: Actor) -> Callable[[], None]:
    """The estimate soars, and both escrows get more, in a block."""
    estimate = Estimating(play.chain, 3)
    vars(who.session)["chain"] = estimate

    def change() -> None:
        estimate.rate = 60
        faucet.pay(play.chain, [(terms.escrow.address, Sat(500_000)) for terms in play.terms.escrows])
        play.mine()

    return change


def shown_and_signed(play: Play, terminal: Watched, who: Actor) -> None:
    """Every line is in the payments that were signed, and they hold nothing else."""
    documents = {each.id: each.document for each in who.session.store.orders.documents([play.job.id])}
    document = documents[terminal.told["document_id"]]
    texts = [getattr(document, name, None) for name in ("primary_psbt", "mediator_psbt")]
    signed = [Psbt.parse(text) for text in texts if text]
    assert signed
    amounts = [*(each.amount for psbt in signed for each in psbt.outputs), *(psbt.fee for psbt in signed)]
    told = [line.split(" sat)")[0].split("(")[1] for line in terminal.pays]
    assert sorted(told) == sorted(f"{each:,}" for each in amounts)
    for psbt in signed:
        total = format_btc(Sat(sum(each.amount for each in psbt.inputs)))
        assert any(f"spends {total} BTC" in line for line in terminal.lines)
        assert psbt.fee / psbt.transaction.vsize < 10, "at the estimate of then"


STEPS: dict[str, tuple[Callable[[Play], Actor], click.Command, tuple[str, ...]]] = {
    "accept": (lambda play: play.creator, accept, ()),
    "creatordispute": (lambda play: play.creator, creatordispute, ("--detail", "Silent.")),
    "workerdispute": (lambda play: play.worker, workerdispute, ("--detail", "No answer.")),
    "settle": (lambda play: play.worker, settle, ("--worker", "0.01", "--terms", "A part.")),
    "refund": (lambda play: play.worker, refund, ("--reason", "I cannot.")),
}


@pytest.mark.parametrize("step", STEPS)
def test_what_is_signed_is_what_was_shown(play: Play, step: str) -> None:
    actor, command, words = STEPS[step]
    play.delivered()
    who = actor(play)
    terminal = run(play, who, command, *words, then=everything_changes(play, who))
    assert len(terminal.questions) == 1
    shown_and_signed(play, terminal, who)


def test_what_a_mediator_decides_is_what_was_shown(play: Play) -> None:
    play.disputed()
    who = play.mediator
    words = ("--worker", "0.01", "--resolution", "So be it.")
    terminal = run(play, who, resolve, *words, then=everything_changes(play, who))
    shown_and_signed(play, terminal, who)


@pytest.mark.parametrize("step", STEPS)
def test_coins_that_leave_the_chain_meanwhile_are_refused(play: Play, step: str) -> None:
    actor, command, words = STEPS[step]
    play.agree_on()
    wallet = Wallet(play.chain, Sat(4_000_000))
    fund_from(play, wallet)
    play.deliver()
    who = actor(play)
    before = who.session.store.documents.own_ids("regtest", who.session.address)
    with pytest.raises(EscrowError, match=r"does not show .* any more; nothing was signed"):
        run(play, who, command, *words, then=lambda: branch(play.chain, wallet.sign()))
    assert who.session.store.documents.own_ids("regtest", who.session.address) == before


def test_a_payment_that_was_made_meanwhile_is_not_signed_against(play: Play) -> None:
    """In another window the creator agrees to what the worker proposed; blocks still show the coins."""
    play.delivered()
    proposal = play.settle(play.worker, 900_000)
    with pytest.raises(EscrowError, match="meanwhile the primary escrow was paid out"):
        run(play, play.creator, accept, then=lambda: play.agree(play.creator, proposal))
    assert not play.seen_by(play.creator).acceptances


@pytest.mark.parametrize(("name", "command"), [("Bob", agree), ("Charlie", acceptresolution), ("Charlie", collect)])
def test_what_somebody_else_signed_is_completed_as_shown_or_not(play: Play, name: str, command: click.Command) -> None:
    play.agree_on()
    wallet = Wallet(play.chain, Sat(4_000_000))
    fund_from(play, wallet)
    play.deliver()
    play.settle(play.worker, 900_000)
    play.dispute(play.worker)
    play.resolve(PRICE)
    play.accept()
    who = next(each for each in play.everybody if each.name == name)
    with pytest.raises(EscrowError, match=r"does not show .* any more; nothing was signed"):
        run(play, who, command, then=lambda: branch(play.chain, wallet.sign()))
    assert who.session.store.escrows.payments(play.offer.id) == {}


def test_a_child_is_sent_as_shown(play: Play) -> None:
    play.accepted()
    play.collect(play.worker)
    terminal = run(play, play.worker, bump, "--feerate", "40", then=everything_changes(play, play.worker))
    assert any(f"less {terminal.told['fee_sat']:,} sat" in line for line in terminal.lines)
    child = play.chain.transaction(terminal.told["txid"])
    assert child is not None
    assert child.outputs[0].amount == terminal.told["amount_sat"]


def test_a_dispute_that_cannot_carry_the_fee_goes_without_it_and_says_so(play: Play) -> None:
    """The mediator's escrow holds too little for any payment of the fee; nobody is kept from complaining."""
    play.agree_on()
    play.fund(mediator=20_000)
    terminal = run(play, play.worker, workerdispute, "--detail", "You paid too little.", then=lambda: None)
    assert terminal.pays == []
    assert any("fee is not signed with it" in line and "holds 20000 sat" in line for line in terminal.lines)
    assert play.seen_by(play.worker).disputes[0].document.mediator_psbt is None


def test_a_second_replacement_changes_the_fee_and_nothing_else(play: Play) -> None:
    """What the first left to the miner is not the creator's by the second."""
    play.accepted()
    (waiting,) = play.collect(play.worker)
    backs, fees = [waiting.back], [waiting.fee]
    for rate in (40, 60):
        terminal = run(play, play.worker, bump, "--replace", "--feerate", str(rate), then=lambda: None)
        proposal = next(
            each for each in play.seen_by(play.worker).settlements if each.id == terminal.told["document_id"]
        )
        play.tell(proposal, play.worker)
        (made,) = [each for each in play.agree(play.creator, proposal) if each.escrow_id == "primary"]
        backs.append(made.back)
        fees.append(made.fee)
        assert made.amount == PRICE - (made.fee - waiting.fee)
        assert proposal.document.creator_amount == 0
    assert len(set(backs)) == 1
    assert fees == sorted(set(fees))
    play.collect(play.mediator)
    play.mine()
    assert play.state is State.SETTLED


def test_no_estimate_keeps_anybody_from_complaining_or_from_being_paid(play: Play) -> None:
    """A source that says too much, or lies, is held to what a payment may leave at most."""
    play.delivered()
    for who in play.everybody:
        vars(who.session)["chain"] = Estimating(play.chain, 4_000)
    play.dispute(play.worker)
    play.resolve(PRICE)
    play.accept()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
