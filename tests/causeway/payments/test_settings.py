"""What an operator says of money and mail, and what is said of what cannot be: never a password, never a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from causeway.api.clients import Client
from causeway.api.subnets import subnet_of
from causeway.errors import SettingsError
from causeway.outbound import ChainAddress, MailServer
from causeway.settings import load_settings
from tests.causeway.paid_server import KEY, WALLET

XPUB = WALLET.to_public().to_string()
REGTEST = {"CAUSEWAY_NETWORK": "regtest"}


def test_hosting_is_free_unless_said_otherwise() -> None:
    settings = load_settings({})
    assert (settings.price, settings.free_buckets, settings.free_buckets_a_day) == (0, 4, 20)
    assert (settings.payment_key, settings.chain, settings.mail_server) == (None, None, None)
    assert (settings.confirmations, settings.grace_days) == (2, 30)
    assert load_settings(REGTEST).confirmations == 1


def test_a_price_ends_what_was_free() -> None:
    settings = load_settings(REGTEST, price_sat=5_000, payment_descriptor=f"wpkh({XPUB}/0/*)")
    assert (settings.price, settings.free_buckets, settings.payment_key) == (5_000, 0, KEY)
    assert load_settings(REGTEST, price_sat=5_000, payment_descriptor=XPUB, free_buckets=1).free_buckets == 1


def test_a_node_and_a_mail_server_are_read() -> None:
    settings = load_settings(
        {
            **REGTEST,
            "CAUSEWAY_CHAIN_URL": "http://me:p%40ss@node.example",
            "CAUSEWAY_SMTP_URL": "smtps://me%40example.org:sesame@mail.example.org",
            "CAUSEWAY_MAIL_FROM": "hosting@example.org",
        }
    )
    assert settings.chain == ChainAddress("http://node.example:18443", "me", "p@ss")
    assert settings.mail_server == MailServer("mail.example.org", 465, True, "me@example.org", "sesame")
    assert "p@ss" not in repr(settings)
    assert "sesame" not in repr(settings)
    cookie = load_settings(REGTEST, chain_cookie="/node/.cookie").chain
    assert cookie == ChainAddress("http://127.0.0.1:18443", cookie_file=Path("/node/.cookie"))


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"price_sat": 5_000}, "no payment_descriptor"),
        ({"price_sat": 100, "payment_descriptor": XPUB}, "at least 546"),
        ({"price_sat": -1}, "price_sat"),
        ({"price_sat": "0.001"}, "price_sat"),
        ({"payment_descriptor": WALLET.to_string()}, "private key"),
        ({"payment_descriptor": "xpub"}, "not an extended key"),
        ({"confirmations": 0}, "confirmations"),
        ({"chain_url": "bitcoin://secret@x"}, "chain_url"),
        ({"chain_url": "http://me:secret@x:port"}, "chain_url"),
        ({"smtp_url": "http://me:secret@x", "mail_from": "a@b.c"}, "smtp_url"),
        ({"smtp_url": "smtp://secret@x", "mail_from": "a@b.c"}, "password"),
        ({"smtp_url": "smtp://mail.example.org"}, "mail_from"),
        ({"smtp_url": "smtp://mail.example.org", "mail_from": "Hosting <a@b.c>"}, "mail_from"),
        ({"grace_days": "a month"}, "grace_days"),
    ],
)
def test_what_cannot_be_used_is_named_and_no_secret_repeated(flags: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        load_settings(REGTEST, **flags)
    said = f"{caught.value.message} {caught.value.hint}"
    assert "secret" not in said
    assert WALLET.to_string()[8:40] not in said


@pytest.mark.parametrize(
    ("group", "block"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::", "2001:db8:1::/48"),
        ("unknown", "unknown"),
    ],
)
def test_neighbours_are_counted_together(group: str, block: str) -> None:
    assert subnet_of(Client(group, local=False)) == block
    assert subnet_of(Client(group, local=True)) is None
