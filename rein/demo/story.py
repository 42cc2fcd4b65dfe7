"""The story, in three acts: a job done and paid; one disputed and split by the mediator; one given back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.demo.stage import Stage

ALICE, BOB, CHARLIE = "Alice", "Bob", "Charlie"
PEOPLE = (ALICE, BOB, CHARLIE)


@dataclass(frozen=True)
class Played:
    """One job as it ended: how it had to end, what the worker had to get of the price, what each of the three sees."""

    job_id: str
    state: str
    worker_sat: int
    seen: dict[str, dict[str, Any]]


PRICE_SAT, AWARD_SAT = 1_500_000, 1_000_000


def introduce(stage: Stage) -> None:
    """Everybody gets an identity, hosting on every server, and publishes the enrollment."""
    chain = ("--network", "regtest", "--chain", stage.chain_url, "--chain-cookie", str(stage.cookie))
    for person in PEOPLE:
        mediates = ("--mediate", "--fee", "1.0") if person == ALICE else ("--no-mediate",)
        contact = f"{person.lower()}@example.com"
        stage.act(
            person,
            *chain,
            "setup",
            "--name",
            person,
            "--contact",
            contact,
            *mediates,
            why=f"{person} has keys, twelve words to restore them, and a signed enrollment"
            + (" that offers to mediate for 1 %." if person == ALICE else "."),
        )
        for url in stage.server_urls:
            stage.act(person, "request", url)
        stage.act(person, "sync", why=f"Both servers hold {person}'s enrollment and gave it back unchanged.")


def play_happy_job(stage: Stage) -> Played:
    """Everybody does what they promised."""
    stage.say("\nAct one: a job is done, accepted and paid.")
    job_id = _agree(stage, "Theme song", "Two minutes about decentralized gigs.\nFLAC or OGG, royalty free.")
    _fund(stage, job_id)
    _deliver(stage, job_id)
    stage.act(
        BOB,
        "accept",
        "--jobid",
        job_id,
        why="Bob signs both payments. Each is rebuilt from the documents; nobody sends anybody an address.",
    )
    stage.act(BOB, "sync")
    stage.act(CHARLIE, "collect", "--jobid", job_id, why="Charlie checks the payment, adds a signature, sends it.")
    stage.act(ALICE, "collect", "--jobid", job_id, why="Alice collects her fee from the second escrow the same way.")
    return _end(stage, job_id, "settled", PRICE_SAT)


def play_disputed_job(stage: Stage) -> Played:
    """They disagree, and the mediator splits the price."""
    stage.say("\nAct two: a delivery is disputed, and the mediator splits the price.")
    job_id = _agree(stage, "Cover picture", "For the theme song. Square, 3000 pixels.")
    _fund(stage, job_id)
    _deliver(stage, job_id)
    stage.act(
        BOB,
        "creatordispute",
        "--jobid",
        job_id,
        "--detail",
        "It is 1000 pixels wide.",
        why="Bob calls the mediator. He signs her fee with it: she is paid whomever she favours.",
    )
    stage.act(BOB, "sync")
    stage.act(
        ALICE,
        "resolve",
        "--jobid",
        job_id,
        "--worker",
        "0.01",
        "--resolution",
        "The picture is good, and too small: two thirds.",
        why="Alice saw the whole case, decides, and signs both payments with the third key.",
    )
    stage.act(ALICE, "sync")
    stage.act(
        CHARLIE,
        "acceptresolution",
        "--jobid",
        job_id,
        why="Charlie takes it: two signatures of three, and everybody is paid at once, Alice too.",
    )
    stage.act(CHARLIE, "sync")
    return _end(stage, job_id, "settled", AWARD_SAT)


def play_refunded_job(stage: Stage) -> Played:
    """The worker cannot do it, and gives the money back."""
    stage.say("\nAct three: a job is given up, and the money goes back.")
    job_id = _agree(stage, "Video", "Ten seconds of the picture turning.")
    _fund(stage, job_id)
    stage.act(
        CHARLIE,
        "refund",
        "--jobid",
        job_id,
        "--reason",
        "My camera is broken.",
        why="Charlie gives up and signs the money back to Bob.",
    )
    stage.act(CHARLIE, "sync")
    stage.act(BOB, "agree", "--jobid", job_id, why="Bob adds a signature and has the money back.")
    stage.act(ALICE, "collect", "--jobid", job_id, why="The mediator is paid in every ending.")
    return _end(stage, job_id, "refunded", 0)


def _deliver(stage: Stage, job_id: str) -> None:
    stage.act(
        CHARLIE,
        "deliver",
        "--jobid",
        job_id,
        "--deliverables",
        "https://example.com/work\nsha256 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
        why="Charlie delivers; the escrows were checked on the chain first.",
    )
    stage.act(CHARLIE, "sync")


def _end(stage: Stage, job_id: str, state: str, worker_sat: int) -> Played:
    stage.act(BOB, "devnet", "mine", "1", why="A block confirms both payments.")
    for person in PEOPLE:
        stage.act(person, "sync")
    seen = {person: stage.act(person, "status", "--jobid", job_id) for person in PEOPLE}
    return Played(job_id, state, worker_sat, seen)


def _agree(stage: Stage, name: str, description: str) -> str:
    posted = stage.act(
        BOB,
        "post",
        "--name",
        name,
        "--description",
        description,
        "--tags",
        "music, recording",
        "--mediator",
        ALICE,
        why="Bob's job names Alice as its mediator and carries a fresh key for this job only.",
    )
    job_id: str = posted["job_id"]
    stage.act(BOB, "sync")
    stage.act(
        CHARLIE,
        "bid",
        "--jobid",
        job_id,
        "--amount",
        "0.015",
        "--description",
        "Within three days.",
        why="Charlie found the job on the servers, checked who signed it, and names a price.",
    )
    stage.act(CHARLIE, "sync")
    stage.act(BOB, "offer", "--bid", job_id, why="Bob gives Charlie the job; both escrows were rebuilt and compared.")
    stage.act(BOB, "sync")
    return job_id


def _fund(stage: Stage, job_id: str) -> None:
    asked = stage.act(BOB, "fund", "--jobid", job_id, "--no-wait", why="Nothing has been paid yet.")
    uris = [escrow["uri"] for escrow in asked["escrows"]]
    stage.act(BOB, "devnet", "pay", *uris, why="Any wallet will do; here it is the private chain's faucet.")
    stage.act(BOB, "devnet", "mine", "1")
    stage.act(BOB, "fund", "--jobid", job_id, why="The chain shows both amounts, to the satoshi.")
