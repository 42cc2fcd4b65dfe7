"""Which address a new document names: whatever was named, paid and withdrawn before, other wallets find it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rein.btc.amounts import Sat
from rein.btc.bip84 import GAP, RECEIVING, Account
from rein.btc.networks import REGTEST
from rein.btc.transaction import OutPoint
from rein.protocol.signed import Signed
from rein.store.store import Store
from rein.store.tables.escrows import Payment
from rein.store.tables.identities import IdentityRow
from rein.store.tables.wallet import WalletCoin, WalletPayment
from rein.workflows.session import Session
from rein.workflows.wallet.payout import fresh
from tests.support.people import bid, enroll, job, offer, person

BOB, ALICE, CHARLIE = person("Bob"), person("Alice"), person("Charlie")
ACCOUNT = Account.of_root(BOB.tree)
NUMBERS = {ACCOUNT.address(RECEIVING, number): number for number in range(4 * GAP)}


def at(folder: Path) -> tuple[Session, list[str]]:
    store, notes = Store(folder / "rein.db"), list[str]()
    row = IdentityRow(0, "regtest", "Bob", BOB.contact, BOB.master_address, BOB.delegate_address, "key")
    row = store.identities.add(row, enroll(BOB))
    return Session(folder, REGTEST, store, row, None, None, notes.append), notes  # type: ignore[arg-type]


def next_address(session: Session) -> str:
    return fresh(session, ACCOUNT.id, RECEIVING, lambda number: ACCOUNT.address(RECEIVING, number))


steps = st.lists(
    st.one_of(
        st.just(("name", 0)),
        st.just(("dry run", 0)),
        st.tuples(st.sampled_from(["pay", "withdraw"]), st.integers(0, 10**6)),
    ),
    max_size=3 * GAP,
)


@settings(max_examples=20, deadline=None)
@given(steps=steps)
def test_no_wallet_misses_an_address_and_none_is_named_twice_without_need(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        session, notes = at(Path(folder))
        named, paid = dict[str, list[Signed[Any]]](), set[str]()
        for step, which in steps:
            if step in ("name", "dry run"):
                address = next_address(session)
                reach = max((NUMBERS[each] for each in paid), default=-1) + GAP
                within = {each for each, number in NUMBERS.items() if number <= reach}
                assert address in within - paid
                assert address not in named or within <= paid | set(named), "another one was free"
                assert bool(notes) == (address in named)
                notes.clear()
                if step == "name":
                    signed = job(BOB, ALICE, creator_payment_address=address, name=f"Job {len(named)}")
                    session.store.documents.add_own(signed)
                    named.setdefault(address, []).append(signed)
            elif step == "pay" and named:
                address = sorted(named)[which % len(named)]
                session.store.wallet.mark_paid(session.identity.id, [address])
                paid.add(address)
            elif step == "withdraw" and named:
                address = sorted(named)[which % len(named)]
                session.store.documents.remove_unpublished(named[address].pop().id)
                if not named[address]:
                    del named[address]


@pytest.mark.parametrize(
    ("who", "purse", "amount", "back", "is_paid"),
    [
        ("creator", "primary", 0, 9_000, True),
        ("creator", "mediator", 700, 1, True),
        ("creator", "primary", 9_000, 0, False),
        ("worker", "primary", 9_000, 0, True),
        ("worker", "primary", 0, 9_000, False),
        ("worker", "mediator", 700, 0, False),
        ("another bidder", "primary", 9_000, 0, False),
    ],
)
def test_a_job_that_paid_has_used_its_address(
    tmp_path: Path, who: str, purse: str, amount: int, back: int, is_paid: bool
) -> None:
    """Though the coin is spent long since, so that no chain source tells of it."""
    session, _ = at(tmp_path)
    address = next_address(session)
    posted = job(BOB, ALICE, creator_payment_address=address) if who == "creator" else job(CHARLIE, ALICE)
    mine = posted if who == "creator" else bid(BOB, posted, worker_payment_address=address)
    taken = mine if who == "worker" else bid(person("Dora"), posted)
    offered = offer(BOB if who == "creator" else CHARLIE, taken, posted)
    session.store.documents.add_received([(each, "http://x/") for each in (posted, taken, offered) if each is not mine])
    session.store.documents.add_own(mine)
    named = _row(session, address)
    assert (named.document_id, named.job_id, named.paid) == (mine.id, posted.document.job_id, False)
    payment = Payment(offered.id, purse, "ab" * 32, Sat(amount), Sat(back), Sat(1), 5, 1, "refund", offered.id)
    session.store.escrows.observe(offered.id, [], [payment])
    assert _row(session, address).paid is is_paid
    assert session.store.wallet.jobs_by_txid() == {"ab" * 32: posted.document.job_id}


def test_what_was_seen_and_sent_is_remembered(tmp_path: Path) -> None:
    session, _ = at(tmp_path)
    wallet, me, address = session.store.wallet, session.identity.id, next_address(session)
    coins = [WalletCoin(OutPoint(f"{number:064x}", 0), address, Sat(number), number) for number in (1, 2)]
    wallet.see(me, coins)
    assert (wallet.coins(me), _row(session, address).paid) == (coins, True)
    wallet.see(me, coins[1:])
    assert [each.spent for each in wallet.coins(me)] == [True, False]
    wallet.see(me, coins)
    assert wallet.coins(me) == coins, "a reorganisation brought it back"
    sent = WalletPayment("cd" * 32, "00", Sat(5), None)
    wallet.set_payments(me, [sent])
    wallet.set_payments(me, [WalletPayment("cd" * 32, "00", Sat(5), None, 7)])
    assert wallet.payments(me) == [WalletPayment("cd" * 32, "00", Sat(5), None, 7)]


def _row(session: Session, address: str) -> Any:
    session.store.wallet.add_addresses(session.identity.id, [])
    return {each.address: each for each in session.store.wallet.addresses(session.identity.id)}[address]
