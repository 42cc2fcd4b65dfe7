"""The two escrows of a job: known answers, typed here, and what no contract can be made of."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from embit.descriptor import Descriptor
from embit.descriptor.checksum import add_checksum

from rein.btc.address import address_of_script
from rein.btc.descriptor import witness_script_of
from rein.btc.hashes import hash160
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, NETWORKS, REGTEST, TESTNET4, Network
from rein.errors import InputError, KeyMaterialError
from rein.escrow.contract import EscrowKind, contract
from tests.support.legacy_documents import JOB

# Bob, Alice and Charlie of 2016; their keys stand in the documents of tests/support/legacy_documents.py.
CREATOR = bytes.fromhex("026bc363139ebc1cad8e6eee402507d2b4874f5450585f1e6a1cd30a63ecdfc9dc")
MEDIATOR = bytes.fromhex("029fcafbe2dced6fe79865b265ea90387c5411658ca11449999d5020a9f67bb005")
WORKER = bytes.fromhex("02f719f009fb8eb20ccdbfda7d38f378ed2f103ac0a6768df830740c6835c46519")

LEGACY_PRIMARY_REDEEM_SCRIPT = (
    "5221026bc363139ebc1cad8e6eee402507d2b4874f5450585f1e6a1cd30a63ecdfc9dc"
    "21029fcafbe2dced6fe79865b265ea90387c5411658ca11449999d5020a9f67bb005"
    "2102f719f009fb8eb20ccdbfda7d38f378ed2f103ac0a6768df830740c6835c4651953ae"
)
LEGACY_MEDIATOR_REDEEM_SCRIPT = (
    "21029fcafbe2dced6fe79865b265ea90387c5411658ca11449999d5020a9f67bb005ad"
    "5121026bc363139ebc1cad8e6eee402507d2b4874f5450585f1e6a1cd30a63ecdfc9dc"
    "2102f719f009fb8eb20ccdbfda7d38f378ed2f103ac0a6768df830740c6835c4651952ae"
)

ADDRESSES = {
    "mainnet": (
        "bc1qwqdxg2g0tnup5gr607gjy75gxcautg4slpme4pajxw0uuj3mthls3m7vn6",
        "bc1q8zxgmtpr32y057xk9yryzenvsfsuu24y6fglwhwr2qued4r0v49s3gsqpg",
    ),
    "testnet4": (
        "tb1qwqdxg2g0tnup5gr607gjy75gxcautg4slpme4pajxw0uuj3mthlsxngrf4",
        "tb1q8zxgmtpr32y057xk9yryzenvsfsuu24y6fglwhwr2qued4r0v49sxqx0m8",
    ),
    "signet": (
        "tb1qwqdxg2g0tnup5gr607gjy75gxcautg4slpme4pajxw0uuj3mthlsxngrf4",
        "tb1q8zxgmtpr32y057xk9yryzenvsfsuu24y6fglwhwr2qued4r0v49sxqx0m8",
    ),
    "regtest": (
        "bcrt1qwqdxg2g0tnup5gr607gjy75gxcautg4slpme4pajxw0uuj3mthlst2z9u0",
        "bcrt1q8zxgmtpr32y057xk9yryzenvsfsuu24y6fglwhwr2qued4r0v49stevfwa",
    ),
}


def test_the_keys_are_those_of_2016() -> None:
    assert CREATOR.hex() in JOB
    assert MEDIATOR.hex() in JOB


def test_the_witness_scripts_are_the_redeem_scripts_of_2016_byte_for_byte() -> None:
    built = contract(CREATOR, MEDIATOR, WORKER, MAINNET)
    assert built.of("primary").witness_script.hex() == LEGACY_PRIMARY_REDEEM_SCRIPT
    assert built.of("mediator").witness_script.hex() == LEGACY_MEDIATOR_REDEEM_SCRIPT
    assert [_p2sh(each.witness_script, MAINNET) for each in built.escrows] == [
        "3N4QuG2ATHyXVocMKzrCgsDqrHUC7PAFH1",
        "3DX1A3cErSnM58kTsiWFNwjxiQWm3WmGQb",
    ]
    assert [_p2sh(each.witness_script, TESTNET4) for each in built.escrows] == [
        "2NDccxzxC4kUshbEu18U5JpD74dgMwssBXc",
        "2N55DDnYGTuHhGvP1Yr87ztjDvkivqfp9Ze",
    ]


def _p2sh(script: bytes, network: Network) -> str:
    return address_of_script(b"\xa9\x14" + hash160(script) + b"\x87", network)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
def test_the_addresses_are_the_typed_ones_on_every_network(network: Network) -> None:
    built = contract(CREATOR, MEDIATOR, WORKER, network)
    assert (built.of("primary").address, built.of("mediator").address) == ADDRESSES[network.name]
    assert all(address_of_script(each.script, network) == each.address for each in built.escrows)


def test_the_descriptors_are_the_typed_ones() -> None:
    built = contract(CREATOR, MEDIATOR, WORKER, MAINNET)
    c, m, w = CREATOR.hex(), MEDIATOR.hex(), WORKER.hex()
    assert built.of("primary").descriptor == f"wsh(multi(2,{c},{m},{w}))#hdp5vcr2"
    assert built.of("mediator").descriptor == f"wsh(and_v(v:pk({m}),multi(1,{c},{w})))#t68sq7u4"


def test_another_program_reads_the_same_scripts_from_the_descriptors() -> None:
    """embit compiles the miniscript itself, so this is a second opinion on what a wallet will watch and sign."""
    built = contract(CREATOR, MEDIATOR, WORKER, REGTEST)
    for each in built.escrows:
        body = each.descriptor.partition("#")[0]
        assert add_checksum(body) == each.descriptor
        assert Descriptor.from_string(each.descriptor).witness_script().data == each.witness_script


def test_a_descriptor_with_one_letter_changed_is_refused() -> None:
    descriptor = contract(CREATOR, MEDIATOR, WORKER, MAINNET).of("mediator").descriptor
    for place, letter in itertools.product(range(len(descriptor)), "0a#"):
        changed = descriptor[:place] + letter + descriptor[place + 1 :]
        if changed != descriptor:
            with pytest.raises((InputError, KeyMaterialError)):
                witness_script_of(changed)


def test_every_order_of_the_keys_is_another_contract() -> None:
    """The order of 2016 is part of the contract: creator, mediator, worker."""
    orders = [contract(*keys, REGTEST) for keys in itertools.permutations((CREATOR, MEDIATOR, WORKER))]
    assert len({each.of("primary").address for each in orders}) == 6
    # 1 of (creator, worker) is the same for both, but not in the same bytes.
    assert len({each.of("mediator").address for each in orders}) == 6


def test_the_escrows_stand_in_the_order_primary_mediator() -> None:
    built = contract(CREATOR, MEDIATOR, WORKER, REGTEST)
    assert [each.id for each in built.escrows] == ["primary", "mediator"]
    assert [each.kind for each in built.escrows] == [EscrowKind.PRICE, EscrowKind.FEE]
    assert built.escrows == (built.of("primary"), built.of("mediator"))


SECRET = PrivateKey(b"\x07" * 32)
NOT_A_POINT = b"\x02" + bytes(31) + b"\x05"


@pytest.mark.parametrize(
    ("creator", "mediator", "worker"),
    [
        (CREATOR, CREATOR, WORKER),
        (CREATOR, MEDIATOR, CREATOR),
        (CREATOR, MEDIATOR, MEDIATOR),
        (CREATOR, MEDIATOR, dataclasses.replace(SECRET, compressed=False).public_key),
        (CREATOR, NOT_A_POINT, WORKER),
        (b"", MEDIATOR, WORKER),
        (CREATOR[:-1], MEDIATOR, WORKER),
        (CREATOR, MEDIATOR, WORKER[1:]),
        (b"\x05" + CREATOR[1:], MEDIATOR, WORKER),
    ],
    ids=[
        "creator-mediates",
        "creator-works",
        "mediator-works",
        "uncompressed",
        "no-point",
        "empty",
        "short",
        "x-only",
        "odd-prefix",
    ],
)
def test_no_contract_is_made_of_such_keys(creator: bytes, mediator: bytes, worker: bytes) -> None:
    """S11: one person under two keys would be a majority; a key nobody can sign with would freeze the money."""
    with pytest.raises(KeyMaterialError):
        contract(creator, mediator, worker, REGTEST)
