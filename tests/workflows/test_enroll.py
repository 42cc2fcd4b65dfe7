"""A setup that was killed between writing the key file and remembering the identity."""

from __future__ import annotations

from pathlib import Path

import pytest

from rein.btc.hd import new_mnemonic
from rein.btc.networks import REGTEST
from rein.errors import IdentityError
from rein.identity.keyfile import read_key_file, write_key_file
from rein.identity.keyring import open_secret
from rein.store.store import Store
from rein.workflows.desk import Desk
from rein.workflows.enroll import NewIdentity, create_identity
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
