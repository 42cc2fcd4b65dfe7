"""Keys, coins and signatures for tests of the development node: every spend is signed through `rein.btc`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rein.btc.address import p2pkh_script, p2wpkh_address, p2wpkh_script, p2wsh_script
from rein.btc.amounts import COIN, Sat
from rein.btc.curve import ORDER, sign_der
from rein.btc.encoding import with_length
from rein.btc.hashes import sha256d
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
from rein.devnet.mining import assemble
from rein.devnet.node import Node

MINER = PrivateKey(b"\x01" * 32)
ALICE, BOB, CAROL, MALLORY = (PrivateKey(bytes([number]) * 32) for number in range(2, 6))
MINER_SCRIPT = p2wpkh_script(MINER.public_key)
MINER_ADDRESS = p2wpkh_address(MINER.public_key, REGTEST)
SIGHASH_ALL = b"\x01"


@dataclass(frozen=True)
class Money:
    """A coin one can spend: where it is, what it holds, and the script it pays to."""

    outpoint: OutPoint
    amount: Sat
    script: bytes


def coins_of(node: Node, script: bytes) -> list[Money]:
    """The mature coins of a script, oldest first."""
    found = [
        (coin.height, Money(outpoint, coin.amount, script))
        for outpoint, coin in node.chain.paying_to(script)
        if not coin.coinbase or node.chain.height + 1 - coin.height >= 100
    ]
    return [money for _, money in sorted(found, key=lambda pair: pair[0])]


def output_of(tx: Transaction, index: int = 0) -> Money:
    return Money(OutPoint(tx.txid, index), tx.outputs[index].amount, tx.outputs[index].script)


def pays(*payments: tuple[float, bytes]) -> list[TxOutput]:
    """Outputs from (whole or half bitcoins, script): exact in binary, as tests write them."""
    return [TxOutput(Sat(int(amount * COIN)), script) for amount, script in payments]


def high_s(signature: bytes) -> bytes:
    """The other signature that consensus takes for the same one, in DER."""
    r_end = 4 + signature[3]
    s = ORDER - int.from_bytes(signature[r_end + 2 :], "big")
    number = s.to_bytes(s.bit_length() // 8 + 1, "big")
    body = signature[2:r_end] + b"\x02" + with_length(number)
    return b"\x30" + with_length(body)


def spend(
    coins: Sequence[Money],
    outputs: Sequence[TxOutput],
    *,
    key: PrivateKey = MINER,
    fee: int = 1000,
    change: bytes | None = MINER_SCRIPT,
    sequence: int = 0xFFFFFFFD,
    locktime: int = 0,
    version: int = 2,
    make_high_s: bool = False,
) -> Transaction:
    """A transaction of P2WPKH coins of `key`, all signed; what is left over `fee` goes to `change`."""
    rest = sum(coin.amount for coin in coins) - sum(output.amount for output in outputs) - fee
    kept = [*outputs, TxOutput(Sat(rest), change)] if change and rest > 0 else list(outputs)
    unsigned = build_unsigned(
        [coin.outpoint for coin in coins], kept, sequence=sequence, locktime=locktime, version=version
    )
    witnesses = []
    for index, coin in enumerate(coins):
        digest = witness_v0_sighash(unsigned, index, p2pkh_script(key.public_key), coin.amount)
        signature = sign_der(key.secret, digest)
        witnesses.append((high_s(signature) if make_high_s else signature, key.public_key))
    return with_witnesses(unsigned, [(signature + SIGHASH_ALL, key) for signature, key in witnesses])


def spend_p2wsh(
    coin: Money, witness_script: bytes, outputs: Sequence[TxOutput], signers: Sequence[PrivateKey | None]
) -> Transaction:
    """Spend one P2WSH coin: CHECKMULTISIG's empty item, a signature for each signer (None: an empty one), script."""
    assert coin.script == p2wsh_script(witness_script)
    unsigned = build_unsigned([coin.outpoint], outputs)
    digest = witness_v0_sighash(unsigned, 0, witness_script, coin.amount)
    signatures = [sign_der(signer.secret, digest) + SIGHASH_ALL if signer else b"" for signer in signers]
    return with_witnesses(unsigned, [(b"", *signatures, witness_script)])


def legacy_signature(tx: Transaction, script: bytes, key: PrivateKey) -> bytes:
    """A signature of input 0 in the way of before segwit: over the transaction with `script` as its scriptSig."""
    digest = sha256d(with_script_sig(tx, script).raw + (1).to_bytes(4, "little"))
    return sign_der(key.secret, digest) + SIGHASH_ALL


def with_script_sig(tx: Transaction, script_sig: bytes) -> Transaction:
    """A transaction of one input without witness, its empty scriptSig replaced."""
    raw, at = tx.unsigned_raw, 4 + 1 + 36
    assert raw[4] == 1
    assert raw[at] == 0
    return Transaction(raw[:at] + with_length(script_sig) + raw[at + 1 :])


def block_on(
    node: Node,
    previous: str,
    transactions: Sequence[Transaction] = (),
    *,
    fees: int = 0,
    time: int | None = None,
    extranonce: int = 0,
) -> bytes:
    """A raw block on any known block, a second later than it."""
    parent = node.chain.blocks[previous]
    return assemble(
        previous=previous,
        height=parent.height + 1,
        time=parent.time + 1 if time is None else time,
        script=MINER_SCRIPT,
        transactions=transactions,
        fees=fees,
        extranonce=extranonce,
    )
