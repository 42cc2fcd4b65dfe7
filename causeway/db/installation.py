"""What is fixed for the life of a database: its network, and the server's secret."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, Connection, DateTime, LargeBinary, SmallInteger, String, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from causeway.db.base import Base, table_of
from causeway.errors import DatabaseError
from rein.btc.hashes import sha256
from rein.btc.networks import Network

SECRET_BYTES = 32
SERVER_ID_CHARACTERS = 32


class InstallationRow(Base):
    """The only row. All processes on one database share it."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="only_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    network: Mapped[str] = mapped_column(String(16))
    nonce_secret: Mapped[bytes] = mapped_column(LargeBinary)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


installation = table_of(InstallationRow)


@dataclass(frozen=True, repr=False)
class Installation:
    """`nonce_secret` makes and checks nonces; who knows it can make nonces of any age, but still sign nothing."""

    network: Network
    nonce_secret: bytes

    @property
    def server_id(self) -> str:
        """What the feed of this database is called: who pulls it sees whether it is still the same, or its own."""
        return sha256(b"Causeway feed 1\n" + self.nonce_secret).hex()[:SERVER_ID_CHARACTERS]


def open_installation(connection: Connection, network: Network) -> Installation:
    """Read the database's fixed facts; the first server on it sets them.

    :raises DatabaseError: it holds the documents of another network.
    """
    secret = secrets.token_bytes(SECRET_BYTES)
    connection.execute(
        insert(installation).values(id=1, network=network.name, nonce_secret=secret).on_conflict_do_nothing()
    )
    row = connection.execute(select(installation.c.network, installation.c.nonce_secret)).one()
    if row.network != network.name:
        raise DatabaseError(
            f"this database holds documents of {row.network}, and the server is to serve {network.name}",
            hint=f"Give --network {row.network}, or another data directory or database.",
        )
    return Installation(network, bytes(row.nonce_secret))
