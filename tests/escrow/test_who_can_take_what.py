"""S11: which of the three can move which escrow, judged by Bitcoin Core's consensus engine and by a node's mempool.

Every set of signers is tried on both escrows. What must not be possible: one alone moves anything; job creator and
worker together take the mediator's fee; the mediator alone takes anything.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from rein.btc.address import p2wpkh_script
from rein.btc.amounts import Sat
from rein.btc.networks import REGTEST
from rein.btc.transaction import OutPoint, Transaction, TxOutput, with_witnesses
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from rein.errors import PsbtError, RejectedError
from rein.escrow.funding import match_funding
from rein.escrow.payout import sign_payout
from rein.escrow.terms import EscrowTerms
from tests.support.money import IDS, MALLORY, SOME_TXID, Deal, Spend, agreed, deal, honest

ROLES = ("creator", "mediator", "worker")
SIGNERS = [names for size in range(4) for names in itertools.combinations(ROLES, size)]
ENOUGH = {
    "primary": {names for names in SIGNERS if len(names) >= 2},
    "mediator": {names for names in SIGNERS if "mediator" in names and len(names) >= 2},
}

Judge = Callable[[Transaction, EscrowTerms], bool]


@pytest.fixture
def judge() -> Judge:
    """Does the transaction satisfy the escrow's script, with the amount it holds?"""
    pbk = pytest.importorskip("pbk", reason="py-bitcoinkernel is not installed")
    flags = pbk.ScriptVerificationFlags
    rules = flags.P2SH | flags.DERSIG | flags.NULLDUMMY | flags.CHECKLOCKTIMEVERIFY | flags.CHECKSEQUENCEVERIFY
    rules |= flags.WITNESS

    def satisfied(transaction: Transaction, terms: EscrowTerms) -> bool:
        theirs = pbk.Transaction(transaction.raw)
        return pbk.ScriptPubkey(terms.escrow.script).verify(terms.amount, theirs, None, 0, rules) == 1

    return satisfied


def stacks(told: Deal, spend: Spend, names: tuple[str, ...]) -> list[tuple[bytes, ...]]:
    """Every witness of up to three signatures that these people could write: in any order, with blanks where others
    would sign, and with a stranger's signature."""
    items = [*(spend.signature(told.keys[name]) for name in names), b"", b"", spend.signature(MALLORY)]
    found = {order for size in (1, 2, 3) for order in itertools.permutations(items, size)}
    return [(b"", *order, spend.script) for order in sorted(found)]


@pytest.mark.parametrize("names", SIGNERS, ids="+".join)
@pytest.mark.parametrize("which", IDS)
def test_consensus_lets_just_these_signers_spend(judge: Judge, which: str, names: tuple[str, ...]) -> None:
    told = deal()
    terms = told.terms.of(which)
    loot = TxOutput(Sat(terms.amount - 500), p2wpkh_script(MALLORY.public_key))
    spend = Spend(OutPoint(SOME_TXID, 1), terms.amount, terms.escrow.witness_script, (loot,))
    verdicts = [judge(with_witnesses(spend.transaction, [stack]), terms) for stack in stacks(told, spend, names)]
    assert any(verdicts) == (names in ENOUGH[which])


@pytest.mark.parametrize("names", SIGNERS, ids="+".join)
@pytest.mark.parametrize("which", IDS)
def test_a_psbt_is_finalised_for_just_these_signers(judge: Judge, which: str, names: tuple[str, ...]) -> None:
    told = deal()
    terms = told.terms.of(which)
    psbt = agreed(terms, OutPoint(SOME_TXID, 1)).psbt
    for name in names:
        psbt = psbt.sign(told.keys[name])
    if names in ENOUGH[which]:
        final = psbt.finalize()
        assert judge(final, terms)
        assert final.vsize <= terms.vsize_of(1, [terms.payout])
        assert len(final.witnesses[0]) == 4, "never a third signature"
    else:
        with pytest.raises(PsbtError, match="missing"):
            psbt.finalize()


def test_the_order_of_signing_does_not_matter(judge: Judge) -> None:
    told = deal()
    for terms in told.terms.escrows:
        psbt = agreed(terms, OutPoint(SOME_TXID, 1)).psbt
        for first, second in itertools.permutations([told.creator, told.receiver_key(terms.id)]):
            final = psbt.sign(first).sign(second).finalize()
            assert judge(final, terms)
            assert final == psbt.sign(second).combine(psbt.sign(first)).finalize()


def test_a_payment_made_for_another_amount_is_worth_nothing(judge: Judge) -> None:
    """S27: segwit signatures cover the amount spent; the fee attack on legacy signatures has no hold."""
    told = deal()
    terms = told.terms.of("primary")
    for amount in (terms.amount - 1, terms.amount + 1, 10 * terms.amount):
        spend = Spend(OutPoint(SOME_TXID, 1), Sat(amount), terms.escrow.witness_script, (terms.payout,))
        signatures = [spend.signature(key) for key in (told.creator, told.worker)]
        assert not judge(with_witnesses(spend.transaction, [(b"", *signatures, spend.script)]), terms)


@pytest.fixture(scope="module")
def funded(chain: CoreRpc) -> tuple[Deal, dict[str, OutPoint]]:
    """A deal whose escrows lie on the chain; no test here succeeds in moving them."""
    told = deal(200)
    faucet.pay(chain, told.payments)
    faucet.mine(chain, 1)
    funding = match_funding(told.terms, chain.unspent_outputs([p.escrow.script for p in told.terms.escrows]), REGTEST)
    return told, {terms.terms.id: terms.outputs[0].outpoint for terms in funding.escrows}


THIEVES = {
    "creator-and-worker-take-the-mediators-fee": ("mediator", ("creator", "worker")),
    "creator-alone-takes-the-mediators-fee": ("mediator", ("creator",)),
    "mediator-alone-takes-the-fee": ("mediator", ("mediator",)),
    "mediator-alone-takes-the-price": ("primary", ("mediator",)),
    "worker-alone-takes-the-price": ("primary", ("worker",)),
    "creator-alone-takes-it-back": ("primary", ("creator",)),
}


@pytest.mark.parametrize(("which", "names"), THIEVES.values(), ids=list(THIEVES))
def test_the_network_carries_no_theft(
    chain: CoreRpc, funded: tuple[Deal, dict[str, OutPoint]], which: str, names: tuple[str, ...]
) -> None:
    told, outpoints = funded
    terms = told.terms.of(which)
    before = chain.unspent_outputs([terms.escrow.script])
    loot = TxOutput(Sat(terms.amount - 2_000), p2wpkh_script(MALLORY.public_key))
    spend = Spend(outpoints[which], terms.amount, terms.escrow.witness_script, (loot,))
    for stack in stacks(told, spend, names):
        with pytest.raises(RejectedError):
            chain.broadcast(with_witnesses(spend.transaction, [stack]))
    faucet.mine(chain, 1)
    after = chain.unspent_outputs([terms.escrow.script])
    assert [output.outpoint for output in after] == [output.outpoint for output in before] == [outpoints[which]]
    assert chain.unspent_outputs([loot.script]) == []


@pytest.mark.parametrize("which", IDS)
def test_a_payment_published_by_the_creator_cannot_be_turned(
    chain: CoreRpc, funded: tuple[Deal, dict[str, OutPoint]], which: str
) -> None:
    """C4, C5: the acceptance is public. Nobody gains from the signature in it but the one receiver."""
    told, outpoints = funded
    terms = told.terms.of(which)
    signature = sign_payout(agreed(terms, outpoints[which]), told.creator).partial_signatures(0)[
        told.creator.public_key
    ]
    loot = TxOutput(terms.price, p2wpkh_script(MALLORY.public_key))
    turned = Spend(outpoints[which], terms.amount, terms.escrow.witness_script, (loot,))
    tries = [
        (turned, MALLORY),
        (turned, told.worker),
        (turned, told.mediator),
        (honest(terms, outpoints[which]), MALLORY),
    ]
    for spend, helper in tries:
        for pair in itertools.permutations([signature, spend.signature(helper)]):
            with pytest.raises(RejectedError):
                chain.broadcast(with_witnesses(spend.transaction, [(b"", *pair, spend.script)]))
    assert chain.unspent_output(outpoints[which]) is not None
