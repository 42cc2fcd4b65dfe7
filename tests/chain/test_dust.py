"""Strangers pay what they like to an escrow, as often as they like: what matters stays in sight, and costs no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.chain import esplora as esplora_module
from rein.chain.agreement import Agreement, NamedSource
from rein.chain.core_rpc import CoreRpc
from rein.chain.esplora import open_esplora
from rein.chain.proved import ProvedSource
from rein.chain.source import MAX_OUTPUTS, Output, largest
from rein.devnet import faucet
from rein.errors import ChainError
from tests.chain.test_core_rpc import ESCROW_ADDRESS, ESCROW_SCRIPT, REGTEST
from tests.support import esplora as support
from tests.support.esplora import Esplora, esplora_server

DOCS = Path(__file__).parents[2] / "docs"
DUST = Sat(330)
PAID = [Sat(1_000_000), Sat(500_000), Sat(20_000)]
"""What the creator pays in: before the dust, with some of it, and after it."""


@pytest.fixture(scope="module")
def dusted(chain: CoreRpc) -> CoreRpc:
    """An escrow with 1,020 outputs of a stranger, in one transaction and in many, among three that matter."""
    faucet.pay(chain, [(ESCROW_ADDRESS, PAID[0])])
    faucet.mine(chain, 1)
    faucet.pay(chain, [(ESCROW_ADDRESS, DUST)] * 990)
    for _ in range(30):
        faucet.pay(chain, [(ESCROW_ADDRESS, DUST)])
    faucet.pay(chain, [(ESCROW_ADDRESS, PAID[1])])
    faucet.mine(chain, 1)
    faucet.pay(chain, [(ESCROW_ADDRESS, PAID[2])])
    faucet.mine(chain, 1)
    assert len(chain.unspent_outputs([ESCROW_SCRIPT])) == 1_023
    return chain


@pytest.fixture
def server(dusted: CoreRpc) -> Iterator[Esplora]:
    with esplora_server(dusted) as served:
        yield served


@pytest.fixture
def esplora(server: Esplora) -> Iterator[ProvedSource]:
    with closing(open_esplora(server.url, REGTEST)) as source:
        yield source


def test_the_manual_says_how_many() -> None:
    for page in ("chain.md", "api.md"):
        assert f"the {MAX_OUTPUTS} largest" in (DOCS / page).read_text()


def amounts(found: list[Output]) -> list[int]:
    return sorted((each.amount for each in found), reverse=True)


def test_a_server_that_lists_no_such_number_is_asked_for_the_history(
    dusted: CoreRpc, esplora: ProvedSource, server: Esplora
) -> None:
    found = esplora.unspent_outputs([ESCROW_SCRIPT])
    assert amounts(found) == [*PAID, *[DUST] * (MAX_OUTPUTS - 3)]
    assert set(found) <= set(dusted.unspent_outputs([ESCROW_SCRIPT]))
    assert any("/txs/chain/" in path for path in server.asked), "more than one page"
    proofs = [path for path in server.asked if path.endswith("/merkle-proof")]
    assert len(proofs) == len(set(proofs)), "each transaction is proved once"


def test_a_server_that_lists_all_is_not_believed_for_more_than_the_largest(
    esplora: ProvedSource, server: Esplora, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(support, "UTXOS_LIMIT", 5_000)
    assert amounts(esplora.unspent_outputs([ESCROW_SCRIPT])) == [*PAID, *[DUST] * (MAX_OUTPUTS - 3)]
    assert len([path for path in server.asked if path.endswith("/raw")]) <= MAX_OUTPUTS


def test_what_was_spent_is_not_found_in_the_history(dusted: CoreRpc, server: Esplora) -> None:
    script = faucet.SCRIPT
    spent = {outpoint for _, _, transactions in server._chain() for tx in transactions for outpoint in tx.inputs}
    assert spent
    with closing(open_esplora(server.url, REGTEST)) as source:
        telling: Any = source._unproved
        path = f"scripthash/{esplora_module.sha256(script)[::-1].hex()}"
        told = {each.outpoint for each in telling._unspent_in_history(path, script.hex())}
    assert told == {each.outpoint for each in dusted.unspent_outputs([script])}
    assert not told & spent


def test_a_history_without_an_end_is_not_read_for_ever(
    esplora: ProvedSource, server: Esplora, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(esplora_module, "_MAX_PAGES", 1)
    with pytest.raises(ChainError, match="too many transactions of a script") as caught:
        esplora.unspent_outputs([ESCROW_SCRIPT])
    assert "Bitcoin Core" in str(caught.value.hint)


def test_sources_that_show_different_dust_agree(dusted: CoreRpc, esplora: ProvedSource) -> None:
    """Which of many equal outputs a list has room for depends on how far its source has heard."""
    older = [each for each in largest(dusted.unspent_outputs([ESCROW_SCRIPT])) if each.amount > DUST]
    others = [each for each in dusted.unspent_outputs([ESCROW_SCRIPT]) if each.amount == DUST][-MAX_OUTPUTS:]

    class Other:
        """Another node of the same chain, with the other end of the dust on its list."""

        def __getattr__(self, name: str) -> Any:
            return getattr(dusted, name)

        def unspent_outputs(self, _: object) -> list[Output]:
            return [*older, *others][:MAX_OUTPUTS]

    other: Any = Other()
    together = Agreement([NamedSource("a", esplora), NamedSource("b", other), NamedSource("c", dusted)])
    found = together.unspent_outputs([ESCROW_SCRIPT])
    assert amounts(found)[:3] == PAID
    assert len(found) <= 2 * MAX_OUTPUTS


outputs = st.builds(
    lambda number, amount, script, depth: Output(OutPoint(f"{number:064x}", 0), Sat(amount), script, 1, depth),
    st.integers(0, 10**6),
    st.integers(0, 1_000),
    st.sampled_from([b"a", b"b"]),
    st.integers(1, 9),
)


@given(st.lists(outputs, max_size=4 * MAX_OUTPUTS, unique_by=lambda each: each.outpoint), st.randoms())
def test_the_largest_of_each_script_are_kept(found: list[Output], random: Any) -> None:
    kept = largest(found)
    assert len(kept) == len(set(kept))
    assert set(kept) <= set(found)
    for script in (b"a", b"b"):
        mine = [each.amount for each in kept if each.script == script]
        left = [each.amount for each in set(found) - set(kept) if each.script == script]
        assert mine == sorted(mine, reverse=True)
        assert len(mine) == min(MAX_OUTPUTS, len(mine) + len(left)), "nothing is left out while there is room"
        assert max(left, default=0) <= min(mine, default=1_000)
    random.shuffle(found)
    assert largest(found) == largest(kept) == kept, "in whatever order they are told"
