"""Addresses and the output scripts they stand for: P2PKH, P2SH and segwit (BIP173, BIP350)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rein.btc import _bech32, base58, curve
from rein.btc.hashes import hash160, sha256, tagged_hash
from rein.btc.networks import NETWORKS, Network
from rein.errors import InputError, KeyMaterialError

_HASH160_BYTES: Final = 20
_P2PKH_HEAD, _P2PKH_TAIL = bytes.fromhex("76a914"), bytes.fromhex("88ac")
_P2SH_HEAD, _P2SH_TAIL = bytes.fromhex("a914"), bytes.fromhex("87")
_OP_1_MINUS_1: Final = 0x50
_P2PKH_VERSIONS: Final = frozenset(network.p2pkh_version for network in NETWORKS.values())

_REMEMBERED: Final = 16_384
"""Addresses whose checksum is not computed again: the same people stand in many documents. Only good addresses are
remembered, so nothing secret that was taken for one stays in memory."""


def _checked_key(public_key: bytes, *, compressed_only: bool) -> bytes:
    if not curve.is_valid_public_key(public_key):
        raise KeyMaterialError("that is not a public key")
    if compressed_only and len(public_key) != curve.COMPRESSED_BYTES:
        raise KeyMaterialError("segwit outputs take compressed public keys only: others would freeze the money")
    return public_key


def _p2pkh_of_hash(key_hash: bytes) -> bytes:
    return _P2PKH_HEAD + key_hash + _P2PKH_TAIL


def _p2sh_of_hash(script_hash: bytes) -> bytes:
    return _P2SH_HEAD + script_hash + _P2SH_TAIL


def p2pkh_script(public_key: bytes) -> bytes:
    """Pays whoever signs with this key; the key may be uncompressed. KeyMaterialError for an invalid one."""
    return _p2pkh_of_hash(hash160(_checked_key(public_key, compressed_only=False)))


def p2wpkh_script(public_key: bytes) -> bytes:
    """Pays whoever signs with this compressed key (BIP141). KeyMaterialError otherwise."""
    return b"\x00\x14" + hash160(_checked_key(public_key, compressed_only=True))


def p2tr_script(public_key: bytes) -> bytes:
    """Pays whoever signs with this compressed key by taproot's key path, with no script beside it (BIP86).

    KeyMaterialError if it is not one."""
    x_only = _checked_key(public_key, compressed_only=True)[1:]
    output_key = curve.add_secret(b"\x02" + x_only, tagged_hash("TapTweak", x_only))
    if output_key is None:
        raise KeyMaterialError("that key gives no taproot output (1 in 2**128 does not)")
    return b"\x51\x20" + output_key[1:]


def p2sh_script(redeem_script: bytes) -> bytes:
    """Pays whoever satisfies the redeem script (BIP16). Of 2016: new escrows are P2WSH."""
    return _p2sh_of_hash(hash160(redeem_script))


def p2wsh_script(witness_script: bytes) -> bytes:
    """Pays whoever satisfies the witness script (BIP141)."""
    return b"\x00\x20" + sha256(witness_script)


def p2pkh_script_of_witness(program: bytes) -> bytes | None:
    """The P2PKH script that signatures of a P2WPKH output sign (BIP143); None for any other output script."""
    is_p2wpkh = len(program) == 2 + _HASH160_BYTES and program[:2] == b"\x00\x14"
    return _p2pkh_of_hash(program[2:]) if is_p2wpkh else None


def p2pkh_address(public_key: bytes, network: Network) -> str:
    return address_of_script(p2pkh_script(public_key), network)


def p2wpkh_address(public_key: bytes, network: Network) -> str:
    return address_of_script(p2wpkh_script(public_key), network)


def p2sh_address(redeem_script: bytes, network: Network) -> str:
    return address_of_script(p2sh_script(redeem_script), network)


def p2wsh_address(witness_script: bytes, network: Network) -> str:
    return address_of_script(p2wsh_script(witness_script), network)


def _unwrap(script: bytes, head: bytes, tail: bytes) -> bytes | None:
    """The 20 bytes between head and tail, if the script is just that."""
    if script == head + script[len(head) : -len(tail)] + tail and len(script) == len(head) + 20 + len(tail):
        return script[len(head) : -len(tail)]
    return None


def _witness_program(script: bytes) -> tuple[int, bytes] | None:
    """Witness version and program of a segwit output script (BIP141)."""
    if len(script) < 4 or script[1] != len(script) - 2:
        return None
    version = script[0] - _OP_1_MINUS_1 if script[0] else 0
    return (version, script[2:]) if _bech32.is_valid_program(version, script[2:]) else None


def address_of_script(script: bytes, network: Network) -> str:
    """The address that stands for this output script on that network. InputError if none does."""
    key_hash = _unwrap(script, _P2PKH_HEAD, _P2PKH_TAIL)
    if key_hash is not None:
        return base58.encode_check(bytes([network.p2pkh_version]) + key_hash)
    script_hash = _unwrap(script, _P2SH_HEAD, _P2SH_TAIL)
    if script_hash is not None:
        return base58.encode_check(bytes([network.p2sh_version]) + script_hash)
    program = _witness_program(script)
    if program is None:
        raise InputError("this output script has no address")
    return _bech32.encode(network.hrp, *program)


def _wrong_network(network: Network, looks_like: list[str]) -> InputError:
    if not looks_like:
        return InputError("that address is of a kind or network Rein does not know")
    return InputError(f"that address is not of {network.name}: it looks like {' or '.join(looks_like)}")


def _script_of_base58(payload: bytes, network: Network) -> bytes:
    version, content = payload[0], payload[1:]
    if len(content) != _HASH160_BYTES:
        raise InputError("that is not an address: it holds the wrong number of bytes")
    if version == network.p2pkh_version:
        return _p2pkh_of_hash(content)
    if version == network.p2sh_version:
        return _p2sh_of_hash(content)
    raise _wrong_network(network, [n.name for n in NETWORKS.values() if version in (n.p2pkh_version, n.p2sh_version)])


@lru_cache(maxsize=_REMEMBERED)
def script_of_address(address: str, network: Network) -> bytes:
    """The output script an address of that network stands for.

    InputError for anything else, and for an address of another network, saying which it looks like. Networks that
    share a prefix (testnet4, signet and in base58 regtest) cannot be told apart.
    """
    segwit = _bech32.decode(address)
    if segwit is not None:
        hrp, version, program = segwit
        if hrp != network.hrp:
            raise _wrong_network(network, [n.name for n in NETWORKS.values() if n.hrp == hrp])
        return bytes([version + _OP_1_MINUS_1 if version else 0, len(program)]) + program
    payload = base58.decode_check(address)
    if payload is None:
        raise InputError(
            f"{address[:100]!r} is not a Bitcoin address", hint="a letter is missing, added or mistyped: copy it again"
        )
    return _script_of_base58(payload, network)


def is_identity_address(address: str) -> bool:
    """Whether it is a P2PKH address of some known network: the kind that can sign messages."""
    return hash_of_identity(address) is not None


def hash_of_identity(address: str) -> bytes | None:
    """The hash160 of the public key of a P2PKH address of some known network; None for any other text."""
    try:
        return _hash_of_identity(address)
    except ValueError:
        return None


@lru_cache(maxsize=_REMEMBERED)
def _hash_of_identity(address: str) -> bytes:
    payload = base58.decode_check(address)
    if payload is None or len(payload) != 1 + _HASH160_BYTES or payload[0] not in _P2PKH_VERSIONS:
        raise ValueError("no address of an identity")
    return payload[1:]
