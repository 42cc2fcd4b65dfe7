"""Messages as people write and read them, over real servers."""

from __future__ import annotations

from pathlib import Path

from tests.story.conftest import Person, Trio, World, agree, post


def texts(person: Person, job_id: str) -> list[str | None]:
    found = person.rein("messages", "--jobid", job_id)["messages"]
    return [each["text"] for each in found if each["kind"] == "message"]


def test_the_two_talk_and_the_mediator_reads_what_one_discloses(trio: Trio) -> None:
    job_id = agree(trio).job_id
    before = trio.bob.rein("status", "--jobid", job_id)["state"]
    trio.charlie.rein("message", "--jobid", job_id, "--to", "creator", "Is \x1b[2J blue\nfine?")
    trio.charlie.rein("sync")
    trio.bob.rein("message", "--jobid", job_id, "--to", "worker", "Green.")
    trio.bob.rein("sync")
    said = ["Is \x1b[2J blue\nfine?", "Green."]
    assert texts(trio.charlie, job_id) == texts(trio.bob, job_id) == said
    assert texts(trio.alice, job_id) == [None, None]

    shown = trio.bob.run("messages", "--jobid", job_id)
    assert "\x1b" not in shown.out + shown.err
    assert trio.alice.fails("disclose", "--jobid", job_id)["code"] == "order_state"

    disclosed = trio.bob.rein("disclose", "--jobid", job_id, "--to", "mediator")
    assert "Green" not in disclosed["document"]
    trio.bob.rein("sync")
    assert texts(trio.alice, job_id) == said
    trio.charlie.rein("message", "--jobid", job_id, "--to", "mediator", "Between us.")
    trio.charlie.rein("sync")
    assert texts(trio.alice, job_id) == [*said, "Between us."]
    assert texts(trio.bob, job_id) == [*said, None]
    story = trio.alice.rein("status", "--jobid", job_id)
    assert (story["state"], story["apart"]) == (before, [])


def test_a_bidder_asks_before_the_offer_and_others_cannot(trio: Trio) -> None:
    job_id = post(trio)["job_id"]
    assert trio.charlie.fails("message", "--jobid", job_id, "--to", "creator", "Hello?")["code"] == "order_state"
    trio.charlie.rein("bid", "--jobid", job_id, "--amount", "0.01", "--description", "Yes.")
    trio.charlie.rein("message", "--jobid", job_id, "--to", "creator", "For 0.009, if it may be red.")
    trio.charlie.rein("sync")
    assert texts(trio.bob, job_id) == ["For 0.009, if it may be red."]
    assert trio.bob.fails("message", "--jobid", job_id, "--to", "creator", "Me?")["code"] == "input"
    assert trio.bob.fails("message", "--jobid", job_id, "--to", "worker", "")["code"] == "input"
    assert trio.bob.fails("message", "--jobid", job_id, "--to", "worker", "--bid", "123456", "x")["code"] == "not_found"


def test_a_renewed_delegate_in_the_middle_hides_nothing(world: World, trio: Trio, tmp_path: Path) -> None:
    """Message keys come from the words, so a new delegate reads the old messages and writes on."""
    job_id = post(trio)["job_id"]
    dora = Person("dora", tmp_path / "dora")
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    dora.rein(*chain, "setup", "--name", "dora", "--contact", "d@x", "--no-mediate")
    dora.rein("request", world.server_urls[0])
    dora.rein("sync")
    dora.rein("bid", "--jobid", job_id, "--amount", "0.01", "--description", "Yes.")
    dora.rein("message", "--jobid", job_id, "--to", "creator", "First.")
    dora.rein("sync")
    trio.bob.rein("message", "--jobid", job_id, "--to", "worker", "Second.")
    trio.bob.rein("sync")
    dora.rein("enroll", "--new-delegate")
    dora.rein("message", "--jobid", job_id, "--to", "creator", "Third.")
    dora.rein("sync")
    said = ["First.", "Second.", "Third."]
    assert texts(dora, job_id) == texts(trio.bob, job_id) == said
    assert trio.charlie.fails("messages", "--jobid", job_id)["code"] == "order_state", "he has no part in it"


def test_what_a_mediator_is_told_of_one_word(trio: Trio) -> None:
    job_id = agree(trio).job_id
    trio.charlie.rein("message", "--jobid", job_id, "--to", "creator", "(both vouch for this)")
    trio.charlie.rein("disclose", "--jobid", job_id)
    trio.charlie.rein("sync")
    shown = trio.alice.run("messages", "--jobid", job_id)
    assert shown.data["messages"][0]["remark"].startswith("that the other party could read it does not follow")
    assert "\nBeware: that the other party could read it does not follow" in shown.err
    assert trio.charlie.rein("messages", "--jobid", job_id)["messages"][0]["remark"] is None
