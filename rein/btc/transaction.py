"""Transactions as exact bytes, read strictly once; building, signing digests (before and in segwit) and sizes.

python-bitcoinlib's CTransaction does the parsing; it forgives long lengths, negative amounts and empty witnesses,
so what it read must serialise to the same bytes again and pass the checks of this module.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from rein.btc.amounts import MAX_MONEY, Sat, sat
from rein.btc.encoding import compact_size, with_length
from rein.btc.hashes import sha256d
from rein.errors import InputError
from rein.lazy import lazy

if TYPE_CHECKING:
    from bitcoin import core
    from bitcoin.core import serialize
else:
    core = lazy("bitcoin.core")
    serialize = lazy("bitcoin.core.serialize")

# Bitcoin Core's MAX_STANDARD_TX_WEIGHT: nothing heavier is relayed.
MAX_WEIGHT: Final = 400_000

# A transaction of 64 bytes can pass for an inner node of a block's merkle tree (CVE-2017-12842).
_MERKLE_NODE_BYTES: Final = 64

_TXID = re.compile(r"[0-9a-f]{64}")
_OUTPOINT = re.compile(r"([0-9a-f]{64}):(0|[1-9][0-9]{0,9})")
_UINT32_MAX: Final = 0xFFFFFFFF
_SIGHASH_ALL: Final = b"\x01\x00\x00\x00"
_NO_TXID: Final = "00" * 32

# A low-s DER signature is at most 71 bytes (r may need 33, s never does); its sighash byte makes 72.
MAX_SIGNATURE_BYTES: Final = 72

_SEGWIT_MARKER_AND_FLAG: Final = 2
_VERSION_AND_LOCKTIME: Final = 8
_OUTPOINT_AND_SEQUENCE: Final = 40
_INPUT_WITH_EMPTY_SCRIPT_SIG: Final = 41


def _uint32(value: int, what: str) -> bytes:
    if type(value) is not int or not 0 <= value <= _UINT32_MAX:
        raise InputError(f"{what} is a number of 32 bits")
    return value.to_bytes(4, "little")


@dataclass(frozen=True, order=True)
class OutPoint:
    """One output of one transaction: a txid as people write it (64 lower-case digits) and an index."""

    txid: str
    vout: int

    def __post_init__(self) -> None:
        if _TXID.fullmatch(self.txid) is None:
            raise InputError(f"{self.txid[:80]!r} is not a transaction id", hint="64 lower-case hexadecimal digits")
        _uint32(self.vout, "an output's index")

    def __str__(self) -> str:
        return f"{self.txid}:{self.vout}"

    @classmethod
    def parse(cls, text: str) -> OutPoint:
        """Read "txid:vout"; InputError otherwise."""
        match = _OUTPOINT.fullmatch(text)
        if match is None:
            raise InputError(f"{text[:90]!r} is not an outpoint", hint="a transaction id, a colon and an index")
        return cls(match.group(1), int(match.group(2)))

    def to_bytes(self) -> bytes:
        return bytes.fromhex(self.txid)[::-1] + self.vout.to_bytes(4, "little")


@dataclass(frozen=True)
class TxOutput:
    """An amount in satoshis and the script that guards it."""

    amount: Sat
    script: bytes

    def __post_init__(self) -> None:
        sat(self.amount)

    def to_bytes(self) -> bytes:
        return self.amount.to_bytes(8, "little") + with_length(self.script)


@dataclass(frozen=True)
class Transaction:
    """A transaction's exact bytes and views of them. InputError if the bytes are not exactly one transaction.

    Refused beside what consensus refuses on sight: more than 400,000 weight, and exactly 64 bytes.
    """

    raw: bytes
    _parsed: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_parsed", _parse(self.raw))
        if self.weight > MAX_WEIGHT:
            raise InputError(f"the transaction is too large: its weight is above {MAX_WEIGHT}")
        if len(self.unsigned_raw) == _MERKLE_NODE_BYTES:
            raise InputError("a transaction of 64 bytes could be a merkle node: refused")
        _check_inputs(self.inputs)
        if sum(output.amount for output in self.outputs) > MAX_MONEY:
            raise InputError("the transaction pays out more than all the bitcoin there is")

    @classmethod
    def from_hex(cls, text: str) -> Transaction:
        """Read hexadecimal digits of either case, nothing else; InputError otherwise."""
        if len(text) > 2 * MAX_WEIGHT or re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text) is None:
            raise InputError("that is not a transaction in hexadecimal digits")
        return cls(bytes.fromhex(text))

    @cached_property
    def unsigned_raw(self) -> bytes:
        """The bytes without witnesses: what the txid is the hash of."""
        return _serialize(self.version, self._inputs_bytes, self._outputs_bytes, self.locktime)

    @cached_property
    def txid(self) -> str:
        return sha256d(self.unsigned_raw)[::-1].hex()

    @cached_property
    def wtxid(self) -> str:
        """The id that covers the witnesses too (BIP141)."""
        return sha256d(self.raw)[::-1].hex()

    @property
    def version(self) -> int:
        return int(self._parsed.nVersion) & _UINT32_MAX

    @property
    def locktime(self) -> int:
        return int(self._parsed.nLockTime)

    @cached_property
    def inputs(self) -> tuple[OutPoint, ...]:
        return tuple(OutPoint(i.prevout.hash[::-1].hex(), int(i.prevout.n)) for i in self._parsed.vin)

    @cached_property
    def script_sigs(self) -> tuple[bytes, ...]:
        return tuple(bytes(i.scriptSig) for i in self._parsed.vin)

    @cached_property
    def sequences(self) -> tuple[int, ...]:
        return tuple(int(i.nSequence) for i in self._parsed.vin)

    @cached_property
    def outputs(self) -> tuple[TxOutput, ...]:
        return tuple(TxOutput(Sat(int(o.nValue)), bytes(o.scriptPubKey)) for o in self._parsed.vout)

    @cached_property
    def witnesses(self) -> tuple[tuple[bytes, ...], ...]:
        """The witness stack of each input; an empty stack for inputs that have none."""
        stacks = tuple(tuple(w.scriptWitness.stack) for w in self._parsed.wit.vtxinwit)
        return stacks or ((),) * len(self.inputs)

    @cached_property
    def weight(self) -> int:
        return 3 * len(self.unsigned_raw) + len(self.raw)

    @property
    def vsize(self) -> int:
        """Virtual bytes: a quarter of the weight, rounded up (BIP141). Fees are counted on it."""
        return -(-self.weight // 4)

    @cached_property
    def _inputs_bytes(self) -> tuple[bytes, ...]:
        parts = zip(self.inputs, self.script_sigs, self.sequences, strict=True)
        return tuple(_input_bytes(*part) for part in parts)

    @cached_property
    def _outputs_bytes(self) -> tuple[bytes, ...]:
        return tuple(output.to_bytes() for output in self.outputs)

    @cached_property
    def _sighash_midstates(self) -> tuple[bytes, bytes, bytes]:
        """BIP143's hashPrevouts, hashSequence and hashOutputs."""
        outpoints = b"".join(outpoint.to_bytes() for outpoint in self.inputs)
        sequences = b"".join(sequence.to_bytes(4, "little") for sequence in self.sequences)
        return sha256d(outpoints), sha256d(sequences), sha256d(b"".join(self._outputs_bytes))


def _parse(raw: bytes) -> Any:
    # Each byte weighs at least one: the length bounds the work before any is done.
    if not isinstance(raw, bytes) or len(raw) > MAX_WEIGHT:
        raise InputError("that is not a transaction, or far too large for one")
    try:
        parsed = core.CTransaction.deserialize(raw)
        again = parsed.serialize()
    except (serialize.SerializationError, struct.error, ValueError, AssertionError, OverflowError, MemoryError):
        raise InputError("that is not a transaction: its bytes cannot be read as one") from None
    if again != raw:
        raise InputError("that is not a transaction in its one proper spelling")
    if not parsed.vin or not parsed.vout:
        raise InputError("a transaction has at least one input and one output")
    return parsed


def _check_inputs(inputs: Sequence[OutPoint]) -> None:
    """What consensus refuses in any transaction, whatever the chain holds."""
    if len(set(inputs)) != len(inputs):
        raise InputError("the transaction spends the same output twice")
    if len(inputs) > 1 and any(i.txid == _NO_TXID and i.vout == _UINT32_MAX for i in inputs):
        raise InputError("the transaction has an input that names no output")


def _input_bytes(outpoint: OutPoint, script_sig: bytes, sequence: int) -> bytes:
    return outpoint.to_bytes() + with_length(script_sig) + _uint32(sequence, "a sequence")


def _serialize(
    version: int,
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    locktime: int,
    witnesses: Sequence[Sequence[bytes]] = (),
) -> bytes:
    has_witness = any(witnesses)
    return b"".join(
        [
            _uint32(version, "a version"),
            b"\x00\x01" if has_witness else b"",
            compact_size(len(inputs)),
            *inputs,
            compact_size(len(outputs)),
            *outputs,
            *([_witness_bytes(stack) for stack in witnesses] if has_witness else []),
            _uint32(locktime, "a locktime"),
        ]
    )


def _witness_bytes(stack: Sequence[bytes]) -> bytes:
    return compact_size(len(stack)) + b"".join(with_length(item) for item in stack)


def build_unsigned(
    inputs: Sequence[OutPoint],
    outputs: Sequence[TxOutput],
    *,
    sequence: int = 0xFFFFFFFD,
    locktime: int = 0,
    version: int = 2,
) -> Transaction:
    """A transaction without signatures, in the order given; every input gets `sequence` (by default: BIP125
    replaceable, no relative timelock). InputError if any part is out of range or there is no input or output."""
    return Transaction(
        _serialize(
            version,
            [_input_bytes(outpoint, b"", sequence) for outpoint in inputs],
            [output.to_bytes() for output in outputs],
            locktime,
        )
    )


def with_witnesses(tx: Transaction, witnesses: Sequence[Sequence[bytes]]) -> Transaction:
    """The same transaction (same txid) with these witness stacks, one for each input. InputError otherwise."""
    if len(witnesses) != len(tx.inputs):
        raise InputError("a transaction takes one witness for each input")
    return Transaction(_serialize(tx.version, tx._inputs_bytes, tx._outputs_bytes, tx.locktime, witnesses))


def _with_script_sigs(tx: Transaction, script_sigs: Sequence[bytes]) -> bytes:
    parts = zip(tx.inputs, script_sigs, tx.sequences, strict=True)
    return _serialize(tx.version, [_input_bytes(*part) for part in parts], tx._outputs_bytes, tx.locktime)


def with_script_sigs(tx: Transaction, script_sigs: Sequence[bytes]) -> Transaction:
    """The same transaction without witnesses and with these scriptSigs, one for each input; its txid is another.
    InputError otherwise."""
    if len(script_sigs) != len(tx.inputs):
        raise InputError("a transaction takes one scriptSig for each input")
    return Transaction(_with_script_sigs(tx, script_sigs))


def legacy_sighash(tx: Transaction, index: int, script_code: bytes) -> bytes:
    """The 32 bytes a signature of SIGHASH_ALL signs for an input from before segwit.

    `script_code` is the redeem script, or for P2PKH the output script; it must hold no OP_CODESEPARATOR. The digest
    covers no amount: whoever signs must know the spent output from its whole transaction. InputError for a wrong index.
    """
    if not 0 <= index < len(tx.inputs):
        raise InputError(f"the transaction has no input {index}")
    scripts = [script_code if number == index else b"" for number in range(len(tx.inputs))]
    return sha256d(_with_script_sigs(tx, scripts) + _SIGHASH_ALL)


def witness_v0_sighash(tx: Transaction, index: int, witness_script: bytes, amount: Sat) -> bytes:
    """The 32 bytes a segwit v0 signature of SIGHASH_ALL signs (BIP143).

    `witness_script` is the P2WSH script, or for P2WPKH the P2PKH script of the key; `amount` is what the spent
    output holds, in satoshis: a wrong amount gives a signature the network refuses. InputError for a wrong index.
    """
    if not 0 <= index < len(tx.inputs):
        raise InputError(f"the transaction has no input {index}")
    outpoints, sequences, outputs = tx._sighash_midstates
    preimage = [
        _uint32(tx.version, "a version"),
        outpoints,
        sequences,
        tx.inputs[index].to_bytes(),
        with_length(witness_script),
        sat(amount).to_bytes(8, "little"),
        tx.sequences[index].to_bytes(4, "little"),
        outputs,
        tx.locktime.to_bytes(4, "little"),
        _SIGHASH_ALL,
    ]
    return sha256d(b"".join(preimage))


def p2wsh_multisig_witness_weight(witness_script: bytes, signatures: int) -> int:
    """Weight units, at most, of one input's witness: CHECKMULTISIG's empty item, the signatures, the script."""
    items = compact_size(signatures + 2) + with_length(b"") + with_length(witness_script)
    return len(items) + signatures * len(with_length(bytes(MAX_SIGNATURE_BYTES)))


def legacy_spend_vsize(script_sig_bytes: Sequence[int], outputs: Sequence[TxOutput]) -> int:
    """Virtual bytes of a transaction of inputs from before segwit with scriptSigs of these lengths: just its bytes."""
    size = _VERSION_AND_LOCKTIME + len(compact_size(len(script_sig_bytes))) + len(compact_size(len(outputs)))
    size += sum(_OUTPOINT_AND_SEQUENCE + len(compact_size(length)) + length for length in script_sig_bytes)
    return size + sum(len(output.to_bytes()) for output in outputs)


def escrow_spend_vsize(input_witness_weights: Sequence[int], outputs: Sequence[TxOutput]) -> int:
    """Virtual bytes, at most, of a transaction of segwit inputs with these witness weights and these outputs."""
    count = len(input_witness_weights)
    stripped = _VERSION_AND_LOCKTIME + len(compact_size(count)) + count * _INPUT_WITH_EMPTY_SCRIPT_SIG
    stripped += len(compact_size(len(outputs))) + sum(len(output.to_bytes()) for output in outputs)
    weight = 4 * stripped + _SEGWIT_MARKER_AND_FLAG + sum(input_witness_weights)
    return -(-weight // 4)
