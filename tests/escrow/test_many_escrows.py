"""A contract is a sequence of escrows: what counts them, asks by kind or keeps them by id works with any number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rein.btc.amounts import Sat
from rein.btc.networks import REGTEST
from rein.btc.transaction import OutPoint
from rein.chain.source import Output
from rein.errors import EscrowError
from rein.escrow.contract import EscrowKind
from rein.escrow.funding import Verdict, match_funding
from rein.escrow.terms import Terms
from rein.store.store import Store
from rein.store.tables.escrows import EscrowOutput, Payment
from tests.support.money import deal


def milestones() -> Terms:
    """The escrows of a job that pays in two parts: a second price escrow, of other keys."""
    first, fee = deal().terms.escrows
    second = deal(1).terms.of("primary")
    return Terms((first, replace(second, escrow=replace(second.escrow, id="milestone-2")), fee))


TERMS = milestones()
FULL = [
    Output(OutPoint(f"{number:064x}", 0), each.amount, each.escrow.script, 100, 6)
    for number, each in enumerate(TERMS.escrows)
]


def test_escrows_are_found_by_id_and_by_kind() -> None:
    assert TERMS.ids == ("primary", "milestone-2", "mediator")
    assert TERMS.of("milestone-2") is TERMS.escrows[1]
    assert TERMS.of_kind(EscrowKind.PRICE) == TERMS.escrows[:2]
    assert TERMS.only(EscrowKind.FEE) is TERMS.escrows[2]


def test_an_escrow_that_is_not_there_or_not_the_only_one_is_refused() -> None:
    with pytest.raises(EscrowError, match="no escrow 'milestone-3'"):
        TERMS.of("milestone-3")
    with pytest.raises(EscrowError, match="2 escrows of its price, where one is expected"):
        TERMS.only(EscrowKind.PRICE)
    with pytest.raises(EscrowError, match="0 escrows of its fee"):
        Terms(TERMS.escrows[:2]).only(EscrowKind.FEE)


@pytest.mark.parametrize("left_out", range(3))
def test_a_job_is_funded_when_every_escrow_is(left_out: int) -> None:
    assert match_funding(TERMS, FULL, REGTEST).complete
    funding = match_funding(TERMS, [each for each in FULL if each is not FULL[left_out]], REGTEST)
    assert not funding.complete
    assert [each.id for each in funding.escrows if each.ask is not None] == [TERMS.ids[left_out]]


def test_a_paid_escrow_is_told_from_the_others() -> None:
    funding = match_funding(TERMS, FULL, REGTEST, paid=["milestone-2"])
    assert [each.verdict for each in funding.escrows] == [Verdict.COMPLETE, Verdict.PAID, Verdict.COMPLETE]
    assert str(funding.of("milestone-2")).startswith("milestone-2 escrow: paid out")


def test_a_home_keeps_outputs_and_payments_of_any_escrow(tmp_path: Path) -> None:
    store, contract_id = Store(tmp_path / "home" / "rein.db"), deal().offer.id
    outputs = [
        EscrowOutput(contract_id, escrow_id, output.outpoint, output.amount, 100, 6)
        for escrow_id, output in zip(TERMS.ids, FULL, strict=True)
    ]
    payments = [
        Payment(contract_id, escrow_id, "11" * 32, Sat(5), Sat(0), Sat(9), 101, 5, "acceptance", contract_id)
        for escrow_id in TERMS.ids
    ]
    store.escrows.observe(contract_id, outputs, payments)
    assert store.escrows.outputs(contract_id) == outputs
    assert store.escrows.payments(contract_id) == {each.escrow_id: each for each in payments}
