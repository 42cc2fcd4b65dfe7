"""Coins of the private chain for whoever asks. The key is public knowledge and works on regtest only.

Everything goes through RPC calls that need no wallet, so it serves a real `bitcoind -regtest` as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rein.btc.address import p2pkh_script, p2wpkh_address, p2wpkh_script, script_of_address
from rein.btc.amounts import Sat, format_btc
from rein.btc.curve import sign_der
from rein.btc.hashes import sha256
from rein.btc.keys import PrivateKey
from rein.btc.networks import REGTEST
from rein.btc.transaction import (
    OutPoint,
    Transaction,
    TxOutput,
    build_unsigned,
    with_witnesses,
    witness_v0_sighash,
)
from rein.chain.core_rpc import CoreRpc
from rein.devnet.chainstate import COINBASE_MATURITY
from rein.devnet.standard import dust_threshold
from rein.errors import ChainError, InputError

KEY: Final = PrivateKey(sha256(b"rein: the faucet of the private chain"))
ADDRESS: Final = p2wpkh_address(KEY.public_key, REGTEST)
SCRIPT: Final = p2wpkh_script(KEY.public_key)
FEERATE: Final = 2  # sat/vB

_SIGHASH_ALL: Final = b"\x01"
# A P2WPKH input's weight beyond its 41 bytes: item count, signature of up to 72 bytes, key; BIP141.
_WITNESS_WEIGHT: Final = 1 + 1 + 72 + 1 + 33
_MARKER_WEIGHT: Final = 2


@dataclass(frozen=True)
class _Coin:
    outpoint: OutPoint
    amount: Sat


def pay(chain: CoreRpc, payments: Sequence[tuple[str, Sat]]) -> str:
    """Pay every (address, satoshis) in one transaction of the faucet's and answer its txid.

    Works again before a block has come: then it spends its own change from the mempool. One caller at a time: two
    at once may choose the same coin. ChainError when the coins are not enough (mine some), InputError for a bad
    address, an amount below dust or another network.
    """
    if chain.network != REGTEST:
        raise InputError(f"the faucet has no coins on {chain.network.name}", hint="it works on regtest only")
    if not payments:
        raise InputError("there is nobody to pay")
    outputs = [TxOutput(amount, script_of_address(address, REGTEST)) for address, amount in payments]
    for output in outputs:
        if output.amount < dust_threshold(output):
            raise InputError(f"{format_btc(output.amount)} bitcoin is dust: nodes do not relay it")
    return chain.broadcast(_build(chain, outputs))


def mine(chain: CoreRpc, blocks: int, address: str | None = None) -> list[str]:
    """Mine blocks that pay the address, by default the faucet's; their hashes."""
    hashes = chain.call("generatetoaddress", blocks, address or ADDRESS)
    if not isinstance(hashes, list):
        raise ChainError("the answer to generatetoaddress is not a list")
    return [str(name) for name in hashes]


def _build(chain: CoreRpc, outputs: Sequence[TxOutput]) -> Transaction:
    wanted = sum(output.amount for output in outputs)
    chosen: list[_Coin] = []
    for coin in _spendable(chain):
        chosen.append(coin)
        inputs = [coin.outpoint for coin in chosen]
        fee = FEERATE * _vsize(build_unsigned(inputs, [*outputs, TxOutput(Sat(0), SCRIPT)]))
        rest = sum(coin.amount for coin in chosen) - wanted - fee
        if rest >= 0:
            change = TxOutput(Sat(rest), SCRIPT)
            # Change too small to spend goes to the miner.
            kept = [*outputs, change] if rest >= dust_threshold(change) else outputs
            return _sign(build_unsigned(inputs, kept), chosen)
    have = Sat(sum(coin.amount for coin in chosen))
    raise ChainError(
        f"the faucet can spend {format_btc(have)} bitcoin now, not {format_btc(Sat(wanted))} and a fee",
        hint="mine blocks: a coinbase can be spent after 100 more",
    )


def _vsize(unsigned: Transaction) -> int:
    weight = 4 * len(unsigned.unsigned_raw) + _MARKER_WEIGHT + len(unsigned.inputs) * _WITNESS_WEIGHT
    return -(-weight // 4)


def _sign(tx: Transaction, coins: Sequence[_Coin]) -> Transaction:
    code = p2pkh_script(KEY.public_key)  # BIP143: what a P2WPKH input signs for
    witnesses = []
    for index, coin in enumerate(coins):
        digest = witness_v0_sighash(tx, index, code, coin.amount)
        witnesses.append((sign_der(KEY.secret, digest) + _SIGHASH_ALL, KEY.public_key))
    return with_witnesses(tx, witnesses)


def _spendable(chain: CoreRpc) -> Iterator[_Coin]:
    """The faucet's coins nobody spends yet: old ones, then its change in the mempool, then younger change.

    The young ones come last because most are coinbases that may not be spent yet, and only a call each tells.
    """
    confirmed = sorted(chain.unspent_outputs([SCRIPT]), key=lambda output: (-output.confirmations, output.outpoint))
    old = [output for output in confirmed if output.confirmations >= COINBASE_MATURITY]
    for output in old:
        if chain.unspent_output(output.outpoint) is not None:
            yield _Coin(output.outpoint, output.amount)
    yield from _own_change(chain)
    for output in confirmed[len(old) :]:
        found = chain.call("gettxout", output.outpoint.txid, output.outpoint.vout, True)
        if isinstance(found, dict) and found.get("coinbase") is False:
            yield _Coin(output.outpoint, output.amount)


def _own_change(chain: CoreRpc) -> Iterator[_Coin]:
    for txid in chain.call("getrawmempool"):
        tx = chain.transaction(str(txid))
        for index, output in enumerate(tx.outputs if tx else ()):
            outpoint = OutPoint(str(txid), index)
            if output.script == SCRIPT and chain.unspent_output(outpoint) is not None:
                yield _Coin(outpoint, output.amount)
