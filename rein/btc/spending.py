"""Spending P2WPKH outputs of one's own: built once, shown, and signed as it was shown.

Whoever builds a `Spend` has frozen coins, payments and fee; signing adds nothing but signatures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rein.btc._psbt_checks import DERIVATION, NON_WITNESS_UTXO, WITNESS_UTXO
from rein.btc._psbt_maps import new_maps, write_maps
from rein.btc.address import p2pkh_script, p2wpkh_script
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.curve import sign_der
from rein.btc.feerate import Feerate, fee_for
from rein.btc.keys import PrivateKey
from rein.btc.transaction import (
    MAX_SIGNATURE_BYTES,
    OutPoint,
    Transaction,
    TxOutput,
    build_unsigned,
    escrow_spend_vsize,
    with_witnesses,
    witness_v0_sighash,
)
from rein.errors import InputError, KeyMaterialError

_SIGHASH_ALL: Final = b"\x01"
_OUTPUT_DERIVATION: Final = b"\x02"
"""BIP174's key type in the map of an output."""

_WITNESS_WEIGHT: Final = 1 + 1 + MAX_SIGNATURE_BYTES + 1 + 33
"""Of a P2WPKH input (BIP141): the count of items, a signature and a compressed key, each with its length."""

_INPUT_VSIZE: Final = -(-(4 * 41 + _WITNESS_WEIGHT) // 4)

MAX_INPUTS: Final = 1_000
"""So many inputs stay well below the weight that nodes carry."""


@dataclass(frozen=True)
class Coin:
    """An output that a key of one's own opens; `script` is P2WPKH."""

    outpoint: OutPoint
    amount: Sat
    script: bytes


@dataclass(frozen=True)
class Spend:
    """A payment that nothing changes any more: what is shown of it is what is signed."""

    coins: tuple[Coin, ...]
    outputs: tuple[TxOutput, ...]

    def __post_init__(self) -> None:
        if not self.coins or not self.outputs or self.fee < 0:
            raise InputError("that is not a payment: it spends nothing, pays nothing, or pays more than it spends")

    @property
    def spent(self) -> Sat:
        """All that the coins hold."""
        return Sat(sum(coin.amount for coin in self.coins))

    @property
    def fee(self) -> int:
        """Satoshis for the miner."""
        return self.spent - sum(output.amount for output in self.outputs)

    @property
    def vsize(self) -> int:
        """Virtual bytes, at most, once it is signed."""
        return _vsize(len(self.coins), self.outputs)

    @property
    def unsigned(self) -> Transaction:
        """The transaction without signatures; its txid is the signed one's."""
        return build_unsigned([coin.outpoint for coin in self.coins], self.outputs)

    def sign(self, keys: Iterable[PrivateKey]) -> Transaction:
        """The complete transaction.

        :param keys: of every coin, in any order.
        :raises KeyMaterialError: the key of a coin is not among them.
        """
        by_script = {p2wpkh_script(key.public_key): key for key in keys}
        unsigned = self.unsigned
        return with_witnesses(unsigned, [_witness(unsigned, i, coin, by_script) for i, coin in enumerate(self.coins)])

    def to_psbt(self, origins: Mapping[bytes, tuple[bytes, bytes]], previous: Mapping[str, Transaction]) -> bytes:
        """The same payment for a signer elsewhere (BIP174).

        :param origins: by script, the public key and where it comes from (`Account.origin`), as far as known; of
            change too, so that the signer sees that it comes back.
        :param previous: by txid, the transactions that made the coins, as far as they are to be had: signing devices
            want to see them, because they prove the amounts.
        """
        inputs = [
            {WITNESS_UTXO: TxOutput(coin.amount, coin.script).to_bytes()}
            | ({NON_WITNESS_UTXO: previous[coin.outpoint.txid].raw} if coin.outpoint.txid in previous else {})
            | _derivation(DERIVATION, origins.get(coin.script))
            for coin in self.coins
        ]
        outputs = [_derivation(_OUTPUT_DERIVATION, origins.get(output.script)) for output in self.outputs]
        return write_maps(new_maps(self.unsigned, inputs, outputs))


def worth_spending(coins: Iterable[Coin], feerate: Feerate) -> list[Coin]:
    """The coins that hold more than it costs to spend them, the largest first. `feerate` is in sat/vB."""
    return sorted((each for each in coins if each.amount > feerate * _INPUT_VSIZE), key=_largest_first)


def pay(coins: Iterable[Coin], to: TxOutput, change: bytes, feerate: Feerate) -> Spend:
    """A payment from as few of these coins as suffice; what is left goes to the script `change`, or to the miner where
    it would be dust.

    :param feerate: sat/vB.
    :raises InputError: the payment is dust, or the coins do not hold it and its fee.
    """
    _check_dust(to.amount)
    chosen: list[Coin] = []
    for coin in worth_spending(coins, feerate)[:MAX_INPUTS]:
        chosen.append(coin)
        rest = sum(each.amount for each in chosen) - to.amount
        fee = fee_for(feerate, _vsize(len(chosen), (to,)))
        if rest < fee:
            continue
        left = rest - fee_for(feerate, _vsize(len(chosen), (to, TxOutput(DUST_LIMIT, change))))
        outputs = [to, TxOutput(Sat(left), change)] if left >= DUST_LIMIT else [to]
        # In an order that does not tell the change from the payment (BIP69).
        return Spend(tuple(chosen), tuple(sorted(outputs, key=lambda each: (each.amount, each.script))))
    have = sum(each.amount for each in chosen)
    fee = fee_for(feerate, _vsize(max(1, len(chosen)), (to,)))
    raise InputError(f"{to.amount:,} sat and a fee of {fee:,} sat are more than the {have:,} sat that can be spent")


def pay_all(coins: Iterable[Coin], script: bytes, feerate: Feerate) -> Spend:
    """Everything that is worth spending to one script; the fee is taken from it.

    :param feerate: sat/vB.
    :raises InputError: after the fee, dust or nothing is left.
    """
    chosen = worth_spending(coins, feerate)[:MAX_INPUTS]
    total = sum(each.amount for each in chosen)
    fee = fee_for(feerate, _vsize(max(1, len(chosen)), (TxOutput(DUST_LIMIT, script),)))
    if total - fee < DUST_LIMIT:
        raise InputError(f"of {total:,} sat that can be spent, a fee of {fee:,} sat leaves nothing worth sending")
    return Spend(tuple(chosen), (TxOutput(Sat(total - fee), script),))


def _vsize(inputs: int, outputs: Sequence[TxOutput]) -> int:
    return escrow_spend_vsize([_WITNESS_WEIGHT] * inputs, outputs)


def _largest_first(coin: Coin) -> tuple[int, OutPoint]:
    return -coin.amount, coin.outpoint


def _check_dust(amount: Sat) -> None:
    if amount < DUST_LIMIT:
        raise InputError(f"{amount:,} sat are dust: the network does not carry outputs under {DUST_LIMIT} sat")


def _witness(unsigned: Transaction, index: int, coin: Coin, keys: Mapping[bytes, PrivateKey]) -> list[bytes]:
    key = keys.get(coin.script)
    if key is None:
        raise KeyMaterialError(f"the key of the coin {coin.outpoint} is not here")
    digest = witness_v0_sighash(unsigned, index, p2pkh_script(key.public_key), coin.amount)
    return [sign_der(key.secret, digest) + _SIGHASH_ALL, key.public_key]


def _derivation(kind: bytes, origin: tuple[bytes, bytes] | None) -> dict[bytes, bytes]:
    return {} if origin is None else {kind + origin[0]: origin[1]}
