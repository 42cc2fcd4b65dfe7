"""Every command that writes or moves money, killed before what it does: the home is usable, running it again finishes
it or says that it is done, and nothing is said twice and differently.

HYPOTHESIS_PROFILE=thorough kills it before each thing it does, instead of some.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from rein.settings import read_config
from tests.story.conftest import PASSPHRASE, Agreed, Person, Trio, World, agree, deliver, fund, post
from tests.story.test_restore import descriptor, own, words_of
from tests.support.dying import Dying

BOTH = (signal.SIGKILL, signal.SIGINT)


@pytest.fixture
def dying(tmp_path: Path) -> Dying:
    return Dying(tmp_path / "dying", PASSPHRASE)


def usable(person: Person) -> None:
    found = person.run("doctor", "--offline")
    assert found.code == 0, found.err


def dies_everywhere(
    dying: Dying,
    person: Person,
    words: tuple[str, ...],
    whole: Callable[[Person], object] = lambda _: None,
    signals: tuple[signal.Signals, ...] = BOTH,
) -> list[tuple[Person, int]]:
    """Kill the command at each of its moments, each time in a fresh copy of the home, and run it again there. Returns
    the copies, with how the second run ended."""
    folder = dying.folder / words[0]

    def copy(name: str) -> Person:
        shutil.copytree(person.home, folder / name)
        return Person(person.name, folder / name)

    done = dying.run(copy("whole").home, words)
    assert done.returncode == 0, done.stderr
    moments = dying.tried()
    assert len(moments) > 1, "it writes"
    ended = []
    for number in signals:
        for at in moments:
            again = copy(f"{number.name}-{at}")
            killed = dying.run(again.home, words, at, by=number)
            assert killed.returncode in (-9, 130), (at, killed.stderr)
            usable(again)
            whole(again)
            result = again.run(*words)
            assert "Traceback" not in result.err
            usable(again)
            ended.append((again, result.code))
    return ended


def says_once(ended: list[tuple[Person, int]], job_id: str, kind: str) -> None:
    """One document of the kind, by whichever of the two runs; and nothing is frozen."""
    for person, code in ended:
        story = person.rein("status", "--jobid", job_id)
        found = [each for each in story["documents"] if each["kind"] == kind]
        assert story["state"] != "frozen"
        assert story["apart"] == []
        assert len(found) == 1, story
        assert code in (0, 4, 5), "it is finished, or it says that it was"


def delivered(trio: Trio) -> Agreed:
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    trio.bob.rein("sync")
    return agreed


def test_accept(trio: Trio, dying: Dying) -> None:
    job_id = delivered(trio).job_id
    ended = dies_everywhere(dying, trio.bob, ("accept", "--jobid", job_id), signals=(signal.SIGKILL,))
    assert {code for _, code in ended} == {0}, "each was killed before it was stored"
    says_once(ended, job_id, "accept")


@pytest.mark.slow
def test_what_is_said_once(trio: Trio, dying: Dying) -> None:
    """Two of these that differ contradict each other."""
    job_id = post(trio)["job_id"]
    trio.charlie.rein("bid", "--jobid", job_id, "--amount", "0.01", "--description", "Yes.")
    trio.charlie.rein("sync")
    says_once(dies_everywhere(dying, trio.bob, ("offer", "--bid", job_id)), job_id, "offer")

    job_id = delivered(trio).job_id
    trio.bob.rein("creatordispute", "--jobid", job_id, "--detail", "It is silent.")
    trio.bob.rein("sync")
    words = ("resolve", "--jobid", job_id, "--worker", "0.01", "--resolution", "Two thirds.")
    says_once(dies_everywhere(dying, trio.alice, words), job_id, "resolution")
    for person, *step in ((trio.alice, *words), (trio.charlie, "acceptresolution", "--jobid", job_id)):
        person.rein(*step)
        trio.sync()
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()
    words = ("rate", "--jobid", job_id, "--role", "worker", "--rating", "4")
    says_once(dies_everywhere(dying, trio.bob, words), job_id, "rating")


@pytest.mark.slow
def test_what_may_be_said_twice(trio: Trio, dying: Dying) -> None:
    """In the same block it is the same document. Whoever was killed after it was stored may say it again."""
    agreed = delivered(trio)
    for person, *words in (
        (trio.charlie, "deliver", "--deliverables", "https://example.com/2"),
        (trio.bob, "settle", "--worker", "0.01", "--terms", "For a part."),
        (trio.charlie, "refund", "--reason", "I cannot."),
        (trio.bob, "creatordispute", "--detail", "It is silent."),
        (trio.charlie, "workerdispute", "--detail", "It is not."),
    ):
        name, *options = words
        before = len(person.rein("status", "--jobid", agreed.job_id)["documents"])
        ended = dies_everywhere(dying, person, (name, "--jobid", agreed.job_id, *options), signals=(signal.SIGKILL,))
        for each, code in ended:
            story = each.rein("status", "--jobid", agreed.job_id)
            assert (code, len(story["documents"]), story["apart"]) == (0, before + 1, []), name
    words = ["message", "--jobid", agreed.job_id, "--to", "worker", "Hello."]
    for each, code in dies_everywhere(dying, trio.bob, tuple(words)):
        assert code == 0
        assert len(each.rein("messages", "--jobid", agreed.job_id)["messages"]) in (1, 2)


@pytest.mark.slow
def test_what_stands_in_the_home(trio: Trio, dying: Dying) -> None:
    job_id = post(trio)["job_id"]
    for words in (("hide", "job", job_id), ("config", "copies", "2"), ("enroll", "--contact", "new@x"), ("sync",)):
        if words == ("sync",):
            trio.bob.rein("post", "--name", "x", "--description", "y", "--mediator", "alice")
        for each, code in dies_everywhere(dying, trio.bob, words):
            assert code == 0 or (words[0] == "enroll" and "nothing would change" in each.run(*words).err), words
            assert set(read_config(each.home)) <= {*read_config(trio.bob.home), "copies"}
    for person, *words in ((trio.bob, "post", "--name", "z", "--description", "y", "--mediator", "alice"),):
        for each, code in dies_everywhere(dying, person, tuple(words)):
            assert code == 0
            assert 1 <= len([job for job in each.rein("status")["jobs"] if job["name"] == "z"]) <= 2


@pytest.mark.slow
def test_files_are_whole_or_not_there(trio: Trio, dying: Dying, tmp_path: Path) -> None:
    job_id = delivered(trio).job_id
    for number, words in enumerate(
        (
            ("backup",),
            ("case", "export", job_id, "--out"),
            ("export", "ledger", "--out"),
            ("export", "invoice", job_id, "--out"),
        )
    ):
        done = dying.run(trio.bob.home, (*words, str(whole := tmp_path / f"{number}-whole")))
        assert done.returncode == 0, done.stderr
        for at in dying.tried():
            file = tmp_path / f"{number}-{at}"
            assert dying.run(trio.bob.home, (*words, str(file)), at).returncode in (-9, 0)
            if not file.exists():
                trio.bob.rein(*words, str(file))
            assert file.stat().st_size == pytest.approx(whole.stat().st_size, rel=0.2)
            usable(trio.bob)
    for each in tmp_path.glob("0-*"):
        if ".new" not in each.name:
            back = Person("bob", tmp_path / f"home-{each.name}")
            back.rein("restore", str(each))
            usable(back)


@pytest.mark.slow
def test_homes_that_are_made(world: World, trio: Trio, dying: Dying, tmp_path: Path) -> None:
    """From a backup, and from the words alone: repeated until it is done, everything is there."""
    delivered(trio)
    trio.sync()
    trio.bob.rein("backup", str(tmp_path / "file"))
    words = ("restore", str(tmp_path / "file"))
    assert dying.run(tmp_path / "whole", words).returncode == 0
    for at in dying.tried():
        back = Person("bob", tmp_path / f"from-file-{at}")
        assert dying.run(back.home, words, at).returncode == -9
        if not back.home.exists():
            back.rein(*words)
        usable(back)
        assert own(back, "bob") == own(trio.bob, "bob")
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    words = (*chain, "setup", "--restore", "--server", world.server_urls[0], "--words-fd", "0")
    assert dying.run(tmp_path / "whole-2", words, stdin=words_of(trio.bob)).returncode == 0
    moments = dying.tried()
    for number in BOTH:
        for at in moments:
            back = Person("bob", tmp_path / f"from-words-{number}-{at}")
            dying.run(back.home, words, at, by=number, stdin=words_of(trio.bob))
            again = back.run(*words[:-1], descriptor(words_of(trio.bob)))
            assert again.code == 0 or "already" in again.err, again.err
            usable(back)
            assert "belongs to no identity" not in back.run("doctor", "--offline").err
            assert own(back, "bob") == own(trio.bob, "bob")
            assert [each["url"] for each in back.rein("servers")["servers"]] == [world.server_urls[0]]


def settled(trio: Trio, agreed: Agreed) -> None:
    """Whatever was not sent yet is collected; everybody was paid once, and the books say so."""
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()
    for person in (trio.charlie, trio.alice):
        person.run("collect", "--jobid", agreed.job_id)
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()
    for person in trio.everybody:
        usable(person)
        story = person.rein("status", "--jobid", agreed.job_id)
        assert story["state"] == "settled"
        assert all(escrow["payment"]["confirmations"] for escrow in story["escrows"])


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 2, 4, 6])
@pytest.mark.parametrize("name", ["collect", "agree", "acceptresolution"])
def test_money_that_was_on_its_way(trio: Trio, dying: Dying, name: str, at: int) -> None:
    """Killed before the payment is sent (1), and before each thing that follows."""
    agreed = delivered(trio)
    job = ("--jobid", agreed.job_id)
    if name == "collect":
        trio.bob.rein("accept", *job)
    elif name == "agree":
        trio.bob.rein("settle", *job, "--worker", "0.01", "--terms", "For a part.")
    else:
        trio.bob.rein("creatordispute", *job, "--detail", "It is silent.")
        trio.bob.rein("sync")
        trio.alice.rein("resolve", *job, "--worker", "0.01", "--resolution", "Two thirds.")
        trio.alice.rein("sync")
    trio.bob.rein("sync")
    killed = dying.run(trio.charlie.home, (name, *job), at, since="sendrawtransaction")
    assert killed.returncode == -9, killed.stderr
    usable(trio.charlie)
    again = trio.charlie.run(name, *job)
    if at == 1 or not again.code:
        assert again.code == 0, again.err
    else:
        assert again.error["code"] in ("order_state", "not_found"), again.err
    settled(trio, agreed)
    found = [each["kind"] for each in trio.bob.rein("status", *job)["documents"]]
    assert found.count("acceptresolution") == (name == "acceptresolution")


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 2])
def test_a_payment_that_was_being_hurried(trio: Trio, dying: Dying, at: int) -> None:
    agreed = delivered(trio)
    trio.bob.rein("accept", "--jobid", agreed.job_id)
    trio.bob.rein("sync")
    trio.charlie.rein("collect", "--jobid", agreed.job_id)
    words = ("bump", "--jobid", agreed.job_id, "--feerate", "40")
    killed = dying.run(trio.charlie.home, words, at, since="sendrawtransaction")
    assert killed.returncode in ((-9,) if at == 1 else (0, -9)), killed.stderr
    again = trio.charlie.run(*words)
    assert again.code == 0 or again.error["code"] == "tx_rejected", again.err
    settled(trio, agreed)
