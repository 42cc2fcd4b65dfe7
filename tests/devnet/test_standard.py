"""Names of scripts and the size below which an output is dust, as Core has them."""

from __future__ import annotations

import pytest

from rein.btc.address import p2pkh_script, p2wpkh_script, p2wsh_script
from rein.btc.amounts import Sat
from rein.btc.transaction import TxOutput
from rein.devnet.standard import ScriptType, dust_threshold, pushes, script_type, witness_program
from tests.devnet.spending import ALICE, BOB

KEY, LONG_KEY = ALICE.public_key, b"\x04" + bytes(64)
PUSH_KEY = b"\x21" + KEY


@pytest.mark.parametrize(
    ("script", "kind", "dust"),
    [
        (p2pkh_script(KEY), ScriptType.PUBKEYHASH, 546),
        (b"\xa9\x14" + bytes(20) + b"\x87", ScriptType.SCRIPTHASH, 540),
        (p2wpkh_script(KEY), ScriptType.WITNESS_V0_KEYHASH, 294),
        (p2wsh_script(b"\x51"), ScriptType.WITNESS_V0_SCRIPTHASH, 330),
        (b"\x51\x20" + bytes(32), ScriptType.WITNESS_V1_TAPROOT, 330),
        (b"\x51\x02\x4e\x73", ScriptType.ANCHOR, 240),
        (b"\x52\x20" + bytes(32), ScriptType.WITNESS_UNKNOWN, 330),
        (b"\x51\x21" + bytes(33), ScriptType.WITNESS_UNKNOWN, 333),
        (b"\x00\x15" + bytes(21), ScriptType.NONSTANDARD, 297),
        (PUSH_KEY + b"\xac", ScriptType.PUBKEY, 576),
        (b"\x41" + LONG_KEY + b"\xac", ScriptType.PUBKEY, 672),
        (b"\x21" + b"\x05" + bytes(32) + b"\xac", ScriptType.NONSTANDARD, 576),
        (b"\x51" + PUSH_KEY + b"\x21" + BOB.public_key + b"\x52\xae", ScriptType.MULTISIG, 684),
        (b"\x52" + PUSH_KEY + b"\x51\xae", ScriptType.NONSTANDARD, 582),
        (b"\x51" + PUSH_KEY * 4 + b"\x54\xae", ScriptType.NONSTANDARD, 888),
        (b"\x51" + PUSH_KEY + b"\x51\xae\x05", ScriptType.NONSTANDARD, 585),
        (b"\x6a", ScriptType.NULLDATA, 0),
        (b"\x6a\x04test", ScriptType.NULLDATA, 0),
        (b"\x6a\x61", ScriptType.NONSTANDARD, 0),
        (b"", ScriptType.NONSTANDARD, 471),
        (b"\x4d\xff\xff", ScriptType.NONSTANDARD, 480),
    ],
)
def test_kinds_and_dust(script: bytes, kind: ScriptType, dust: int) -> None:
    assert script_type(script) is kind
    assert dust_threshold(TxOutput(Sat(0), script)) == dust


def test_pushes() -> None:
    assert pushes(b"\x00\x51\x60\x4f\x02ab\x4c\x01c") == [b"", b"\x01", b"\x10", b"\x81", b"ab", b"c"]
    assert pushes(b"") == []
    for other in (b"\x61", b"\x05ab", b"\x4c", b"\x4e\x01\x00\x00"):
        assert pushes(other) is None


def test_witness_programs() -> None:
    assert witness_program(b"\x00\x02ab") == (0, b"ab")
    assert witness_program(b"\x60\x02ab") == (16, b"ab")
    for other in (b"\x00\x01a", b"\x00\x03ab", b"\x50\x02ab", b"\x61\x02ab", b"\x51\x29" + bytes(41), b""):
        assert witness_program(other) is None
