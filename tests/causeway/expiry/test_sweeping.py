"""The end of a bucket: values move, owners are told in time and once, and only then values go. Time is an argument."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from causeway.app import LISTENER, make_sweeper
from causeway.db.engine import Database, parse_url
from causeway.errors import MailError, MailLostError, MailRefusedError
from causeway.expiry.service import Sweeper, SweepResult
from causeway.hosting.service import BUCKET_TERM
from causeway.kv.expired import BATCH, ExpiredValues
from causeway.mail.smtp import Mailer, SmtpMailer
from causeway.outbound import MailServer, is_email
from tests.causeway.conftest import Server
from tests.causeway.hosting.test_quota import used
from tests.causeway.legacy_callers import Caller
from tests.causeway.mail_server import SmtpServer, smtp_server
from tests.support.people import Person, Story, enroll, person

DAY = timedelta(days=1)
GRACE = timedelta(days=30)
NOTHING = SweepResult(moved=0, mails=0, mails_failed=0, removed=0, buckets=0)


@pytest.fixture(scope="module")
def _post() -> Iterator[SmtpServer]:
    with smtp_server() as office:
        yield office


@pytest.fixture
def post(_post: SmtpServer) -> SmtpServer:
    _post.mails.clear()
    _post.reply, _post.hang_up_after_data = None, False
    return _post


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    database = Database(parse_url(server.settings.database_url or ""), connections=8)
    yield database
    database.close()


@pytest.fixture
def sweeper(database: Database, post: SmtpServer) -> Sweeper:
    return new_sweeper(database, SmtpMailer(post.server(), "hosting@example.org"))


def new_sweeper(database: Database, mailer: Mailer | None) -> Sweeper:
    return Sweeper(database, ExpiredValues(database, LISTENER), mailer, grace=GRACE, is_free=True)


@pytest.fixture
def end(server: Server, bob: Person) -> datetime:
    """When Bob's first bucket expires."""
    return expires(server)


def expires(server: Server) -> datetime:
    end = server.value("SELECT min(expires) FROM bucket")
    assert isinstance(end, datetime)
    return end


def lengthen(server: Server, days: int) -> None:
    """Let the newest bucket last longer than the others, as one bought later would."""
    server.rows(
        "UPDATE bucket SET expires = expires + :days * interval '1 day' WHERE id = (SELECT max(id) FROM bucket)",
        days=days,
    )


# ----- moving ----------------------------------------------------------------------------------------------------


def test_values_move_to_a_newer_bucket(
    server: Server, caller: Caller, sweeper: Sweeper, bob: Person, end: datetime, deal: Story, post: SmtpServer
) -> None:
    for key, value in (("a", "x" * 100), ("job", deal.job.armored), ("b", "y")):
        assert caller.put(bob, key, value).status == 201
    total = sum(used(server, bob))
    caller.register(bob)
    lengthen(server, 100)
    assert sweeper.sweep(end - timedelta(seconds=1)) == NOTHING
    assert used(server, bob) == [total, 0]
    assert sweeper.sweep(end).moved == 3
    assert used(server, bob) == [0, total]
    assert caller.stored("job") == deal.job.armored
    assert server.rows("SELECT id FROM document") == [(deal.job.id,)]
    assert sweeper.sweep(end) == NOTHING
    assert post.taken() == []
    assert sweeper.sweep(end + GRACE).buckets == 1
    assert used(server, bob) == [total]


def test_the_oldest_move_first_and_the_rest_stays(
    server: Server, caller: Caller, sweeper: Sweeper, bob: Person, end: datetime
) -> None:
    for number in range(5):
        assert caller.put(bob, f"key{number}", "x" * 96).status == 201
    caller.register(bob)
    lengthen(server, 100)
    server.rows("UPDATE bucket SET bytes_total = 250 WHERE id = (SELECT max(id) FROM bucket)")
    assert sweeper.sweep(end).moved == 2
    assert used(server, bob) == [300, 200]
    last = server.rows("SELECT key FROM kv WHERE bucket_id = (SELECT max(id) FROM bucket) ORDER BY key")
    assert last == [("key0",), ("key1",)]
    assert all(caller.stored(f"key{number}") for number in range(5))


def test_a_small_value_fits_where_a_large_one_does_not(
    server: Server, caller: Caller, sweeper: Sweeper, bob: Person, end: datetime
) -> None:
    assert caller.put(bob, "large", "x" * 500).status == 201
    assert caller.put(bob, "small", "x" * 10).status == 201
    caller.register(bob)
    lengthen(server, 100)
    server.rows("UPDATE bucket SET bytes_total = 100 WHERE id = (SELECT max(id) FROM bucket)")
    assert sweeper.sweep(end).moved == 1
    assert used(server, bob) == [505, 15]


def test_nothing_moves_to_a_frozen_bucket_or_to_somebody_elses(
    server: Server, caller: Caller, sweeper: Sweeper, bob: Person, mallory: Person, end: datetime
) -> None:
    assert caller.put(bob, "key", "value").status == 201
    caller.register(bob)
    lengthen(server, 100)
    server.rows("UPDATE bucket SET frozen = true WHERE id = (SELECT max(id) FROM bucket)")
    server.rows("UPDATE bucket SET expires = expires + interval '9 days' WHERE owner = :m", m=mallory.master_address)
    assert sweeper.sweep(end).moved == 0
    assert used(server, bob) == [8, 0]


def test_more_than_a_batch_moves(server: Server, caller: Caller, sweeper: Sweeper, bob: Person, end: datetime) -> None:
    count = 2 * BATCH + 3
    rows = ", ".join(f"('k{n:05d}', 'v', 7)" for n in range(count))
    server.rows(
        f"INSERT INTO kv (key, value, size, owner, bucket_id, testnet) SELECT r.key, r.value, r.size, owner, id, true "
        f"FROM (VALUES {rows}) AS r (key, value, size), bucket"
    )
    server.rows("UPDATE bucket SET bytes_used = :used", used=7 * count)
    caller.register(bob)
    lengthen(server, 100)
    assert sweeper.sweep(end).moved == count
    assert used(server, bob) == [0, 7 * count]


def test_sweeps_and_writes_at_once_lose_nothing(
    server: Server, caller: Caller, database: Database, bob: Person, end: datetime
) -> None:
    for number in range(20):
        assert caller.put(bob, f"key{number:02d}", "x" * 95).status == 201
    caller.register(bob, 2)
    lengthen(server, 100)
    server.rows("UPDATE bucket SET expires = now() - interval '1 minute' WHERE id = (SELECT min(id) FROM bucket)")
    bodies = [caller.put_body(bob, f"key{number:02d}", "y" * 195) for number in range(0, 20, 2)]
    with ThreadPoolExecutor(8) as pool:
        sweeps = [pool.submit(new_sweeper(database, None).sweep, datetime.now(UTC)) for _ in range(4)]
        puts = [pool.submit(server.caller().post, "/put", body) for body in bodies]
        for future in sweeps:
            future.result()
        assert [future.result().status for future in puts] == [201] * len(bodies)
    new_sweeper(database, None).sweep(datetime.now(UTC))
    assert sum(used(server, bob)) == 10 * 100 + 10 * 200
    assert used(server, bob)[0] == 0


# ----- warning ---------------------------------------------------------------------------------------------------


def test_an_owner_is_told_thrice_before_and_once_after(
    server: Server, caller: Caller, sweeper: Sweeper, bob: Person, end: datetime, post: SmtpServer
) -> None:
    assert caller.put(bob, "key", "value").status == 201
    told = []
    moment = end - 40 * DAY
    while moment <= end + 35 * DAY:
        sweeper.sweep(moment)
        told += [((moment - end) // DAY, to, subject) for to, subject in post.taken()]
        moment += DAY / 4
    assert told == [
        (-30, "bob@example.com", "Your hosting expires in 30 days"),
        (-7, "bob@example.com", "Your hosting expires in 7 days"),
        (-1, "bob@example.com", "Your hosting expires in a day"),
        (0, "bob@example.com", "Your hosting has expired"),
    ]


def test_a_mail_says_what_and_when_and_nothing_of_the_contents(
    caller: Caller, sweeper: Sweeper, bob: Person, end: datetime, post: SmtpServer
) -> None:
    assert caller.put(bob, "secret-key", "secret value").status == 201
    sweeper.sweep(end - 7 * DAY)
    (mail,) = post.mails
    text = mail.get_content()
    assert bob.master_address in text
    assert f"{end.astimezone(UTC):%Y-%m-%d %H:%M} UTC" in text
    assert "30 days" in text
    assert "secret" not in text
    assert mail["From"] == "hosting@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"]
    assert mail["Date"]


def test_who_has_room_elsewhere_is_left_in_peace(
    server: Server, caller: Caller, sweeper: Sweeper, bob: Person, end: datetime, post: SmtpServer
) -> None:
    assert caller.put(bob, "key", "value").status == 201
    caller.register(bob)
    lengthen(server, 100)
    for days in (30, 7, 1, 0):
        sweeper.sweep(end - days * DAY)
    assert post.taken() == []


def test_an_empty_bucket_ends_in_silence(sweeper: Sweeper, bob: Person, end: datetime, post: SmtpServer) -> None:
    for days in (30, 7, 1, 0):
        sweeper.sweep(end - days * DAY)
    assert post.taken() == []


def test_stages_that_were_missed_are_not_made_up_for(
    caller: Caller, sweeper: Sweeper, bob: Person, end: datetime, post: SmtpServer
) -> None:
    assert caller.put(bob, "key", "value").status == 201
    sweeper.sweep(end - 5 * DAY)
    sweeper.sweep(end - 4 * DAY)
    assert post.taken() == [("bob@example.com", "Your hosting expires in 7 days")]


def test_nobody_gets_two_mails_a_day(
    server: Server, caller: Caller, sweeper: Sweeper, bob: Person, end: datetime, post: SmtpServer
) -> None:
    """Mallory names Bob's address as the contact of many owners, with buckets that end at many times."""
    for number in range(6):
        other = person(f"Sock {number}")
        caller.get("/request", owner=other.master_address, contact="bob@example.com")
        assert caller.put(other, f"key{number}", "value").status == 201
        server.rows(
            "UPDATE bucket SET expires = :end + :hours * interval '1 hour' WHERE owner = :owner",
            end=end,
            hours=number % 3,
            owner=other.master_address,
        )
    mails = 0
    for hour in range(-48, 24):
        mails += sweeper.sweep(end + timedelta(hours=hour)).mails
    assert mails <= 4
    assert len(post.taken()) == mails


@pytest.mark.parametrize(
    "contact",
    ["", "BM-2cTbTKVy6ypx3mJSZC9Bq", "bob", "bob@", "a@b\r\nBcc: all@example.com", "bob@example.com, all@example.com"],
)
def test_a_contact_that_is_no_address_gets_no_mail(
    server: Server, caller: Caller, sweeper: Sweeper, bob: Person, end: datetime, contact: str, post: SmtpServer
) -> None:
    assert caller.put(bob, "key", "value").status == 201
    server.rows("UPDATE owner SET contact = :contact", contact=contact)
    assert sweeper.sweep(end) == NOTHING
    assert post.taken() == []


def test_many_sweeps_at_once_send_one_mail(
    caller: Caller, database: Database, bob: Person, end: datetime, post: SmtpServer
) -> None:
    assert caller.put(bob, "key", "value").status == 201
    mailer = SmtpMailer(post.server(), "hosting@example.org")
    with ThreadPoolExecutor(4) as pool:
        swept = list(pool.map(lambda _: new_sweeper(database, mailer).sweep(end), range(4)))
    assert sum(each.mails for each in swept) == 1
    assert len(post.taken()) == 1


# ----- mail that fails -------------------------------------------------------------------------------------------


def test_a_mail_server_that_is_away_is_tried_again(
    caller: Caller, database: Database, bob: Person, end: datetime, post: SmtpServer
) -> None:
    assert caller.put(bob, "key", "value").status == 201
    away = new_sweeper(database, SmtpMailer(MailServer("127.0.0.1", 1, tls=False), "hosting@example.org"))
    assert away.sweep(end).mails_failed == 1
    assert away.sweep(end).mails_failed == 1
    post.reply = "451 later"
    well = new_sweeper(database, SmtpMailer(post.server(), "hosting@example.org"))
    assert well.sweep(end).mails_failed == 1
    post.reply = None
    assert well.sweep(end).mails == 1
    assert well.sweep(end).mails == 0


def test_a_mail_that_is_refused_for_good_is_not_tried_again(
    caller: Caller, sweeper: Sweeper, bob: Person, end: datetime, post: SmtpServer
) -> None:
    assert caller.put(bob, "key", "value").status == 201
    post.reply = "550 no such person"
    assert sweeper.sweep(end) == NOTHING
    post.reply = None
    assert sweeper.sweep(end) == NOTHING


def test_a_mail_that_may_have_arrived_is_not_sent_again(
    caller: Caller, sweeper: Sweeper, bob: Person, end: datetime, post: SmtpServer
) -> None:
    assert caller.put(bob, "key", "value").status == 201
    post.hang_up_after_data = True
    assert sweeper.sweep(end) == NOTHING
    assert len(post.taken()) == 1
    post.hang_up_after_data = False
    assert sweeper.sweep(end + DAY).mails == 0


def test_a_sweep_that_dies_while_it_sends_sends_no_second_mail(
    caller: Caller, database: Database, sweeper: Sweeper, bob: Person, end: datetime, post: SmtpServer
) -> None:
    assert caller.put(bob, "key", "value").status == 201

    class Dying:
        def send(self, to: str, subject: str, text: str) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        new_sweeper(database, Dying()).sweep(end - 7 * DAY)
    assert sweeper.sweep(end - 6 * DAY) == NOTHING
    assert sweeper.sweep(end - DAY).mails == 1


def test_errors_of_mail_say_whether_to_try_again(post: SmtpServer) -> None:
    mailer = SmtpMailer(post.server(), "hosting@example.org")
    for reply, error in (("451 later", MailError), ("550 never", MailRefusedError)):
        post.reply = reply
        with pytest.raises(error) as caught:
            mailer.send("bob@example.com", "subject", "text")
        assert type(caught.value) is error
    post.reply, post.hang_up_after_data = None, True
    with pytest.raises(MailLostError):
        mailer.send("bob@example.com", "subject", "text")


def test_a_password_is_told_only_under_encryption(post: SmtpServer) -> None:
    server = MailServer("127.0.0.1", post.port, tls=False, user="me", password="sesame")
    with pytest.raises(MailError, match="no encryption"):
        SmtpMailer(server, "hosting@example.org").send("bob@example.com", "subject", "text")
    assert "sesame" not in repr(server)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("bob@example.com", True),
        ("bob.b+rein@mail.example.co.uk", True),
        ("bob@localhost", True),
        ("bob@example.com\n", False),
        ("bob@example.com\r\nBcc: x@y.z", False),
        ('"bob b"@example.com', False),
        ("bob@example..com", False),
        ("@example.com", False),
        ("bob@@example.com", False),
        ("Bob <bob@example.com>", False),
        ("bob@exämple.com", False),
        ("x" * 65 + "@example.com", False),
        ("a@" + "b." * 130 + "c", False),
    ],
)
def test_what_is_an_address(text: str, good: bool) -> None:
    assert is_email(text) is good


# ----- removing --------------------------------------------------------------------------------------------------


def test_values_are_served_through_the_grace_and_then_removed_with_their_documents(
    server: Server, caller: Caller, sweeper: Sweeper, bob: Person, end: datetime, deal: Story
) -> None:
    for key, value in (("job", deal.job), ("enrollment", enroll(bob)), ("note", "text")):
        assert caller.put(bob, key, value).status == 201
    sweeper.sweep(end)
    assert sweeper.sweep(end + GRACE - timedelta(seconds=1)).removed == 0
    assert caller.stored("job") == deal.job.armored
    swept = sweeper.sweep(end + GRACE)
    assert (swept.removed, swept.buckets) == (3, 1)
    assert caller.get("/get", key="job").outcome == (404, "key_not_found")
    for table in ("kv", "document", "enrollment", "delegation", "bucket", "warning"):
        assert server.rows(f"SELECT 1 FROM {table}") == [], table
    assert server.rows("SELECT address FROM owner") == [(bob.master_address,)]


def test_a_document_that_somebody_else_keeps_stays_in_the_index(
    server: Server, caller: Caller, sweeper: Sweeper, bob: Person, end: datetime, mallory: Person, deal: Story
) -> None:
    assert caller.put(bob, "bobs", deal.job).status == 201
    server.rows("UPDATE bucket SET expires = expires + interval '99 days' WHERE owner = :m", m=mallory.master_address)
    assert caller.put(mallory, "mallorys", deal.job).status == 201
    sweeper.sweep(end)
    assert sweeper.sweep(end + GRACE).removed == 1
    assert server.rows("SELECT id FROM document") == [(deal.job.id,)]
    assert caller.stored("mallorys") == deal.job.armored


def test_a_bucket_bought_within_the_grace_saves_all(
    server: Server, caller: Caller, sweeper: Sweeper, bob: Person, end: datetime
) -> None:
    assert caller.put(bob, "key", "value").status == 201
    server.rows("UPDATE bucket SET expires = now() - interval '29 days'")
    sweeper.sweep(datetime.now(UTC))
    caller.register(bob)
    assert sweeper.sweep(datetime.now(UTC) + 2 * DAY).moved == 1
    assert caller.stored("key") == "value"


def test_who_was_told_late_has_a_week_more(
    server: Server, caller: Caller, sweeper: Sweeper, bob: Person, end: datetime, post: SmtpServer
) -> None:
    """Nobody swept for months: the first mail must not come with the end of the values."""
    assert caller.put(bob, "key", "value").status == 201
    late = end + 90 * DAY
    swept = sweeper.sweep(late)
    assert (swept.mails, swept.removed) == (1, 0)
    assert sweeper.sweep(late + 6 * DAY).removed == 0
    assert sweeper.sweep(late + 7 * DAY).removed == 1


def test_without_a_mail_server_everything_else_happens(
    server: Server, caller: Caller, bob: Person, end: datetime
) -> None:
    assert caller.put(bob, "key", "value").status == 201
    plain = make_sweeper(server.settings)
    assert plain.sweep(end) == NOTHING
    assert plain.sweep(end + GRACE).removed == 1


def test_a_year_is_a_year(server: Server, end: datetime) -> None:
    created = server.value("SELECT created FROM bucket")
    assert isinstance(created, datetime)
    assert end - created == BUCKET_TERM == timedelta(days=365)
