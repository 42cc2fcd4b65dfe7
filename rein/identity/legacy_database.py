"""`local.db` of 2016: all that who began in the web pages of 0.3 has, since those wrote no backup."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from rein.btc.networks import MAINNET, Network
from rein.errors import IdentityError

BEGINS: Final = b"SQLite format 3\0"
_MOST_IDENTITIES = 1_000
_MOST_BYTES = 65_536
"""Of a value, and of a row."""
_MOST_STEPS = 1_000_000
"""Of SQLite's machine. The file is a stranger's program as much as data: a table may be a view without end."""


def read_legacy_identity(path: Path, network: Network, name: str | None) -> dict[str, Any]:
    """The row of an identity, with the names of a backup's fields. The file is not written to.

    :param name: which one, by its name or master address, where there are several.
    :raises IdentityError: it is no such database, takes too long to read, or holds none of that name and network, or
        several.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BYTES)
            connection.set_progress_handler(_Patience(_MOST_STEPS), 100)
            connection.row_factory = sqlite3.Row
            rows = connection.execute("SELECT * FROM identity LIMIT ?", (_MOST_IDENTITIES,)).fetchall()
    except (sqlite3.Error, OSError) as error:
        raise IdentityError(f"{path} is not a database of 2016: {error}") from error
    here = [dict(row) for row in rows if bool(dict(row).get("testnet")) == (network is not MAINNET)]
    found = [row for row in here if name is None or name in (row.get("name"), row.get("maddr"))]
    if len(found) == 1:
        return found[0]
    if not found:
        what = f"no identity {name!r} of" if name and here else "no identity of"
        raise IdentityError(f"{path} holds {what} {network.name}", hint="Give --network, such as mainnet or testnet4.")
    addresses = ", ".join(str(row.get("maddr")) for row in found)
    raise IdentityError(f"{path} holds {len(found)} identities", hint=f"Say which with --name: {addresses}")


class _Patience:
    """Stops what takes too many steps."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def __call__(self) -> bool:
        self._left -= 100
        return self._left < 0
