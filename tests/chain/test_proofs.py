"""Proofs of transactions: kept as JSON, checked by anybody, and forged by nobody who does not work."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rein.btc.header import BlockHeader
from rein.btc.merkle import MerkleProof
from rein.btc.networks import MAINNET, REGTEST, SIGNET
from rein.btc.transaction import build_unsigned
from rein.chain.core_rpc import CoreRpc
from rein.chain.proofs import PROVED_BLOCKS, TransactionProof, check_work, gather_proof
from rein.chain.source import BlockRef
from rein.devnet import faucet
from rein.errors import ChainError, InputError
from tests.btc.test_header import BLOCK_100000
from tests.btc.test_header import chain as mined
from tests.chain.test_core_rpc import NO_HASH, escrow_coin


@pytest.fixture
def proof(chain: CoreRpc) -> TransactionProof:
    coin = escrow_coin(chain)
    escrow_coin(chain)
    faucet.mine(chain, 2)
    found = gather_proof(chain, coin.outpoint.txid)
    assert found is not None
    return found


def test_what_is_proved(chain: CoreRpc, proof: TransactionProof) -> None:
    proved = proof.check(REGTEST)
    assert proved.txid == proof.transaction.txid
    assert proved.block_hash == chain.block_at(proof.height).hash
    assert (proved.confirmations, proved.work) == (4, 8), "a block of regtest costs two hashes"
    assert proof.check(REGTEST, chain.tip()) == proved
    assert proof.check(REGTEST, chain.block_at(proof.height)) == proved


def test_it_grows_up_to_a_bound(chain: CoreRpc, proof: TransactionProof) -> None:
    faucet.mine(chain, PROVED_BLOCKS + 5)
    later = gather_proof(chain, proof.transaction.txid)
    assert later is not None
    assert len(later.headers) == PROVED_BLOCKS
    assert later.headers[:4] == proof.headers
    assert gather_proof(chain, proof.transaction.txid, later.headers[0].hash, 2) == replace(
        later, headers=later.headers[:2]
    )


def test_there_is_none_of_what_is_not_confirmed(chain: CoreRpc) -> None:
    assert gather_proof(chain, NO_HASH) is None
    waiting = escrow_coin(chain, confirmed=False)
    assert gather_proof(chain, waiting.outpoint.txid) is None
    faucet.mine(chain, 1)


def test_it_is_kept_as_json(proof: TransactionProof) -> None:
    text = json.dumps(proof.to_json())
    for form in (text, text.encode(), json.loads(text)):
        assert TransactionProof.from_json(form) == proof
    assert set(proof.to_json()) == {"proof", "transaction", "height", "position", "branch", "headers"}


Change = Callable[[TransactionProof], TransactionProof]


def with_another_output(proof: TransactionProof) -> TransactionProof:
    first = proof.transaction.outputs[0]
    return replace(proof, transaction=build_unsigned(proof.transaction.inputs, [replace(first, script=b"\x51")]))


def at_another_place(proof: TransactionProof) -> TransactionProof:
    return replace(proof, merkle=replace(proof.merkle, position=proof.merkle.position ^ 1))


FORGERIES: dict[str, tuple[Change, str]] = {
    "another transaction": (with_another_output, "another transaction"),
    "another place": (at_another_place, "not in the block"),
    "no branch": (lambda p: replace(p, merkle=MerkleProof(p.transaction.txid, 0, ())), "not in the block"),
    "another block": (lambda p: replace(p, headers=p.headers[1:]), "not in the block"),
    "a gap": (lambda p: replace(p, headers=(p.headers[0], *p.headers[2:])), "does not follow"),
    "no headers": (lambda p: replace(p, headers=()), "1 to 2016 headers"),
    "many headers": (lambda p: replace(p, headers=p.headers[:1] * 2017), "1 to 2016 headers"),
    "the first block": (lambda p: replace(p, height=0), "first block"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries(proof: TransactionProof, name: str) -> None:
    change, words = FORGERIES[name]
    with pytest.raises(ChainError, match=words):
        change(proof).check(REGTEST)


def test_a_known_block_must_be_on_top(chain: CoreRpc, proof: TransactionProof) -> None:
    tip = chain.tip()
    for known in (
        BlockRef(NO_HASH, tip.height, tip.time),
        BlockRef(tip.hash, tip.height - 1, tip.time),
        BlockRef(tip.hash, proof.height - 1, tip.time),
        BlockRef(tip.hash, tip.height + 100, tip.time),
    ):
        with pytest.raises(ChainError, match="not on top of it"):
            proof.check(REGTEST, known)


def test_work_of_another_network_is_none(proof: TransactionProof) -> None:
    for network in (MAINNET, SIGNET):
        with pytest.raises(ChainError, match="easier than"):
            proof.check(network)


def test_work_of_long_ago_proves_nothing_today() -> None:
    """A block as cheap as those of 2010 may be mined by anybody in a second, and given any height."""
    header = BlockHeader.from_hex(BLOCK_100000)
    with pytest.raises(InputError, match="too little work"):
        check_work(MAINNET, [header], 900_000)
    with pytest.raises(InputError, match="easier than"):
        check_work(MAINNET, mined(1), 900_000)


JSON_LIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a list": lambda _: [],
    "text": lambda _: "{",
    "null": lambda _: None,
    "one member more": lambda value: {**value, "x": 1},
    "another form": lambda value: {**value, "proof": "rein transaction proof 2"},
    "height as text": lambda value: {**value, "height": "5"},
    "height true": lambda value: {**value, "height": True},
    "height negative": lambda value: {**value, "height": -1},
    "height beyond": lambda value: {**value, "height": 2**31},
    "position beyond": lambda value: {**value, "position": 2**20},
    "position float": lambda value: {**value, "position": 1.0},
    "upper case": lambda value: {**value, "transaction": value["transaction"].upper()},
    "spaces": lambda value: {**value, "transaction": value["transaction"] + " "},
    "no transaction": lambda value: {**value, "transaction": ""},
    "a number for one": lambda value: {**value, "transaction": 5},
    "half a transaction": lambda value: {**value, "transaction": value["transaction"][:-2]},
    "branch of numbers": lambda value: {**value, "branch": [1]},
    "branch of bits": lambda value: {**value, "branch": ["00"]},
    "a deep branch": lambda value: {**value, "branch": ["00" * 32] * 30},
    "headers text": lambda value: {**value, "headers": value["headers"][0]},
    "half a header": lambda value: {**value, "headers": [value["headers"][0][:-2]]},
    "an idle header": lambda value: {**value, "headers": ["00" * 68 + "ffff001d" + "00" * 8]},
    "too many headers": lambda value: {**value, "headers": value["headers"][:1] * 2017},
}


@pytest.mark.parametrize("name", JSON_LIES)
def test_json_that_is_no_proof(proof: TransactionProof, name: str) -> None:
    with pytest.raises(InputError):
        TransactionProof.from_json(JSON_LIES[name](proof.to_json()))


def test_a_member_twice_is_refused(proof: TransactionProof) -> None:
    text = json.dumps(proof.to_json())
    with pytest.raises(InputError):
        TransactionProof.from_json(text[:-1] + ', "height": 1}')
