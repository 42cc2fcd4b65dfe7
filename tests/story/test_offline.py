"""A master key that is elsewhere, and backups of 2016: a whole identity each time, down to a bid others count."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rein.btc import message
from rein.btc.address import p2pkh_address
from rein.btc.base58 import decode_check
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, REGTEST, Network
from rein.errors import IdentityError, KeyMaterialError
from rein.identity.keyfile import read_key_file
from rein.identity.keyring import DelegateKeyring, Keyring, open_secret
from rein.identity.legacy_backup import legacy_keyring, read_legacy_backup
from rein.protocol.armor import Armored
from rein.protocol.signed import verify
from tests.story.conftest import PASSPHRASE, Agreed, Person, Trio, World, agree, deliver, fund, post

MASTER = PrivateKey(b"\x11" * 32)
DELEGATE = PrivateKey(b"\x22" * 32)
ABANDON = "abandon " * 11 + "about"


def address(key: PrivateKey, network: Network = REGTEST) -> str:
    return p2pkh_address(key.public_key, network)


def descriptor(text: str) -> str:
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    return str(reading)


@pytest.fixture
def dora(world: World, tmp_path: Path) -> Person:
    who = Person("dora", tmp_path / "dora")
    who.rein("config", "network", "regtest")
    who.rein("config", "chain", world.chain_url)
    who.rein("config", "chain-cookie", str(world.cookie))
    return who


def begin(who: Person, file: Path, *more: str, master: PrivateKey = MASTER) -> dict[str, Any]:
    wif = descriptor(DELEGATE.to_wif(REGTEST) + "\n")
    options = ("--name", "Dora", "--contact", "dora@x", "--master", address(master), "--delegate-fd", wif)
    return who.rein("setup", "--offline", str(file), *options, *(more or ("--no-mediate",)))


def test_signed_elsewhere_by_any_wallet(world: World, trio: Trio, dora: Person, tmp_path: Path) -> None:
    file = tmp_path / "enrollment.txt"
    begun = begin(dora, file, "--mediate", "--fee", "1")
    text = file.read_text()
    assert text == begun["text"]
    assert dora.rein("identities")["identities"] == []
    signature = message.sign(MASTER, text)  # what `bitcoin-cli signmessage` answers, to the byte
    done = dora.rein("setup", "--signed", str(file), "--signature", signature)
    assert (done["master_address"], done["delegate_address"]) == (address(MASTER), address(DELEGATE))
    for url in world.server_urls:
        dora.rein("request", url)
    assert dora.rein("sync")["servers"][0]["error"] is None
    agreed = agree(Trio(trio.alice, trio.bob, dora))
    fund(trio, agreed)
    deliver(Trio(trio.alice, trio.bob, dora), agreed)
    trio.bob.rein("sync")
    trio.bob.rein("accept", "--jobid", agreed.job_id)
    trio.bob.rein("sync")
    dora.rein("sync")
    dora.rein("collect", "--jobid", agreed.job_id)  # by a key of the tree that grows from the delegate
    refused = dora.fails("enroll", "--contact", "new@x")
    assert "master key of this identity is not here" in refused["message"]
    assert "--offline" in refused["hint"]


def test_an_armored_text_is_taken_too(dora: Person, tmp_path: Path) -> None:
    text = begin(dora, tmp_path / "e.txt")["text"]
    (tmp_path / "signed.txt").write_text(str(Armored(text, address(MASTER), message.sign(MASTER, text))) + "\n")
    assert dora.rein("setup", "--signed", str(tmp_path / "signed.txt"))["name"] == "Dora"
    assert dora.fails("setup", "--signed", str(tmp_path / "signed.txt"))["message"]
    assert len(dora.rein("identities")["identities"]) == 1


def test_what_is_read_back_is_checked(dora: Person, tmp_path: Path) -> None:
    file = tmp_path / "e.txt"
    text = begin(dora, file)["text"]
    other = text.replace("dora@x", "thief@x")

    def refused(content: str, signature: str | None = None) -> str:
        (tmp_path / "s.txt").write_text(content)
        more = () if signature is None else ("--signature", signature)
        return str(dora.fails("setup", "--signed", str(tmp_path / "s.txt"), *more)["code"])

    assert refused(text) == "input"
    assert refused(text, message.sign(DELEGATE, text)) == "bad_signature"
    assert refused(other, message.sign(MASTER, text)) == "bad_signature"
    assert refused(text, "nonsense") == "bad_signature"
    assert refused(text.replace("User", "Usher"), message.sign(MASTER, text)) == "bad_field"
    stolen = text.replace(address(DELEGATE), address(PrivateKey(b"\x33" * 32)))
    assert refused(stolen, message.sign(MASTER, stolen)) == "not_authorised"
    assert dora.rein("identities")["identities"] == []
    wrong = dora.fails(
        "setup", "--offline", str(file), "--name", "D", "--contact", "d", "--no-mediate", "--master", "x"
    )
    assert wrong["code"] == "input"


def test_a_setup_that_was_stopped_can_be_begun_again(dora: Person, tmp_path: Path) -> None:
    begin(dora, tmp_path / "lost.txt")
    text = begin(dora, tmp_path / "again.txt", "--contact", "other@x", "--no-mediate")["text"]
    other = descriptor(SECOND.to_wif(REGTEST))
    options = ("--name", "D", "--contact", "d", "--no-mediate", "--master", address(MASTER), "--delegate-fd", other)
    assert "other keys" in dora.fails("setup", "--offline", str(tmp_path / "x.txt"), *options)["message"]
    signature = message.sign(MASTER, text)
    assert dora.rein("setup", "--signed", str(tmp_path / "again.txt"), "--signature", signature)["name"] == "Dora"


# ----- enrolled again, signed elsewhere ----------------------------------------------------------------------------

SECOND = PrivateKey(b"\x33" * 32)


@dataclass(frozen=True)
class Enrolled(Person):
    """Somebody whose master key is elsewhere."""

    master: PrivateKey

    def again(self, file: Path, *options: str) -> dict[str, Any]:
        """Ask for a text, have it signed elsewhere, and come back with it."""
        text = self.rein("enroll", "--offline", str(file), *options)["text"]
        assert file.read_text() == text
        return self.rein("enroll", "--signed", str(file), "--signature", message.sign(self.master, text))


@pytest.fixture
def enrolled(world: World, dora: Person, tmp_path: Path) -> Enrolled:
    """Dora, a mediator, known to all, with a master key for this test."""
    who = Enrolled("Dora", dora.home, PrivateKey(secrets.token_bytes(32)))
    text = begin(who, tmp_path / "first.txt", "--mediate", "--fee", "1", master=who.master)["text"]
    who.rein("setup", "--signed", str(tmp_path / "first.txt"), "--signature", message.sign(who.master, text))
    for url in world.server_urls:
        who.rein("request", url)
    who.rein("sync")
    return who


def second(key: PrivateKey = SECOND) -> tuple[str, str]:
    return ("--delegate-fd", descriptor(key.to_wif(REGTEST)))


def test_contact_and_terms_change_by_a_text_signed_elsewhere(enrolled: Enrolled, tmp_path: Path) -> None:
    dry = tmp_path / "dry.txt"
    enrolled.rein("enroll", "--offline", str(dry), "--contact", "new@x", "--dry-run")
    assert not dry.exists()
    done = enrolled.again(tmp_path / "a.txt", "--contact", "new@x", "--fee", "2.5")
    assert (done["stored"], done["delegate_address"]) == (True, address(DELEGATE))
    assert "Contact: new@x" in done["document"]
    assert verify(done["document"]).document.mediator_fee == 250
    assert enrolled.rein("sync")["servers"][0]["error"] is None
    assert enrolled.rein("identities")["identities"][0]["contact"] == "new@x"
    once_more = enrolled.fails("enroll", "--signed", str(tmp_path / "a.txt"), "--signature", "x")
    assert once_more["code"] == "bad_signature"


def test_jobs_of_the_old_delegate_end_under_the_new_one(trio: Trio, enrolled: Enrolled, tmp_path: Path) -> None:
    """As a worker, as a creator and as a mediator: without words each delegate has a tree of keys of its own."""
    working, posting = Trio(trio.alice, trio.bob, enrolled), Trio(trio.alice, enrolled, trio.charlie)
    trio.bob.rein("sync")
    mediating = post(trio, mediator=address(enrolled.master))
    trio.charlie.rein("bid", "--jobid", mediating["job_id"], "--amount", "0.015", "--description", "Yes.")
    trio.charlie.rein("sync")
    trio.bob.rein("offer", "--bid", mediating["job_id"])
    trio.bob.rein("sync")
    asked = trio.bob.rein("fund", "--jobid", mediating["job_id"], "--no-wait")
    mediated = Agreed(mediating["job_id"], mediating["document_id"], asked["escrows"])
    worked, posted = agree(working), agree(posting)
    for each in (mediated, worked):
        fund(trio, each)
    fund(posting, posted)
    trio.charlie.rein("message", "--jobid", posted.job_id, "--to", "creator", "Before.")
    trio.charlie.rein("sync")
    enrolled.again(tmp_path / "new.txt", "--revoke-delegate", *second())
    assert enrolled.rein("sync")["servers"][0]["error"] is None
    held = json.loads(read_key_file(next((enrolled.home / "keys").iterdir()), PASSPHRASE))
    assert (held["delegate"], held["later"]) == (DELEGATE.to_wif(REGTEST), [SECOND.to_wif(REGTEST)])
    assert "Before." in json.dumps(enrolled.rein("messages", "--jobid", posted.job_id))
    deliver(working, worked)
    trio.bob.rein("sync")
    trio.bob.rein("accept", "--jobid", worked.job_id)
    trio.charlie.rein("workerdispute", "--jobid", mediated.job_id, "--detail", "He does not answer.")
    trio.charlie.rein("sync")
    deliver(posting, posted)
    trio.bob.rein("sync")
    enrolled.rein("sync")
    enrolled.rein("collect", "--jobid", worked.job_id)
    enrolled.rein("accept", "--jobid", posted.job_id)
    enrolled.rein("resolve", "--jobid", mediated.job_id, "--worker", "0.01", "--resolution", "Two thirds.")
    enrolled.rein("sync")
    trio.charlie.rein("sync")
    trio.charlie.rein("collect", "--jobid", posted.job_id)
    trio.charlie.rein("acceptresolution", "--jobid", mediated.job_id)  # with the mediator's signature
    next_job = agree(working)  # and what is new has the keys of the new tree
    fund(trio, next_job)
    deliver(working, next_job)
    trio.bob.rein("sync")
    trio.bob.rein("accept", "--jobid", next_job.job_id)
    trio.bob.rein("sync")
    enrolled.rein("sync")
    enrolled.rein("collect", "--jobid", next_job.job_id)


def test_a_renewal_is_checked_when_it_comes_back(enrolled: Enrolled, tmp_path: Path) -> None:
    text = enrolled.rein("enroll", "--offline", str(tmp_path / "n.txt"), "--new-delegate", *second())["text"]

    def refused(content: str, key: PrivateKey = enrolled.master) -> str:
        (tmp_path / "s.txt").write_text(content)
        signature = message.sign(key, content)
        failed = enrolled.fails("enroll", "--signed", str(tmp_path / "s.txt"), "--signature", signature)
        return f"{failed['code']}: {failed['message']}"

    assert "bad_signature" in refused(text, DELEGATE)
    assert "counts already" in refused((tmp_path / "first.txt").read_text())
    assert "another name" in refused(text.replace("User: Dora", "User: Dana"))
    assert "bad_field" in refused(text.replace(address(SECOND), address(PrivateKey(b"\x55" * 32))))
    assert enrolled.rein("identities")["identities"][0]["delegate_address"] == address(DELEGATE)
    enrolled.rein("enroll", "--signed", str(tmp_path / "n.txt"), "--signature", message.sign(enrolled.master, text))
    assert enrolled.rein("identities")["identities"][0]["delegate_address"] == address(SECOND)
    stale = enrolled.fails(
        "enroll", "--signed", str(tmp_path / "n.txt"), "--signature", message.sign(enrolled.master, text)
    )
    assert "counts already" in stale["message"]


def test_a_new_delegate_without_words_needs_its_key(enrolled: Enrolled, tmp_path: Path) -> None:
    file = str(tmp_path / "n.txt")
    assert "--delegate-fd" in enrolled.fails("enroll", "--offline", file, "--new-delegate")["hint"]
    vain = enrolled.fails("enroll", "--offline", file, "--contact", "n@x", *second())
    assert vain["code"] == "input"
    same = enrolled.fails("enroll", "--offline", file, "--revoke-delegate", *second(DELEGATE))
    assert same["code"] == "bad_field"
    assert not (tmp_path / "n.txt").exists()


# ----- backups of 2016 ---------------------------------------------------------------------------------------------


def backup(folder: Path, master: str, delegate: PrivateKey, network: Network = MAINNET, **changes: Any) -> Path:
    content = {
        "name": "Alice",
        "contact": "alice@2016",
        "maddr": master,
        "daddr": address(delegate, network),
        "dkey": delegate.to_wif(network),
        "will_mediate": True,
        "mediator_fee": 1.0,
        "testnet": network is not MAINNET,
    }
    path = folder / "backup-rein.json"
    path.write_text(json.dumps(content | changes))
    return path


# The addresses of python-rein 0.3 for these words, computed with bip32utils, the library it used.
OF_REIN_0_3 = ("14MeYsuF2HsKZZ9mkUUPUQWe4VG2WqseC5", "1DWmeP5Lre1K59yJTYrJ4sT4Ch3ohPukWv")


def delegate_of_rein_0_3() -> PrivateKey:
    from rein.identity.legacy_backup import _legacy_root

    return _legacy_root(ABANDON, MAINNET).derive("m/1'/0").private_key


def test_the_words_of_rein_0_3_give_its_addresses(tmp_path: Path) -> None:
    delegate = delegate_of_rein_0_3()
    assert address(delegate, MAINNET) == OF_REIN_0_3[1]
    old = read_legacy_backup(backup(tmp_path, OF_REIN_0_3[0], delegate, msin="x", dxprv="y"), MAINNET)
    keyring = legacy_keyring(old, ABANDON, MAINNET)
    assert (keyring.master_address, keyring.delegate_address) == OF_REIN_0_3
    assert address(keyring.master, MAINNET) == OF_REIN_0_3[0]
    again = open_secret(keyring.to_secret(), MAINNET)  # type: ignore[attr-defined]  # it is a DelegateKeyring
    assert again.master.secret == keyring.master.secret
    assert again.creator_escrow("a" * 20).secret == keyring.creator_escrow("a" * 20).secret


def test_standard_words_become_todays_identity(tmp_path: Path) -> None:
    today = Keyring(ABANDON, MAINNET)
    old = read_legacy_backup(backup(tmp_path, today.master_address, today.delegate), MAINNET)
    assert type(legacy_keyring(old, ABANDON, MAINNET)) is Keyring
    from rein.btc.hd import ExtendedKey, seed_from_mnemonic

    delegate = ExtendedKey.from_seed(seed_from_mnemonic(ABANDON), MAINNET).derive("m/0/0").private_key
    old = read_legacy_backup(backup(tmp_path, today.master_address, delegate), MAINNET)
    assert isinstance(legacy_keyring(old, ABANDON, MAINNET), DelegateKeyring)
    with pytest.raises(KeyMaterialError, match="not its delegate"):
        legacy_keyring(read_legacy_backup(backup(tmp_path, today.master_address, DELEGATE), MAINNET), ABANDON, MAINNET)
    with pytest.raises(KeyMaterialError, match="not give"):
        legacy_keyring(old, "zoo " * 11 + "wrong", MAINNET)
    with pytest.raises(KeyMaterialError, match="not that of"):
        legacy_keyring(old, MASTER.to_wif(MAINNET), MAINNET)


@pytest.mark.parametrize(
    "changes",
    [
        {"dkey": DELEGATE.to_wif(REGTEST)},
        {"daddr": OF_REIN_0_3[0]},
        {"testnet": True},
        {"maddr": ""},
        {"name": 5},
        {"dkey": None},
    ],
)
def test_backups_that_contradict_themselves(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(IdentityError):
        read_legacy_backup(backup(tmp_path, OF_REIN_0_3[0], DELEGATE, **changes), MAINNET)
    (tmp_path / "x").write_text("[1]")
    with pytest.raises(IdentityError):
        read_legacy_backup(tmp_path / "x", MAINNET)


def database(folder: Path, *rows: dict[str, Any]) -> Path:
    """A `local.db` as SQLAlchemy made it in 0.3, with these identities."""
    path = folder / "local.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE identity (id INTEGER PRIMARY KEY, name VARCHAR(250), contact VARCHAR(250), "
            "maddr VARCHAR(64), daddr VARCHAR(64), dkey VARCHAR(64), dxprv VARCHAR(128), "
            "msin VARCHAR(64), enrolled BOOLEAN, will_mediate BOOLEAN, mediator_fee FLOAT, testnet BOOLEAN)"
        )
        for row in rows:
            names = ", ".join(row)
            connection.execute(f"INSERT INTO identity ({names}) VALUES ({', '.join('?' * len(row))})", [*row.values()])
    return path


def test_who_began_in_the_web_pages_has_a_database_only(tmp_path: Path) -> None:
    content = json.loads(backup(tmp_path, OF_REIN_0_3[0], delegate_of_rein_0_3()).read_text())
    other = content | {"name": "Other", "maddr": address(MASTER, MAINNET)}
    path = database(tmp_path, content, other, content | {"testnet": True, "name": "T"})
    before = path.read_bytes()
    for name in ("Alice", OF_REIN_0_3[0]):
        old = read_legacy_backup(path, MAINNET, name)
        assert legacy_keyring(old, ABANDON, MAINNET).master_address == OF_REIN_0_3[0]
        assert (old.name, old.mediator_fee) == ("Alice", "1.0")
    with pytest.raises(IdentityError) as several:
        read_legacy_backup(path, MAINNET)
    assert address(MASTER, MAINNET) in (several.value.hint or "")
    with pytest.raises(IdentityError, match="no identity 'Bob' of mainnet"):
        read_legacy_backup(path, MAINNET, "Bob")
    assert path.read_bytes() == before
    path.write_bytes(before[:16] + b"x" * 2_000)
    with pytest.raises(IdentityError, match="not a database of 2016"):
        read_legacy_backup(path, MAINNET)


def test_a_database_of_2016_becomes_an_identity(dora: Person, tmp_path: Path) -> None:
    row = json.loads(backup(tmp_path, address(MASTER), DELEGATE, REGTEST).read_text())
    path = database(tmp_path, row)
    done = dora.rein("setup", "--import", str(path), "--words-fd", descriptor(MASTER.to_wif(REGTEST)))
    assert (done["name"], done["master_address"]) == ("Alice", address(MASTER))


def test_an_old_identity_enrolls_anew(dora: Person, tmp_path: Path) -> None:
    path = backup(tmp_path, address(MASTER), DELEGATE, REGTEST)
    done = dora.rein("setup", "--import", str(path), "--words-fd", descriptor(MASTER.to_wif(REGTEST)))
    assert (done["name"], done["master_address"]) == ("Alice", address(MASTER))
    assert "delegate" in read_key_file(Path(done["key_file"]), PASSPHRASE)
    dora.rein("enroll", "--contact", "alice@today")
    changed = dora.rein("enroll", "--new-delegate", *second())
    assert changed["delegate_address"] == address(SECOND)
    assert SECOND.to_wif(REGTEST) in read_key_file(Path(done["key_file"]), PASSPHRASE)


def test_an_old_identity_whose_master_is_elsewhere(dora: Person, tmp_path: Path) -> None:
    path, file = backup(tmp_path, address(MASTER), DELEGATE, REGTEST), tmp_path / "sign.txt"
    text = dora.rein("setup", "--import", str(path), "--offline", str(file))["text"]
    done = dora.rein("setup", "--signed", str(file), "--signature", message.sign(MASTER, text))
    assert done["name"] == "Alice"
    assert decode_check(done["sin"]) is not None
