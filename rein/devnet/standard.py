"""Bitcoin Core's standardness, as far as it needs no chain: which transactions and outputs nodes relay.

Rules and reject reasons are those of Core's policy/policy.cpp (IsStandardTx, IsWitnessStandard, GetDustThreshold).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from rein.btc.encoding import with_length
from rein.btc.transaction import Transaction, TxOutput
from rein.devnet.chainstate import is_unspendable
from rein.errors import RejectedError

MAX_WEIGHT: Final = 400_000
MIN_STRIPPED_SIZE: Final = 65  # CVE-2017-12842: 64 bytes could pass for an inner node of a merkle tree
MAX_SCRIPT_SIG: Final = 1650
MAX_DATA_CARRIER: Final = 83  # Core's default until version 30, and the rule many nodes keep
MAX_BARE_MULTISIG_KEYS: Final = 3
MAX_WITNESS_SCRIPT: Final = 3600
MAX_WITNESS_ITEMS: Final = 100  # beside the script itself
MAX_WITNESS_ITEM: Final = 80
DUST_RELAY_FEERATE: Final = 3000  # satoshis per 1000 vbytes

OP_PUSHDATA1, OP_PUSHDATA2, OP_PUSHDATA4 = 0x4C, 0x4D, 0x4E
OP_1, OP_16 = 0x51, 0x60
OP_CHECKSIG, OP_CHECKMULTISIG = 0xAC, 0xAE
_PUSH_WIDTHS: Final = {OP_PUSHDATA1: 1, OP_PUSHDATA2: 2, OP_PUSHDATA4: 4}


class ScriptType(StrEnum):
    """Core's names of output types."""

    PUBKEY = "pubkey"
    PUBKEYHASH = "pubkeyhash"
    SCRIPTHASH = "scripthash"
    MULTISIG = "multisig"
    NULLDATA = "nulldata"
    WITNESS_V0_KEYHASH = "witness_v0_keyhash"
    WITNESS_V0_SCRIPTHASH = "witness_v0_scripthash"
    WITNESS_V1_TAPROOT = "witness_v1_taproot"
    ANCHOR = "anchor"
    WITNESS_UNKNOWN = "witness_unknown"
    NONSTANDARD = "nonstandard"


def operations(script: bytes) -> Iterator[tuple[int, bytes | None]]:
    """Each opcode with the bytes it pushes (None when it pushes no bytes of the script). ValueError if cut short."""
    at = 0
    while at < len(script):
        opcode = script[at]
        at += 1
        if opcode > OP_PUSHDATA4:
            yield opcode, None
            continue
        width = _PUSH_WIDTHS.get(opcode, 0)
        size = int.from_bytes(script[at : at + width], "little") if width else opcode
        data = script[at + width : at + width + size]
        if at + width > len(script) or len(data) != size:
            raise ValueError("a push beyond the end of the script")
        at += width + size
        yield opcode, data


def pushes(script: bytes) -> list[bytes] | None:
    """What a script of nothing but pushes leaves on the stack; None when it is not such a script."""
    items: list[bytes] = []
    try:
        for opcode, data in operations(script):
            if data is not None:
                items.append(data)
            elif OP_1 <= opcode <= OP_16:
                items.append(bytes([opcode - OP_1 + 1]))
            elif opcode == OP_1 - 2:  # OP_1NEGATE
                items.append(b"\x81")
            else:
                return None
    except ValueError:
        return None
    return items


def _is_key(data: bytes | None) -> bool:
    return data is not None and (len(data), data[:1]) in ((33, b"\x02"), (33, b"\x03"), (65, b"\x04"))


def _is_bare_multisig(script: bytes) -> bool:
    try:
        parts = list(operations(script))
    except ValueError:
        return False
    if len(parts) < 4 or parts[-1][0] != OP_CHECKMULTISIG:
        return False
    required, total = parts[0][0] - OP_1 + 1, parts[-2][0] - OP_1 + 1
    keys = [data for _, data in parts[1:-2]]
    return len(keys) == total and 1 <= required <= total <= MAX_BARE_MULTISIG_KEYS and all(map(_is_key, keys))


def _witness_type(version: int, program: bytes) -> ScriptType:
    if version == 0:
        known = {20: ScriptType.WITNESS_V0_KEYHASH, 32: ScriptType.WITNESS_V0_SCRIPTHASH}
        return known.get(len(program), ScriptType.NONSTANDARD)
    if version == 1 and len(program) == 32:
        return ScriptType.WITNESS_V1_TAPROOT
    if version == 1 and program == b"\x4e\x73":
        return ScriptType.ANCHOR
    return ScriptType.WITNESS_UNKNOWN


def witness_program(script: bytes) -> tuple[int, bytes] | None:
    """Version and program of a segwit output script (BIP141); None for any other."""
    if 4 <= len(script) <= 42 and script[1] == len(script) - 2 and (script[0] == 0 or OP_1 <= script[0] <= OP_16):
        return (script[0] and script[0] - OP_1 + 1), script[2:]
    return None


def script_type(script: bytes) -> ScriptType:
    program = witness_program(script)
    if program is not None:
        return _witness_type(*program)
    if len(script) == 25 and script[:3] == b"\x76\xa9\x14" and script[-2:] == b"\x88\xac":
        return ScriptType.PUBKEYHASH
    if len(script) == 23 and script[:2] == b"\xa9\x14" and script[-1:] == b"\x87":
        return ScriptType.SCRIPTHASH
    if script[:1] == b"\x6a" and pushes(script[1:]) is not None:
        return ScriptType.NULLDATA
    if len(script) in (35, 67) and script[0] == len(script) - 2 and _is_key(script[1:-1]) and script[-1] == OP_CHECKSIG:
        return ScriptType.PUBKEY
    return ScriptType.MULTISIG if _is_bare_multisig(script) else ScriptType.NONSTANDARD


def dust_threshold(output: TxOutput) -> int:
    """The satoshis below which an output costs more to spend than it holds, by Core's reckoning."""
    if is_unspendable(output.script):
        return 0
    spending = 32 + 4 + 1 + (107 // 4 if witness_program(output.script) else 107) + 4
    return (8 + len(with_length(output.script)) + spending) * DUST_RELAY_FEERATE // 1000


def check_standard(tx: Transaction) -> None:
    """RejectedError with Core's reason when the transaction is not one that nodes relay."""
    if not 1 <= tx.version <= 3:
        raise RejectedError("version")
    if tx.weight > MAX_WEIGHT:
        raise RejectedError("tx-size")
    for script_sig in tx.script_sigs:
        if len(script_sig) > MAX_SCRIPT_SIG:
            raise RejectedError("scriptsig-size")
        if pushes(script_sig) is None:
            raise RejectedError("scriptsig-not-pushonly")
    carriers = 0
    for output in tx.outputs:
        kind = script_type(output.script)
        if kind is ScriptType.NONSTANDARD or (kind is ScriptType.NULLDATA and len(output.script) > MAX_DATA_CARRIER):
            raise RejectedError("scriptpubkey")
        carriers += kind is ScriptType.NULLDATA
        if output.amount < dust_threshold(output):
            raise RejectedError("dust")
    if carriers > 1:
        raise RejectedError("multi-op-return")
    if len(tx.unsigned_raw) < MIN_STRIPPED_SIZE:
        raise RejectedError("tx-size-small")
