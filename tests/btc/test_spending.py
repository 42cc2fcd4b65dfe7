"""Spends of one's own P2WPKH coins: nothing is lost, nothing is dust, and what was built is what is signed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.address import p2pkh_script, p2wpkh_script, p2wsh_script
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.curve import verify_der
from rein.btc.keys import PrivateKey
from rein.btc.psbt_any import inspect_psbt
from rein.btc.spending import Coin, Spend, pay, pay_all, worth_spending
from rein.btc.transaction import OutPoint, TxOutput, witness_v0_sighash
from rein.errors import InputError, KeyMaterialError

KEYS = [PrivateKey(bytes([n]) * 32) for n in range(1, 4)]
SCRIPTS = [p2wpkh_script(key.public_key) for key in KEYS]
TO, CHANGE = p2wsh_script(b"there"), p2wpkh_script(PrivateKey(b"\x09" * 32).public_key)

amounts = st.one_of(st.integers(0, 2_000), st.integers(0, 10_000_000))
wallets = st.lists(st.tuples(amounts, st.integers(0, 2)), min_size=1, max_size=12)
rates = st.integers(1, 500)


def coins(wallet: list[tuple[int, int]]) -> list[Coin]:
    return [Coin(OutPoint(f"{n:064x}", n), Sat(amount), SCRIPTS[which]) for n, (amount, which) in enumerate(wallet, 1)]


@given(wallet=wallets, amount=st.integers(0, 12_000_000), feerate=rates)
def test_a_payment_is_exact_and_pays_its_fee(wallet: list[tuple[int, int]], amount: int, feerate: int) -> None:
    mine = coins(wallet)
    try:
        spend = pay(mine, TxOutput(Sat(amount), TO), CHANGE, feerate)
    except InputError:
        worth = worth_spending(mine, feerate)
        least = Spend((mine[0],), (TxOutput(Sat(0), TO),)).vsize * feerate
        # Refused only where it is dust, or where the coins, each less its own cost, cannot pay for it.
        assert amount < DUST_LIMIT or sum(c.amount - 68 * feerate for c in worth) - amount < least + feerate * 4
        return
    assert [each.amount for each in spend.outputs if each.script == TO] == [amount]
    assert all(each.amount >= DUST_LIMIT and each.script in (TO, CHANGE) for each in spend.outputs)
    assert set(spend.coins) <= set(mine)
    assert len(spend.coins) == len(set(spend.coins))
    extra = spend.fee - feerate * spend.vsize
    assert 0 <= extra <= (0 if len(spend.outputs) == 2 else DUST_LIMIT + 31 * feerate)
    signed = spend.sign(KEYS)
    assert signed.txid == spend.unsigned.txid
    assert signed.vsize <= spend.vsize <= signed.vsize + len(spend.coins)
    assert signed.outputs == spend.outputs
    for index, (coin, witness) in enumerate(zip(spend.coins, signed.witnesses, strict=True)):
        digest = witness_v0_sighash(signed, index, p2pkh_script(witness[1]), coin.amount)
        assert verify_der(witness[1], digest, witness[0][:-1])
        assert p2wpkh_script(witness[1]) == coin.script


@given(wallet=wallets, feerate=rates)
def test_sending_all_leaves_only_what_is_not_worth_it(wallet: list[tuple[int, int]], feerate: int) -> None:
    mine = coins(wallet)
    try:
        spend = pay_all(mine, TO, feerate)
    except InputError:
        assert sum(max(0, each.amount - 68 * feerate) for each in mine) < DUST_LIMIT + feerate * (11 + 43)
        return
    (paid,) = spend.outputs
    assert paid.amount + spend.fee == spend.spent
    assert spend.fee == feerate * spend.vsize
    assert all(each.amount <= 69 * feerate for each in set(mine) - set(spend.coins))


def test_a_coin_without_its_key_is_not_signed() -> None:
    spend = pay_all(coins([(50_000, 0), (50_000, 2)]), TO, 2)
    with pytest.raises(KeyMaterialError, match="is not here"):
        spend.sign(KEYS[:2])


@pytest.mark.parametrize("outputs", [(), (TxOutput(Sat(50_001), TO),)])
def test_what_is_no_payment(outputs: tuple[TxOutput, ...]) -> None:
    with pytest.raises(InputError):
        Spend(tuple(coins([(50_000, 0)])), outputs)


def test_the_psbt_says_what_the_spend_says() -> None:
    spend = pay(coins([(90_000, 0), (80_000, 1)]), TxOutput(Sat(100_000), TO), CHANGE, 3)
    origins = {SCRIPTS[0]: (KEYS[0].public_key, b"\x01\x02\x03\x04" + bytes(20))}
    seen = inspect_psbt(spend.to_psbt(origins, {}))
    assert seen.transaction == spend.unsigned
    assert seen.fee == spend.fee
    assert [each.outpoint for each in seen.inputs] == [each.outpoint for each in spend.coins]
