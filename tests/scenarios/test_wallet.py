"""What jobs paid, spent from the wallet of the words: on a chain, after real jobs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rein.btc.address import p2pkh_address
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.bip84 import CHANGE, GAP, RECEIVING, Account
from rein.btc.hd import ExtendedKey
from rein.btc.keys import PrivateKey
from rein.btc.networks import REGTEST
from rein.btc.transaction import Transaction
from rein.devnet import faucet
from rein.errors import EscrowError, InputError, NotFoundError, OrderError
from rein.identity.keyring import DelegateKeyring, Keyring
from rein.protocol.orders import State
from rein.store.store import Store
from rein.workflows.session import Session
from rein.workflows.wallet.payout import Place, pay_at
from rein.workflows.wallet.wallet import Wallet, key_of, observe_wallet
from rein.workflows.wallet.wallet_export import export_wallet
from rein.workflows.wallet.wallet_history import history
from rein.workflows.wallet.wallet_send import Choice, plan_send, plan_sweep, psbt_of, send_planned, sign_planned
from tests.scenarios.stage import FEERATE, PRICE, Actor, Play
from tests.support.money_steps import plan_bump, send_bump

FOREIGN = Keyring("robot excuse run dwarf depth candy emerge puzzle gospel churn kick tool", REGTEST).account
ELSEWHERE = FOREIGN.address(RECEIVING, 0)


@pytest.fixture
def new_play(new_play: Callable[[], Play]) -> Callable[[], Play]:
    """The people of the chain's other jobs, each with a wallet that nobody paid before."""
    first = new_play()
    for actor in (*first.everybody, first.stranger):
        root = ExtendedKey.from_seed(secrets.token_bytes(32), REGTEST)
        vars(actor.session.open_keyring(actor.session.identity))["account"] = Account.of_root(root)
    return new_play


def settled(play: Play) -> Play:
    play.accepted()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.mine()
    assert play.state is State.SETTLED
    return play


def restored(actor: Actor, folder: Path) -> Session:
    """The same words in a new home, with the documents that servers have, and nothing else."""
    old, store = actor.session.store, Store(folder / "again" / "rein.db")
    network = actor.session.network.name
    (enrollment,) = old.documents.enrollments_of(network, {actor.session.address})
    row = store.identities.add(actor.session.identity, enrollment)
    orders = old.orders.of_person(network, actor.session.address)
    found = old.orders.documents(orders)
    store.documents.add_received([(each, "http://causeway.example/") for each in found])
    store.documents.mark_own(
        [each.id for each in found if each.document.author.master_address == actor.session.address]
    )
    return replace(actor.session, store=store, row=row)


def of(wallet: Wallet) -> dict[str | None, int]:
    return {each.job_id: each.coin.amount for each in wallet.owned}


def test_who_was_paid_sees_it_sends_it_and_finds_the_change(play: Play) -> None:
    settled(play)
    session, job_id = play.worker.session, play.job.document.job_id
    wallet = observe_wallet(session)
    assert of(wallet) == {job_id: PRICE}
    assert wallet.owned[0].address == play.bid.document.worker_payment_address
    planned = plan_send(session, wallet, ELSEWHERE, Sat(400_000), FEERATE)
    assert planned.spend.fee == planned.spend.vsize * FEERATE
    assert (planned.amount, planned.left) == (400_000, PRICE - 400_000 - planned.spend.fee)
    txid = send_planned(session, planned)
    assert txid == planned.spend.unsigned.txid
    waiting = observe_wallet(session)
    assert (waiting.balance, waiting.waiting) == (0, planned.left)
    play.mine()
    after = observe_wallet(session)
    assert of(after) == {job_id: planned.left}, "change is of the job whose money it was"
    assert after.owned[0].address == planned.change
    lines = [(each.what, each.amount, each.job_id) for each in history(session)]
    assert lines == [("received", PRICE, job_id), ("sent", -400_000 - planned.spend.fee, job_id)]
    assert sum(amount for _, amount, _ in lines) == after.balance
    everything = plan_send(session, after, ELSEWHERE, None, FEERATE)
    send_planned(session, everything)
    play.mine()
    assert observe_wallet(session).owned == ()
    assert sum(each.amount for each in history(session)) == 0


def test_what_is_shown_is_what_is_signed(play: Play) -> None:
    """Coins and estimates that change between question and answer change nothing of it."""
    settled(play)
    session = play.worker.session
    planned = plan_send(session, observe_wallet(session), ELSEWHERE, Sat(500_000), FEERATE)
    faucet.pay(play.chain, [(play.bid.document.worker_payment_address, Sat(3_000_000))])
    play.mine()
    observe_wallet(session)
    signed = sign_planned(session, planned)
    assert (signed.inputs, signed.outputs) == (planned.spend.unsigned.inputs, planned.spend.unsigned.outputs)


def test_two_windows_do_not_spend_the_same_coin(play: Play) -> None:
    """With the higher fee the second would take the place of the first, which nobody would notice."""
    settled(play)
    session = play.worker.session
    first = plan_send(session, observe_wallet(session), ELSEWHERE, Sat(500_000), FEERATE)
    second = plan_send(session, observe_wallet(session), ELSEWHERE, Sat(400_000), 4 * FEERATE)
    send_planned(session, first)
    with pytest.raises(OrderError, match="spent meanwhile"):
        send_planned(session, second)
    play.mine()
    assert observe_wallet(session).balance == first.left


def test_coins_of_two_jobs_are_joined_only_if_somebody_asks(new_play: Callable[[], Play]) -> None:
    one, two = settled(new_play()), settled(new_play())
    session = one.worker.session
    wallet, jobs = observe_wallet(session), {each.job.document.job_id for each in (one, two)}
    assert set(of(wallet)) == jobs
    assert len({each.address for each in wallet.owned}) == 2, "a fresh address for each job"
    with pytest.raises(InputError, match="2 jobs") as caught:
        plan_send(session, wallet, ELSEWHERE, None, FEERATE)
    assert "sweep" in str(caught.value.hint)
    with pytest.raises(InputError) as caught:
        plan_send(session, wallet, ELSEWHERE, Sat(2_000_000), FEERATE)
    assert "--join" in str(caught.value.hint)
    assert len(plan_send(session, wallet, ELSEWHERE, Sat(100_000), FEERATE).groups) == 1
    named = one.job.document.job_id
    assert plan_send(session, wallet, ELSEWHERE, Sat(100_000), FEERATE, Choice(named)).job_id == named
    with pytest.raises(NotFoundError):
        plan_send(session, wallet, ELSEWHERE, Sat(100_000), FEERATE, Choice("nonsense"))
    with pytest.raises(InputError, match="--join takes all"):
        plan_send(session, wallet, ELSEWHERE, Sat(100_000), FEERATE, Choice(named, join=True))
    assert len(plan_send(session, wallet, ELSEWHERE, Sat(2_000_000), FEERATE, Choice(join=True)).spend.coins) == 2

    swept = plan_sweep(session, wallet, FOREIGN.public.to_string(), FEERATE)
    assert [len(each.spend.coins) for each in swept.payments] == [1, 1]
    assert len({each.address for each in swept.payments}) == 2, "and a fresh one of the other wallet for each"
    for each in swept.payments:
        send_planned(session, each)
    one.mine()
    assert observe_wallet(session).balance == 0
    assert sum(each.amount for each in history(session)) == 0, "all of it went"
    assert {each.address for each in swept.payments} == {each.where for each in history(session) if each.what == "sent"}


def test_an_empty_wallet_sends_nothing(play: Play) -> None:
    session = play.worker.session
    wallet = observe_wallet(session)
    assert (wallet.balance, wallet.owned, history(session)) == (0, (), [])
    for amount in (None, Sat(1_000)):
        with pytest.raises(InputError, match="nothing that can be spent"):
            plan_send(session, wallet, ELSEWHERE, amount, FEERATE)
    with pytest.raises(InputError, match="worth the fee"):
        plan_sweep(session, wallet, ELSEWHERE, FEERATE)


@pytest.mark.parametrize("feerate", [0, -1, 501])
def test_a_fee_nobody_would_pay_is_refused(play: Play, feerate: int) -> None:
    wallet = observe_wallet(play.worker.session)
    for plan in (
        lambda: plan_send(play.worker.session, wallet, ELSEWHERE, None, feerate),
        lambda: plan_sweep(play.worker.session, wallet, ELSEWHERE, feerate),
    ):
        with pytest.raises(InputError, match="fee rate"):
            plan()


def test_dust_is_left_alone(play: Play) -> None:
    settled(play)
    session, address = play.worker.session, play.bid.document.worker_payment_address
    faucet.pay(play.chain, [(address, Sat(DUST_LIMIT - 1)), (address, Sat(DUST_LIMIT))])
    play.mine()
    wallet = observe_wallet(session)
    assert wallet.dust == DUST_LIMIT - 1
    swept = plan_sweep(session, wallet, ELSEWHERE, FEERATE)
    assert [each.coin.amount for each in swept.left] == [DUST_LIMIT], "sending it costs more than it holds"
    assert [coin.amount for each in swept.payments for coin in each.spend.coins] == [PRICE]


def test_the_words_alone_find_it_all_again(new_play: Callable[[], Play], tmp_path: Path) -> None:
    plays = [settled(new_play()), settled(new_play())]
    actor = plays[0].worker
    spent = plan_send(actor.session, observe_wallet(actor.session), ELSEWHERE, Sat(200_000), FEERATE)
    send_planned(actor.session, spent)
    plays[0].mine()
    before = observe_wallet(actor.session)
    session = restored(actor, tmp_path)
    again = observe_wallet(session)
    assert {each.coin for each in again.owned} == {each.coin for each in before.owned}
    assert again.balance == 2 * PRICE - 200_000 - spent.spend.fee
    named = {each.bid.document.worker_payment_address for each in plays}
    assert pay_at(session, None).address not in named, "no address is named twice"
    everything = plan_send(session, again, ELSEWHERE, None, FEERATE, Choice(join=True))
    send_planned(session, everything)
    plays[0].mine()
    assert observe_wallet(session).owned == ()


def test_an_address_is_kept_for_the_document_that_will_name_it(play: Play) -> None:
    session = play.worker.session
    given = [pay_at(session, None).address for _ in range(GAP)]
    account = session.keyring.account
    assert given == [account.address(RECEIVING, n) for n in range(GAP)]
    assert pay_at(session, None).address in given, "no wallet would look for the one after them"


def test_twenty_jobs_that_paid_nothing_do_not_hide_the_next_from_other_wallets(play: Play) -> None:
    session, account = play.creator.session, play.creator.session.keyring.account
    for number in range(GAP + 3):
        play.post()
        assert play.job.document.creator_payment_address == account.address(RECEIVING, number % GAP)
    assert play.creator.told("look no further")
    faucet.pay(play.chain, [(account.address(RECEIVING, 5), Sat(10_000))])
    play.mine()
    observe_wallet(session)
    play.post()
    assert play.job.document.creator_payment_address == account.address(RECEIVING, GAP), "one was paid: they go on"


def test_withdrawing_a_document_frees_its_address(play: Play) -> None:
    play.post()
    session = play.creator.session
    assert session.store.documents.remove_unpublished(play.job.id)
    session.store.wallet.add_addresses(session.identity.id, [])
    rows = {each.address: each for each in session.store.wallet.addresses(session.identity.id)}
    assert rows[play.job.document.creator_payment_address].document_id is None


def test_where_somebody_else_is_paid_only_that_wallet_hurries_it(play: Play) -> None:
    play.worker.session.payout = ELSEWHERE
    play.accepted()
    play.collect(play.worker)
    assert play.bid.document.worker_payment_address == ELSEWHERE
    with pytest.raises(EscrowError, match="not of this identity's own wallet") as caught:
        plan_bump(play.worker.session, play.seen_by(play.worker), 40)
    assert "that has it" in str(caught.value.hint)
    assert observe_wallet(play.worker.session).balance == 0


def test_what_the_own_wallet_gets_is_hurried_by_its_key(play: Play) -> None:
    play.accepted()
    play.collect(play.worker)
    hurry = plan_bump(play.worker.session, play.seen_by(play.worker), 40)
    send_bump(play.worker.session, hurry)
    play.mine()
    assert observe_wallet(play.worker.session).balance == PRICE - hurry.child.fee


@pytest.mark.parametrize(
    ("given", "place"),
    [(FOREIGN.both_branches(), Place.KEY), (FOREIGN.electrum_key(), Place.KEY), (ELSEWHERE, Place.ADDRESS)],
)
def test_a_person_says_where_to_be_paid(play: Play, given: str, place: Place) -> None:
    paid_at = pay_at(play.worker.session, given)
    assert (paid_at.address, paid_at.place) == (ELSEWHERE, place)
    assert ELSEWHERE in paid_at.in_words
    play.worker.session.payout = given
    assert pay_at(play.worker.session, None).place is place
    assert pay_at(play.worker.session, "wallet").place is Place.OWN


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "not of regtest"),
        (p2pkh_address(PrivateKey(b"\x01" * 32).public_key, REGTEST), "before segwit"),
        (ELSEWHERE[:-1] + "q", "not a Bitcoin address"),
        (FOREIGN.key.to_string(), "private key"),
        (f"wpkh({FOREIGN.key.to_string()}/0/*)", "private key"),
        (f"pkh({FOREIGN.public.to_string()}/0/*)", "not a descriptor"),
        ("", "not a Bitcoin address"),
    ],
)
def test_what_no_document_may_name(play: Play, given: str, says: str) -> None:
    with pytest.raises((InputError, Exception), match=says) as caught:
        pay_at(play.worker.session, given)
    assert FOREIGN.key.to_string()[10:40] not in str(caught.value)
    play.worker.session.payout = given
    with pytest.raises(InputError, match="payout cannot be used"):
        pay_at(play.worker.session, None)


def test_without_words_the_wallet_of_every_delegate_is_one_wallet(play: Play) -> None:
    """What was earned with a former delegate is seen, spent and exported with the rest."""
    first, second = (PrivateKey(secrets.token_bytes(32)) for _ in range(2))
    row = replace(play.worker.session.identity, delegate_address=p2pkh_address(second.public_key, REGTEST))
    keyring = DelegateKeyring(first, REGTEST, row.master_address, None, (second,))
    session = replace(play.worker.session, row=row, open_keyring=lambda _: keyring)
    accounts = [each.account for each in export_wallet(session)]
    assert accounts[0] == session.keyring.account, "that of now comes first"
    faucet.pay(play.chain, [(each.address(RECEIVING, 0), Sat(100_000)) for each in accounts])
    play.mine()
    wallet = observe_wallet(session)
    assert {each.address for each in wallet.owned} == {each.address(RECEIVING, 0) for each in accounts}
    planned = plan_send(session, wallet, ELSEWHERE, Sat(150_000), FEERATE, Choice(join=True))
    assert planned.change == accounts[0].address(CHANGE, 0)
    send_planned(session, planned)
    play.mine()
    assert observe_wallet(session).balance == planned.left
    assert pay_at(session, None).address == accounts[0].address(RECEIVING, 1)


# ---- other programs


def test_another_wallet_shows_the_same_coins_and_signs_our_psbt(play: Play) -> None:
    """The Bitcoin Development Kit, with what `rein wallet export` gives; its signature is sent by the node."""
    bdk = pytest.importorskip("bdkpython", reason="the Bitcoin Development Kit is not here: pip install bdkpython")
    settled(play)
    session = play.worker.session
    (exported,) = export_wallet(session, private=True)
    kind, regtest = bdk.NetworkKind.TEST, bdk.Network.REGTEST
    receive, change = (bdk.Descriptor(each, kind) for each in exported.descriptors)
    theirs = bdk.Wallet(receive, change, regtest, bdk.Persister.new_in_memory())
    mine = observe_wallet(session)

    def tell(txid: str) -> None:
        found = play.chain.transaction(txid)
        assert found is not None
        theirs.apply_unconfirmed_txs([bdk.UnconfirmedTx(tx=bdk.Transaction(found.raw), last_seen=1)])

    for each in mine.owned:
        tell(each.coin.outpoint.txid)
    seen = {(str(each.outpoint.txid), each.outpoint.vout, each.txout.value.to_sat()) for each in theirs.list_unspent()}
    assert seen == {(each.coin.outpoint.txid, each.coin.outpoint.vout, each.coin.amount) for each in mine.owned}

    planned = plan_send(session, mine, ELSEWHERE, Sat(600_000), FEERATE)
    psbt = bdk.Psbt(_base64(psbt_of(session, planned)))
    assert psbt.fee() == planned.spend.fee
    assert theirs.sign(psbt, None)
    raw = bytes(psbt.extract_tx().serialize())
    assert play.chain.broadcast(Transaction(raw)) == planned.spend.unsigned.txid
    play.mine()
    tell(planned.spend.unsigned.txid)
    after = observe_wallet(session)
    assert {each.coin.amount for each in after.owned} == {planned.left}
    assert sum(each.txout.value.to_sat() for each in theirs.list_unspent()) == planned.left
    assert of(after) == {play.job.document.job_id: planned.left}
    lines = history(session)
    assert sorted(each.what for each in lines) == ["change", "received", "spent elsewhere"]
    assert sum(each.amount for each in lines) == planned.left, "what another program sent is known to be gone"


def test_what_is_exported_is_public_unless_it_is_asked_for(play: Play) -> None:
    settled(play)
    session = play.worker.session
    (public,), (private,) = export_wallet(session), export_wallet(session, private=True)
    assert "prv" not in repr((public.descriptors, public.both, public.electrum, public.core))
    assert all("prv" in each for each in (*private.descriptors, private.both, private.electrum))
    assert [each["internal"] for each in public.core] == [False, True]
    assert all(each["range"][0] == 0 and each["range"][1] >= GAP for each in public.core)
    key = ExtendedKey.parse(session.keyring.account.key.to_string(), REGTEST)
    address = play.bid.document.worker_payment_address
    assert key.derive((RECEIVING, 0)).private_key == key_of(session, address)
    assert public.account.address(CHANGE, 0) == private.account.address(CHANGE, 0)


def _base64(raw: bytes) -> str:
    from base64 import b64encode

    return b64encode(raw).decode()
