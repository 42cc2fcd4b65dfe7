"""The ordinary wallet of seed words (BIP84): one account of P2WPKH addresses, which every wallet finds by them.

    m/84h/COINh/0h/0/N    addresses that others pay to
    m/84h/COINh/0h/1/N    change

COIN is 0 on mainnet and 1 on every test network (SLIP-44), so no key of a test network opens anything on mainnet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rein.btc import base58
from rein.btc.address import p2wpkh_address, p2wpkh_script
from rein.btc.descriptor import with_checksum
from rein.btc.hashes import hash160, sha256
from rein.btc.hd import HARDENED, ExtendedKey
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, Network

RECEIVING: Final = 0
CHANGE: Final = 1
BRANCHES: Final = (RECEIVING, CHANGE)

GAP: Final = 20
"""BIP44: after so many addresses in a row that were never paid, a wallet looks no further."""

_PURPOSE: Final = 84
_ID_DIGITS: Final = 16
_FINGERPRINT_BYTES: Final = 4

# SLIP-132: the versions by which Electrum tells what kind of addresses an extended key is for, public and private.
_SLIP132: Final = {True: ("04b24746", "04b2430c"), False: ("045f1cf6", "045f18bc")}


def coin_type(network: Network) -> int:
    """SLIP-44's number: 0 for bitcoin, 1 for every test network."""
    return 0 if network is MAINNET else 1


@dataclass(frozen=True)
class Account:
    """The first account of a tree of keys. `key` is private or public; `fingerprint` is that of the tree's root
    (BIP32), which other programs want to know it by."""

    key: ExtendedKey
    fingerprint: bytes

    @classmethod
    def of_root(cls, root: ExtendedKey) -> Account:
        """The private account of a master key."""
        path = tuple(each | HARDENED for each in (_PURPOSE, coin_type(root.network), 0))
        return cls(root.derive(path), hash160(root.public_key)[:_FINGERPRINT_BYTES])

    @property
    def network(self) -> Network:
        return self.key.network

    @property
    def id(self) -> str:
        """Sixteen hex digits that name the account; they give no part of a key away."""
        return sha256(b"rein account" + self.public.to_string().encode()).hex()[:_ID_DIGITS]

    @property
    def public(self) -> ExtendedKey:
        return self.key.to_public()

    @property
    def path(self) -> str:
        """Of the account, as descriptors write it: 84h/0h/0h."""
        return f"{_PURPOSE}h/{coin_type(self.network)}h/0h"

    def public_key(self, branch: int, number: int) -> bytes:
        """The 33 bytes behind one address."""
        return _public_key(self.key.to_public().to_string(), self.network, branch, number)

    def address(self, branch: int, number: int) -> str:
        return p2wpkh_address(self.public_key(branch, number), self.network)

    def script(self, branch: int, number: int) -> bytes:
        return p2wpkh_script(self.public_key(branch, number))

    def private_key(self, branch: int, number: int) -> PrivateKey:
        """The key that spends what was paid to one address.

        :raises KeyMaterialError: only the public half of the account is here.
        """
        return self.key.derive((branch, number)).private_key

    def origin(self, branch: int, number: int) -> bytes:
        """Where the key of an address comes from, as a PSBT says it (BIP174): fingerprint and path, little-endian."""
        steps = (_PURPOSE | HARDENED, coin_type(self.network) | HARDENED, HARDENED, branch, number)
        return self.fingerprint + b"".join(each.to_bytes(4, "little") for each in steps)

    def descriptor(self, branch: int, *, private: bool = False) -> str:
        """BIP380's, with its checksum, for all addresses of a branch."""
        return self._descriptor(str(branch), private)

    def both_branches(self, *, private: bool = False) -> str:
        """One descriptor for receiving and change (BIP389), as Sparrow and newer programs take it."""
        return self._descriptor("<0;1>", private)

    def _descriptor(self, branch: str, private: bool) -> str:
        key = (self.key if private else self.public).to_string()
        return with_checksum(f"wpkh([{self.fingerprint.hex()}/{self.path}]{key}/{branch}/*)")

    def electrum_key(self, *, private: bool = False) -> str:
        """The same key in the spelling (SLIP-132) that says native segwit: zpub, vpub; private: zprv, vprv."""
        payload = base58.decode_check((self.key if private else self.public).to_string()) or b""
        return base58.encode_check(bytes.fromhex(_SLIP132[self.network is MAINNET][private]) + payload[4:])


@lru_cache(maxsize=4096)
def _public_key(xpub: str, network: Network, branch: int, number: int) -> bytes:
    return ExtendedKey.parse_public(xpub, network).public_key_at((branch, number))
