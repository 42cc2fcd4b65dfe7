"""Key files that are held open for a while."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from rein.btc.networks import NETWORKS
from rein.errors import InputError
from rein.identity import unlocked
from rein.identity.keyfile import read_key_file
from rein.identity.sealing import Opener
from rein.identity.unlocked import MAX_SECONDS
from rein.workflows.session import Session

_TIME = re.compile(r"([1-9][0-9]{0,5})([smh])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class UnlockResult:
    """Whose key file is open, and for how long."""

    name: str
    seconds: int

    def json(self) -> dict[str, Any]:
        return {"name": self.name, "unlocked": True, "seconds": self.seconds}


@dataclass(frozen=True)
class LockResult:
    """The identities whose key files were open."""

    names: list[str]

    def json(self) -> dict[str, Any]:
        return {"locked": self.names}


def read_time(text: str) -> int:
    """A time as people write it, such as 90s, 15m or 2h, in seconds.

    :raises InputError: not a time, or more than `MAX_SECONDS`.
    """
    match = _TIME.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= MAX_SECONDS:
        raise InputError(f"{text[:20]!r} is not a time up to {MAX_SECONDS // 3600}h", hint="Write 90s, 15m or 2h.")
    return seconds


def unlock(session: Session, seconds: int, opened: Opener) -> UnlockResult:
    """Hold the key file of who acts open, so that no command needs the passphrase.

    :raises PassphraseError: it does not open the key file.
    :raises IdentityError: nothing can be held open on this system.
    """
    row = session.identity
    secret = opened(row.name, partial(read_key_file, session.home / row.key_file))
    unlocked.unlock(session.home, row.key_file, secret, seconds)
    return UnlockResult(row.name, seconds)


def lock(session: Session) -> LockResult:
    """Close the key files of all identities of the home."""
    rows = [row for network in NETWORKS for row in session.store.identities.of_network(network)]
    return LockResult([row.name for row in rows if unlocked.lock(session.home, row.key_file)])
