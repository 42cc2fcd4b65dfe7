"""What counts as the payment of an escrow (threats S3, S14)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from rein.btc.amounts import Sat
from rein.btc.hashes import sha256
from rein.btc.networks import REGTEST
from rein.chain.agreement import Agreement, NamedSource
from rein.chain.core_rpc import CoreRpc
from rein.chain.esplora import open_esplora
from rein.chain.source import MAX_OUTPUTS
from rein.devnet import faucet
from rein.errors import ChainError
from rein.escrow.payout import Payout, sign_payout
from rein.escrow.terms import EscrowTerms, Terms, offer_amounts, terms_of
from rein.protocol.documents import Bid, Delivery, Job
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import State, fold
from rein.protocol.signed import Signed
from rein.workflows.chain.view import observe
from rein.workflows.money import collect
from rein.workflows.money.completion import PaymentsResult
from rein.workflows.orders.load import find_order
from rein.workflows.session import Session
from tests.support.esplora import esplora_server
from tests.support.money import Spend, agreed, escrow_keys
from tests.support.money_steps import prepare_collection
from tests.support.people import accept, bid, delivery, enroll, job, offer, person
from tests.workflows.conftest import Home

ALICE, BOB, CHARLIE = person("Alice"), person("Bob"), person("Charlie")
ENROLLMENTS = [enroll(ALICE, True), enroll(BOB), enroll(CHARLIE)]


@dataclass(frozen=True)
class Delivered:
    """A job up to its delivery, and its money."""

    job: Signed[Job]
    bid: Signed[Bid]
    documents: list[Signed[object]]
    delivery: Signed[Delivery]
    terms: Terms


def delivered(description: str) -> Delivered:
    """Two of these have the same Job ID, mediator and price, and so the same address for the mediator's fee."""
    posted = job(BOB, ALICE, enrollment=ENROLLMENTS[0], description=description)
    given = bid(CHARLIE, posted)
    amounts = offer_amounts(posted.document, given.document, 7)
    offered = offer(BOB, given, posted, primary_amount=amounts["primary"], mediator_amount=amounts["mediator"])
    handed = delivery(CHARLIE, offered)
    terms = terms_of(fold(posted, [given, offered], Enrollments(ENROLLMENTS)))
    return Delivered(posted, given, [posted, given, offered, handed], handed, terms)


@pytest.fixture
def alice(home: Callable[[str], Home]) -> Session:
    return home("Alice").session


def fund(chain: CoreRpc, *deals: Delivered) -> None:
    for deal in deals:
        faucet.pay(chain, [(terms.escrow.address, terms.amount) for terms in deal.terms.escrows])
    faucet.mine(chain, 1)


def payout_of(chain: CoreRpc, terms: EscrowTerms) -> Payout:
    """The payment of the price out of what is there."""
    (output,) = chain.unspent_outputs([terms.escrow.script])
    return agreed(terms, output.outpoint)


def test_the_payment_of_another_job_does_not_pass_for_this_one(chain: CoreRpc, alice: Session) -> None:
    first, second = delivered("first"), delivered("second, with the Job ID of the first")
    assert first.terms.of("mediator").payout == second.terms.of("mediator").payout
    fund(chain, first, second)
    creator, mediator, _ = escrow_keys(BOB, ALICE, CHARLIE, first.bid)
    payment = payout_of(chain, first.terms.of("mediator"))
    spent = payment.coins[0].outpoint
    chain.broadcast(sign_payout(payment, creator).sign(mediator).finalize())
    faucet.mine(chain, 1)

    terms = second.terms.of("mediator")
    dressed_up = Spend(spent, terms.amount, terms.escrow.witness_script, (terms.payout,)).psbt(creator)
    primary = sign_payout(payout_of(chain, second.terms.of("primary")), creator)
    lie = accept(BOB, second.delivery, primary_psbt=primary.to_base64(), mediator_psbt=str(dressed_up))
    received = [*ENROLLMENTS[1:], *first.documents, *second.documents, lie]
    alice.store.documents.add_received([(signed, "http://x/") for signed in received])  # type: ignore[misc]

    seen = observe(alice, find_order(alice, second.job.id))
    assert seen is not None
    assert seen.payments == {}
    assert seen.funding.of("mediator").complete, "her second fee is still in escrow"
    order = find_order(alice, second.job.id)
    assert (order.state, order.evidence.mediator_paid) == (State.ACCEPTED, False)


def test_dust_that_is_pushed_out_of_sight_is_not_said_to_be_gone(chain: CoreRpc, alice: Session) -> None:
    deal = delivered("dusted")
    alice.store.documents.add_received([(signed, "http://x/") for signed in [*ENROLLMENTS[1:], *deal.documents]])  # type: ignore[misc]
    fund(chain, deal)
    told: list[str] = []
    alice.note = lambda text, **_: told.append(text)
    for amount in (330, 331):
        for terms in deal.terms.escrows:
            faucet.pay(chain, [(terms.escrow.address, Sat(amount))] * (MAX_OUTPUTS + 1))
        faucet.mine(chain, 1)
        seen = observe(alice, find_order(alice, deal.job.id))
        assert seen is not None
        assert seen.funding.of("primary").complete
        assert len(alice.store.escrows.outputs(deal.job.id)) <= 2 * MAX_OUTPUTS
    assert told == []


def test_the_agreed_payment_is_found_on_its_way_and_confirmed(chain: CoreRpc, alice: Session) -> None:
    deal = delivered("honest")
    fund(chain, deal)
    creator, mediator, worker = escrow_keys(BOB, ALICE, CHARLIE, deal.bid)
    psbts = [sign_payout(payout_of(chain, terms), creator) for terms in deal.terms.escrows]
    accepted = accept(BOB, deal.delivery, primary_psbt=psbts[0].to_base64(), mediator_psbt=psbts[1].to_base64())
    received = [*ENROLLMENTS[1:], *deal.documents, accepted]
    alice.store.documents.add_received([(signed, "http://x/") for signed in received])  # type: ignore[misc]
    observe(alice, find_order(alice, deal.job.id))
    assert find_order(alice, deal.job.id).state is State.ACCEPTED
    for psbt, key in zip(psbts, (worker, mediator), strict=True):
        chain.broadcast(psbt.sign(key).finalize())
    observe(alice, find_order(alice, deal.job.id))
    assert find_order(alice, deal.job.id).state is State.ACCEPTED, "on its way is not there"
    done = collect.prepare(alice, find_order(alice, deal.job.id))
    assert isinstance(done, PaymentsResult)
    assert (done.repeated, [each.txid for each in done.sent]) == (True, [psbts[1].transaction.txid])
    assert done.json() | {"payments": []} == {
        "job_id": deal.job.document.job_id,
        "job_document": deal.job.id,
        "sent": True,
        "payments": [],
        "repeated": True,
    }
    assert [each["txid"] for each in done.json()["payments"]] == [psbts[1].transaction.txid]
    (block,) = faucet.mine(chain, 1)
    observe(alice, find_order(alice, deal.job.id))
    assert find_order(alice, deal.job.id).state is State.SETTLED

    chain.call("invalidateblock", block)
    observe(alice, find_order(alice, deal.job.id))
    assert find_order(alice, deal.job.id).state is not State.SETTLED, "a reorg takes the state back"
    chain.call("reconsiderblock", block)
    observe(alice, find_order(alice, deal.job.id))
    assert find_order(alice, deal.job.id).state is State.SETTLED


def test_a_payment_of_another_amount_is_none(chain: CoreRpc, alice: Session) -> None:
    deal = delivered("other amount")
    fund(chain, deal)
    creator, *_ = escrow_keys(BOB, ALICE, CHARLIE, deal.bid)
    terms = deal.terms.of("mediator")
    less = Spend(
        payout_of(chain, terms).coins[0].outpoint,
        terms.amount,
        terms.escrow.witness_script,
        (type(terms.payout)(Sat(terms.price - 1), terms.payout.script),),
    )
    primary = payout_of(chain, deal.terms.of("primary")).psbt.to_base64()
    lie = accept(BOB, deal.delivery, primary_psbt=primary, mediator_psbt=str(less.psbt(creator)))
    received = [*ENROLLMENTS[1:], *deal.documents, lie]
    alice.store.documents.add_received([(signed, "http://x/") for signed in received])  # type: ignore[misc]
    seen = observe(alice, find_order(alice, deal.job.id))
    assert seen is not None
    assert seen.payments == {}


def test_a_second_acceptance_does_not_keep_the_mediator_from_her_fee(chain: CoreRpc, alice: Session) -> None:
    deal = delivered("signed twice")
    fund(chain, deal)
    creator, *_ = escrow_keys(BOB, ALICE, CHARLIE, deal.bid)
    psbts = [sign_payout(payout_of(chain, terms), creator).to_base64() for terms in deal.terms.escrows]
    honest = accept(BOB, deal.delivery, primary_psbt=psbts[0], mediator_psbt=psbts[1])
    junk = accept(BOB, deal.delivery, primary_psbt=psbts[1], mediator_psbt=psbts[0])
    received = [*ENROLLMENTS[1:], *deal.documents, honest, junk]
    alice.store.documents.add_received([(signed, "http://x/") for signed in received])  # type: ignore[misc]
    observe(alice, find_order(alice, deal.job.id))
    order = find_order(alice, deal.job.id)
    assert order.state is State.FROZEN
    assert [each.payout.split.payee for each in prepare_collection(alice, order)] == [deal.terms.of("mediator").price]


def test_funding_is_seen_through_a_server_and_a_node_together(chain: CoreRpc, alice: Session) -> None:
    deal = delivered("seen by two")
    fund(chain, deal)
    alice.store.documents.add_received([(signed, "http://x/") for signed in [*ENROLLMENTS[1:], *deal.documents]])  # type: ignore[misc]
    with connection_to(chain) as own, esplora_server(own) as server:
        esplora = open_esplora(server.url, REGTEST)
        alice.open_chain = lambda: Agreement([NamedSource("node", chain), NamedSource("server", esplora)])
        seen = observe(alice, find_order(alice, deal.job.id))
        assert seen is not None
        assert all(each.complete for each in seen.funding.escrows)
        script = deal.terms.of("primary").escrow.script
        server.lies[f"scripthash/{sha256(script)[::-1].hex()}/utxo"] = []
        with pytest.raises(ChainError, match="server says there is none"):
            observe(alice, find_order(alice, deal.job.id))
        esplora.close()


def connection_to(chain: CoreRpc) -> CoreRpc:
    """Another connection to the same node."""
    return CoreRpc(chain._rpc.endpoint.url, REGTEST, cookie_file=chain._rpc._cookie_file)
