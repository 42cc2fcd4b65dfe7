"""Redeem scripts of 2016, written byte by byte; and those of real documents."""

from __future__ import annotations

from rein.btc.keys import PrivateKey

CREATOR, MEDIATOR, WORKER, STRANGER = (PrivateKey(bytes([number]) * 32) for number in range(0x21, 0x25))
PEOPLE = {"C": CREATOR, "M": MEDIATOR, "W": WORKER, "X": STRANGER}

BOB, ALICE, CHARLIE = (
    bytes.fromhex(text)
    for text in (
        "026bc363139ebc1cad8e6eee402507d2b4874f5450585f1e6a1cd30a63ecdfc9dc",
        "029fcafbe2dced6fe79865b265ea90387c5411658ca11449999d5020a9f67bb005",
        "02f719f009fb8eb20ccdbfda7d38f378ed2f103ac0a6768df830740c6835c46519",
    )
)
"""Delegate keys of the authors' test people of 2016."""


def push(key: bytes) -> bytes:
    return bytes([len(key)]) + key


def primary(creator: bytes, mediator: bytes, worker: bytes) -> bytes:
    return b"\x52" + push(creator) + push(mediator) + push(worker) + b"\x53\xae"


def mediators(mediator: bytes, one: bytes, other: bytes, threshold: int = 1) -> bytes:
    return push(mediator) + b"\xad" + bytes([0x50 + threshold]) + push(one) + push(other) + b"\x52\xae"


def keys(uncompressed: str = "") -> dict[str, PrivateKey]:
    """The people, some of them with uncompressed public keys."""
    return {name: PrivateKey(key.secret, compressed=name not in uncompressed) for name, key in PEOPLE.items()}


def scripts(uncompressed: str = "") -> dict[str, bytes]:
    """Every form there was, by name."""
    creator, mediator, worker = (keys(uncompressed)[name].public_key for name in "CMW")
    return {
        "primary": primary(creator, mediator, worker),
        "primary of January": primary(worker, creator, mediator),
        "mediator's": mediators(mediator, creator, worker),
        "mediator's of January": mediators(mediator, creator, worker, threshold=2),
    }


ENOUGH = {
    "primary": {"CM", "CW", "MW", "CMW"},
    "primary of January": {"CM", "CW", "MW", "CMW"},
    "mediator's": {"CM", "MW", "CMW"},
    "mediator's of January": {"CMW"},
}
"""Who together can spend which."""
