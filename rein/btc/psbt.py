"""Partially signed escrow spends (BIP174): made, checked, signed, combined and finalised.

Every input spends a P2WSH escrow of `rein.btc.script`; every signature is SIGHASH_ALL. What a PSBT claims (amounts,
scripts, signatures) is a stranger's word: whatever can be checked here is, before a key is used. What cannot be:
that the outputs are the agreed ones and that the spent outputs are on the chain; those are the caller's.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from rein.btc import curve
from rein.btc._psbt_checks import (
    DERIVATION,
    KEY_WITH_TYPE,
    NON_WITNESS_UTXO,
    PARTIAL_SIGNATURE,
    SIGHASH_ALL,
    SIGHASH_TYPE,
    WITNESS_SCRIPT,
    WITNESS_UTXO,
    KeyLengths,
    check_signature,
    choose,
    output_of,
    read_output,
    refuse_unknown,
    signatures_in,
    with_signatures,
)
from rein.btc._psbt_maps import Fields, Maps, decode, decode_base64, new_maps, read_maps, write_maps
from rein.btc.address import p2wsh_script
from rein.btc.amounts import Sat
from rein.btc.keys import PrivateKey
from rein.btc.script import parse_mandatory_multisig, parse_multisig, script_keys
from rein.btc.transaction import OutPoint, Transaction, TxOutput, build_unsigned, with_witnesses, witness_v0_sighash
from rein.errors import InputError, PsbtError

__all__ = [
    "Psbt",
    "PsbtInput",
    "read_psbt",
    "parse_mandatory_multisig",
    "parse_multisig",
]

# What an input of a PSBT to be signed may say.
_INPUT_KEYS: Final[KeyLengths] = {
    NON_WITNESS_UTXO: (1,),
    WITNESS_UTXO: (1,),
    PARTIAL_SIGNATURE: (KEY_WITH_TYPE,),
    SIGHASH_TYPE: (1,),
    WITNESS_SCRIPT: (1,),
    DERIVATION: (KEY_WITH_TYPE,),
}


@dataclass(frozen=True)
class PsbtInput:
    """The escrow output an input spends: where it is, how many satoshis it holds, and the script that guards it."""

    outpoint: OutPoint
    amount: Sat
    witness_script: bytes


@dataclass(frozen=True)
class Psbt:
    """One PSBT of version 0. Nothing changes it: each operation gives a new one. PsbtError for all that is wrong.

    A strict one (the default, and the only kind that is signed, combined or finalised) holds nothing we do not
    understand, and every input is a consistent P2WSH spend. With `strict=False` any well-formed PSBT can be looked at.
    """

    raw: bytes
    strict: bool = field(default=True, compare=False)

    def __post_init__(self) -> None:
        maps = self._maps
        if self.strict:
            refuse_unknown(maps, _INPUT_KEYS)
            if sum(item.amount for item in self.inputs) < sum(output.amount for output in self.outputs):
                raise PsbtError("the PSBT pays out more than it spends")

    @classmethod
    def create(cls, inputs: Sequence[PsbtInput], outputs: Sequence[TxOutput]) -> Psbt:
        """An unsigned spend of escrow outputs, in the order given."""
        try:
            transaction = build_unsigned([item.outpoint for item in inputs], outputs)
            fields = [
                {
                    WITNESS_UTXO: TxOutput(item.amount, p2wsh_script(item.witness_script)).to_bytes(),
                    WITNESS_SCRIPT: item.witness_script,
                }
                for item in inputs
            ]
        except InputError as error:
            raise PsbtError(f"no PSBT can be made of that: {error.message}") from None
        return cls(write_maps(new_maps(transaction, fields)))

    @classmethod
    def parse(cls, text: str, strict: bool = True) -> Psbt:
        """Read base64 in its one exact spelling, at most 100,000 letters."""
        return cls(decode_base64(text), strict)

    def to_bytes(self) -> bytes:
        return self.raw

    def to_base64(self) -> str:
        return b64encode(self.raw).decode()

    @cached_property
    def _maps(self) -> Maps:
        return read_maps(self.raw)

    @property
    def transaction(self) -> Transaction:
        """The transaction to be signed, without signatures."""
        return self._maps.transaction

    @property
    def outputs(self) -> tuple[TxOutput, ...]:
        return self.transaction.outputs

    @cached_property
    def inputs(self) -> tuple[PsbtInput, ...]:
        """What is spent, as the PSBT has it and consistent in itself; PsbtError if an input is no P2WSH spend."""
        outpoints = self.transaction.inputs
        return tuple(
            _read_input(index, outpoint, fields)
            for index, (outpoint, fields) in enumerate(zip(outpoints, self._maps.inputs, strict=True))
        )

    @property
    def fee(self) -> Sat:
        """Satoshis left to the miner, if the amounts of the inputs are true."""
        fee = sum(item.amount for item in self.inputs) - sum(output.amount for output in self.outputs)
        if fee < 0:
            raise PsbtError("the PSBT pays out more than it spends")
        return Sat(fee)

    def partial_signatures(self, index: int) -> dict[bytes, bytes]:
        """Public key to DER signature with its sighash byte, as the PSBT has them: see `verify_signatures`."""
        if not 0 <= index < len(self._maps.inputs):
            raise PsbtError(f"the PSBT has no input {index}")
        return signatures_in(self._maps.inputs[index])

    def _sighash(self, index: int) -> bytes:
        item = self.inputs[index]
        return witness_v0_sighash(self.transaction, index, item.witness_script, item.amount)

    def verify_signatures(self) -> None:
        """PsbtError naming the input and key of the first signature that is not one of that input's script, not of
        this transaction, not SIGHASH_ALL, or not in strict DER with low s."""
        for index, item in enumerate(self.inputs):
            keys = script_keys(item.witness_script)
            for key, signature in self.partial_signatures(index).items():
                check_signature(index, key, signature, keys, self._sighash(index))

    def sign(self, key: PrivateKey) -> Psbt:
        """The PSBT with this key's signature on every input whose script names the key.

        Every signature already there is checked first. PsbtError if the key signs nothing here.
        """
        refuse_unknown(self._maps, _INPUT_KEYS)
        self.verify_signatures()
        public_key = key.public_key
        additions: dict[int, Mapping[bytes, bytes]] = {}
        for index, item in enumerate(self.inputs):
            if public_key in script_keys(item.witness_script):
                signature = curve.sign_der(key.secret, self._sighash(index)) + bytes([SIGHASH_ALL])
                additions[index] = {public_key: signature}
        if not additions:
            raise PsbtError("that key signs none of the PSBT's inputs", hint="sign as the identity the escrow names")
        return self._with_signatures(additions)

    def combine(self, other: Psbt) -> Psbt:
        """This PSBT with the other's signatures too, all of them verified. Where both have one of a key, ours stays.

        PsbtError if the two are not of the same transaction spending the same outputs.
        """
        for psbt in (self, other):
            refuse_unknown(psbt._maps, _INPUT_KEYS)
            psbt.verify_signatures()
        if self.transaction.raw != other.transaction.raw or self.inputs != other.inputs:
            raise PsbtError("the two PSBTs are not of the same transaction")
        indexes = range(len(self.inputs))
        return self._with_signatures(
            {index: other.partial_signatures(index) | self.partial_signatures(index) for index in indexes}
        )

    def _with_signatures(self, additions: Mapping[int, Mapping[bytes, bytes]]) -> Psbt:
        return Psbt(write_maps(with_signatures(self._maps, additions)), self.strict)

    def finalize(self) -> Transaction:
        """The signed transaction, ready to be broadcast. PsbtError naming the signatures still missing."""
        refuse_unknown(self._maps, _INPUT_KEYS)
        self.verify_signatures()
        return with_witnesses(
            self.transaction,
            [
                _witness(index, item.witness_script, self.partial_signatures(index))
                for index, item in enumerate(self.inputs)
            ],
        )


def read_psbt(data: bytes, strict: bool = True) -> Psbt:
    """Read a PSBT as people hand it over: the bytes of a binary file, or base64 or hexadecimal text with any white
    space in it. PsbtError for anything else, and for more than 75,000 bytes of PSBT."""
    return Psbt(decode(data), strict)


def _read_input(index: int, outpoint: OutPoint, fields: Fields) -> PsbtInput:
    if WITNESS_UTXO not in fields or WITNESS_SCRIPT not in fields:
        raise PsbtError(f"input {index} of the PSBT does not show the output it spends and its witness script")
    try:
        output = read_output(fields[WITNESS_UTXO])
        previous = Transaction(fields[NON_WITNESS_UTXO]) if NON_WITNESS_UTXO in fields else None
    except (InputError, ValueError):
        raise PsbtError(f"input {index} of the PSBT shows a malformed output") from None
    witness_script = fields[WITNESS_SCRIPT]
    if output.script != p2wsh_script(witness_script):
        raise PsbtError(f"input {index} of the PSBT shows a witness script that is not the one of its output")
    if previous is not None and output_of(previous, outpoint) != output:
        raise PsbtError(f"input {index} of the PSBT shows another output than its previous transaction has")
    if int.from_bytes(fields.get(SIGHASH_TYPE, b"\x01"), "little") != SIGHASH_ALL:
        raise PsbtError(f"input {index} of the PSBT asks for a signature that does not cover the whole transaction")
    return PsbtInput(outpoint, output.amount, witness_script)


def _witness(index: int, script: bytes, signatures: Mapping[bytes, bytes]) -> list[bytes]:
    """The stack that satisfies an escrow's script; CHECKMULTISIG takes one item too many, which must be empty."""
    plain = parse_multisig(script)
    if plain is not None:
        return [b"", *choose(index, plain.keys, plain.threshold, signatures), script]
    mandatory = parse_mandatory_multisig(script)
    if mandatory is None:
        raise PsbtError(f"input {index}'s witness script is not one of Rein's escrows")
    # The mandatory signature is checked first, so it lies on top.
    first = choose(index, (mandatory.mandatory,), 1, signatures)
    return [b"", *choose(index, mandatory.keys, mandatory.threshold, signatures), *first, script]
