"""Every ending but the happy one: who gets what, to the satoshi, on the chain."""

from __future__ import annotations

from typing import Any

from rein.btc.transaction import OutPoint
from rein.chain.core_rpc import CoreRpc
from tests.story.conftest import Agreed, Person, Trio, agree, deliver, fund

PRICE, FEE = 1_500_000, 15_000


def mine(trio: Trio) -> None:
    """A block, and everybody looks."""
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()


def publish(person: Person, *words: str) -> dict[str, Any]:
    done = person.rein(*words)
    person.rein("sync")
    return done


def ending(trio: Trio, agreed: Agreed, state: str, chain: CoreRpc) -> dict[str, dict[str, Any]]:
    """The payments by purse, seen the same by everybody, with the books balanced on the chain."""
    stories = [person.rein("status", "--jobid", agreed.job_id) for person in trio.everybody]
    assert [story["state"] for story in stories] == [state] * 3
    payments: dict[str, dict[str, Any]] = {}
    for escrow in stories[0]["escrows"]:
        payment = escrow["payment"]
        held = sum(output["amount_sat"] for output in escrow["outputs"] if output["spent"])
        assert held == payment["amount_sat"] + payment["back_sat"] + payment["fee_sat"]
        made = [chain.unspent_output(OutPoint(payment["txid"], index)) for index in (0, 1)]
        assert sum(output.amount for output in made if output) == payment["amount_sat"] + payment["back_sat"]
        assert [story["escrows"][len(payments)]["payment"] for story in stories] == [payment] * 3
        payments[escrow["purse"]] = payment
    return payments


def test_a_dispute_is_split_and_everybody_is_paid(trio: Trio, chain: CoreRpc) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    publish(trio.bob, "creatordispute", "--jobid", agreed.job_id, "--detail", "It is silent.")
    publish(trio.charlie, "workerdispute", "--jobid", agreed.job_id, "--detail", "It is not.")
    publish(trio.alice, "resolve", "--jobid", agreed.job_id, "--worker", "0.01", "--resolution", "Two thirds.")
    assert trio.charlie.rein("status", "--jobid", agreed.job_id)["state"] == "resolved"
    publish(trio.charlie, "acceptresolution", "--jobid", agreed.job_id)
    mine(trio)
    paid = ending(trio, agreed, "settled", chain)
    assert paid["primary"]["amount_sat"] == 1_000_000
    assert paid["primary"]["back_sat"] >= 500_000
    assert (paid["mediator"]["amount_sat"], paid["mediator"]["ending"]) == (FEE, "resolution")


def test_the_mediator_may_award_everything_to_either(trio: Trio, chain: CoreRpc) -> None:
    for award, worker in (("all", PRICE), ("nothing", 0)):
        agreed = agree(trio)
        fund(trio, agreed)
        publish(trio.bob, "creatordispute", "--jobid", agreed.job_id, "--detail", "Nothing came.")
        publish(trio.alice, "resolve", "--jobid", agreed.job_id, "--worker", award, "--resolution", "So.")
        publish(trio.bob, "acceptresolution", "--jobid", agreed.job_id)
        mine(trio)
        paid = ending(trio, agreed, "settled", chain)
        assert paid["primary"]["amount_sat"] == worker
        assert paid["mediator"]["amount_sat"] == FEE


def test_a_settlement_needs_no_mediator_but_pays_her(trio: Trio, chain: CoreRpc) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    publish(trio.charlie, "settle", "--jobid", agreed.job_id, "--worker", "0.012", "--terms", "I lost a day.")
    trio.bob.rein("agree", "--jobid", agreed.job_id)
    mine(trio)
    trio.alice.rein("collect", "--jobid", agreed.job_id)
    mine(trio)
    paid = ending(trio, agreed, "settled", chain)
    assert paid["primary"]["amount_sat"] == 1_200_000
    assert paid["primary"]["back_sat"] >= 300_000
    assert paid["mediator"]["amount_sat"] == FEE


def test_a_refund_gives_the_creator_everything_but_the_fees(trio: Trio, chain: CoreRpc) -> None:
    for gives in ("charlie", "alice"):
        agreed = agree(trio)
        fund(trio, agreed)
        publish(getattr(trio, gives), "refund", "--jobid", agreed.job_id, "--reason", "It cannot be done.")
        trio.bob.rein("agree", "--jobid", agreed.job_id)
        mine(trio)
        if gives == "charlie":
            trio.alice.rein("collect", "--jobid", agreed.job_id)
            mine(trio)
        paid = ending(trio, agreed, "refunded", chain)
        assert paid["primary"]["amount_sat"] == 0
        assert paid["primary"]["back_sat"] + paid["primary"]["fee_sat"] == agreed.escrows[0]["amount_sat"]
        assert paid["mediator"]["amount_sat"] == FEE


def test_what_comes_too_much_goes_back_with_the_payment(trio: Trio, chain: CoreRpc) -> None:
    agreed = agree(trio)
    trio.bob.rein("devnet", "pay", agreed.uris[0], agreed.uris[1])
    trio.bob.rein("devnet", "pay", agreed.uris[0])
    trio.bob.rein("devnet", "mine", "1")
    assert trio.bob.rein("fund", "--jobid", agreed.job_id)["escrows"][0]["filling"] == "over"
    deliver(trio, agreed)
    publish(trio.bob, "accept", "--jobid", agreed.job_id)
    trio.charlie.rein("collect", "--jobid", agreed.job_id)
    trio.alice.rein("collect", "--jobid", agreed.job_id)
    mine(trio)
    paid = ending(trio, agreed, "settled", chain)
    assert paid["primary"]["amount_sat"] == PRICE
    assert paid["primary"]["back_sat"] > PRICE


def test_an_escrow_never_filled_up_can_be_given_back(trio: Trio) -> None:
    agreed = agree(trio)
    trio.bob.rein("devnet", "pay", f"bitcoin:{agreed.escrows[0]['address']}?amount=0.005")
    trio.bob.rein("devnet", "mine", "1")
    publish(trio.charlie, "refund", "--jobid", agreed.job_id, "--reason", "You never paid the rest.")
    [paid] = trio.bob.rein("agree", "--jobid", agreed.job_id)["payments"]
    assert paid["back_sat"] + paid["fee_sat"] == 500_000
    mine(trio)
    for person in trio.everybody:
        assert person.rein("status", "--jobid", agreed.job_id)["state"] == "refunded"


def accepted(trio: Trio) -> Agreed:
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    publish(trio.bob, "accept", "--jobid", agreed.job_id)
    return agreed


def test_a_payment_that_waits_is_pulled_by_its_receiver(trio: Trio, chain: CoreRpc) -> None:
    agreed = accepted(trio)
    trio.charlie.rein("collect", "--jobid", agreed.job_id)
    pulled = trio.charlie.rein("bump", "--jobid", agreed.job_id, "--feerate", "40")
    assert trio.charlie.fails("bump", "--jobid", agreed.job_id, "--feerate", "30")["code"] == "tx_rejected"
    trio.bob.rein("devnet", "mine", "1")
    output = chain.unspent_output(OutPoint(pulled["txid"], 0))
    assert output is not None
    assert (output.amount, output.confirmations) == (PRICE - pulled["fee_sat"], 1)
    trio.sync()
    primary = trio.bob.rein("status", "--jobid", agreed.job_id)["escrows"][0]["payment"]
    assert (primary["txid"], primary["confirmations"]) == (pulled["payment_txid"], 1)


def test_a_payment_that_waits_is_replaced_by_those_who_signed_it(trio: Trio, chain: CoreRpc) -> None:
    agreed = accepted(trio)
    [first] = trio.charlie.rein("collect", "--jobid", agreed.job_id)["payments"]
    publish(trio.charlie, "bump", "--jobid", agreed.job_id, "--feerate", "40", "--replace")
    [second] = trio.bob.rein("agree", "--jobid", agreed.job_id)["payments"]
    mine(trio)
    assert chain.unspent_output(OutPoint(first["txid"], 0)) is None
    trio.alice.rein("collect", "--jobid", agreed.job_id)
    mine(trio)
    paid = ending(trio, agreed, "settled", chain)
    assert paid["primary"]["txid"] == second["txid"]
    assert paid["primary"]["amount_sat"] + paid["primary"]["fee_sat"] == PRICE + first["fee_sat"]


def test_what_was_not_published_is_taken_back_and_no_more(trio: Trio) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    signed = trio.bob.rein("accept", "--jobid", agreed.job_id)["document_id"]
    assert trio.bob.rein("withdraw", "--document", signed)["withdrawn"] is True
    assert trio.bob.rein("status", "--jobid", agreed.job_id)["state"] == "delivered"
    again = publish(trio.bob, "accept", "--jobid", agreed.job_id)["document_id"]
    assert trio.bob.fails("withdraw", "--document", again)["code"] == "order_state"
