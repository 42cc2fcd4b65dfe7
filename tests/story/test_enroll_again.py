"""Several identities in one home; other contact, other terms, other delegate, and a stolen one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rein.btc import message
from rein.btc.address import p2pkh_address
from rein.btc.keys import PrivateKey
from rein.btc.networks import REGTEST
from rein.identity.keyfile import read_key_file
from rein.identity.keyring import Keyring
from rein.protocol.signed import Signed, sign, verify
from rein.protocol.sin import secure_identity_number
from rein.protocol.values import DocumentId
from rein.store.store import Store
from tests.story.conftest import PASSPHRASE, Person, Trio, World, agree, deliver, fund, post

NewPerson = Callable[..., Person]


@pytest.fixture
def new_person(world: World, tmp_path: Path) -> NewPerson:
    """Somebody with a home of his own on the first server."""

    def make(name: str, *more: str) -> Person:
        who = Person(name, tmp_path / name)
        chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
        who.rein(*chain, "setup", "--name", name, "--contact", f"{name}@x", *(more or ("--no-mediate",)))
        who.rein("request", world.server_urls[0])
        who.rein("sync")
        return who

    return make


def test_several_identities_in_one_home(new_person: NewPerson) -> None:
    dan = new_person("dan")
    other = dan.rein("setup", "--name", "Daniela", "--contact", "d@x", "--mediate", "--fee", "2")
    listed = dan.rein("identities")["identities"]
    assert [(each["name"], each["acts"]) for each in listed] == [("dan", True), ("Daniela", False)]
    assert len({each["key_file"] for each in listed}) == 2
    assert all(Path(each["key_file"]).is_file() for each in listed)
    sin = secure_identity_number(other["master_address"])
    for name in ("Daniela", other["master_address"], sin):
        assert dan.rein("--identity", name, "status")["identity"]["name"] == "Daniela"
    dan.rein("config", "identity", sin)
    assert [each["acts"] for each in dan.rein("identities")["identities"]] == [False, True]
    assert dan.fails("--identity", "Daniella", "status")["code"] == "not_found"
    assert dan.rein("--network", "signet", "identities")["identities"] == []


def test_other_contact_and_terms_are_what_others_see(new_person: NewPerson, trio: Trio) -> None:
    erin = new_person("erin", "--mediate", "--fee", "1.0")
    changed = erin.rein("enroll", "--contact", "erin@new", "--fee", "2.5")
    document = verify(changed["document"]).document
    assert (document.contact, document.mediator_fee, document.user) == ("erin@new", 250, "erin")
    assert document.previous is not None
    erin.rein("sync")
    posted = verify(post(trio, mediator="erin")["document"]).document
    assert (posted.mediator_contact, posted.mediator_fee) == ("erin@new", 250)
    assert erin.fails("enroll", "--contact", "erin@new")["message"] == "nothing would change"
    erin.rein("enroll", "--no-mediate")
    assert erin.fails("enroll", "--since", "5")["code"] == "input"
    assert erin.fails("enroll", "--revoke-delegate", "--since", "99999999")["code"] == "input"


def test_a_new_delegate_goes_on_with_the_job_of_the_old_one(new_person: NewPerson, trio: Trio) -> None:
    frank = new_person("frank")
    agreed = agree(Trio(trio.alice, trio.bob, frank))
    fund(trio, agreed)
    frank.rein("enroll", "--new-delegate")
    frank.rein("deliver", "--jobid", agreed.job_id, "--deliverables", "https://example.com/new")
    done = frank.rein("sync")
    assert done["servers"][0]["error"] is None
    trio.bob.rein("sync")
    assert trio.bob.rein("status", "--jobid", agreed.job_id)["state"] == "delivered"


def test_a_stolen_delegate_is_revoked(new_person: NewPerson, trio: Trio, world: World) -> None:
    grace = new_person("grace")
    thief_home = grace.home.with_name("thief")
    agreed = agree(Trio(trio.alice, trio.bob, grace))
    fund(trio, agreed)
    shutil.copytree(grace.home, thief_home)
    thief = Person("thief", thief_home)
    true = thief.rein("deliver", "--jobid", agreed.job_id, "--deliverables", "rubbish")
    invented = thief.rein("post", "--name", "A trap", "--description", "Call me.", "--mediator", "alice")
    false = _without_escrow_key(thief, true["document_id"])
    _smuggle(trio.bob, false, verify(invented["document"]))
    assert trio.bob.rein("status", "--jobid", agreed.job_id)["state"] == "funded", "a delegate alone delivers nothing"
    assert invented["job_id"] in {each["job_id"] for each in trio.bob.rein("jobs", "--all")["jobs"]}
    grace.rein("enroll", "--revoke-delegate", "--since", "0")
    grace.rein("sync")
    refused = thief.run("sync")
    assert "may not write" in refused.err
    trio.bob.rein("sync")
    assert trio.bob.rein("status", "--jobid", agreed.job_id)["state"] == "funded"
    assert invented["job_id"] not in {each["job_id"] for each in trio.bob.rein("jobs", "--all")["jobs"]}
    deliver(Trio(trio.alice, trio.bob, grace), agreed)
    trio.bob.rein("sync")
    assert trio.bob.rein("status", "--jobid", agreed.job_id)["state"] == "delivered"


def _without_escrow_key(thief: Person, document_id: str) -> Signed[Any]:
    """A document as the thief of a delegate alone signs it: with some escrow key, and not the author's."""
    signed = Store(thief.home / "rein.db").documents.get(DocumentId(document_id))
    assert signed is not None
    (key_file,) = (thief.home / "keys").iterdir()
    delegate = Keyring(read_key_file(key_file, PASSPHRASE), REGTEST).delegate
    return sign(replace(signed.document, escrow_signature=None), delegate, PrivateKey(b"\x55" * 32))


def _smuggle(reader: Person, *documents: Signed[Any]) -> None:
    """The thief's documents reach a reader by another way: no server is needed for that."""
    assert Store(reader.home / "rein.db").documents.add_received((each, "thief") for each in documents) == len(
        documents
    )


def test_an_identity_is_handed_on_by_its_recovery_key(new_person: NewPerson, trio: Trio) -> None:
    safe = PrivateKey(b"\x44" * 32)
    recovery = p2pkh_address(safe.public_key, REGTEST)
    old = new_person("henry", "--mediate", "--fee", "1.0", "--recovery", recovery)
    new = new_person("henry2", "--mediate", "--fee", "1.0")
    old_address = old.rein("status")["identity"]["master_address"]
    new_address = new.rein("status")["identity"]["master_address"]
    unsigned = new.fails("enroll", "--replaces", old_address)
    assert unsigned["code"] == "bad_signature"
    text = unsigned["hint"].removeprefix("Sign this with it: ")
    assert (old_address in text, new_address in text) == (True, True)
    stranger = trio.charlie.rein("status")["identity"]["master_address"]
    assert new.fails("enroll", "--replaces", stranger)["code"] == "not_found"
    new.rein(
        "enroll", "--replaces", secure_identity_number(old_address), "--recovery-signature", message.sign(safe, text)
    )
    new.rein("sync")
    old.rein("enroll", "--contact", "thief@x")  # whoever has the old words goes on; nobody listens
    old.rein("sync")
    posted = verify(post(trio, mediator=old_address)["document"]).document
    assert posted.mediator_master_address == new_address
    by_number = verify(post(trio, mediator=secure_identity_number(old_address))["document"]).document
    assert by_number.mediator_master_address == new_address


def test_a_number_of_2016_names_a_person_everywhere(new_person: NewPerson, trio: Trio) -> None:
    alice = trio.alice.rein("status")["identity"]["master_address"]
    worker = trio.charlie.rein("status")["identity"]["master_address"]
    sin, bob = secure_identity_number(alice), trio.bob
    new_person(alice, "--mediate", "--fee", "9")  # somebody who calls himself by her address
    new_person(sin, "--mediate", "--fee", "9")
    bob.rein("sync")
    for given in (alice, sin):
        assert verify(post(trio, mediator=given)["document"]).document.mediator_master_address == alice
        shown = bob.rein("trust", given)
        assert (shown["master_address"], shown["sin"]) == (alice, sin)
        assert bob.rein("jobs", "--mine", "--mediator", given)["jobs"]
        bob.rein("hide", "person", given)
        assert bob.rein("unhide", "person", sin)["hidden"] == []
    job = post(trio)["job_id"]
    trio.charlie.rein("bid", "--jobid", job, "--amount", "0.01", "--description", "Yes.")
    trio.charlie.rein("sync")
    bob.rein("sync")
    number = secure_identity_number(worker)
    assert bob.rein("bids", "--worker", number)["bids"]
    bob.rein("message", "--jobid", job, "--to", "worker", "--bid", number, "Hello.")
