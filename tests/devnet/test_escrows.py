"""The escrow scripts on the node: right signatures spend, in the mempool and in a block; wrong ones in neither."""

from __future__ import annotations

import pytest

from rein.btc.address import p2wsh_script
from rein.btc.amounts import COIN, Sat
from rein.btc.encoding import with_length
from rein.btc.hashes import hash160
from rein.btc.keys import PrivateKey
from rein.btc.script import mandatory_multisig_script, multisig_script
from rein.btc.transaction import Transaction, TxOutput, build_unsigned, with_witnesses
from rein.devnet.node import Node
from rein.devnet.strict import items_consumed
from rein.errors import RejectedError
from tests.devnet.spending import (
    ALICE,
    BOB,
    CAROL,
    MALLORY,
    MINER_SCRIPT,
    Money,
    block_on,
    coins_of,
    legacy_signature,
    output_of,
    pays,
    spend,
    spend_p2wsh,
    with_script_sig,
)

TWO_OF_THREE = multisig_script(2, [ALICE.public_key, BOB.public_key, CAROL.public_key])
MANDATORY = mandatory_multisig_script(CAROL.public_key, 1, [ALICE.public_key, BOB.public_key])
FEE = 1000


@pytest.fixture
def rich(long_lived: Node) -> Node:
    """A shared node with an empty mempool and mature coins of the miner's."""
    long_lived.mine(1, MINER_SCRIPT)
    assert len(long_lived.mempool) == 0
    return long_lived


def funded(node: Node, script: bytes) -> Money:
    tx = spend(coins_of(node, MINER_SCRIPT)[:1], pays((1, script)))
    node.accept(tx)
    node.mine(1, MINER_SCRIPT)
    return output_of(tx)


def payout() -> list[TxOutput]:
    return [TxOutput(Sat(COIN - FEE), MINER_SCRIPT)]


def refused_everywhere(node: Node, tx: Transaction) -> None:
    with pytest.raises(RejectedError, match="mempool-script-verify-flag-failed"):
        node.accept(tx)
    reason = node.submit_block(block_on(node, node.chain.tip.hash, [tx], fees=FEE))
    assert reason is not None
    assert reason.startswith("block-script-verify-flag-failed")


def accepted_everywhere(node: Node, tx: Transaction) -> None:
    node.accept(tx)
    [mined] = node.mine(1, MINER_SCRIPT)
    assert tx.txid in [other.txid for other in node.chain.blocks[mined].transactions]


@pytest.mark.parametrize("signers", [(ALICE, BOB), (ALICE, CAROL), (BOB, CAROL)])
def test_two_of_three(rich: Node, signers: tuple[PrivateKey, ...]) -> None:
    accepted_everywhere(rich, spend_p2wsh(funded(rich, p2wsh_script(TWO_OF_THREE)), TWO_OF_THREE, payout(), signers))


@pytest.mark.parametrize(
    "signers", [(), (ALICE,), (ALICE, None), (ALICE, MALLORY), (BOB, ALICE), (ALICE, ALICE), (ALICE, BOB, CAROL)]
)
def test_two_of_three_wrongly_signed(rich: Node, signers: tuple[PrivateKey | None, ...]) -> None:
    coin = funded(rich, p2wsh_script(TWO_OF_THREE))
    refused_everywhere(rich, spend_p2wsh(coin, TWO_OF_THREE, payout(), signers))


@pytest.mark.parametrize("signers", [(ALICE, CAROL), (BOB, CAROL)])
def test_mandatory(rich: Node, signers: tuple[PrivateKey, ...]) -> None:
    accepted_everywhere(rich, spend_p2wsh(funded(rich, p2wsh_script(MANDATORY)), MANDATORY, payout(), signers))


@pytest.mark.parametrize("signers", [(ALICE, BOB), (BOB, ALICE), (CAROL, ALICE), (CAROL, CAROL), (MALLORY, CAROL)])
def test_mandatory_wrongly_signed(rich: Node, signers: tuple[PrivateKey, ...]) -> None:
    refused_everywhere(rich, spend_p2wsh(funded(rich, p2wsh_script(MANDATORY)), MANDATORY, payout(), signers))


def test_an_output_changed_after_signing(rich: Node) -> None:
    coin = funded(rich, p2wsh_script(TWO_OF_THREE))
    signed = spend_p2wsh(coin, TWO_OF_THREE, payout(), (ALICE, BOB))
    other = build_unsigned([coin.outpoint], [TxOutput(Sat(COIN - FEE), p2wsh_script(b"\x51"))])
    refused_everywhere(rich, with_witnesses(other, signed.witnesses))


def test_a_wrong_amount_signed(rich: Node) -> None:
    coin = funded(rich, p2wsh_script(TWO_OF_THREE))
    lied_to = Money(coin.outpoint, Sat(coin.amount + 1), coin.script)
    refused_everywhere(rich, spend_p2wsh(lied_to, TWO_OF_THREE, payout(), (ALICE, BOB)))


@pytest.mark.parametrize(
    ("redeem", "signers"), [(TWO_OF_THREE, (ALICE, CAROL)), (MANDATORY, (BOB, CAROL))], ids=["2-of-3", "mandatory"]
)
def test_the_old_p2sh_forms(rich: Node, redeem: bytes, signers: tuple[PrivateKey, ...]) -> None:
    coin = funded(rich, b"\xa9\x14" + hash160(redeem) + b"\x87")
    unsigned = build_unsigned([coin.outpoint], payout())

    def signed(keys: tuple[PrivateKey, ...], extra: bytes = b"") -> Transaction:
        signatures = b"".join(with_length(legacy_signature(unsigned, redeem, key)) for key in keys)
        return with_script_sig(unsigned, extra + b"\x00" + signatures + b"\x4c" + with_length(redeem))

    refused_everywhere(rich, signed((signers[0], MALLORY)))
    refused_everywhere(rich, signed(signers[:1]))
    with pytest.raises(RejectedError, match="Stack size must be exactly one"):
        rich.accept(signed(signers, extra=b"\x51"))
    accepted_everywhere(rich, signed(signers))


@pytest.mark.parametrize(
    ("script", "items"),
    [
        (TWO_OF_THREE, 3),
        (MANDATORY, 3),
        (b"\x51", 0),
        (b"\x75\x51", 1),
        (b"\x51\x51", None),  # leaves two
        (b"\xae", None),  # counts its signatures on the stack
        (b"\x63\x68", None),  # branches
        (b"\x05\x01", None),  # cut short
        (b"\x76\xa9\x14" + bytes(20) + b"\x88\xac", 2),
        (b"\xa8\x20" + bytes(32) + b"\x87", 1),
        (b"\x01\x05\xb1\x75\x21" + ALICE.public_key + b"\xac", 1),
    ],
)
def test_items_a_script_consumes(script: bytes, items: int | None) -> None:
    assert items_consumed(script) == items
