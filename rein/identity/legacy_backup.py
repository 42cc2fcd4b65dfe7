"""`backup-rein.json` of 2016, in both generations: a delegate key, and the addresses it belongs to.

The first generation had a master key elsewhere. The second made both from twelve words, but not as wallets do: it took
BIP39's seed for a BIP32 key as it stands, without BIP32's own first hash. The words are in no backup. Its web pages
wrote no backup at all: what it would hold is in `local.db`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rein.btc import base58
from rein.btc.address import p2pkh_address
from rein.btc.hd import ExtendedKey, check_mnemonic, seed_from_mnemonic
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, Network
from rein.errors import IdentityError, KeyMaterialError
from rein.identity.keyring import DelegateKeyring, Keyring
from rein.identity.legacy_database import BEGINS, read_legacy_identity

_MAX_BYTES = 65_536
_DELEGATES = ("m/1'/0", "m/0/0")
"""Where programs of that time had the delegate, below a master at m/0."""


@dataclass(frozen=True)
class LegacyBackup:
    """What a backup of 2016 holds. `mediator_fee` as it was typed, in percent."""

    name: str
    contact: str
    master_address: str
    delegate: PrivateKey
    mediator_fee: str | None


def read_legacy_backup(path: Path, network: Network, name: str | None = None) -> LegacyBackup:
    """Read a backup of either generation, or a `local.db`.

    :param name: which identity of a `local.db`, where it has several.
    :raises IdentityError: not a backup, or of another network, or its delegate key and address do not belong together.
    """
    content = _load(path, network, name)
    own_name, contact, master, delegate, wif = (
        _text(content, key) for key in ("name", "contact", "maddr", "daddr", "dkey")
    )
    is_test = str(content.get("testnet", network is not MAINNET)).lower() in ("true", "1")
    if is_test == (network is MAINNET):
        raise IdentityError("the backup is of another network", hint="Give --network, such as mainnet or testnet4.")
    try:
        key = PrivateKey.from_wif(wif, network)
    except KeyMaterialError as error:
        raise IdentityError(f"the backup's delegate key: {error.message}") from error
    if p2pkh_address(key.public_key, network) != delegate:
        raise IdentityError("the backup's delegate key is not that of its delegate address")
    mediates = str(content.get("will_mediate")).lower() in ("true", "1", "y", "yes")
    fee = str(content.get("mediator_fee"))[:20] if mediates else None
    return LegacyBackup(own_name, contact, master, key, fee)


def legacy_keyring(old: LegacyBackup, secret: str | None, network: Network) -> Keyring:
    """The keys of a backup and, if it is given, of its master: twelve words, or the master key as WIF.

    :raises KeyMaterialError: the secret is neither, or does not give the master address of the backup.
    """
    if secret is None:
        return DelegateKeyring(old.delegate, network, old.master_address)
    if len(secret.split()) == 1:
        return DelegateKeyring(old.delegate, network, old.master_address, PrivateKey.from_wif(secret.strip(), network))
    words = check_mnemonic(secret)
    today = Keyring(words, network)
    if (today.master_address, today.delegate.secret) == (old.master_address, old.delegate.secret):
        return today
    for root in (_legacy_root(words, network), ExtendedKey.from_seed(seed_from_mnemonic(words), network)):
        master = root.derive("m/0").private_key
        if p2pkh_address(master.public_key, network) != old.master_address:
            continue
        if not any(root.derive(path).private_key.secret == old.delegate.secret for path in _DELEGATES):
            raise KeyMaterialError("this recovery phrase gives the master address of the backup, but not its delegate")
        return DelegateKeyring(old.delegate, network, old.master_address, master)
    raise KeyMaterialError(f"this recovery phrase does not give the master address {old.master_address}")


def _legacy_root(words: str, network: Network) -> ExtendedKey:
    """The seed's halves as key and chain code."""
    seed = seed_from_mnemonic(words)
    secret, chain_code = seed[:32], seed[32:]
    serialized = network.xprv_version + b"\0" + bytes(4) + bytes(4) + chain_code + b"\0" + secret
    return ExtendedKey.parse(base58.encode_check(serialized), network)


def _load(path: Path, network: Network, name: str | None) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES)
        if data.startswith(BEGINS):
            return read_legacy_identity(path, network, name)
        content = json.loads(data)
    except (OSError, ValueError, RecursionError) as error:
        raise IdentityError(f"{path} is not a backup of 2016: {error}") from error
    if not isinstance(content, dict):
        raise IdentityError(f"{path} is not a backup of 2016")
    return content


def _text(content: dict[str, Any], key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str) or not value:
        raise IdentityError(f"that is not a backup of 2016: it lacks {key!r}")
    return value
