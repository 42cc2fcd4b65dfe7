"""A request with a key is done once, and every moment at which it can be killed leaves it done or not done."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from rein.errors import InputError
from rein.protocol.signed import Signed
from rein.workflows.requests import do_once, finish, request
from rein.workflows.session import Session
from tests.support.people import Person, enroll, person, story
from tests.workflows.conftest import Sit

TOLD = story()
WANTED = request("k1", "post", {"name": "x"})


@pytest.fixture
def session(sit: Sit) -> Session:
    return sit(who="Bob")


def fails() -> None:
    pytest.fail("it was run again")


def storing(session: Session, document: Signed[object]) -> None:
    """As the outbox does."""
    with session.store.exclusive():
        session.store.documents.add_own(document)
        session.store.requests.stored(document.id)


def test_it_is_answered_with_what_it_printed(session: Session) -> None:
    assert do_once(session, WANTED, lambda: finish(session, WANTED, {"job_id": "a", "payouts": [1]})) is None
    assert do_once(session, WANTED, fails) == {"job_id": "a", "payouts": [1]}


def test_ended_between_storing_and_printing_it_is_answered_with_the_document(session: Session) -> None:
    assert do_once(session, WANTED, lambda: storing(session, TOLD.job)) is None
    done = do_once(session, WANTED, fails)
    assert done is not None
    assert (done["document_id"], done["document"], done["stored"]) == (TOLD.job.id, TOLD.job.armored, True)


def test_what_the_transaction_takes_back_was_not_done(session: Session) -> None:
    def killed() -> None:
        with session.store.exclusive():
            storing_in_it(session)
            raise KeyboardInterrupt

    def storing_in_it(session: Session) -> None:
        session.store.documents.add_own(TOLD.job)
        session.store.requests.stored(TOLD.job.id)

    with pytest.raises(KeyboardInterrupt):
        do_once(session, WANTED, killed)
    assert session.store.documents.get(TOLD.job.id) is None
    ran = []
    assert do_once(session, WANTED, lambda: ran.append(True)) is None
    assert ran


def test_what_failed_or_was_withdrawn_runs_again(session: Session) -> None:
    def refused() -> None:
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        do_once(session, WANTED, refused)
    do_once(session, WANTED, lambda: storing(session, TOLD.job))
    assert session.store.documents.remove_unpublished(TOLD.job.id)
    ran = []
    assert do_once(session, WANTED, lambda: ran.append(True)) is None
    assert ran


def test_what_is_stored_without_a_key_is_nobodys(session: Session) -> None:
    do_once(session, WANTED, lambda: finish(session, WANTED, {}))
    storing(session, TOLD.job)
    found = session.store.requests.find(session.identity.id, "k1")
    assert found is not None
    assert found.document_id is None


@pytest.mark.parametrize(
    ("other", "why"),
    [(("k1", "bid", {"name": "x"}), "before, for `post`"), (("k1", "post", {"name": "y"}), "with other options")],
)
def test_a_key_belongs_to_one_command_and_its_options(
    session: Session, other: tuple[str, str, dict[str, str]], why: str
) -> None:
    do_once(session, WANTED, lambda: finish(session, WANTED, {}))
    with pytest.raises(InputError, match=why):
        do_once(session, request(*other), fails)


def test_every_identity_has_keys_of_its_own(session: Session, sit: Sit) -> None:
    do_once(session, WANTED, lambda: finish(session, WANTED, {"by": "Bob"}))
    dora: Person = person("Dora")
    row = session.identity
    other = type(row)(0, "regtest", "Dora", "d", dora.master_address, dora.delegate_address, "key")
    session.row = session.store.identities.add(other, enroll(dora))
    assert do_once(session, WANTED, lambda: finish(session, WANTED, {"by": "Dora"})) is None


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "\x1b[2J"])
def test_a_key_can_be_shown(key: str) -> None:
    with pytest.raises(InputError, match="--request-id takes 1 to 200 printable characters"):
        request(key, "post", {})


def _wait_for(path: Path, name: str, queue: multiprocessing.Queue[str]) -> None:
    from rein.workflows.requests import _alone

    with _alone(path, name):
        queue.put(name)


def test_one_waits_for_another_with_the_same_key_and_for_no_other(tmp_path: Path) -> None:
    from rein.workflows.requests import _alone

    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[str] = context.Queue()
    with _alone(tmp_path / "lock", "same"):
        same = context.Process(target=_wait_for, args=(tmp_path / "lock", "same", queue))
        same.start()
        other = context.Process(target=_wait_for, args=(tmp_path / "lock", "other", queue))
        other.start()
        assert queue.get(timeout=30) == "other"
        assert queue.empty()
    assert queue.get(timeout=30) == "same"
    same.join(30)
    other.join(30)
