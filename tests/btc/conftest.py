"""Fixtures shared by the tests of `rein.btc`: people's keys, BIP vectors, and a judge of spends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rein.btc.keys import PrivateKey
from rein.btc.script import mandatory_multisig_script, multisig_script
from rein.btc.transaction import Transaction, TxOutput

_SHARED = Path(__file__).parents[3] / "shared" / "vectors"


@pytest.fixture
def bip() -> Callable[[str], Any]:
    """Loads a BIP's published vectors, kept beside the checkout; skips the test where they are not."""

    def load(name: str) -> Any:
        path = _SHARED / "bips" / f"{name}.json"
        if not path.is_file():
            pytest.skip(f"the vectors of {name} are not beside this checkout ({path})")
        return json.loads(path.read_text())

    return load


@pytest.fixture
def old_documents() -> Path:
    """The folder of real documents of 2016; skips the test where it is not."""
    folder = _SHARED / "rein-documents"
    if not folder.is_dir():
        pytest.skip(f"the documents of 2016 are not beside this checkout ({folder})")
    return folder


@pytest.fixture
def people() -> dict[str, PrivateKey]:
    """Creator, mediator, worker and a stranger."""
    return {name: PrivateKey(bytes([number]) * 32) for number, name in enumerate("CMWX", start=0x11)}


@pytest.fixture
def scripts(people: dict[str, PrivateKey]) -> dict[str, bytes]:
    """The witness scripts of both kinds of escrow between these people."""
    creator, mediator, worker = (people[name].public_key for name in "CMW")
    return {
        "multisig": multisig_script(2, [creator, mediator, worker]),
        "mandatory": mandatory_multisig_script(mediator, 1, [creator, worker]),
    }


@pytest.fixture
def judge() -> Callable[[Transaction, int, TxOutput], bool]:
    """Bitcoin Core's own script interpreter: does input `index` of the transaction satisfy the spent output?"""
    pbk = pytest.importorskip("pbk", reason="py-bitcoinkernel is not installed")
    flags = pbk.ScriptVerificationFlags
    before_taproot = (
        flags.P2SH | flags.DERSIG | flags.NULLDUMMY | flags.CHECKLOCKTIMEVERIFY | flags.CHECKSEQUENCEVERIFY
    ) | flags.WITNESS

    def is_satisfied(transaction: Transaction, index: int, spent: TxOutput) -> bool:
        theirs = pbk.Transaction(transaction.raw)
        assert bytes(theirs) == transaction.raw
        return pbk.ScriptPubkey(spent.script).verify(spent.amount, theirs, None, index, before_taproot) == 1

    return is_satisfied
