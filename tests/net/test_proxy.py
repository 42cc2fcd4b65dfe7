"""What counts as this machine, to which no proxy leads."""

from __future__ import annotations

from rein.net.proxy import is_loopback, is_loopback_host


def test_loopback_names() -> None:
    assert is_loopback_host("localhost")
    assert is_loopback_host("127.255.0.1")
    assert not is_loopback_host("localhost.evil.example")
    assert not is_loopback_host("2130706433")
    assert is_loopback_host("LOCALHOST")
    assert is_loopback_host("::1")


def test_addresses_of_this_machine() -> None:
    assert is_loopback("http://[::1]:8332/")
    assert is_loopback("http://LocalHost/")
    assert not is_loopback("http://127.0.0.1.evil.example/")
    assert not is_loopback("127.0.0.1")
