"""Script rules that nodes relay by and blocks are not held to: what the kernel's consensus flags leave out.

Core runs its interpreter with stricter flags before it relays. The kernel offers consensus flags only, so the
stricter rules that matter for signers are checked here on sight: LOW_S, STRICTENC's sighash types, WITNESS_PUBKEYTYPE,
MINIMALDATA in scriptSigs and CLEANSTACK of P2SH scripts without branches. A script this module cannot follow passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rein.btc.curve import ORDER
from rein.btc.transaction import Transaction
from rein.devnet import standard
from rein.devnet.standard import OP_1, OP_16, ScriptType, operations, pushes, script_type, witness_program
from rein.errors import RejectedError

HIGH_S: Final = "Non-canonical signature: S value is unnecessarily high"
HASH_TYPE: Final = "Signature hash type missing or not understood"
UNCOMPRESSED: Final = "Using non-compressed keys in segwit"
MINIMAL: Final = "Data push larger than necessary"
UNCLEAN: Final = "Stack size must be exactly one after execution"

_HASH_TYPES: Final = frozenset((1, 2, 3, 0x81, 0x82, 0x83))
MAX_REDEEM_SIGOPS: Final = 15

# How many stack items an opcode takes and leaves, for those a script without branches is made of.
_OP_DROP, _OP_DUP, _OP_EQUAL, _OP_EQUALVERIFY = 0x75, 0x76, 0x87, 0x88
_STACK_EFFECT: Final = {
    _OP_DROP: (1, 0),
    _OP_DUP: (1, 2),
    _OP_EQUAL: (2, 1),
    _OP_EQUALVERIFY: (2, 0),
    0x69: (1, 0),  # OP_VERIFY
    0x9A: (2, 1),  # OP_BOOLAND
    0x9B: (2, 1),  # OP_BOOLOR
    **dict.fromkeys((0xA6, 0xA7, 0xA8, 0xA9, 0xAA), (1, 1)),  # hashes
    0xAC: (2, 1),  # OP_CHECKSIG
    0xAD: (2, 0),  # OP_CHECKSIGVERIFY
    0xB1: (1, 1),  # OP_CHECKLOCKTIMEVERIFY
    0xB2: (1, 1),  # OP_CHECKSEQUENCEVERIFY
}
_MULTISIGS: Final = {0xAE: 1, 0xAF: 0}  # OP_CHECKMULTISIG and its VERIFY, and what they leave


def items_consumed(script: bytes) -> int | None:
    """How many stack items a script without branches takes to leave exactly one; None when that cannot be told."""
    # Small numbers the script pushed itself are known; None stands for a value that is not.
    stack: list[int | None] = []
    taken = 0

    def pop() -> int | None:
        nonlocal taken
        if stack:
            return stack.pop()
        taken += 1
        return None

    try:
        for opcode, data in operations(script):
            if data is not None:
                stack.append(0 if data == b"" else None)
            elif OP_1 <= opcode <= OP_16:
                stack.append(opcode - OP_1 + 1)
            elif opcode in _MULTISIGS:
                for _ in range(2):  # the keys, then the signatures, each after its count
                    count = pop()
                    if count is None:
                        return None
                    for _ in range(count):
                        pop()
                pop()  # the item CHECKMULTISIG takes too many
                stack += [None] * _MULTISIGS[opcode]
            elif opcode in _STACK_EFFECT:
                takes, leaves = _STACK_EFFECT[opcode]
                for _ in range(takes):
                    pop()
                stack += [None] * leaves
            else:
                return None
    except ValueError:
        return None
    return taken if len(stack) == 1 else None


def _signature_fault(item: bytes) -> str | None:
    """What is wrong with an item that is a DER signature and a sighash type; None when nothing, or it is neither."""
    # Its exact form is consensus (BIP66): what is not of this shape was not accepted as a signature either.
    if not 9 <= len(item) <= 73 or item[0] != 0x30 or item[1] != len(item) - 3 or item[2] != 2:
        return None
    s_at = 4 + item[3]
    if s_at + 2 > len(item) or item[s_at] != 2 or s_at + 2 + item[s_at + 1] != len(item) - 1:
        return None
    if item[-1] not in _HASH_TYPES:
        return HASH_TYPE
    return HIGH_S if int.from_bytes(item[s_at + 2 : -1], "big") > ORDER // 2 else None


def _is_minimal(opcode: int, data: bytes) -> bool:
    """Whether the push is the shortest there is for its bytes (Core's CheckMinimalPush)."""
    if len(data) == 1 and (1 <= data[0] <= 16 or data[0] == 0x81):
        return False  # a single opcode says it
    if len(data) < standard.OP_PUSHDATA1:
        return opcode == len(data)
    return opcode == (standard.OP_PUSHDATA1 if len(data) <= 0xFF else standard.OP_PUSHDATA2)


def _script_sig_fault(script_sig: bytes, spent: bytes) -> str | None:
    if not all(data is None or _is_minimal(opcode, data) for opcode, data in operations(script_sig)):
        return MINIMAL
    items = pushes(script_sig) or []
    kind = script_type(spent)
    wanted: int | None
    if kind is ScriptType.SCRIPTHASH and items and witness_program(items[-1]) is None:
        needed = items_consumed(items[-1])
        wanted = None if needed is None else needed + 1
    else:
        wanted = {ScriptType.PUBKEYHASH: 2, ScriptType.PUBKEY: 1}.get(kind)
    return UNCLEAN if wanted is not None and len(items) != wanted else None


def _witness_fault(witness: Sequence[bytes], program: tuple[int, bytes]) -> str | None:
    """WITNESS_PUBKEYTYPE: a segwit v0 key that is not compressed is money nobody can move through the network."""
    version, payload = program
    if version != 0:
        return None
    if len(payload) == 20:
        keys = [witness[-1]]
    else:
        keys = [data for _, data in operations(witness[-1]) if data is not None and len(data) == 65]
    return UNCOMPRESSED if any(len(key) == 65 and key[0] in (4, 6, 7) for key in keys) else None


def check_strict(tx: Transaction, spent: Sequence[bytes]) -> None:
    """RejectedError with Core's reason when an input breaks one of these rules.

    `spent` is the script of the output each input spends. Its scripts have been verified by consensus already.
    """
    for index, (script, script_sig, witness) in enumerate(zip(spent, tx.script_sigs, tx.witnesses, strict=True)):
        items = pushes(script_sig) or []
        program = witness_program(script) or (witness_program(items[-1]) if items else None)
        faults = [
            *map(_signature_fault, items),
            *(map(_signature_fault, witness) if program and program[0] == 0 else ()),
            _script_sig_fault(script_sig, script),
            _witness_fault(witness, program) if program and witness else None,
        ]
        for fault in filter(None, faults):
            raise script_failure(tx, index, fault)


def script_failure(tx: Transaction, index: int, why: str = "") -> RejectedError:
    """Core's words for an input whose script does not verify; the kernel cannot say `why`."""
    outpoint = tx.inputs[index]
    reason = "mempool-script-verify-flag-failed" + (f" ({why})" if why else "")
    return RejectedError(
        f"{reason}, input {index} of {tx.txid} (wtxid {tx.wtxid}), spending {outpoint.txid}:{outpoint.vout}"
    )


def check_witness_standard(tx: Transaction, spent: Sequence[bytes]) -> None:
    """Core's AreInputsStandard and IsWitnessStandard: the kinds and sizes of spends that nodes relay."""
    for script, script_sig, witness in zip(spent, tx.script_sigs, tx.witnesses, strict=True):
        kind = script_type(script)
        if kind in (ScriptType.NONSTANDARD, ScriptType.WITNESS_UNKNOWN):
            raise RejectedError("bad-txns-nonstandard-inputs")
        redeem = (pushes(script_sig) or [b""])[-1] if kind is ScriptType.SCRIPTHASH else b""
        if _sigops(redeem) > MAX_REDEEM_SIGOPS:
            raise RejectedError("bad-txns-nonstandard-inputs")
        program = witness_program(redeem or script)
        if not witness:
            continue
        if program is None:
            raise RejectedError("bad-witness-nonstandard")
        if program[0] == 0 and len(program[1]) == 32 and not _is_standard_stack(witness):
            raise RejectedError("bad-witness-nonstandard")


def _is_standard_stack(witness: Sequence[bytes]) -> bool:
    *stack, script = witness
    if len(script) > standard.MAX_WITNESS_SCRIPT or len(stack) > standard.MAX_WITNESS_ITEMS:
        return False
    return all(len(item) <= standard.MAX_WITNESS_ITEM for item in stack)


def _sigops(script: bytes) -> int:
    """Signature checks a redeem script may do, CHECKMULTISIG counted by its number of keys."""
    total, last = 0, 0
    try:
        for opcode, _ in operations(script):
            if opcode in (0xAC, 0xAD):
                total += 1
            elif opcode in _MULTISIGS:
                total += last - OP_1 + 1 if OP_1 <= last <= OP_16 else 20
            last = opcode
    except ValueError:
        pass  # a script that cannot be read to its end does what was counted
    return total
