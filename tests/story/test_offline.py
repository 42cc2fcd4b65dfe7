"""A master key that is elsewhere, and backups of 2016: a whole identity each time, down to a bid others count."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
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
from rein.identity.old_backup import keyring_of_2016, read_old_backup
from rein.protocol.armor import Armored
from tests.story.conftest import PASSPHRASE, Person, Trio, World, agree, deliver, fund

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


def begin(who: Person, file: Path, *more: str) -> dict[str, Any]:
    wif = descriptor(DELEGATE.to_wif(REGTEST) + "\n")
    options = ("--name", "Dora", "--contact", "dora@x", "--master", address(MASTER), "--delegate-fd", wif)
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
    from rein.identity.old_backup import _root_of_2016

    return _root_of_2016(ABANDON, MAINNET).derive("m/1'/0").private_key


def test_the_words_of_rein_0_3_give_its_addresses(tmp_path: Path) -> None:
    delegate = delegate_of_rein_0_3()
    assert address(delegate, MAINNET) == OF_REIN_0_3[1]
    old = read_old_backup(backup(tmp_path, OF_REIN_0_3[0], delegate, msin="x", dxprv="y"), MAINNET)
    keyring = keyring_of_2016(old, ABANDON, MAINNET)
    assert (keyring.master_address, keyring.delegate_address) == OF_REIN_0_3
    assert address(keyring.master, MAINNET) == OF_REIN_0_3[0]
    again = open_secret(keyring.to_secret(), MAINNET)  # type: ignore[attr-defined]  # it is a DelegateKeyring
    assert again.master.secret == keyring.master.secret
    assert again.creator_escrow("a" * 20).secret == keyring.creator_escrow("a" * 20).secret


def test_standard_words_become_todays_identity(tmp_path: Path) -> None:
    today = Keyring(ABANDON, MAINNET)
    old = read_old_backup(backup(tmp_path, today.master_address, today.delegate), MAINNET)
    assert type(keyring_of_2016(old, ABANDON, MAINNET)) is Keyring
    from rein.btc.hd import ExtendedKey, seed_from_mnemonic

    delegate = ExtendedKey.from_seed(seed_from_mnemonic(ABANDON), MAINNET).derive("m/0/0").private_key
    old = read_old_backup(backup(tmp_path, today.master_address, delegate), MAINNET)
    assert isinstance(keyring_of_2016(old, ABANDON, MAINNET), DelegateKeyring)
    with pytest.raises(KeyMaterialError, match="not its delegate"):
        keyring_of_2016(read_old_backup(backup(tmp_path, today.master_address, DELEGATE), MAINNET), ABANDON, MAINNET)
    with pytest.raises(KeyMaterialError, match="do not give"):
        keyring_of_2016(old, "zoo " * 11 + "wrong", MAINNET)
    with pytest.raises(KeyMaterialError, match="not that of"):
        keyring_of_2016(old, MASTER.to_wif(MAINNET), MAINNET)


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
        read_old_backup(backup(tmp_path, OF_REIN_0_3[0], DELEGATE, **changes), MAINNET)
    (tmp_path / "x").write_text("[1]")
    with pytest.raises(IdentityError):
        read_old_backup(tmp_path / "x", MAINNET)


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
        old = read_old_backup(path, MAINNET, name)
        assert keyring_of_2016(old, ABANDON, MAINNET).master_address == OF_REIN_0_3[0]
        assert (old.name, old.mediator_fee) == ("Alice", "1.0")
    with pytest.raises(IdentityError) as several:
        read_old_backup(path, MAINNET)
    assert address(MASTER, MAINNET) in (several.value.hint or "")
    with pytest.raises(IdentityError, match="no identity 'Bob' of mainnet"):
        read_old_backup(path, MAINNET, "Bob")
    assert path.read_bytes() == before
    path.write_bytes(before[:16] + b"x" * 2_000)
    with pytest.raises(IdentityError, match="no database of 2016"):
        read_old_backup(path, MAINNET)


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


def test_an_old_identity_whose_master_is_elsewhere(dora: Person, tmp_path: Path) -> None:
    path, file = backup(tmp_path, address(MASTER), DELEGATE, REGTEST), tmp_path / "sign.txt"
    text = dora.rein("setup", "--import", str(path), "--offline", str(file))["text"]
    done = dora.rein("setup", "--signed", str(file), "--signature", message.sign(MASTER, text))
    assert done["name"] == "Alice"
    assert decode_check(done["sin"]) is not None
