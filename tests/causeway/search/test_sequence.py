"""Following documents by number: nothing that is shown as settled can be added to."""

from __future__ import annotations

from sqlalchemy import Connection

from causeway.kv.incoming import IncomingDocument
from causeway.search import index
from causeway.search.sequence import settled
from rein.protocol.description import describe
from rein.protocol.signed import Signed
from tests.causeway.conftest import Server
from tests.support.people import Story


def add(connection: Connection, signed: Signed[object]) -> int:  # type: ignore[type-var]  # any document will do
    """Index a document, without the value that would hold it; its number."""
    index.add(connection, IncomingDocument(signed, describe(signed)))
    return int(str(connection.exec_driver_sql("SELECT max(seq) FROM document").scalar()))


def horizon(server: Server) -> int:
    with server.engine.connect() as connection:
        return settled(connection)


def test_a_number_that_is_not_committed_holds_the_horizon_below_it(server: Server, deal: Story) -> None:
    with server.engine.begin() as connection:
        first = add(connection, deal.job)
    assert horizon(server) == first
    with server.engine.connect() as slow:
        late = add(slow, deal.bid)
        with server.engine.begin() as quick:
            early = add(quick, deal.offer)
        assert first < late < early
        assert server.value("SELECT count(*) FROM document WHERE seq = :seq", seq=early) == 1
        assert horizon(server) == first
        slow.commit()
    assert horizon(server) == early


def test_a_number_that_is_given_back_holds_nothing(server: Server, deal: Story) -> None:
    with server.engine.connect() as connection:
        given_back = add(connection, deal.job)
        connection.rollback()
    assert horizon(server) == given_back
    with server.engine.begin() as connection:
        assert add(connection, deal.job) > given_back


def test_the_first_number_of_all_is_settled_when_it_is_committed(server: Server, deal: Story) -> None:
    server.rows("ALTER SEQUENCE document_seq RESTART")
    assert horizon(server) == 0
    with server.engine.connect() as connection:
        assert add(connection, deal.job) == 1
        assert horizon(server) == 0
        connection.commit()
    assert horizon(server) == 1


def test_another_database_of_the_cluster_does_not_matter(server: Server, mainnet_server: Server, deal: Story) -> None:
    with mainnet_server.engine.connect() as elsewhere, server.engine.begin() as connection:
        add(elsewhere, deal.job)
        seq = add(connection, deal.job)
        connection.commit()
        assert horizon(server) == seq
