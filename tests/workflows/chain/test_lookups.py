"""What a party can make others ask the chain source, by any number of payments that are signed and never made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from rein.btc.amounts import Sat
from rein.btc.hashes import sha256
from rein.btc.psbt import Psbt, PsbtInput
from rein.btc.transaction import OutPoint, TxOutput
from rein.chain.core_rpc import CoreRpc
from rein.chain.source import ChainSource
from rein.devnet import faucet
from rein.escrow.payout import Coin, Split, build_payout, sign_payout
from rein.escrow.terms import Terms, offer_amounts, terms_of
from rein.protocol.documents import Bid, Job, Offer, Settlement
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import fold
from rein.protocol.signed import Signed
from rein.workflows.chain.lookups import MOST_TRIED
from rein.workflows.chain.view import ChainView, observe
from rein.workflows.orders.load import find_order
from tests.support.money import MALLORY, escrow_keys
from tests.support.people import bid, enroll, job, offer, person, settlement
from tests.workflows.conftest import Home

ALICE, BOB, CHARLIE = person("Alice"), person("Bob"), person("Charlie")
ENROLLMENTS = [enroll(ALICE, True), enroll(BOB), enroll(CHARLIE)]


@dataclass
class Counting:
    """A chain source, and how often it was asked for what."""

    source: CoreRpc
    asked: Counter[str] = field(default_factory=Counter)

    def __getattr__(self, name: str) -> Any:
        if name in ("unspent_output", "find_transaction", "tip", "block_at"):
            self.asked[name] += 1
        return getattr(self.source, name)

    @property
    def look_ups(self) -> int:
        return self.asked["unspent_output"] + self.asked["find_transaction"]


@dataclass(frozen=True)
class Given:
    """A job given to Charlie, and paid in."""

    job: Signed[Job]
    bid: Signed[Bid]
    offer: Signed[Offer]
    terms: Terms
    coins: dict[str, Coin]

    @property
    def documents(self) -> tuple[Signed[Any], ...]:
        return (*ENROLLMENTS, self.job, self.bid, self.offer)


@pytest.fixture
def given(chain: CoreRpc) -> Given:
    posted = job(BOB, ALICE, enrollment=ENROLLMENTS[0], description=sha256(str(chain.tip()).encode()).hex())
    placed = bid(CHARLIE, posted)
    amounts = offer_amounts(posted.document, placed.document, 7)
    offered = offer(BOB, placed, posted, primary_amount=amounts["primary"], mediator_amount=amounts["mediator"])
    terms = terms_of(fold(posted, [placed, offered], Enrollments(ENROLLMENTS)))
    faucet.pay(chain, [(escrow.escrow.address, escrow.amount) for escrow in terms.escrows])
    faucet.mine(chain, 1)
    coins = {}
    for escrow in terms.escrows:
        (output,) = chain.unspent_outputs([escrow.escrow.script])
        coins[escrow.id] = Coin(output.outpoint, output.amount)
    return Given(posted, placed, offered, terms, coins)


def settled(given: Given, worker: int, *, by: Any = None) -> Signed[Settlement]:
    """Bob's proposal that gives Charlie so much, as Rein makes it."""
    split = Split(Sat(worker), Sat(given.bid.document.amount - worker))
    primary = build_payout(
        given.terms.of("primary"), [given.coins["primary"]], split, given.terms.of("primary").miner_fee
    )
    key = by or escrow_keys(BOB, ALICE, CHARLIE, given.bid)[0]
    psbt = sign_payout(primary, key) if by is None else primary.psbt
    return settlement(
        BOB, given.offer, worker_amount=split.payee, creator_amount=split.payer, primary_psbt=psbt.to_base64()
    )


def out_of_thin_air(given: Given, number: int) -> Signed[Settlement]:
    """Bob's proposal to spend eight outputs that never were, well signed."""
    terms, key = given.terms.of("primary"), escrow_keys(BOB, ALICE, CHARLIE, given.bid)[0]
    made_up = [
        PsbtInput(OutPoint(sha256(f"{number} {each}".encode()).hex(), each), terms.amount, terms.escrow.witness_script)
        for each in range(8)
    ]
    psbt = Psbt.create(made_up, [TxOutput(terms.price, terms.payee.script)]).sign(key)
    return settlement(
        BOB, given.offer, primary_psbt=psbt.to_base64(), block_height=given.offer.document.block_height + number
    )


def look(home: Home, given: Given) -> tuple[ChainView, Counting]:
    counting = Counting(cast(CoreRpc, home.session.open_chain()))
    while isinstance(counting.source, Counting):
        counting = Counting(counting.source.source)
    home.session.__dict__["chain"] = cast(ChainSource, counting)
    seen = observe(home.session, find_order(home.session, given.job.id))
    assert seen is not None
    return seen, counting


def test_bogus_settlements_cost_a_bounded_number_of_look_ups(given: Given, home: Callable[[str], Home]) -> None:
    alice = home("Alice")
    alice.learn(*given.documents)
    _, honest = look(alice, given)
    alice.learn(*(out_of_thin_air(given, number) for number in range(60)))
    seen, counting = look(alice, given)
    assert len(seen.proposals) > 60
    assert counting.look_ups <= honest.look_ups + MOST_TRIED


def test_what_the_escrow_key_has_not_signed_is_not_looked_up(given: Given, home: Callable[[str], Home]) -> None:
    alice = home("Alice")
    alice.learn(*given.documents)
    _, honest = look(alice, given)
    alice.learn(*(settled(given, 100_000 + number, by=MALLORY) for number in range(10)))
    _, counting = look(alice, given)
    assert counting.look_ups == honest.look_ups


def test_a_payment_among_any_number_of_others_is_found_and_not_lost(
    given: Given, home: Callable[[str], Home], chain: CoreRpc
) -> None:
    """Bob signs what Charlie completes, and a hundred others to hide it: everybody finds it, and then keeps it."""
    true = settled(given, 200_000)
    worker = escrow_keys(BOB, ALICE, CHARLIE, given.bid)[2]
    chain.broadcast(Psbt.parse(true.document.primary_psbt).sign(worker).finalize())
    faucet.mine(chain, 1)
    hiding = [settled(given, 300_000 + number) for number in range(100)]
    homes = [home(name) for name in ("Alice", "Bob")]
    for each in homes:
        each.learn(*given.documents, true, *hiding)
    for _ in range(60):
        found = [look(each, given) for each in homes]
        payments = [seen.payments.get("primary") for seen, _ in found]
        assert payments[0] == payments[1], "the same block, and so the same choice"
        assert all(counting.look_ups <= 3 * MOST_TRIED for _, counting in found)
        if payments[0] is not None:
            break
        faucet.mine(chain, 1)
    assert payments[0] is not None
    assert payments[0].document_id == true.id
    for _ in range(5):
        faucet.mine(chain, 1)
        seen, counting = look(homes[0], given)
        assert seen.payments["primary"].document_id == true.id
        assert counting.look_ups <= 8, "what it spends is spent: the others are not asked for"
