"""What every PSBT that Rein signs is checked for, whichever kind of escrow it spends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rein.btc import curve
from rein.btc._psbt_maps import Maps
from rein.btc.amounts import sat
from rein.btc.encoding import Reader
from rein.btc.transaction import OutPoint, Transaction, TxOutput
from rein.errors import PsbtError

# Input key types (BIP174).
NON_WITNESS_UTXO: Final = b"\x00"
WITNESS_UTXO: Final = b"\x01"
PARTIAL_SIGNATURE: Final = b"\x02"
SIGHASH_TYPE: Final = b"\x03"
REDEEM_SCRIPT: Final = b"\x04"
WITNESS_SCRIPT: Final = b"\x05"
DERIVATION: Final = b"\x06"
FINAL: Final = (b"\x07", b"\x08")

SIGHASH_ALL: Final = 1

KEY_WITH_TYPE: Final = 1 + curve.COMPRESSED_BYTES
LONG_KEY_WITH_TYPE: Final = 1 + curve.UNCOMPRESSED_BYTES

_GLOBAL_KEYS: Final = {b"\x00": (1,)}
_OUTPUT_KEYS: Final = {b"\x00": (1,), b"\x01": (1,), b"\x02": (KEY_WITH_TYPE,)}

KeyLengths = Mapping[bytes, Sequence[int]]
"""Types of keys an input map may hold, with the lengths each may have."""


def refuse_unknown(maps: Maps, input_keys: KeyLengths) -> None:
    """PsbtError if the PSBT says anything but what an escrow spend needs: unread words are not signed under."""
    kinds = ((_GLOBAL_KEYS, (maps.globals,)), (input_keys, maps.inputs), (_OUTPUT_KEYS, maps.outputs))
    for lengths, fields_list in kinds:
        for fields in fields_list:
            for key in fields:
                if key[:1] in FINAL and lengths is input_keys:
                    raise PsbtError(
                        "an input of the PSBT is finalised already, so its signatures cannot be checked",
                        hint="ask for it again without finalising (in Bitcoin Core: finalize=false)",
                    )
                if len(key) not in lengths.get(key[:1], ()):
                    raise PsbtError(f"the PSBT holds a field Rein does not sign under: {key[:40].hex()}")


def read_output(value: bytes) -> TxOutput:
    """An amount and a script. ValueError or InputError for anything else."""
    reader = Reader(value)
    output = TxOutput(sat(int.from_bytes(reader.take(8), "little")), reader.string())
    if not reader.at_end:
        raise ValueError("bytes follow the output")
    return output


def output_of(previous: Transaction, outpoint: OutPoint) -> TxOutput | None:
    """The output at that outpoint, if this is the transaction that made it."""
    if previous.txid != outpoint.txid or outpoint.vout >= len(previous.outputs):
        return None
    return previous.outputs[outpoint.vout]


def signatures_in(fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Public key to DER signature with its sighash byte, of one input."""
    return {key[1:]: value for key, value in fields.items() if key[:1] == PARTIAL_SIGNATURE}


def check_signature(index: int, key: bytes, signature: bytes, keys: Sequence[bytes], digest: bytes) -> None:
    """PsbtError if this signature of input `index` is not by one of the script's `keys`, not of the digest, not
    SIGHASH_ALL, or not in strict DER with low s."""
    if key not in keys:
        raise PsbtError(f"input {index} holds a signature by {key.hex()}, which its script does not name")
    if signature[-1:] != bytes([SIGHASH_ALL]):
        raise PsbtError(f"input {index}'s signature by {key.hex()} does not cover the whole transaction")
    if not curve.verify_der(key, digest, signature[:-1]):
        raise PsbtError(f"input {index}'s signature by {key.hex()} is not valid")


def choose(index: int, keys: Sequence[bytes], threshold: int, signatures: Mapping[bytes, bytes]) -> list[bytes]:
    """Exactly `threshold` signatures, in the order of the keys. PsbtError naming the keys that have not signed."""
    present = [signatures[key] for key in keys if key in signatures]
    if len(present) < threshold:
        missing = " or ".join(key.hex() for key in keys if key not in signatures)
        raise PsbtError(
            f"input {index} has {len(present)} of {threshold} signatures; missing: {missing}",
            hint="combine it with what the others have signed",
        )
    return present[:threshold]


def with_signatures(maps: Maps, additions: Mapping[int, Mapping[bytes, bytes]]) -> Maps:
    """The maps with these signatures by input and public key."""
    inputs = [
        fields | {PARTIAL_SIGNATURE + key: signature for key, signature in additions.get(index, {}).items()}
        for index, fields in enumerate(maps.inputs)
    ]
    return Maps(maps.transaction, maps.globals, tuple(inputs), maps.outputs)
