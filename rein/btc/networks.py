"""The Bitcoin networks Rein knows. A network is always passed as an argument; there is no current one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from rein.errors import InputError


class Retarget(Enum):
    """How the difficulty of a network's blocks moves (Bitcoin Core's pow.cpp)."""

    EVERY_2016 = "every 2016 blocks, by a factor of four at most"
    MAY_DROP = "as that, and a block that comes late may have the least difficulty"
    NEVER = "never"


@dataclass(frozen=True)
class Network:
    """One network's constants, as in Bitcoin Core's chainparams.cpp.

    The three versions are the first byte of base58 payloads, `hrp` is BIP173's human-readable part,
    `xprv_version` and `xpub_version` are BIP32's four bytes, `genesis_hash` is written as people write it.
    `pow_limit_bits` is the easiest target of a block, in compact form. `least_work` is how many hashes, on average, a
    block must have cost to prove anything to a client that does not know the chain before it.
    """

    name: str
    p2pkh_version: int
    p2sh_version: int
    wif_version: int
    hrp: str
    xprv_version: bytes
    xpub_version: bytes
    genesis_hash: str
    default_rpc_port: int
    pow_limit_bits: int
    retarget: Retarget
    least_work: int = 0


def _test_network(
    name: str, hrp: str, genesis_hash: str, default_rpc_port: int, pow_limit_bits: int, retarget: Retarget
) -> Network:
    """The three test networks share every key and base58 version: only the hrp may tell them apart."""
    return Network(
        name=name,
        p2pkh_version=0x6F,
        p2sh_version=0xC4,
        wif_version=0xEF,
        hrp=hrp,
        xprv_version=bytes.fromhex("04358394"),
        xpub_version=bytes.fromhex("043587cf"),
        genesis_hash=genesis_hash,
        default_rpc_port=default_rpc_port,
        pow_limit_bits=pow_limit_bits,
        retarget=retarget,
    )


MAINNET = Network(
    name="mainnet",
    p2pkh_version=0x00,
    p2sh_version=0x05,
    wif_version=0x80,
    hrp="bc",
    xprv_version=bytes.fromhex("0488ade4"),
    xpub_version=bytes.fromhex("0488b21e"),
    genesis_hash="000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    default_rpc_port=8332,
    pow_limit_bits=0x1D00FFFF,
    retarget=Retarget.EVERY_2016,
    # A difficulty of 8.8 T: no block since the summer of 2019 had less, and those of 2024 cost ten times as much.
    least_work=2**75,
)
TESTNET4 = _test_network(  # BIP94
    "testnet4",
    "tb",
    "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
    48332,
    0x1D00FFFF,
    Retarget.MAY_DROP,
)
SIGNET = _test_network(  # BIP325, the default signet
    "signet",
    "tb",
    "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
    38332,
    0x1E0377AE,
    Retarget.EVERY_2016,
)
REGTEST = _test_network(
    "regtest",
    "bcrt",
    "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
    18443,
    0x207FFFFF,
    Retarget.NEVER,
)

NETWORKS: Mapping[str, Network] = MappingProxyType(
    {network.name: network for network in (MAINNET, TESTNET4, SIGNET, REGTEST)}
)


def network_named(name: str) -> Network:
    """The network of that exact name; InputError listing the known names otherwise."""
    network = NETWORKS.get(name)
    if network is None:
        raise InputError(f"unknown Bitcoin network {name[:40]!r}", hint=f"one of: {', '.join(NETWORKS)}")
    return network
