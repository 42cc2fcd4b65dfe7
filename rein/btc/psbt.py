"""Partially signed escrow spends (BIP174): made, checked, signed, combined and finalised.

Every input spends a P2WSH escrow of `rein.btc.script`; every signature is SIGHASH_ALL. What a PSBT claims (amounts,
scripts, signatures) is a stranger's word: whatever can be checked here is, before a key is used. What cannot be:
that the outputs are the agreed ones and that the spent outputs are on the chain; those are the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

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
    choose,
    output_of,
    read_output,
    refuse_unknown,
)
from rein.btc._psbt_maps import Fields, decode, decode_base64
from rein.btc._psbt_spend import SpendPsbt
from rein.btc.address import p2wsh_script
from rein.btc.amounts import Sat
from rein.btc.keys import PrivateKey
from rein.btc.script import parse_mandatory_multisig, parse_multisig, script_keys
from rein.btc.transaction import OutPoint, Transaction, TxOutput, with_witnesses, witness_v0_sighash
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
class Psbt(SpendPsbt[PsbtInput]):
    """One PSBT of version 0. Nothing changes it: each operation gives a new one. PsbtError for all that is wrong.

    A strict one (the default, and the only kind that is signed, combined or finalised) holds nothing we do not
    understand, and every input is a consistent P2WSH spend. With `strict=False` any well-formed PSBT can be looked at.
    """

    WRONG_KEY = "sign as the identity the escrow names"

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
            fields = [
                {
                    WITNESS_UTXO: TxOutput(item.amount, p2wsh_script(item.witness_script)).to_bytes(),
                    WITNESS_SCRIPT: item.witness_script,
                }
                for item in inputs
            ]
        except InputError as error:
            raise PsbtError(f"no PSBT can be made of that: {error.message}") from None
        return cls(cls.unsigned([item.outpoint for item in inputs], outputs, fields))

    @classmethod
    def parse(cls, text: str, strict: bool = True) -> Psbt:
        """Read base64 in its one exact spelling, at most 100,000 letters."""
        return cls(decode_base64(text), strict)

    def to_bytes(self) -> bytes:
        return self.raw

    def _made(self, raw: bytes) -> Psbt:
        return Psbt(raw, self.strict)

    def _read_input(self, index: int, outpoint: OutPoint, fields: Fields) -> PsbtInput:
        return _read_input(index, outpoint, fields)

    def _keys(self, item: PsbtInput) -> Sequence[bytes]:
        return script_keys(item.witness_script)

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
        return self._signatures(index)

    def _sighash(self, index: int) -> bytes:
        item = self.inputs[index]
        return witness_v0_sighash(self.transaction, index, item.witness_script, item.amount)

    def sign(self, key: PrivateKey) -> Psbt:
        """The PSBT with this key's signature on every input whose script names the key.

        Every signature already there is checked first. PsbtError if the key signs nothing here.
        """
        refuse_unknown(self._maps, _INPUT_KEYS)
        return self._sign(key)

    def combine(self, other: Psbt) -> Psbt:
        """This PSBT with the other's signatures too, all of them verified. Where both have one of a key, ours stays.

        PsbtError if the two are not of the same transaction spending the same outputs.
        """
        for psbt in (self, other):
            refuse_unknown(psbt._maps, _INPUT_KEYS)
            psbt.verify_signatures()
        if self.transaction.raw != other.transaction.raw or self.inputs != other.inputs:
            raise PsbtError("the two PSBTs are not of the same transaction")
        return self._combine(other)

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
