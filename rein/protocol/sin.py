"""The Secure Identity Number of 2016: a second name for a master address.

Identity protocol v1, type 2: Base58Check of 0F 02 and the hash160 of the master address *as ASCII text* (the text
said "public key", every program hashed the address; so do we).
"""

from __future__ import annotations

from rein.btc.base58 import encode_check
from rein.btc.hashes import hash160


def secure_identity_number(master_address: str) -> str:
    """The SIN of a master address; begins with `Tf` or `Te`."""
    return encode_check(b"\x0f\x02" + hash160(master_address.encode("ascii")))
