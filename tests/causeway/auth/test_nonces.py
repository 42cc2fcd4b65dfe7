"""Nonces: made without a write, known only to who made them, good for ten minutes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from causeway.auth.nonces import CLOCK_TOLERANCE_S, LIFETIME_S, NonceMint
from causeway.errors import NonceError, NonceExpiredError
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.support.people import Person, person

BOB, MALLORY = person("Bob").master_address, person("Mallory").master_address
NOW = 1_790_000_000.5


def mint(at: float = NOW, secret: bytes = b"s" * 32) -> NonceMint:
    return NonceMint(secret, clock=lambda: at)


@pytest.mark.parametrize("age", [0, LIFETIME_S, -CLOCK_TOLERANCE_S])
def test_a_nonce_is_good_for_its_owner_and_time(age: float) -> None:
    mint(NOW + age).check(mint().make(BOB), BOB)


@pytest.mark.parametrize("age", [LIFETIME_S + 1, -CLOCK_TOLERANCE_S - 1])
def test_a_nonce_of_another_time_has_expired(age: float) -> None:
    nonce = mint().make(BOB)
    with pytest.raises(NonceExpiredError):
        mint(NOW + age).check(nonce, BOB)


def test_a_nonce_of_another_owner_or_server_is_refused() -> None:
    nonce = mint().make(BOB)
    with pytest.raises(NonceError):
        mint().check(nonce, MALLORY)
    with pytest.raises(NonceError):
        mint(secret=b"t" * 32).check(nonce, BOB)


@given(st.integers(0, 127))
def test_no_bit_of_a_nonce_can_be_changed(bit: int) -> None:
    nonce = int(mint().make(BOB), 16) ^ (1 << bit)
    with pytest.raises(NonceError):
        mint().check(f"{nonce:032x}", BOB)


@given(st.text(max_size=40) | st.text("0123456789abcdefABCDEF", min_size=30, max_size=34))
def test_what_is_no_nonce_is_refused(text: str) -> None:
    with pytest.raises(NonceError):
        mint().check(text, BOB)


def test_old_nonces_sort_below_every_valid_one() -> None:
    bound = mint().oldest_valid()
    assert mint(NOW - LIFETIME_S - CLOCK_TOLERANCE_S).make(BOB) > bound
    assert mint(NOW - LIFETIME_S - 3 * CLOCK_TOLERANCE_S).make(BOB) < bound


def test_nonces_are_handed_out_without_a_write(server: Server, caller: Caller, bob: Person) -> None:
    nonces = {caller.nonce(bob) for _ in range(20)}
    assert len(nonces) == 20
    assert all(len(nonce) == 32 and set(nonce) <= set("0123456789abcdef") for nonce in nonces)
    assert server.value("SELECT count(*) FROM nonce_use") == 0


def test_both_names_of_the_owner_are_accepted(caller: Caller, bob: Person) -> None:
    assert caller.get("/nonce", owner=bob.master_address).status == 200
    assert caller.get("/nonce", owner=bob.master_address, address=MALLORY).code == "conflicting_parameters"


def test_an_unknown_owner_gets_none(caller: Caller) -> None:
    assert caller.get("/nonce", address=MALLORY).outcome == (403, "unknown_owner")


@pytest.mark.parametrize("parameters", [{}, {"address": "x"}, {"address": "%"}, {"clear": "x"}])
def test_what_cannot_be_used_is_named(caller: Caller, parameters: dict[str, str]) -> None:
    assert caller.get("/nonce", **parameters).status == 400


def test_clearing_a_nonce_clears_nothing(caller: Caller, bob: Person) -> None:
    """Anybody may send it, so it must not break another device's sync."""
    nonce = caller.nonce(bob)
    assert caller.get("/nonce", address=bob.master_address, clear=nonce).data["nonce"] == ""
    assert caller.put(bob, "A", "still good", nonce=nonce).status == 201


def test_uses_of_expired_nonces_are_forgotten(server: Server, caller: Caller, bob: Person) -> None:
    from causeway.auth.service import forget_old_nonces

    assert caller.put(bob, "A", "value").status == 201
    old = server.mint(seconds_ago=LIFETIME_S + 3 * CLOCK_TOLERANCE_S).make(bob.master_address)
    server.rows("INSERT INTO nonce_use VALUES (:nonce, 'B', 'hash')", nonce=old)
    with server.engine.begin() as connection:
        forget_old_nonces(connection, server.mint().oldest_valid())
    assert server.rows("SELECT key FROM nonce_use") == [("A",)]
