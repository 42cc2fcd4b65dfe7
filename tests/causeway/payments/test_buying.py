"""Buying hosting with money on a real (private) chain: paid in full, in part, twice, late, and taken back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from causeway.db.engine import parse_url
from causeway.db.leadership import Duty, Leadership
from causeway.legacy.texts import address_texts
from causeway.payments.purchases import ADDRESSES_A_DAY, MAX_OPEN_PURCHASES
from rein.btc import message
from rein.btc.address import p2pkh_script, p2wpkh_address
from rein.btc.amounts import Sat
from rein.btc.block import Block
from rein.btc.curve import sign_der
from rein.btc.networks import REGTEST
from rein.btc.transaction import OutPoint, Transaction, TxOutput, build_unsigned, with_witnesses, witness_v0_sighash
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from rein.errors import ChainError
from rein.remote.causeway import Causeway
from tests.causeway.callers_v1 import Caller as CallerV1
from tests.causeway.conftest import Server
from tests.causeway.paid_server import KEY, PRICE, WALLET, PaidServer, private_chain
from tests.support.evil_server import evil_server
from tests.support.people import enroll, person

BOB, MALLORY = person("Bob"), person("Mallory")


def sign_address(contact: str, owner: str, nonce: str = "") -> str:
    """The signature of an `/address`, by Bob."""
    return message.sign(BOB.master, address_texts(contact, owner, nonce)[0])


@pytest.fixture(scope="module")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], CoreRpc]]:
    with private_chain(tmp_path_factory.mktemp("chain")) as connect:
        yield connect


@pytest.fixture(scope="module")
def chain(connect: Callable[[], CoreRpc]) -> Iterator[CoreRpc]:
    with connect() as chain:
        yield chain


@pytest.fixture
def shop(server: Server, chain: CoreRpc) -> PaidServer:
    return PaidServer(server, chain)


@pytest.fixture(autouse=True)
def _fresh_addresses(server: Server, chain: CoreRpc, request: pytest.FixtureRequest) -> None:
    """Every test starts at other addresses of the operator's: this module's chain remembers all payments. And behind
    its last block, where the watcher of a server that was there all the time would stand."""
    tip = chain.tip()
    server.rows("INSERT INTO watched_block (height, hash) VALUES (:height, :hash)", height=tip.height, hash=tip.hash)
    start = 1_000 * (1 + sorted(item.name for item in request.session.items).index(request.node.name))
    address = KEY.address(start)
    server.rows("INSERT INTO owner (address) VALUES (:owner)", owner=MALLORY.delegate_address)
    server.rows(
        'INSERT INTO deposit (wallet, "index", address, script, owner) VALUES (:wallet, :index, :address, :script, :o)',
        wallet=KEY.id,
        index=start,
        address=address,
        script=KEY.script(start),
        o=MALLORY.delegate_address,
    )


# ----- paying ----------------------------------------------------------------------------------------------------


def test_a_paid_bucket_is_granted_and_can_be_written_to(shop: PaidServer) -> None:
    address = shop.order(BOB)
    assert shop.buckets(BOB) == 0
    assert shop.caller.put(BOB, "key", "value").outcome == (403, "storage_exhausted")
    shop.pay(address, PRICE)
    assert shop.buckets(BOB) == 1
    assert shop.balance(BOB) == 0
    assert shop.caller.put(BOB, "key", "value").status == 201
    assert shop.account("income") == PRICE


def test_the_addresses_are_the_operators_and_never_come_twice(shop: PaidServer, server: Server) -> None:
    addresses = [shop.order(person(f"Buyer {number}")) for number in range(4)]
    indexes = [row[0] for row in server.rows('SELECT "index" FROM deposit ORDER BY "index"')]
    assert indexes == list(range(int(str(indexes[0])), int(str(indexes[0])) + 5))
    branch = WALLET.derive([0])
    spendable = [p2wpkh_address(branch.derive([int(str(i))]).public_key, REGTEST) for i in indexes[1:]]
    assert addresses == spendable


def test_orders_at_once_get_addresses_of_their_own(shop: PaidServer) -> None:
    buyers = [person(f"Buyer {number}") for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda who: shop.another_caller().get("/buy", owner=who.master_address), buyers))
    assert len({answer.data["address"] for answer in answers}) == 12


def test_who_orders_too_much_is_answered_with_the_oldest(shop: PaidServer, server: Server) -> None:
    addresses = [shop.order(BOB) for _ in range(MAX_OPEN_PURCHASES)]
    assert len(set(addresses)) == MAX_OPEN_PURCHASES
    assert shop.order(BOB) == addresses[0]
    shop.pay(addresses[0], PRICE)
    assert shop.order(BOB) not in addresses


def test_underpayment_waits_for_the_rest(shop: PaidServer) -> None:
    address = shop.order(BOB)
    shop.pay(address, PRICE - 600)
    assert (shop.buckets(BOB), shop.balance(BOB)) == (0, PRICE - 600)
    shop.pay(address, 600)
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 0)


def test_overpayment_stays_as_balance(shop: PaidServer) -> None:
    shop.pay(shop.order(BOB), PRICE + 777)
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 777)


def test_paying_the_same_address_again_fills_the_balance(shop: PaidServer) -> None:
    address = shop.order(BOB)
    shop.pay(address, PRICE)
    shop.pay(address, PRICE)
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, PRICE)
    assert shop.buy(BOB).data["balance_sat"] == 0
    assert (shop.buckets(BOB), shop.balance(BOB)) == (2, 0)


def test_a_payment_counts_at_the_configured_depth(server: Server, chain: CoreRpc) -> None:
    shop = PaidServer(server, chain, confirmations=3)
    address = shop.order(BOB)
    shop.pay(address, PRICE)
    shop.mine()
    assert (shop.buckets(BOB), shop.balance(BOB)) == (0, 0)
    shop.mine()
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 0)


def test_a_late_payment_buys_at_the_price_of_the_day(server: Server, chain: CoreRpc) -> None:
    shop = PaidServer(server, chain)
    addresses = [shop.order(BOB), shop.order(BOB)]
    server.rows("UPDATE purchase SET created = created - interval '8 days'")
    dearer = PaidServer(server, chain, price=Sat(PRICE + 1_000))
    dearer.pay(addresses[0], PRICE)
    assert (dearer.buckets(BOB), dearer.balance(BOB)) == (0, PRICE)
    dearer.pay(addresses[0], 1_000)
    assert (dearer.buckets(BOB), dearer.balance(BOB)) == (1, 0)
    # Whoever pays in time pays what was said.
    server.rows("UPDATE purchase SET created = now() WHERE paid IS NULL")
    dearer.pay(addresses[1], PRICE)
    assert (dearer.buckets(BOB), dearer.balance(BOB)) == (2, 0)


def test_one_transaction_may_pay_many(shop: PaidServer, chain: CoreRpc) -> None:
    bobs, mallorys = [shop.order(BOB), shop.order(BOB)], shop.order(MALLORY)
    faucet.pay(chain, [(bobs[0], PRICE), (mallorys, PRICE), (bobs[1], PRICE), (bobs[1], Sat(1_000))])
    shop.mine()
    assert (shop.buckets(BOB), shop.balance(BOB)) == (2, 1_000)
    assert (shop.buckets(MALLORY), shop.balance(MALLORY)) == (1, 0)


def test_looking_twice_changes_nothing(shop: PaidServer, chain: CoreRpc, server: Server) -> None:
    shop.pay(shop.order(BOB), PRICE + 5)
    before = server.rows("SELECT * FROM ledger ORDER BY id")
    assert shop.watcher.update() == 0
    assert shop.new_watcher(chain).update() == 0
    assert server.rows("SELECT * FROM ledger ORDER BY id") == before


def test_watchers_at_once_credit_once(shop: PaidServer, chain: CoreRpc, connect: Callable[[], CoreRpc]) -> None:
    addresses = [shop.order(BOB), shop.order(MALLORY)]
    faucet.pay(chain, [(address, PRICE) for address in addresses])
    faucet.mine(chain, 1)
    watchers = [shop.new_watcher(connect()) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda watcher: watcher.update(), watchers))
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 0)
    assert (shop.buckets(MALLORY), shop.balance(MALLORY)) == (1, 0)


# ----- what cannot be bought -------------------------------------------------------------------------------------


def test_an_order_by_a_stranger_spends_no_balance(shop: PaidServer) -> None:
    """Anybody may open an order for Bob, and even pay dust to it: Bob's money stays Bob's."""
    shop.pay(shop.order(BOB), 3 * PRICE)
    stranger = shop.another_caller().get("/buy", owner=BOB.master_address).data["address"]
    shop.pay(stranger, 600)
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 2 * PRICE + 600)


def test_only_the_owner_or_its_delegate_spends_a_balance(shop: PaidServer) -> None:
    shop.pay(shop.order(BOB), 4 * PRICE)
    shop.order(MALLORY)
    assert shop.buy(BOB, by=MALLORY.master).outcome == (403, "not_delegate")
    assert shop.buy(BOB, by=BOB.delegate).outcome == (403, "not_delegate")
    assert shop.buy(BOB, nonce=shop.caller.nonce(MALLORY)).outcome == (401, "bad_nonce")
    assert shop.balance(BOB) == 3 * PRICE
    assert shop.caller.put(BOB, "enrollment", enroll(BOB)).status == 201
    assert shop.buy(BOB, by=BOB.delegate).data["balance_sat"] == 2 * PRICE
    assert (shop.buckets(BOB), shop.balance(BOB)) == (2, 2 * PRICE)


def test_a_purchase_is_served_once_and_at_the_price_that_was_signed(shop: PaidServer) -> None:
    shop.pay(shop.order(BOB), 3 * PRICE)
    nonce = shop.caller.nonce(BOB)
    answer = shop.buy(BOB, nonce=nonce)
    assert answer.data["price_sat"] == PRICE
    assert [bucket["bytes_free"] for bucket in answer.data["buckets"]] == [1_048_576] * 2
    assert shop.buy(BOB, nonce=nonce).outcome == (401, "nonce_used")
    assert shop.buy(BOB, price=PRICE - 1).outcome == (409, "price_changed")
    assert shop.buy(BOB, price=PRICE + 1).outcome == (409, "price_changed")
    assert shop.buy(BOB, price=0).outcome == (400, "bad_parameter")
    assert shop.balance(BOB) == PRICE


def test_a_purchase_signed_for_one_server_is_worth_nothing_at_another(shop: PaidServer) -> None:
    """A server that hands out another's nonces must not spend there what people meant to spend here."""
    shop.pay(shop.order(BOB), 2 * PRICE)
    v1 = CallerV1(shop.app.test_client())
    body = json.dumps({"price_sat": int(PRICE)}).encode()
    for elsewhere in ({"server": "https://evil.example"}, {"path_and_query": "/v1/put"}, {"body_sha256": "0" * 64}):
        headers = v1.headers(BOB, "/buy", body, nonce=v1.nonce(BOB), **elsewhere)
        assert v1.post("/buy", body, headers).outcome == (401, "incorrect_signature")
    assert shop.balance(BOB) == PRICE
    # The API of 2016 binds no server: nothing that is signed there buys.
    unsigned = shop.caller.get("/buy", owner=BOB.master_address, nonce="0" * 32, signature="x" * 88)
    assert "paid" not in unsigned.data
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, PRICE)


def test_a_balance_is_told_to_its_owner_by_a_request_for_this_server(shop: PaidServer) -> None:
    shop.pay(shop.order(BOB), PRICE + 777)
    shop.order(MALLORY)
    v1 = CallerV1(shop.app.test_client())
    assert v1.signed(BOB, "/balance", {}).data == {"balance_sat": 777}
    nonce = v1.nonce(BOB)
    assert v1.signed(BOB, "/balance", {}, nonce=nonce).data == {"balance_sat": 777}
    assert v1.signed(BOB, "/balance", {}, nonce=nonce).outcome == (401, "nonce_used")
    assert v1.signed(BOB, "/balance", {}, MALLORY.master).outcome == (403, "not_delegate")
    for elsewhere in ({"server": "https://evil.example"}, {"path_and_query": "/v1/buy"}, {"body_sha256": "0" * 64}):
        headers = v1.headers(BOB, "/balance", b"{}", nonce=v1.nonce(BOB), **elsewhere)
        assert v1.post("/balance", b"{}", headers).outcome == (401, "incorrect_signature")
    assert v1.post("/balance", b"{}").outcome == (400, "missing_parameter")


def test_what_today_s_client_signs_cannot_be_relayed(shop: PaidServer) -> None:
    """A server in the middle hands out another one's nonces, and passes on what it is told: nothing comes of it."""
    shop.pay(shop.order(BOB), 2 * PRICE)
    honest = CallerV1(shop.app.test_client())
    stolen: list[tuple[str, bytes, dict[str, str]]] = []

    def bend(path: str, asked: dict[str, str], honestly: object) -> object:
        return {"nonce": honest.nonce(BOB)} if path == "v1/nonce" else honestly

    with evil_server() as evil:
        evil.bend, evil.keep = bend, lambda *request: stolen.append(request)
        talk = Causeway(evil.url, REGTEST, BOB.master_address, BOB.master_address)
        with closing(talk):
            talk.balance(BOB.master)
            talk._nonces.clear()
            talk.buy_from_balance(PRICE, BOB.master)
    assert [path for path, _, _ in stolen] == ["v1/balance", "v1/buy"]
    for path, body, headers in stolen:
        passed_on = honest.post(f"/{path.removeprefix('v1/')}", body, headers)
        assert passed_on.outcome == (401, "incorrect_signature")
        old = {"address": BOB.master_address, "nonce": headers["Rein-Nonce"], "signature": headers["Rein-Signature"]}
        assert shop.caller.get("/balance", **old).outcome == (401, "incorrect_signature")
        assert shop.caller.get("/address", **old, contact="x").outcome == (401, "incorrect_signature")
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, PRICE)


def test_what_a_balance_did_not_cover_is_not_bought_later(shop: PaidServer) -> None:
    address = shop.order(BOB)
    shop.pay(address, PRICE - 1)
    nonce = shop.caller.nonce(BOB)
    refused = shop.buy(BOB, nonce=nonce)
    assert refused.outcome == (402, "balance_too_low")
    assert f"the balance is {PRICE - 1} sat" in refused.data["error"]["message"]
    shop.pay(address, PRICE + 1)
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, PRICE)
    assert shop.buy(BOB, nonce=nonce).outcome == (401, "nonce_used")
    assert shop.balance(BOB) == PRICE


def test_purchases_at_once_spend_no_more_than_there_is(shop: PaidServer) -> None:
    shop.pay(shop.order(BOB), 4 * PRICE + 1)
    nonces = [shop.caller.nonce(BOB) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda nonce: shop.buy(BOB, nonce=nonce), nonces))
    assert sorted(answer.status for answer in answers) == [200] * 3 + [402] * 5
    assert (shop.buckets(BOB), shop.balance(BOB)) == (4, 1)


def test_free_buckets_are_granted_only_where_the_operator_says_so(shop: PaidServer) -> None:
    answer = shop.caller.get("/request", owner=BOB.master_address)
    assert answer.outcome == (200, "free_buckets_granted")
    assert f"`rein buy` (GET /buy) buys one for {PRICE} sat" in answer.data["hint"]
    assert shop.buckets(BOB) == 0
    assert shop.caller.nonce(BOB)


def test_a_free_server_sells_nothing(server: Server) -> None:
    caller = server.caller()
    assert caller.get("/price").data["price"] == 0
    answer = caller.get("/buy", owner=BOB.master_address, contact="bob@example.com")
    assert (answer.data["result"], answer.data["price"], len(answer.data["buckets"])) == ("success", "0", 1)
    for _ in range(3):
        caller.get("/buy", address=BOB.master_address)
    assert caller.get("/buy", owner=BOB.master_address).outcome == (200, "free_buckets_granted")
    signature = sign_address("x", BOB.master_address)
    asked = caller.get("/address", address=BOB.master_address, contact="x", signature=signature)
    assert asked.outcome == (409, "not_for_sale")
    v1 = CallerV1(server.app.test_client())
    assert v1.signed(BOB, "/buy", {"price_sat": 1}).outcome == (409, "not_for_sale")


def test_an_address_block_gets_so_many_addresses_a_day(shop: PaidServer) -> None:
    http = shop.another_caller()
    near = [{"REMOTE_ADDR": f"203.0.113.{number}"} for number in range(ADDRESSES_A_DAY + 1)]
    answers = [
        http.read(
            http.http.get(
                "/buy", query_string={"owner": person(f"Buyer {number}").master_address}, environ_overrides=where
            )
        )
        for number, where in enumerate(near)
    ]
    # The rate limit of requests counts by address; this one by block.
    assert [answer.outcome for answer in answers] == [(200, None)] * ADDRESSES_A_DAY + [(429, "rate_limited")]


def test_coins_that_were_there_before_the_address_was_given_out_buy_nothing(shop: PaidServer, server: Server) -> None:
    """An operator begins anew with an old wallet: a stranger must not get what was paid there long ago."""
    address = shop.order(BOB)
    server.rows("UPDATE deposit SET created = created + interval '3 hours'")
    shop.pay(address, PRICE)
    assert (shop.buckets(BOB), shop.balance(BOB)) == (0, 0)
    assert server.rows("SELECT 1 FROM receipt") == []


# ----- the account -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("comma", ["", ","])
def test_an_account_has_an_address_of_its_own(shop: PaidServer, comma: str) -> None:
    signature = message.sign(BOB.master, f"bob@example.org{comma}{BOB.master_address}")
    asked = {"contact": "bob@example.org", "address": BOB.master_address, "signature": signature}
    address = shop.caller.get("/address", **asked).data["address"]
    assert shop.caller.get("/address", **asked).data["address"] == address
    shop.pay(address, PRICE + 1)
    assert (shop.buckets(BOB), shop.balance(BOB)) == (0, PRICE + 1)
    assert shop.caller.get("/address", **asked).data["address"] != address
    assert shop.buy(BOB).data["balance_sat"] == 1
    assert shop.buckets(BOB) == 1


def test_a_contact_is_the_owners_word_and_cannot_be_set_back(shop: PaidServer, server: Server) -> None:
    shop.another_caller().get("/buy", owner=BOB.master_address, contact="evil@example.com")

    def address(contact: str, nonce: str = "") -> int:
        signature = sign_address(contact, BOB.master_address, nonce)
        more = {"nonce": nonce} if nonce else {}
        return shop.caller.get(
            "/address", address=BOB.master_address, contact=contact, signature=signature, **more
        ).status

    def contact() -> object:
        return server.value("SELECT contact FROM owner WHERE address = :o", o=BOB.master_address)

    assert contact() == "evil@example.com"
    assert address("old@example.com") == 200
    assert contact() == "old@example.com"
    assert address("new@example.com", shop.caller.nonce(BOB)) == 200
    assert contact() == "new@example.com"
    assert address("old@example.com") == 200  # overheard, and sent again
    assert contact() == "new@example.com"


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"signature": "x" * 88}, (401, "incorrect_signature")),
        ({"signature": ""}, (401, "incorrect_signature")),
        ({"contact": "another@example.com"}, (401, "incorrect_signature")),
        ({"contact": "bob@example.org\nBcc: all"}, (400, "bad_parameter")),
        ({"signature_address": MALLORY.master_address}, (401, "incorrect_signature")),
        ({"contact": None}, (400, "missing_parameter")),
    ],
)
def test_an_account_needs_a_signature(shop: PaidServer, changes: dict[str, str], outcome: tuple[int, str]) -> None:
    signature = sign_address("bob@example.org", BOB.master_address)
    asked = {"contact": "bob@example.org", "address": BOB.master_address, "signature": signature, **changes}
    answer = shop.caller.get("/address", **{name: value for name, value in asked.items() if value is not None})
    assert answer.outcome == outcome
    assert shop.server.rows("SELECT 1 FROM owner WHERE address = :o", o=BOB.master_address) == []


def test_a_balance_is_nobody_elses_business(shop: PaidServer) -> None:
    shop.order(BOB)
    nonce = shop.caller.nonce(BOB)
    asked = {"address": BOB.master_address, "nonce": nonce}
    wrong = message.sign(MALLORY.master, BOB.master_address + nonce)
    assert shop.caller.get("/balance", **asked, signature=wrong).outcome == (401, "incorrect_signature")
    right = message.sign(BOB.master, BOB.master_address + nonce)
    assert shop.caller.get("/balance", **asked, signature=right).data["balance"] == 0
    assert shop.caller.get("/balance", **asked, signature=right).outcome == (401, "nonce_used")


# ----- the chain changes its mind --------------------------------------------------------------------------------


def test_a_payment_that_left_the_chain_is_taken_back(shop: PaidServer, chain: CoreRpc) -> None:
    address = shop.order(BOB)
    shop.pay(address, PRICE + 50)
    assert shop.caller.put(BOB, "key", "value").status == 201
    (block,) = [chain.tip().hash]
    forget_payment(shop, block)
    assert (shop.buckets(BOB), shop.balance(BOB)) == (0, 0 - PRICE)
    assert shop.caller.put(BOB, "more", "value").outcome == (403, "storage_exhausted")
    assert shop.caller.stored("key") == "value"
    # Paid again, elsewhere: the debt is settled and the bucket thaws.
    shop.pay(address, PRICE)
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 0)
    assert shop.caller.put(BOB, "more", "value").status == 201


def test_a_payment_that_comes_back_is_credited_again(shop: PaidServer, chain: CoreRpc) -> None:
    shop.pay(shop.order(BOB), PRICE)
    block = chain.tip().hash
    chain.call("invalidateblock", block)
    shop.watcher.update()
    assert (shop.buckets(BOB), shop.balance(BOB)) == (0, -PRICE)
    shop.mine()  # it waited in the mempool
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 0)


def test_a_payment_that_moved_to_another_block_stays(shop: PaidServer, chain: CoreRpc, server: Server) -> None:
    shop.pay(shop.order(BOB), PRICE)
    chain.call("invalidateblock", chain.tip().hash)
    faucet.mine(chain, 2)
    assert shop.watcher.update() == 1
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 0)
    assert server.value("SELECT count(*) FROM ledger") == 4
    assert server.value("SELECT block_hash FROM receipt") == chain.block_at(chain.tip().height - 1).hash


def test_the_debt_freezes_what_was_bought_last(shop: PaidServer, chain: CoreRpc, server: Server) -> None:
    first, second = shop.order(BOB), shop.order(BOB)
    shop.pay(first, PRICE)
    shop.pay(second, PRICE)
    forget_payment(shop, chain.tip().hash)
    assert server.rows("SELECT frozen FROM bucket ORDER BY id") == [(False,), (True,)]
    assert shop.balance(BOB) == -PRICE


def test_an_output_that_the_operator_spent_is_no_reorganisation(shop: PaidServer, chain: CoreRpc) -> None:
    address = shop.order(BOB)
    txid = shop.pay(address, PRICE)
    spend(shop, chain, txid, address)
    shop.mine(3)
    assert chain.unspent_outputs([KEY.script(index_of(shop, address))]) == []
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 0)


def test_a_deep_payment_is_asked_about_no_more(shop: PaidServer, server: Server) -> None:
    shop.pay(shop.order(BOB), PRICE)
    shop.mine(142)
    assert server.rows("SELECT final FROM receipt") == [(False,)]
    shop.mine(1)
    assert server.rows("SELECT final FROM receipt") == [(True,)]


def test_a_chain_in_motion_and_a_node_away_are_looked_at_again(shop: PaidServer, chain: CoreRpc) -> None:
    address = shop.order(BOB)
    faucet.pay(chain, [(address, PRICE)])
    faucet.mine(chain, 1)
    moody = _Moody(chain)
    watcher = shop.new_watcher(moody)
    with pytest.raises(ChainError):
        watcher.update()
    watcher.update()
    assert (shop.buckets(BOB), shop.balance(BOB)) == (0, 0)
    watcher.update()
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 0)


class _Moody(CoreRpc):
    """A node that is away at first, then tells of a block that does not follow, and then is well."""

    def __init__(self, chain: CoreRpc) -> None:
        self.__dict__ = dict(chain.__dict__)
        self._reads = 0

    def read_block(self, block_hash: str) -> Block:
        self._reads += 1
        if self._reads == 1:
            raise ChainError("away")
        block = super().read_block(block_hash)
        return replace(block, previous="00" * 32) if self._reads == 2 else block


def index_of(shop: PaidServer, address: str) -> int:
    return int(str(shop.server.value('SELECT "index" FROM deposit WHERE address = :a', a=address)))


def spend(shop: PaidServer, chain: CoreRpc, txid: str, address: str) -> str:
    """The operator's wallet spends a deposit."""
    key = WALLET.derive([0, index_of(shop, address)]).private_key
    paid = chain.transaction(txid)
    assert paid is not None
    vout = next(n for n, output in enumerate(paid.outputs) if output.script == KEY.script(index_of(shop, address)))
    return chain.broadcast(_signed(key.secret, key.public_key, OutPoint(txid, vout), paid.outputs[vout].amount))


def _signed(secret: bytes, public_key: bytes, coin: OutPoint, amount: Sat) -> Transaction:
    tx = build_unsigned([coin], [TxOutput(Sat(amount - 500), faucet.SCRIPT)])
    digest = witness_v0_sighash(tx, 0, p2pkh_script(public_key), amount)
    return with_witnesses(tx, [(sign_der(secret, digest) + b"\x01", public_key)])


def forget_payment(shop: PaidServer, block: str) -> None:
    """A reorganisation in which the payer's coins went elsewhere, so that the payment can never come back."""
    chain = shop.chain
    payment = chain.call("getblock", block, 2)["tx"][1]
    coin = payment["vin"][0]
    chain.call("invalidateblock", block)
    # The same coin is spent otherwise, with a higher fee: the mempool replaces the payment.
    spent = chain.transaction(coin["txid"], None) or _find(chain, coin["txid"])
    amount = spent.outputs[coin["vout"]].amount
    tx = build_unsigned([OutPoint(coin["txid"], coin["vout"])], [TxOutput(Sat(amount - 50_000), faucet.SCRIPT)])
    digest = witness_v0_sighash(tx, 0, p2pkh_script(faucet.KEY.public_key), amount)
    chain.broadcast(with_witnesses(tx, [(sign_der(faucet.KEY.secret, digest) + b"\x01", faucet.KEY.public_key)]))
    shop.mine()


def _find(chain: CoreRpc, txid: str) -> Transaction:
    found = chain.find_transaction(txid)
    assert found is not None
    return found.transaction


# ----- the ledger by itself --------------------------------------------------------------------------------------


def test_the_database_refuses_what_does_not_sum_to_zero(server: Server) -> None:
    line = "INSERT INTO ledger (transaction_id, account, amount_sat, memo) VALUES (1, 'income', :amount, '')"
    server.rows("SELECT 1")
    with pytest.raises(DBAPIError, match="sum to zero"):
        server.rows(line, amount=5)
    with server.engine.begin() as connection:
        connection.execute(text(line), {"amount": 5})
        connection.execute(text(line), {"amount": -5})
    with pytest.raises(DBAPIError, match="do not change"):
        server.rows("UPDATE ledger SET amount_sat = 6")
    with pytest.raises(DBAPIError, match="sum to zero"):
        server.rows("DELETE FROM ledger WHERE amount_sat = 5")
    assert server.value("SELECT count(*) FROM ledger") == 2


def test_one_process_leads_and_another_takes_over(server: Server) -> None:
    url = parse_url(server.settings.database_url or "")
    first, second = Leadership(url, Duty.WATCH), Leadership(url, Duty.WATCH)
    assert first.held()
    assert not second.held()
    assert first.held()
    assert Leadership(url, Duty.SWEEP).held()
    first.release()
    assert second.held()
    assert not first.held()
    second.release()
