"""Any PSBT, whoever made it and whatever it spends: shown, and combined with another. No key is used here.

What is shown is what the PSBT claims, with what can be checked of it: an amount is proved by the whole transaction it
comes from; a signature is held against its key wherever the signed digest can be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from rein.btc import curve
from rein.btc._psbt_checks import (
    FINAL,
    NON_WITNESS_UTXO,
    REDEEM_SCRIPT,
    SIGHASH_ALL,
    WITNESS_SCRIPT,
    WITNESS_UTXO,
    output_of,
    read_output,
    signatures_in,
)
from rein.btc._psbt_maps import MAX_FILE, Fields, Maps, decode, read_maps, write_maps
from rein.btc.address import p2pkh_script_of_witness, p2sh_script, p2wsh_script
from rein.btc.amounts import Sat
from rein.btc.redeem import RedeemForm, form_keys, read_redeem_script, script_sig_bytes
from rein.btc.script import MandatoryMultisig, parse_mandatory_multisig, parse_multisig
from rein.btc.transaction import (
    OutPoint,
    Transaction,
    TxOutput,
    legacy_sighash,
    legacy_spend_vsize,
    p2wsh_multisig_witness_weight,
    witness_v0_sighash,
)
from rein.errors import InputError, PsbtError

MAX_GIVEN = MAX_FILE
"""Bytes: more is not read as a PSBT in any spelling."""


class SignatureStatus(Enum):
    """What can be said of a signature."""

    VALID = "valid"
    INVALID = "not valid"
    STRANGE = "by a key the script does not name"
    UNCHECKED = "cannot be checked"


@dataclass(frozen=True)
class InspectedInput:
    """One input. `output` is what it spends, if the PSBT shows it; `proved` says whether the whole transaction that
    made it is there, so that the amount cannot be a lie. `lock` is the script to be satisfied, if it is shown."""

    outpoint: OutPoint
    output: TxOutput | None
    proved: bool
    lock: bytes | None
    form: RedeemForm | None
    signatures: Mapping[bytes, SignatureStatus]
    final: bool


@dataclass(frozen=True)
class InspectedPsbt:
    """A PSBT as it can be read without believing it."""

    transaction: Transaction
    inputs: tuple[InspectedInput, ...]
    vsize: int | None

    @property
    def outputs(self) -> tuple[TxOutput, ...]:
        return self.transaction.outputs

    @cached_property
    def fee(self) -> Sat | None:
        """Satoshis for the miner; None if an input does not show what it spends. Negative sums are a PsbtError."""
        spent = [item.output.amount for item in self.inputs if item.output is not None]
        if len(spent) != len(self.inputs):
            return None
        fee = sum(spent) - sum(output.amount for output in self.outputs)
        if fee < 0:
            raise PsbtError("the PSBT pays out more than it spends")
        return Sat(fee)

    @property
    def proved(self) -> bool:
        """Whether every amount, and with them the fee, is proved."""
        return all(item.proved for item in self.inputs)


def psbt_bytes(data: bytes) -> bytes:
    """The bytes of a PSBT from a binary file, base64 or hexadecimal. PsbtError for none of these; what it holds is for
    `inspect_psbt`."""
    return decode(data)


def inspect_psbt(raw: bytes) -> InspectedPsbt:
    """Read any PSBT of version 0.

    :raises PsbtError: it is not one, or contradicts itself about what it spends.
    """
    maps = read_maps(raw)
    inputs = tuple(_inspect_input(maps, index) for index in range(len(maps.inputs)))
    return InspectedPsbt(maps.transaction, inputs, _vsize(maps, inputs))


def combine_psbts(one: bytes, other: bytes) -> bytes:
    """Everything two PSBTs of the same transaction say, each word once, keys in order (BIP174's combiner).

    :raises PsbtError: they are of different transactions, contradict each other, or hold a signature that is not valid.
    """
    ours, theirs = read_maps(one), read_maps(other)
    if ours.transaction.raw != theirs.transaction.raw:
        raise PsbtError("the two PSBTs are not of the same transaction")
    both = Maps(
        ours.transaction,
        _union(ours.globals, theirs.globals),
        tuple(map(_union, ours.inputs, theirs.inputs)),
        tuple(map(_union, ours.outputs, theirs.outputs)),
    )
    combined = write_maps(both)
    for index, item in enumerate(inspect_psbt(combined).inputs):
        for key, verdict in item.signatures.items():
            if verdict in (SignatureStatus.INVALID, SignatureStatus.STRANGE):
                raise PsbtError(f"input {index}'s signature by {key.hex()}: {verdict.value}")
    return combined


def _union(ours: Fields, theirs: Fields) -> Fields:
    for key in ours.keys() & theirs.keys():
        if ours[key] != theirs[key]:
            raise PsbtError(f"the two PSBTs contradict each other in the field {key[:40].hex()}")
    return ours | theirs


def _inspect_input(maps: Maps, index: int) -> InspectedInput:
    fields, outpoint = maps.inputs[index], maps.transaction.inputs[index]
    output, proved = _spent(index, outpoint, fields)
    lock = None if output is None else _lock(index, output, fields)
    form = None if lock is None else _form(lock)
    signatures = signatures_in(fields)
    digest = _digest(maps, index, output, proved) if signatures and output is not None else None
    return InspectedInput(
        outpoint=outpoint,
        output=output,
        proved=proved,
        lock=lock,
        form=form,
        signatures={key: _status(key, value, form, digest) for key, value in signatures.items()},
        final=any(key in fields for key in FINAL),
    )


def _spent(index: int, outpoint: OutPoint, fields: Fields) -> tuple[TxOutput | None, bool]:
    """The output spent and whether it is proved."""
    try:
        shown = read_output(fields[WITNESS_UTXO]) if WITNESS_UTXO in fields else None
        previous = Transaction(fields[NON_WITNESS_UTXO]) if NON_WITNESS_UTXO in fields else None
    except (InputError, ValueError):
        raise PsbtError(f"input {index} of the PSBT shows a malformed output") from None
    if previous is None:
        return shown, False
    true = output_of(previous, outpoint)
    if true is None or shown not in (None, true):
        raise PsbtError(f"input {index} of the PSBT shows another output than its previous transaction has")
    return true, True


def _lock(index: int, output: TxOutput, fields: Fields) -> bytes | None:
    """The script that has to be satisfied, checked to be the output's; None if it is not shown."""
    lock, program = None, output.script
    for kind, commitment in ((REDEEM_SCRIPT, p2sh_script), (WITNESS_SCRIPT, p2wsh_script)):
        if kind in fields:
            lock = fields[kind]
            if commitment(lock) != program:
                raise PsbtError(f"input {index} of the PSBT shows a script that is not the one of its output")
            program = lock
    return lock


def _form(lock: bytes) -> RedeemForm | None:
    known = parse_multisig(lock) or parse_mandatory_multisig(lock)
    if known is not None:
        return known
    try:
        return read_redeem_script(lock)
    except InputError:
        return None


def _digest(maps: Maps, index: int, output: TxOutput, proved: bool) -> bytes | None:
    """What a signature of SIGHASH_ALL for this input signs; None where an amount is missing that cannot be wrong."""
    fields = maps.inputs[index]
    program = fields.get(REDEEM_SCRIPT, output.script)
    code = fields.get(WITNESS_SCRIPT) or p2pkh_script_of_witness(program)
    if code is not None:
        return witness_v0_sighash(maps.transaction, index, code, output.amount)
    return legacy_sighash(maps.transaction, index, program) if proved else None


def _status(key: bytes, signature: bytes, form: RedeemForm | None, digest: bytes | None) -> SignatureStatus:
    if form is not None and key not in form_keys(form):
        return SignatureStatus.STRANGE
    if digest is None or signature[-1:] != bytes([SIGHASH_ALL]):
        return SignatureStatus.UNCHECKED
    return SignatureStatus.VALID if curve.verify_der(key, digest, signature[:-1]) else SignatureStatus.INVALID


def _vsize(maps: Maps, inputs: tuple[InspectedInput, ...]) -> int | None:
    """Virtual bytes of the signed transaction at most; None if an input is of a kind whose size is not told here."""
    script_sigs, witnesses = [], []
    for item, fields in zip(inputs, maps.inputs, strict=True):
        size = _input_size(item, fields)
        if size is None:
            return None
        script_sigs.append(size[0])
        witnesses.append(size[1])
    weight = 4 * legacy_spend_vsize(script_sigs, maps.transaction.outputs)
    if any(witnesses):
        weight += 2 + sum(witness or 1 for witness in witnesses)  # marker and flag; an empty stack is one byte
    return -(-weight // 4)


def _input_size(item: InspectedInput, fields: Fields) -> tuple[int, int] | None:
    """Bytes of the scriptSig and weight of the witness."""
    if item.final:
        script_sig, witness = (len(fields.get(key, b"")) for key in FINAL)
        return script_sig, witness
    if item.form is None or item.lock is None:
        return None
    if WITNESS_SCRIPT not in fields:
        return script_sig_bytes(item.form, item.lock), 0
    redeem = fields.get(REDEEM_SCRIPT)
    signatures = item.form.threshold + isinstance(item.form, MandatoryMultisig)
    return len(redeem) + 1 if redeem else 0, p2wsh_multisig_witness_weight(item.lock, signatures)
