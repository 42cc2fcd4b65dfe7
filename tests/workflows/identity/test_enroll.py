"""A setup that was killed between writing the key file and remembering the identity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rein.btc.hd import new_mnemonic
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, REGTEST, SIGNET, TESTNET4, Network
from rein.errors import IdentityError
from rein.identity.keyfile import read_key_file, write_key_file
from rein.identity.keyring import DelegateKeyring, Keyring, open_secret
from rein.store.store import Store
from rein.workflows.desk import Desk
from rein.workflows.identity.enroll import NewIdentity, build_enrollment, create_identity, genesis
from rein.workflows.identity.enroll_offline import begin_offline, finish_offline
from rein.workflows.identity.restore import restore_identity
from tests.workflows.conftest import no_chain

NEW = NewIdentity("zoe", "z@x", None)
PASSPHRASE = "a long passphrase"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    def nobody(_: object) -> None:
        raise AssertionError

    return Desk(tmp_path, REGTEST, Store(tmp_path / "rein.db"), None, nobody, no_chain, lambda _: None)  # type: ignore[arg-type]


def _left_behind(desk: Desk, words: str, inside: str, passphrase: str) -> Path:
    path = desk.home / "keys" / f"regtest-{open_secret(words, REGTEST).master_address}.json"
    write_key_file(path, inside, passphrase)
    return path


def test_is_done_by_the_same_words_and_passphrase(desk: Desk) -> None:
    words = new_mnemonic()
    path = _left_behind(desk, words, words, PASSPHRASE)
    row, _ = create_identity(desk, NEW, words, PASSPHRASE)
    assert desk.home / row.key_file == path
    assert desk.store.identities("regtest") == [row]


@pytest.mark.parametrize(("same_words", "passphrase"), [(True, "another passphrase"), (False, PASSPHRASE)])
def test_another_file_is_left_as_it_is(desk: Desk, same_words: bool, passphrase: str) -> None:
    words = new_mnemonic()
    path = _left_behind(desk, words, words if same_words else new_mnemonic(), passphrase)
    before = path.read_bytes()
    with pytest.raises(IdentityError, match=r"holds other keys|does not open"):
        create_identity(desk, NEW, words, PASSPHRASE)
    assert path.read_bytes() == before
    assert desk.store.identities("regtest") == []
    assert read_key_file(path, passphrase)


@pytest.mark.parametrize("other", [MAINNET, TESTNET4, SIGNET], ids=lambda network: network.name)
def test_words_of_one_network_are_not_taken_on_another(desk: Desk, other: Network) -> None:
    """Whoever gets at the words of a test network would have the keys to real money. However they come in, nothing is
    written and no server is asked; on each network the identity itself goes on, and other words are taken."""
    words = new_mnemonic()
    row, _ = create_identity(desk, NEW, words, PASSPHRASE)
    there = replace(desk, network=other)
    master = Keyring(words, other).master_address
    offline = DelegateKeyring(PrivateKey(b"\x22" * 32), other, master)
    signed = build_enrollment(NEW, Keyring(words, other), genesis(other))
    files = sorted((desk.home / "keys").iterdir())
    for take_in in (
        lambda: create_identity(there, NEW, words, PASSPHRASE),
        lambda: restore_identity(there, words, PASSPHRASE, ["http://127.0.0.1:1"]),
        lambda: begin_offline(there, NEW, offline, PASSPHRASE),
        lambda: finish_offline(there, signed, Keyring(words, other)),
    ):
        with pytest.raises(IdentityError, match="the identity zoe of this home on regtest already") as refused:
            take_in()
        assert refused.value.hint == f"Take other words for {other.name}: rein setup makes new ones."
    assert sorted((desk.home / "keys").iterdir()) == files
    assert desk.store.identities(other.name) == []
    create_identity(there, NEW, new_mnemonic(), PASSPHRASE)
    assert desk.store.identities("regtest") == [row]


def test_words_are_not_taken_twice_on_one_network(desk: Desk) -> None:
    words = new_mnemonic()
    create_identity(desk, NEW, words, PASSPHRASE)
    with pytest.raises(IdentityError, match="an identity of this home already"):
        create_identity(desk, replace(NEW, name="zoe again"), words, PASSPHRASE)
