"""What an operator may set, and what is said of what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from causeway.errors import SettingsError
from causeway.settings import load_settings


def test_nothing_needs_to_be_set() -> None:
    settings = load_settings({"HOME": "/home/op"})
    assert (settings.host, settings.port, settings.network.name) == ("127.0.0.1", 2016, "mainnet")
    assert settings.database_url is None
    assert settings.data == Path.home() / ".causeway"
    assert 1 <= settings.workers <= 2


def test_flags_go_before_the_environment() -> None:
    environment = {
        "CAUSEWAY_HOST": "::1",
        "CAUSEWAY_PORT": "2017",
        "CAUSEWAY_DATA": "/srv/causeway",
        "DATABASE_URL": "postgresql://general",
        "CAUSEWAY_DATABASE_URL": "postgresql://own",
        "CAUSEWAY_NETWORK": "signet",
        "CAUSEWAY_WORKERS": "3",
        "CAUSEWAY_THREADS": "5",
    }
    settings = load_settings(environment, port=2018, network="regtest", host=None)
    assert (settings.host, settings.port, settings.network.name) == ("::1", 2018, "regtest")
    assert (settings.data, settings.database_url) == (Path("/srv/causeway"), "postgresql://own")
    assert (settings.workers, settings.threads) == (3, 5)


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(load_settings({"DATABASE_URL": "postgresql://u:hunter2@h/d"}))


def test_an_empty_variable_is_not_set() -> None:
    assert load_settings({"CAUSEWAY_PORT": "", "DATABASE_URL": ""}).port == 2016


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CAUSEWAY_PORT", "tcp://10.0.0.1:2016"),
        ("CAUSEWAY_PORT", "65536"),
        ("CAUSEWAY_PORT", "-1"),
        ("CAUSEWAY_PORT", "٣"),
        ("CAUSEWAY_WORKERS", "0"),
        ("CAUSEWAY_WORKERS", "9" * 50),
        ("CAUSEWAY_THREADS", "many"),
        ("CAUSEWAY_NETWORK", "testnet3"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({name: text})
    assert name.removeprefix("CAUSEWAY_").lower() in caught.value.message
    assert caught.value.exit_code == 2
