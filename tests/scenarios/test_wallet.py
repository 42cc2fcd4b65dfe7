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
from rein.workflows.desk import Desk
from rein.workflows.money.bump import plan_bump, send_bump
from rein.workflows.wallet.payout import Place, pay_at
from rein.workflows.wallet.wallet import Wallet, key_of, look
from rein.workflows.wallet.wallet_export import export_wallet
from rein.workflows.wallet.wallet_history import history
from rein.workflows.wallet.wallet_send import Choice, plan_send, plan_sweep, psbt_of, send_planned, sign_planned
from tests.scenarios.stage import FEERATE, PRICE, Actor, Play

FOREIGN = Keyring("robot excuse run dwarf depth candy emerge puzzle gospel churn kick tool", REGTEST).account
ELSEWHERE = FOREIGN.address(RECEIVING, 0)


@pytest.fixture
def new_play(new_play: Callable[[], Play]) -> Callable[[], Play]:
    """The people of the chain's other jobs, each with a wallet that nobody paid before."""
    first = new_play()
    for actor in (*first.everybody, first.stranger):
        root = ExtendedKey.from_seed(secrets.token_bytes(32), REGTEST)
        vars(actor.desk.open_keyring(actor.desk.identity))["account"] = Account.of_root(root)
    return new_play


def settled(play: Play) -> Play:
    play.accepted()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.mine()
    assert play.state is State.SETTLED
    return play


def restored(actor: Actor, folder: Path) -> Desk:
    """The same words in a new home, with the documents that servers have, and nothing else."""
    old, store = actor.desk.store, Store(folder / "again" / "rein.db")
    network = actor.desk.network.name
    (enrollment,) = old.enrollments_of(network, {actor.desk.address})
    row = store.add_identity(actor.desk.identity, enrollment)
    orders = old.my_order_ids(network, actor.desk.address)
    found = old.documents_of_orders(orders)
    store.add_received([(each, "http://causeway.example/") for each in found])
    store.mark_own([each.id for each in found if each.document.author.master_address == actor.desk.address])
    return replace(actor.desk, store=store, row=row)


def of(wallet: Wallet) -> dict[str | None, int]:
    return {each.job_id: each.coin.amount for each in wallet.owned}


def test_who_was_paid_sees_it_sends_it_and_finds_the_change(play: Play) -> None:
    settled(play)
    desk, job_id = play.worker.desk, play.job.document.job_id
    wallet = look(desk)
    assert of(wallet) == {job_id: PRICE}
    assert wallet.owned[0].address == play.bid.document.worker_payment_address
    planned = plan_send(desk, wallet, ELSEWHERE, Sat(400_000), FEERATE)
    assert planned.spend.fee == planned.spend.vsize * FEERATE
    assert (planned.amount, planned.left) == (400_000, PRICE - 400_000 - planned.spend.fee)
    txid = send_planned(desk, planned)
    assert txid == planned.spend.unsigned.txid
    waiting = look(desk)
    assert (waiting.balance, waiting.waiting) == (0, planned.left)
    play.mine()
    after = look(desk)
    assert of(after) == {job_id: planned.left}, "change is of the job whose money it was"
    assert after.owned[0].address == planned.change
    lines = [(each.what, each.amount, each.job_id) for each in history(desk)]
    assert lines == [("received", PRICE, job_id), ("sent", -400_000 - planned.spend.fee, job_id)]
    assert sum(amount for _, amount, _ in lines) == after.balance
    everything = plan_send(desk, after, ELSEWHERE, None, FEERATE)
    send_planned(desk, everything)
    play.mine()
    assert look(desk).owned == ()
    assert sum(each.amount for each in history(desk)) == 0


def test_what_is_shown_is_what_is_signed(play: Play) -> None:
    """Coins and estimates that change between question and answer change nothing of it."""
    settled(play)
    desk = play.worker.desk
    planned = plan_send(desk, look(desk), ELSEWHERE, Sat(500_000), FEERATE)
    faucet.pay(play.chain, [(play.bid.document.worker_payment_address, Sat(3_000_000))])
    play.mine()
    look(desk)
    signed = sign_planned(desk, planned)
    assert (signed.inputs, signed.outputs) == (planned.spend.unsigned.inputs, planned.spend.unsigned.outputs)


def test_two_windows_do_not_spend_the_same_coin(play: Play) -> None:
    """With the higher fee the second would take the place of the first, which nobody would notice."""
    settled(play)
    desk = play.worker.desk
    first = plan_send(desk, look(desk), ELSEWHERE, Sat(500_000), FEERATE)
    second = plan_send(desk, look(desk), ELSEWHERE, Sat(400_000), 4 * FEERATE)
    send_planned(desk, first)
    with pytest.raises(OrderError, match="spent meanwhile"):
        send_planned(desk, second)
    play.mine()
    assert look(desk).balance == first.left


def test_coins_of_two_jobs_are_joined_only_if_somebody_asks(new_play: Callable[[], Play]) -> None:
    one, two = settled(new_play()), settled(new_play())
    desk = one.worker.desk
    wallet, jobs = look(desk), {each.job.document.job_id for each in (one, two)}
    assert set(of(wallet)) == jobs
    assert len({each.address for each in wallet.owned}) == 2, "a fresh address for each job"
    with pytest.raises(InputError, match="2 jobs") as caught:
        plan_send(desk, wallet, ELSEWHERE, None, FEERATE)
    assert "sweep" in str(caught.value.hint)
    with pytest.raises(InputError) as caught:
        plan_send(desk, wallet, ELSEWHERE, Sat(2_000_000), FEERATE)
    assert "--join" in str(caught.value.hint)
    assert len(plan_send(desk, wallet, ELSEWHERE, Sat(100_000), FEERATE).groups) == 1
    named = one.job.document.job_id
    assert plan_send(desk, wallet, ELSEWHERE, Sat(100_000), FEERATE, Choice(named)).job_id == named
    with pytest.raises(NotFoundError):
        plan_send(desk, wallet, ELSEWHERE, Sat(100_000), FEERATE, Choice("nonsense"))
    with pytest.raises(InputError, match="--join takes all"):
        plan_send(desk, wallet, ELSEWHERE, Sat(100_000), FEERATE, Choice(named, join=True))
    assert len(plan_send(desk, wallet, ELSEWHERE, Sat(2_000_000), FEERATE, Choice(join=True)).spend.coins) == 2

    swept = plan_sweep(desk, wallet, FOREIGN.public.to_string(), FEERATE)
    assert [len(each.spend.coins) for each in swept.payments] == [1, 1]
    assert len({each.address for each in swept.payments}) == 2, "and a fresh one of the other wallet for each"
    for each in swept.payments:
        send_planned(desk, each)
    one.mine()
    assert look(desk).balance == 0
    assert sum(each.amount for each in history(desk)) == 0, "all of it went"
    assert {each.address for each in swept.payments} == {each.where for each in history(desk) if each.what == "sent"}


def test_an_empty_wallet_sends_nothing(play: Play) -> None:
    desk = play.worker.desk
    wallet = look(desk)
    assert (wallet.balance, wallet.owned, history(desk)) == (0, (), [])
    for amount in (None, Sat(1_000)):
        with pytest.raises(InputError, match="nothing that can be spent"):
            plan_send(desk, wallet, ELSEWHERE, amount, FEERATE)
    with pytest.raises(InputError, match="worth the fee"):
        plan_sweep(desk, wallet, ELSEWHERE, FEERATE)


@pytest.mark.parametrize("feerate", [0, -1, 501])
def test_a_fee_nobody_would_pay_is_refused(play: Play, feerate: int) -> None:
    wallet = look(play.worker.desk)
    for plan in (
        lambda: plan_send(play.worker.desk, wallet, ELSEWHERE, None, feerate),
        lambda: plan_sweep(play.worker.desk, wallet, ELSEWHERE, feerate),
    ):
        with pytest.raises(InputError, match="fee rate"):
            plan()


def test_dust_is_left_alone(play: Play) -> None:
    settled(play)
    desk, address = play.worker.desk, play.bid.document.worker_payment_address
    faucet.pay(play.chain, [(address, Sat(DUST_LIMIT - 1)), (address, Sat(DUST_LIMIT))])
    play.mine()
    wallet = look(desk)
    assert wallet.dust == DUST_LIMIT - 1
    swept = plan_sweep(desk, wallet, ELSEWHERE, FEERATE)
    assert [each.coin.amount for each in swept.left] == [DUST_LIMIT], "sending it costs more than it holds"
    assert [coin.amount for each in swept.payments for coin in each.spend.coins] == [PRICE]


def test_the_words_alone_find_it_all_again(new_play: Callable[[], Play], tmp_path: Path) -> None:
    plays = [settled(new_play()), settled(new_play())]
    actor = plays[0].worker
    spent = plan_send(actor.desk, look(actor.desk), ELSEWHERE, Sat(200_000), FEERATE)
    send_planned(actor.desk, spent)
    plays[0].mine()
    before = look(actor.desk)
    desk = restored(actor, tmp_path)
    again = look(desk)
    assert {each.coin for each in again.owned} == {each.coin for each in before.owned}
    assert again.balance == 2 * PRICE - 200_000 - spent.spend.fee
    named = {each.bid.document.worker_payment_address for each in plays}
    assert pay_at(desk, None).address not in named, "no address is named twice"
    everything = plan_send(desk, again, ELSEWHERE, None, FEERATE, Choice(join=True))
    send_planned(desk, everything)
    plays[0].mine()
    assert look(desk).owned == ()


def test_an_address_is_kept_for_the_document_that_will_name_it(play: Play) -> None:
    desk = play.worker.desk
    given = [pay_at(desk, None).address for _ in range(GAP)]
    account = desk.keyring.account
    assert given == [account.address(RECEIVING, n) for n in range(GAP)]
    assert pay_at(desk, None).address in given, "no wallet would look for the one after them"


def test_twenty_jobs_that_paid_nothing_do_not_hide_the_next_from_other_wallets(play: Play) -> None:
    desk, account = play.creator.desk, play.creator.desk.keyring.account
    for number in range(GAP + 3):
        play.post()
        assert play.job.document.creator_payment_address == account.address(RECEIVING, number % GAP)
    assert play.creator.told("look no further")
    faucet.pay(play.chain, [(account.address(RECEIVING, 5), Sat(10_000))])
    play.mine()
    look(desk)
    play.post()
    assert play.job.document.creator_payment_address == account.address(RECEIVING, GAP), "one was paid: they go on"


def test_withdrawing_a_document_frees_its_address(play: Play) -> None:
    play.post()
    desk = play.creator.desk
    assert desk.store.remove_unpublished(play.job.id)
    desk.store.wallet.add_addresses(desk.identity.id, [])
    rows = {each.address: each for each in desk.store.wallet.addresses(desk.identity.id)}
    assert rows[play.job.document.creator_payment_address].document_id is None


def test_where_somebody_else_is_paid_only_that_wallet_hurries_it(play: Play) -> None:
    play.worker.desk.payout = ELSEWHERE
    play.accepted()
    play.collect(play.worker)
    assert play.bid.document.worker_payment_address == ELSEWHERE
    with pytest.raises(EscrowError, match="not of this identity's own wallet") as caught:
        plan_bump(play.worker.desk, play.seen_by(play.worker), 40)
    assert "that has it" in str(caught.value.hint)
    assert look(play.worker.desk).balance == 0


def test_what_the_own_wallet_gets_is_hurried_by_its_key(play: Play) -> None:
    play.accepted()
    play.collect(play.worker)
    hurry = plan_bump(play.worker.desk, play.seen_by(play.worker), 40)
    send_bump(play.worker.desk, hurry)
    play.mine()
    assert look(play.worker.desk).balance == PRICE - hurry.child.fee


@pytest.mark.parametrize(
    ("given", "place"),
    [(FOREIGN.both_branches(), Place.KEY), (FOREIGN.electrum_key(), Place.KEY), (ELSEWHERE, Place.ADDRESS)],
)
def test_a_person_says_where_to_be_paid(play: Play, given: str, place: Place) -> None:
    paid_at = pay_at(play.worker.desk, given)
    assert (paid_at.address, paid_at.place) == (ELSEWHERE, place)
    assert ELSEWHERE in paid_at.in_words
    play.worker.desk.payout = given
    assert pay_at(play.worker.desk, None).place is place
    assert pay_at(play.worker.desk, "wallet").place is Place.OWN


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
        pay_at(play.worker.desk, given)
    assert FOREIGN.key.to_string()[10:40] not in str(caught.value)
    play.worker.desk.payout = given
    with pytest.raises(InputError, match="payout cannot be used"):
        pay_at(play.worker.desk, None)


def test_without_words_the_wallet_of_every_delegate_is_one_wallet(play: Play) -> None:
    """What was earned with a former delegate is seen, spent and exported with the rest."""
    first, second = (PrivateKey(secrets.token_bytes(32)) for _ in range(2))
    row = replace(play.worker.desk.identity, delegate_address=p2pkh_address(second.public_key, REGTEST))
    keyring = DelegateKeyring(first, REGTEST, row.master_address, None, (second,))
    desk = replace(play.worker.desk, row=row, open_keyring=lambda _: keyring)
    accounts = [each.account for each in export_wallet(desk)]
    assert accounts[0] == desk.keyring.account, "that of now comes first"
    faucet.pay(play.chain, [(each.address(RECEIVING, 0), Sat(100_000)) for each in accounts])
    play.mine()
    wallet = look(desk)
    assert {each.address for each in wallet.owned} == {each.address(RECEIVING, 0) for each in accounts}
    planned = plan_send(desk, wallet, ELSEWHERE, Sat(150_000), FEERATE, Choice(join=True))
    assert planned.change == accounts[0].address(CHANGE, 0)
    send_planned(desk, planned)
    play.mine()
    assert look(desk).balance == planned.left
    assert pay_at(desk, None).address == accounts[0].address(RECEIVING, 1)


# ---- other programs


def test_another_wallet_shows_the_same_coins_and_signs_our_psbt(play: Play) -> None:
    """The Bitcoin Development Kit, with what `rein wallet export` gives; its signature is sent by the node."""
    bdk = pytest.importorskip("bdkpython", reason="the Bitcoin Development Kit is not here: pip install bdkpython")
    settled(play)
    desk = play.worker.desk
    (exported,) = export_wallet(desk, private=True)
    kind, regtest = bdk.NetworkKind.TEST, bdk.Network.REGTEST
    receive, change = (bdk.Descriptor(each, kind) for each in exported.descriptors)
    theirs = bdk.Wallet(receive, change, regtest, bdk.Persister.new_in_memory())
    mine = look(desk)

    def tell(txid: str) -> None:
        found = play.chain.transaction(txid)
        assert found is not None
        theirs.apply_unconfirmed_txs([bdk.UnconfirmedTx(tx=bdk.Transaction(found.raw), last_seen=1)])

    for each in mine.owned:
        tell(each.coin.outpoint.txid)
    seen = {(str(each.outpoint.txid), each.outpoint.vout, each.txout.value.to_sat()) for each in theirs.list_unspent()}
    assert seen == {(each.coin.outpoint.txid, each.coin.outpoint.vout, each.coin.amount) for each in mine.owned}

    planned = plan_send(desk, mine, ELSEWHERE, Sat(600_000), FEERATE)
    psbt = bdk.Psbt(_base64(psbt_of(desk, planned)))
    assert psbt.fee() == planned.spend.fee
    assert theirs.sign(psbt, None)
    raw = bytes(psbt.extract_tx().serialize())
    assert play.chain.broadcast(Transaction(raw)) == planned.spend.unsigned.txid
    play.mine()
    tell(planned.spend.unsigned.txid)
    after = look(desk)
    assert {each.coin.amount for each in after.owned} == {planned.left}
    assert sum(each.txout.value.to_sat() for each in theirs.list_unspent()) == planned.left
    assert of(after) == {play.job.document.job_id: planned.left}
    lines = history(desk)
    assert sorted(each.what for each in lines) == ["change", "received", "spent elsewhere"]
    assert sum(each.amount for each in lines) == planned.left, "what another program sent is known to be gone"


def test_what_is_exported_is_public_unless_it_is_asked_for(play: Play) -> None:
    settled(play)
    desk = play.worker.desk
    (public,), (private,) = export_wallet(desk), export_wallet(desk, private=True)
    assert "prv" not in repr((public.descriptors, public.both, public.electrum, public.core))
    assert all("prv" in each for each in (*private.descriptors, private.both, private.electrum))
    assert [each["internal"] for each in public.core] == [False, True]
    assert all(each["range"][0] == 0 and each["range"][1] >= GAP for each in public.core)
    key = ExtendedKey.parse(desk.keyring.account.key.to_string(), REGTEST)
    address = play.bid.document.worker_payment_address
    assert key.derive((RECEIVING, 0)).private_key == key_of(desk, address)
    assert public.account.address(CHANGE, 0) == private.account.address(CHANGE, 0)


def _base64(raw: bytes) -> str:
    from base64 import b64encode

    return b64encode(raw).decode()
