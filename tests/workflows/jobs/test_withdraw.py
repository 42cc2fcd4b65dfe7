"""What can be taken back is listed: what one wrote, and no server was ever given."""

from __future__ import annotations

import pytest

from rein.errors import NotFoundError, OrderError
from rein.store.tables.servers import Placement
from rein.workflows.jobs.withdraw import commit, prepare, withdrawable
from tests.support.people import job, sealed_bid, story
from tests.workflows.conftest import Sit

TOLD = story()
OTHER = job(TOLD.creator, TOLD.mediator, job_id="o" * 20)


def test_only_what_is_unpublished_is_listed_and_withdrawn(sit: Sit) -> None:
    session = sit(who="Bob")
    documents = session.store.documents
    for each in (TOLD.job, OTHER):
        documents.add_own(each)
    documents.add_received([(TOLD.bid, "http://x/")])
    assert withdrawable(session) == [OTHER, TOLD.job]
    session.store.servers.set_placements([Placement(OTHER.id, "http://x/", "KEY", False)])
    assert withdrawable(session) == [TOLD.job]
    with pytest.raises(OrderError, match="sent to a server"):
        prepare(session, OTHER.id)
    planned = prepare(session, TOLD.job.id[:8])
    assert documents.get(TOLD.job.id) == TOLD.job, "nothing is removed before it is committed"
    assert commit(session, planned).json() == {"document_id": TOLD.job.id, "kind": "job", "withdrawn": True}
    assert withdrawable(session) == []
    with pytest.raises(OrderError, match="sent to a server"):
        commit(session, planned)
    with pytest.raises(NotFoundError):
        prepare(session, TOLD.job.id)


def test_a_sealed_bid_is_one_document(sit: Sit) -> None:
    session = sit(who="Charlie")
    sealed = sealed_bid(TOLD.worker, TOLD.creator, TOLD.job, TOLD.bid)
    session.store.documents.add_sealed_bid(sealed, TOLD.bid)
    assert withdrawable(session) == [sealed]
    commit(session, prepare(session, sealed.id))
    assert session.store.documents.get(TOLD.bid.id) is None
