"""What a home remembers of the payments it completed, and of what funded an escrow."""

from __future__ import annotations

from pathlib import Path

from rein.btc.transaction import OutPoint
from rein.store.store import Store
from rein.store.tables.signatures import Completed

ONE, OTHER = OutPoint("a1" * 32, 0), OutPoint("b2" * 32, 7)


def test_completed_payments_are_kept_by_person_and_escrow(tmp_path: Path) -> None:
    path = tmp_path / "rein.db"
    payment = Completed("c3" * 32, "bcrt1qescrow", "d4" * 32, 1_500_000, frozenset({ONE, OTHER}))
    store = Store(path)
    store.signatures.add_completed("me", payment)
    store.signatures.add_completed("me", payment)
    again = Store(path).signatures
    assert again.completed("me", "bcrt1qescrow") == [payment]
    assert again.completed("somebody else", "bcrt1qescrow") == []
    assert again.completed("me", "bcrt1qother") == []


def test_what_funded_an_escrow_is_kept(tmp_path: Path) -> None:
    signatures = Store(tmp_path / "rein.db").signatures
    assert signatures.funding("d4" * 32) == frozenset()
    signatures.add_funding("d4" * 32, [ONE, OTHER])
    signatures.add_funding("d4" * 32, [ONE])
    assert signatures.funding("d4" * 32) == {ONE, OTHER}, "a txid stands for what it spends: nothing changes that"
