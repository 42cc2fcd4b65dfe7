"""What the commands of money say and take beside signing: repeated, with parts of a price, with rates between whole
numbers, and with the role inferred."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import click
import pytest

from rein.btc.amounts import format_btc, parse_btc
from rein.btc.psbt import Psbt
from rein.cli.common import Cli
from rein.cli.money.accept import accept
from rein.cli.money.award import award_prompt, read_award
from rein.cli.money.collect import collect
from rein.cli.money.dispute import dispute
from rein.cli.money.fund import fund
from rein.cli.money.resolve import resolve
from rein.cli.money.settle import agree, refund, settle
from rein.errors import InputError, NotFoundError, OrderError
from rein.protocol.documents import DisputeDelivery, DisputeOffer
from rein.protocol.orders import State
from rein.store.tables.servers import Placement
from tests.scenarios.stage import FEE, PRICE, Actor, Play
from tests.scenarios.test_signed_as_shown import Watched


def run(play: Play, who: Actor, command: click.Command, *words: str, job: str | None = None) -> Watched:
    """A command as somebody runs it, who answers yes, and picks the last of what they are offered."""
    cli, terminal = Cli(), Picking()
    vars(cli).update(session=who.session, terminal=terminal)
    command.main(["--jobid", job or play.name, *words], obj=cli, standalone_mode=False)
    return terminal


class Picking(Watched):
    """`offered`: what there was to choose from."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.offered: list[str] = []

    def choose(self, noun: str, options: Sequence[str], flag: str) -> int:
        self.offered = list(options)
        return len(options) - 1


def test_accepting_again_shows_what_was_signed_and_signs_nothing(play: Play) -> None:
    play.delivered()
    first = run(play, play.creator, accept)
    before = play.creator.session.store.documents.own_ids("regtest", play.creator.session.address)
    again = run(play, play.creator, accept)
    assert again.questions == []
    assert "Already done: you have accepted the delivery." in again.lines
    assert again.told == first.told | {"repeated": True}
    assert play.creator.session.store.documents.own_ids("regtest", play.creator.session.address) == before


def test_a_job_that_is_not_there_yet_is_told_with_what_the_others_wait_for(play: Play) -> None:
    play.funded()
    cli = Cli()
    vars(cli).update(session=play.creator.session, terminal=Picking())
    with pytest.raises(NotFoundError, match=f"no job to accept now; {play.job.document.job_id}: wait for"):
        accept.main([], obj=cli, standalone_mode=False)


def test_accepting_does_not_print_its_payments_as_text(play: Play) -> None:
    play.delivered()
    terminal = run(play, play.creator, accept)
    assert not any("cHNidP" in line or "BEGIN BITCOIN SIGNED MESSAGE" in line for line in terminal.lines)
    assert "cHNidP" in terminal.told["document"], "programs are given all of it"


@pytest.mark.parametrize("name", ["worker", "mediator"])
def test_collecting_again_tells_where_it_was_sent_and_sends_nothing(play: Play, name: str) -> None:
    play.accepted()
    who: Actor = getattr(play, name)
    first = run(play, who, collect)
    for _ in range(2):  # while it waits for a block, and afterwards
        again = run(play, who, collect)
        assert (again.questions, again.told) == ([], first.told | {"repeated": True})
        play.mine()
    play.collect(play.mediator if who is play.worker else play.worker)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_a_dispute_is_opened_as_whoever_one_is(play: Play) -> None:
    play.delivered()
    run(play, play.worker, dispute, "--detail", "No answer.")
    run(play, play.creator, dispute, "--detail", "It is silent.")
    assert [type(each.document) for each in play.seen_by(play.worker).disputes] == [DisputeOffer]
    assert [type(each.document) for each in play.seen_by(play.creator).disputes] == [DisputeDelivery]
    with pytest.raises(OrderError, match="you are not the creator or the worker"):
        run(play, play.mediator, dispute, "--detail", "I too.")


@pytest.mark.parametrize(
    ("said", "part"), [("50%", PRICE // 2), ("33.33%", PRICE * 3_333 // 10_000), ("all", PRICE), ("Nothing", 0)]
)
def test_a_mediator_awards_a_part_of_the_price(play: Play, said: str, part: int) -> None:
    play.disputed()
    told = run(play, play.mediator, resolve, "--worker", said, "--resolution", "So be it.")
    decision = play.seen_by(play.mediator).resolutions[0]
    assert decision.id == told.told["document_id"]
    assert (decision.document.worker_amount, decision.document.creator_amount) == (part, PRICE - part)


def test_what_is_awarded_is_asked_of_how_much_and_held_against_it(play: Play) -> None:
    play.disputed()
    order, cli = play.seen_by(play.mediator), Cli()
    vars(cli).update(session=play.mediator.session, terminal=Picking())
    assert award_prompt(order).startswith(f"Of {format_btc(PRICE)} BTC (1,500,000 sat), the worker gets")
    for wrong in ("101%", "0.0151", "half", "50 % of it"):
        with pytest.raises(InputError):
            read_award(cli, order, wrong)
    assert read_award(cli, order, " 100 % ") == PRICE


def test_a_rate_between_whole_numbers_is_paid_to_the_satoshi(play: Play) -> None:
    """To the least whole satoshi that reaches it."""
    play.delivered()
    told = run(play, play.worker, settle, "--worker", "50%", "--terms", "Half.", "--feerate", "1.5")
    document = next(each for each in play.seen_by(play.worker).settlements if each.id == told.told["document_id"])
    psbt = Psbt.parse(document.document.primary_psbt)
    vsize = play.terms.of("primary").vsize_of(len(psbt.inputs), psbt.outputs)
    assert psbt.fee == ceil(Fraction(3, 2) * vsize)
    play.tell(document, play.worker)
    play.agree(play.creator, document)
    play.mine()


def test_refunds_to_choose_from_say_how_much_goes_back(play: Play) -> None:
    play.funded()
    for rate in (2, 30):
        told = run(play, play.worker, refund, "--reason", f"At {rate}.", "--feerate", str(rate))
        order = play.seen_by(play.worker)
        play.tell(next(each for each in order.refunds if each.id == told.told["document_id"]), play.worker)
    terminal = run(play, play.creator, agree, "--dry-run")
    parts = [line.split(": ") for line in terminal.offered]
    assert all(amount.endswith(" BTC back to the creator") for _, amount, _ in parts)
    back = {reason: parse_btc(amount.split()[0]) for _, amount, reason in parts}
    assert PRICE <= back["At 30."] < back["At 2."] < PRICE + sum(each.miner_fee for each in play.terms.escrows)


def test_what_is_to_be_paid_at_once_is_given_line_by_line(play: Play) -> None:
    play.agree_on()
    placement = Placement(play.offer.id, "http://causeway.example/", "K", proved=True)
    play.creator.session.store.servers.set_placements([placement])
    terminal = run(play, play.creator, fund, "--no-wait", "--pay-to-many")
    wanted = [f"{each.escrow.address},{format_btc(each.amount)}" for each in play.terms.escrows]
    assert [line for line in terminal.lines if line in wanted] == wanted
    addresses = [each["address"] for each in terminal.told["escrows"]]
    assert [line for line in terminal.lines if line in addresses] == addresses, (
        "each on a line of its own, to be copied"
    )
    assert not any(line in wanted for line in run(play, play.creator, fund, "--no-wait").lines)
