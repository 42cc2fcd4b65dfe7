"""Hosting, from asking and buying to the day it ends: real servers, a real chain, commands as people type them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rein.btc.hd import ExtendedKey
from rein.btc.networks import REGTEST
from rein.cli.demo import run_command
from rein.demo.processes import free_ports, running, server_program
from tests.story.conftest import Person, Result, Trio, World

PRICE = 50_000
XPUB = ExtendedKey.from_seed(b"a quote in a test of stories", REGTEST).to_public().to_string()
PATIENCE_S = 30


@pytest.fixture(scope="module")
def shop(world: World) -> Iterator[str]:
    """A server that sells."""
    (port,) = free_ports(1)
    program = server_program(world.folder / "shop", port)
    selling = (
        *("--price-sat", str(PRICE), "--payment-descriptor", f"wpkh({XPUB}/7/*)"),
        *("--chain-url", world.chain_url, "--chain-cookie", str(world.cookie), "--watch-interval-s", "1"),
    )
    with running([dataclasses.replace(program, arguments=(*program.arguments, *selling))]):
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def dora(world: World, tmp_path: Path) -> Person:
    """Somebody new."""
    dora = Person("dora", tmp_path / "dora")
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    dora.rein(*chain, "setup", "--name", "Dora", "--contact", "d@x", "--no-mediate")
    return dora


def listed(who: Person, url: str) -> dict[str, Any]:
    found: dict[str, Any] = {each["url"]: each for each in who.rein("servers")["servers"]}[url]
    return found


def test_hosting_is_bought_and_used(shop: str, dora: Person, trio: Trio) -> None:
    bought = dora.rein("buy", shop, "--no-wait")
    assert (bought["price_sat"], bought["credited"], bought["buckets"]) == (PRICE, False, 0)
    assert bought["uri"] == f"bitcoin:{bought['address']}?amount=0.00050000"
    assert bought["address"].startswith("bcrt1q")
    assert abs(bought["price_until"] - time.time() - 7 * 86_400) < 600
    assert "The order holds this price until 20" in dora.run("buy", shop, "--no-wait").err
    assert "no hosting there any more" in listed(dora, shop)["warnings"][0]
    (warning,) = dora.rein("status")["warnings"]
    assert warning.startswith(f"{shop}  you have no hosting there")
    trio.bob.rein("devnet", "pay", bought["uri"])
    trio.bob.rein("devnet", "mine", "1")
    deadline = time.monotonic() + PATIENCE_S
    while not (seen := listed(dora, shop))["buckets"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert (seen["price_sat"], seen["error"], seen["warnings"], seen["holds"]) == (PRICE, None, [], 0)
    assert seen["bytes_free"] == 1_048_576
    assert seen["transfer_free"] == 50 * 1_048_576
    assert 364 < (seen["expires"] - time.time()) / 86_400 < 366
    assert 0 <= seen["round_trip_ms"] < 5_000
    report = dora.rein("sync")
    assert (report["safe"], report["servers"][0]["held"]) == (1, 1)
    assert listed(dora, shop)["holds"] == 1


def test_what_is_paid_too_much_buys_the_next_bucket(shop: str, dora: Person, trio: Trio) -> None:
    first = dora.rein("buy", shop, "--no-wait")
    assert dora.rein("buy", shop, "--no-wait")["address"] == first["address"], "it is the same order"
    trio.bob.rein("devnet", "pay", f"bitcoin:{first['address']}?amount=0.00120000")
    trio.bob.rein("devnet", "mine", "1")
    waited = dora.rein("buy", shop)
    assert (waited["credited"], waited["buckets"], waited["from_balance"]) == (True, 1, False)
    dora.rein("sync")  # which gives the server the enrollment that names the delegate
    assert listed(dora, shop)["balance_sat"] is None
    assert dora.rein("servers", "--balance")["servers"][0]["balance_sat"] == 120_000 - PRICE
    refused = Result(*run_command(["--home", str(dora.home), "--json", "buy", shop]))
    assert (refused.code, refused.error["hint"]) == (2, "Give --yes.")
    bought = dora.rein("buy", shop)
    assert (bought["from_balance"], bought["balance_sat"], bought["buckets"]) == (True, 20_000, 2)
    missing = dora.rein("buy", shop, "--no-wait")
    assert (missing["amount_sat"], missing["price_sat"], missing["balance_sat"]) == (30_000, PRICE, 20_000)
    trio.bob.rein("devnet", "pay", missing["uri"])
    trio.bob.rein("devnet", "mine", "1")
    completed = dora.rein("buy", shop)
    assert (completed["credited"], completed["buckets"]) == (True, 3)
    assert dora.rein("servers", "--balance")["servers"][0]["balance_sat"] == 0


def test_a_server_that_is_free_asks_for_no_money(world: World, dora: Person) -> None:
    bought = dora.rein("buy", world.server_urls[0])
    assert (bought["price_sat"], bought["address"], bought["uri"], bought["credited"]) == (0, None, None, True)
    assert bought["buckets"] == 1


def test_a_dead_server_is_listed_as_it_was_known(world: World, dora: Person, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/"
    with running([server_program(tmp_path / "mortal", port)]):
        dora.rein("request", url)
        dora.rein("request", world.server_urls[0])
        dora.rein("sync")
        dora.rein("sync")  # which sees in the feed what the first one stored
    seen = listed(dora, url)
    assert "cannot be reached" in seen["error"]
    assert (seen["buckets"], seen["holds"], seen["round_trip_ms"]) == (1, 1, None)
    report = dora.rein("sync")
    errors = {each["url"]: each["error"] for each in report["servers"]}
    assert "cannot be reached" in errors[url]
    assert errors[world.server_urls[0]] is None
    (tmp_path / "mortal").rename(tmp_path / "burnt")
    with running([server_program(tmp_path / "mortal", port)]):  # the same address, and nothing in it
        dora.rein("request", url)
        report = dora.rein("sync")
        ours = {each["url"]: each for each in report["servers"]}[url]
        assert (ours["lost"], ours["uploaded"], ours["held"]) == (1, 1, 1)
        assert ours["notes"] == ["its feed began again and is read from the beginning"]


def test_a_server_of_another_network_is_refused(world: World, tmp_path: Path) -> None:
    eve = Person("eve", tmp_path / "eve")
    eve.rein("--network", "testnet4", "setup", "--name", "Eve", "--contact", "e@x", "--no-mediate")
    for command in ("request", "buy"):
        refused = eve.fails("--network", "testnet4", command, world.server_urls[0])
        assert (refused["code"], refused["exit_code"]) == ("input", 2)
        assert "a server of regtest" in refused["message"]


def test_people_read_a_line_for_each_server(world: World, dora: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    dora.rein("request", world.server_urls[0])
    _, out, _ = run_command(["--home", str(dora.home), "sync"])
    assert f"{world.server_urls[0]}  1 uploaded, " in out
    _, out, _ = run_command(["--home", str(dora.home), "servers"])
    head, row = out.splitlines()[:2]
    assert head.split("  ")[0] == "Server"
    assert "free" in row
    assert row.split()[-2] == "1"
