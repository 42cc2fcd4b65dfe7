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
from rein.store.tables.identities import IdentityRow
from rein.workflows.identity.setup import NewIdentity, build_enrollment, commit, genesis, prepare
from rein.workflows.identity.setup_offline import finish_offline, prepare_offline
from rein.workflows.identity.setup_restore import restore_identity
from rein.workflows.session import Session
from tests.workflows.conftest import no_chain

NEW = NewIdentity("zoe", "z@x", None)
PASSPHRASE = "a long passphrase"


@pytest.fixture
def session(tmp_path: Path) -> Session:
    def nobody(_: object) -> None:
        raise AssertionError

    return Session(tmp_path, REGTEST, Store(tmp_path / "rein.db"), None, nobody, no_chain, lambda _: None)  # type: ignore[arg-type]


def create(session: Session, new: NewIdentity, secret: str) -> IdentityRow:
    return commit(session, prepare(session, new, secret), PASSPHRASE).row


def _left_behind(session: Session, words: str, inside: str, passphrase: str) -> Path:
    path = session.home / "keys" / f"regtest-{open_secret(words, REGTEST).master_address}.json"
    write_key_file(path, inside, passphrase)
    return path


def test_is_done_by_the_same_words_and_passphrase(session: Session) -> None:
    words = new_mnemonic()
    path = _left_behind(session, words, words, PASSPHRASE)
    row = create(session, NEW, words)
    assert session.home / row.key_file == path
    assert session.store.identities.of_network("regtest") == [row]


@pytest.mark.parametrize(("same_words", "passphrase"), [(True, "another passphrase"), (False, PASSPHRASE)])
def test_another_file_is_left_as_it_is(session: Session, same_words: bool, passphrase: str) -> None:
    words = new_mnemonic()
    path = _left_behind(session, words, words if same_words else new_mnemonic(), passphrase)
    before = path.read_bytes()
    with pytest.raises(IdentityError, match=r"holds other keys|does not open"):
        create(session, NEW, words)
    assert path.read_bytes() == before
    assert session.store.identities.of_network("regtest") == []
    assert read_key_file(path, passphrase)


@pytest.mark.parametrize("other", [MAINNET, TESTNET4, SIGNET], ids=lambda network: network.name)
def test_words_of_one_network_are_not_taken_on_another(session: Session, other: Network) -> None:
    """Whoever gets at the words of a test network would have the keys to real money. However they come in, nothing is
    written and no server is asked; on each network the identity itself goes on, and other words are taken."""
    words = new_mnemonic()
    row = create(session, NEW, words)
    there = replace(session, network=other)
    master = Keyring(words, other).master_address
    offline = DelegateKeyring(PrivateKey(b"\x22" * 32), other, master)
    signed = build_enrollment(NEW, Keyring(words, other), genesis(other))
    files = sorted((session.home / "keys").iterdir())
    for take_in in (
        lambda: create(there, NEW, words),
        lambda: restore_identity(there, words, PASSPHRASE, ["http://127.0.0.1:1"]),
        lambda: prepare_offline(there, NEW, offline),
        lambda: finish_offline(there, signed, Keyring(words, other)),
    ):
        with pytest.raises(IdentityError, match="the identity zoe of this home on regtest already") as refused:
            take_in()
        assert refused.value.hint == "Create another recovery phrase."
    assert sorted((session.home / "keys").iterdir()) == files
    assert session.store.identities.of_network(other.name) == []
    create(there, NEW, new_mnemonic())
    assert session.store.identities.of_network("regtest") == [row]


def test_words_are_not_taken_twice_on_one_network(session: Session) -> None:
    words = new_mnemonic()
    create(session, NEW, words)
    with pytest.raises(IdentityError, match="an identity of this home already"):
        create(session, replace(NEW, name="zoe again"), words)
