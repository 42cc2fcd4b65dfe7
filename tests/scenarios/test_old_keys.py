"""Keys of yesterday: of a mediator whose enrollment a job names, however old, and of one's own earlier delegate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rein.btc.address import p2pkh_address
from rein.btc.keys import PrivateKey
from rein.errors import OrderError
from rein.identity.keyring import DelegateKeyring
from rein.protocol.documents import Bid, Enrollment
from rein.protocol.signed import Signed
from rein.protocol.values import Revocation
from rein.workflows.jobs.post import JobDraft, find_mediator
from rein.workflows.money.fund import invoices, observe_funding
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.orders.load import find_order
from rein.workflows.session import Session
from tests.scenarios.stage import PRICE, Play, signed_bid, signed_job, signed_offer
from tests.support.people import enroll, person


def enrolled_again(play: Play, **changes: Any) -> Signed[Enrollment]:
    """The mediator enrolls anew, and everybody learns of it."""
    who = play.mediator
    old = load_enrollments(who.session).current(who.session.network, who.session.address)
    assert old is not None
    values = {"mediator_fee": old.document.mediator_fee, "previous": old.id, "block_height": 100} | changes
    signed = enroll(who.person, values.pop("mediates", True), **values)
    for each in (*play.everybody, play.stranger):
        each.session.store.documents.add_received([(signed, "http://causeway.example/")])
    return signed


def bid_now(play: Play) -> None:
    order = find_order(play.worker.session, play.name)
    play.bid = play.tell(signed_bid(play.worker.session, order, "Soon.", PRICE), play.worker)


def offer_now(play: Play) -> None:
    order = find_order(play.creator.session, play.name)
    play.offer = play.tell(signed_offer(play.creator.session, order, play.bid, 10), play.creator)


def other_keys() -> dict[str, Any]:
    """Those of another tree, as an identity without words has after its delegate was stolen."""
    alice, other = person("Alice"), person("Alice's second tree")
    tree = DelegateKeyring(other.delegate, alice.network, alice.master_address)
    return {
        "delegate_address": tree.delegate_address,
        "mediator_public_key": tree.delegate.public_key,
        "mediator_escrow_xpub": tree.mediator_escrow_xpub,
        "mediator_escrow_signature": tree.mediator_escrow_signature(),
        "mediator_message_xpub": tree.mediator_message_xpub,
        "revoked": (Revocation(alice.delegate_address, 95),),
    }


def no_more(play: Play, how: str) -> None:
    if how == "does not mediate any more":
        enrolled_again(play, mediates=False, mediator_fee=None)
    elif how == "has other keys by now":
        enrolled_again(play, **other_keys())
    else:
        raise AssertionError(how)


GONE = ["does not mediate any more", "has other keys by now"]


@pytest.mark.parametrize("how", GONE)
def test_nobody_bids_where_the_mediator_is_not_there_any_more(play: Play, how: str) -> None:
    play.post()
    no_more(play, how)
    with pytest.raises(OrderError, match=how):
        bid_now(play)


@pytest.mark.parametrize("how", GONE)
def test_nobody_offers_where_the_mediator_is_not_there_any_more(play: Play, how: str) -> None:
    play.post()
    bid_now(play)
    no_more(play, how)
    with pytest.raises(OrderError, match=how):
        offer_now(play)


@pytest.mark.parametrize("how", GONE)
def test_nobody_is_told_to_pay_where_the_mediator_is_not_there_any_more(play: Play, how: str) -> None:
    """Who has paid a part is told the rest: what is there needs it to come out again."""
    play.post()
    bid_now(play)
    offer_now(play)
    no_more(play, how)
    order = play.seen_by(play.worker)
    with pytest.raises(OrderError, match=how):
        invoices(play.worker.session, order, observe_funding(play.worker.session, order))
    play.fund(mediator=0)
    order = play.seen_by(play.worker)
    assert len(invoices(play.worker.session, order, observe_funding(play.worker.session, order))) == 1


def test_a_mediator_who_enrolls_anew_with_the_same_keys_mediates(play: Play) -> None:
    play.post()
    enrolled_again(play, contact="another@example.com")
    bid_now(play)
    enrolled_again(play, contact="a third@example.com", block_height=101)
    offer_now(play)
    play.fund()
    play.deliver()
    play.dispute(play.worker)
    play.resolve(PRICE)
    play.take(play.worker)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_new_bid_has_the_keys_of_now(play: Play, sealed: bool) -> None:
    """A worker without words bids, loses the delegate's key to a thief, and bids again with the next one: whoever has
    the first has no key of the second contract."""
    play.post()
    worker, second = play.worker, PrivateKey(b"\x07" * 32)
    who, first = worker.person, replace(worker.session.identity)
    keyring = DelegateKeyring(who.delegate, who.network, who.master_address, who.master, (second,))

    def bid_as(delegate_address: str) -> Signed[Bid]:
        row = replace(first, delegate_address=delegate_address)
        session = replace(worker.session, row=row, open_keyring=lambda _: keyring, _servers=[])
        order = find_order(session, play.name)
        if sealed:
            return signed_bid(session, order, "Soon.", PRICE, sealed=True)
        return signed_bid(session, order, "Soon.", PRICE)

    earlier = play.tell(bid_as(first.delegate_address), worker)
    new = p2pkh_address(second.public_key, who.network)
    for each in (*play.everybody, play.stranger):
        each.session.store.documents.add_received([(enroll(who, delegate_address=new), "http://causeway.example/")])
    later = bid_as(new)
    assert earlier.document.worker_public_key != later.document.worker_public_key
    assert later.document.worker_public_key == keyring.with_delegate(new).worker_escrow(play.job.id).public_key


def test_nobody_offers_with_the_keys_of_a_delegate_that_was_revoked(play: Play) -> None:
    """A creator without words posts a job, and the delegate's key is stolen: the thief has the job's keys too."""
    creator, second = play.creator, PrivateKey(b"\x08" * 32)
    who, first = creator.person, replace(creator.session.identity)
    keyring = DelegateKeyring(who.delegate, who.network, who.master_address, who.master, (second,))
    new = p2pkh_address(second.public_key, who.network)

    def at(delegate_address: str) -> Session:
        row = replace(first, delegate_address=delegate_address)
        return replace(creator.session, row=row, open_keyring=lambda _: keyring, _servers=[])

    draft = JobDraft("Theme song", "Two minutes.", None, 14, find_mediator(creator.session, play.mediator.name))
    play.job = play.tell(signed_job(at(first.delegate_address), draft), creator)
    play.name = play.job.id
    bid_now(play)
    for revoked in (None, (Revocation(who.delegate_address, 5_000),)):
        renewed = enroll(who, delegate_address=new, revoked=revoked)
        for each in (*play.everybody, play.stranger):
            each.session.store.documents.add_received([(renewed, "http://causeway.example/")])
        session = at(new)
        if revoked is None:
            assert signed_offer(session, find_order(session, play.name), play.bid, 10)
        else:
            with pytest.raises(OrderError, match="which you revoked"):
                signed_offer(session, find_order(session, play.name), play.bid, 10)
