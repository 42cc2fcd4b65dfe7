"""Addresses to be paid at, derived from a public key tree alone: whoever makes them can spend nothing.

Accepted is what wallets hand out for native segwit accounts (BIP84):

    xpub..., tpub...                             the key of an account: addresses are at its 0/i
    zpub..., vpub...                             the same in SLIP-132's spelling
    wpkh([f00dbabe/84h/0h/0h]xpub.../0/*)#...    a descriptor (BIP380, BIP382); origin and checksum may be left out
    wpkh([f00dbabe/84h/0h/0h]xpub.../<0;1>/*)    the same with change beside it (BIP389): the first branch is taken

and, where the caller takes them, taproot's descriptors (BIP386) of one key: tr([f00dbabe/86h/0h/0h]xpub.../0/*)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rein.btc import base58
from rein.btc.address import address_of_script, p2tr_script, p2wpkh_script
from rein.btc.descriptor import with_checksum
from rein.btc.hashes import sha256
from rein.btc.hd import HARDENED, ExtendedKey
from rein.btc.networks import MAINNET, Network
from rein.errors import InputError, KeyMaterialError

_DESCRIPTOR = re.compile(
    r"(?P<kind>wpkh|tr)\((?:\[[0-9a-fA-F]{8}(?:/[0-9]{1,10}['hH]?)*\])?(?P<key>[1-9A-HJ-NP-Za-km-z]{100,112})"
    r"(?P<path>(?:/[0-9]{1,10})*)(?:/<(?P<first>[0-9]{1,10});[0-9]{1,10}>)?/\*\)"
)
_RECEIVING: Final = (0,)
"""BIP44's branch of the addresses that others pay to."""

_ID_DIGITS: Final = 16
_VERSION_BYTES: Final = 4

_P2WPKH_PUBLIC: Final = {bytes.fromhex("04b24746"): True, bytes.fromhex("045f1cf6"): False}
"""SLIP-132's zpub (mainnet) and vpub (test networks)."""

_PRIVATE: Final = frozenset(
    bytes.fromhex(version)
    for version in ("0488ade4", "04358394", "049d7878", "044a4e28", "04b2430c", "045f18bc", "02aa7a99", "02575048")
)
"""xprv and tprv, and SLIP-132's yprv, uprv, zprv, vprv, Zprv, Vprv."""

_OTHER_SCRIPTS: Final[Mapping[bytes, str]] = {
    bytes.fromhex("049d7cb2"): "ypub",
    bytes.fromhex("044a5262"): "upub",
    bytes.fromhex("0295b43f"): "Ypub",
    bytes.fromhex("024289ef"): "Upub",
    bytes.fromhex("02aa7ed3"): "Zpub",
    bytes.fromhex("02575483"): "Vpub",
}

_HINT: Final = "Give the extended public key (xpub, tpub) of a native segwit account, or wpkh(xpub/0/*)."


@dataclass(frozen=True)
class ReceivingKey:
    """A key that an endless row of segwit addresses is derived from. Make one with `parse`."""

    _branch: ExtendedKey
    _is_taproot: bool = False

    @classmethod
    def parse(cls, text: str, network: Network, *, taproot: bool = False) -> ReceivingKey:
        """Read an extended public key or a descriptor of that network; tr() only with `taproot`.

        KeyMaterialError for a private key, another network's or none at all; InputError for another descriptor. No
        error repeats the text.
        """
        text = text.strip()
        if "(" not in text:
            return cls(_read_key(text, network).derive(_RECEIVING))
        body = with_checksum(text).partition("#")[0]
        match = _DESCRIPTOR.fullmatch(body)
        if match is None or (match["kind"] == "tr" and not taproot):
            _refuse_private_parts(body)
            raise InputError("that is not a descriptor to make addresses from", hint=_HINT)
        steps = [int(step) for step in match["path"].split("/")[1:]] + ([int(match["first"])] if match["first"] else [])
        if any(step >= HARDENED for step in steps):
            raise InputError("a step of the descriptor's path is not a child number", hint=_HINT)
        return cls(_read_key(match["key"], network).derive(steps), match["kind"] == "tr")

    @property
    def network(self) -> Network:
        return self._branch.network

    @property
    def id(self) -> str:
        """Sixteen hex digits that name the row of addresses; they give no part of the key away."""
        kind = b" tr" if self._is_taproot else b""
        return sha256(b"rein receiving key" + kind + self._branch.to_string().encode()).hex()[:_ID_DIGITS]

    def script(self, index: int) -> bytes:
        """The output script of the address at an index."""
        key = self._branch.derive([index]).public_key
        return p2tr_script(key) if self._is_taproot else p2wpkh_script(key)

    def address(self, index: int) -> str:
        """The address at an index."""
        return address_of_script(self.script(index), self.network)


def _read_key(text: str, network: Network) -> ExtendedKey:
    payload = base58.decode_check(text)
    if payload is not None:
        version = payload[:_VERSION_BYTES]
        if version in _PRIVATE:
            raise _is_private()
        if version in _OTHER_SCRIPTS:
            raise KeyMaterialError(f"a key that begins with {_OTHER_SCRIPTS[version]} is of another kind", hint=_HINT)
        if version in _P2WPKH_PUBLIC and _P2WPKH_PUBLIC[version] == (network is MAINNET):
            text = base58.encode_check(network.xpub_version + payload[_VERSION_BYTES:])
    return ExtendedKey.parse_public(text, network)


def _refuse_private_parts(body: str) -> None:
    """Whoever hands a private key over must hear of it, whatever else is wrong with the descriptor."""
    for word in re.findall(r"[1-9A-HJ-NP-Za-km-z]{100,112}", body):
        payload = base58.decode_check(word)
        if payload is not None and payload[:_VERSION_BYTES] in _PRIVATE:
            raise _is_private()


def _is_private() -> KeyMaterialError:
    return KeyMaterialError(
        "that is a private key: it can spend, and no server may ever hold it",
        hint="It should never have left the wallet: move what it guards, and give the extended public key of another.",
    )
