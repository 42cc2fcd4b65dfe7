"""Counters of all workers of a server, and the text Prometheus reads them in (its exposition format, version 0.0.4)."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, event

from causeway.ops.shared import SLOT_BYTES, SharedMemory

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: the upper bounds of the histogram."""

_KEY_BYTES = 120
_RECORDS = SLOT_BYTES // (_KEY_BYTES + 8)
_SEPARATOR = "\x1f"

Sample = tuple[str, ...]
"""A family's name and the values of its labels."""


@dataclass(frozen=True)
class Family:
    """What one name counts."""

    name: str
    kind: str
    what: str
    labels: tuple[str, ...] = ()


REQUESTS = Family("causeway_requests_total", "counter", "Requests answered.", ("method", "route", "status"))
REFUSED = Family("causeway_refused_total", "counter", "Requests refused, by error code.", ("code",))
SECONDS = Family("causeway_request_seconds", "histogram", "Seconds a request took.", ("route",))
CONNECTIONS = Family("causeway_database_connections_used", "gauge", "Database connections in use by requests.")
CONNECTIONS_MOST = Family("causeway_database_connections_most", "gauge", "Database connections there may be.")
DOCUMENTS = Family("causeway_documents", "gauge", "Documents stored.")
BYTES = Family("causeway_stored_bytes", "gauge", "Bytes of keys and values stored.")
ORDERS_OPEN = Family("causeway_orders_open", "gauge", "Buckets ordered and not paid, while their price is held.")
ORDERS_LATE = Family("causeway_orders_late", "gauge", "Buckets ordered and not paid, whose price is held no longer.")
ORDERS_PAID = Family("causeway_orders_paid", "gauge", "Buckets that were paid for.")
CREDITED = Family("causeway_credited_sat", "gauge", "Satoshis of deposits that were credited, less those taken back.")
WATCHER_HEIGHT = Family("causeway_watcher_height", "gauge", "Height of the last block that the watcher has read.")
WATCHER_LAG = Family("causeway_watcher_lag_blocks", "gauge", "Blocks of the node that the watcher has not read yet.")
WATCHER_SUCCESS = Family(
    "causeway_watcher_success_time_seconds", "gauge", "When the watcher last read a block, or found none to read."
)
REPLICA_BYTES = Family("causeway_replica_bytes", "gauge", "Bytes of documents kept for peers.")
PEER_BEHIND = Family("causeway_peer_behind", "gauge", "Numbers of a peer's feed that are not read yet.", ("peer",))
PEER_SECONDS = Family("causeway_peer_success_seconds", "gauge", "Seconds since a peer was read.", ("peer",))
PEER_FAILURES = Family("causeway_peer_failures", "gauge", "Times in a row that a peer could not be read.", ("peer",))
PEER_TAKEN = Family("causeway_peer_taken_total", "counter", "Documents taken from a peer.", ("peer",))
PEER_REFUSED = Family("causeway_peer_refused_total", "counter", "Documents of a peer that do not verify.", ("peer",))

FAMILIES = (
    *(REQUESTS, REFUSED, SECONDS, CONNECTIONS, CONNECTIONS_MOST, DOCUMENTS, BYTES, REPLICA_BYTES),
    *(ORDERS_OPEN, ORDERS_LATE, ORDERS_PAID, CREDITED, WATCHER_HEIGHT, WATCHER_LAG, WATCHER_SUCCESS),
    *(PEER_BEHIND, PEER_SECONDS, PEER_FAILURES, PEER_TAKEN, PEER_REFUSED),
)
"""Unknown ones are left out: where nothing is sold, there is no watcher."""

_LE = "le"
_SUM = "sum"


class Metrics:
    """Counts in this worker's slot; reads everybody's.

    A slot holds numbers and then their names, each name written once. What does not fit is not counted: names come
    from routes, statuses and codes, never from what strangers send, so it always fits.
    """

    def __init__(self, shared: SharedMemory) -> None:
        self._shared = shared
        self._lock = threading.Lock()
        self._values, self._names = _parts(shared.own_slot)
        self._places: dict[Sample, int] = {sample: place for place, sample in _named(shared.own_slot)}
        self._used = len(self._places)
        # A worker before this one may have been killed with connections in use.
        self.set(CONNECTIONS, 0)

    def add(self, family: Family, *labels: str, amount: float = 1) -> None:
        """Count."""
        with self._lock:
            place = self._place((family.name, *labels))
            if place is not None:
                self._values[place] += amount

    def set(self, family: Family, amount: float) -> None:
        """Say how many there are in this worker."""
        with self._lock:
            place = self._place((family.name,))
            if place is not None:
                self._values[place] = amount

    def observe(self, family: Family, *labels: str, seconds: float) -> None:
        """Count in a histogram."""
        place = bisect_left(BOUNDS, seconds)
        bound = f"{BOUNDS[place]:g}" if place < len(BOUNDS) else "+Inf"
        self.add(family, *labels, _LE, bound)
        self.add(family, *labels, _SUM, amount=seconds)

    def total(self, family: Family, *labels: str) -> float:
        """What all workers counted."""
        return self._sums().get((family.name, *labels), 0.0)

    def text(self, now: Mapping[Sample, float]) -> str:
        """All of it, and numbers that are only known now."""
        sums = self._sums() | dict(now)
        return "".join(f"{line}\n" for family in FAMILIES for line in _lines(family, sums))

    def _place(self, sample: Sample) -> int | None:
        place = self._places.get(sample)
        if place is not None:
            return place
        name = _SEPARATOR.join(sample).encode()
        if self._used == _RECORDS or len(name) > _KEY_BYTES:
            return None
        place = self._used
        self._names[place * _KEY_BYTES : place * _KEY_BYTES + len(name)] = name
        self._places[sample] = place
        self._used += 1
        return place

    def _sums(self) -> dict[Sample, float]:
        sums: dict[Sample, float] = {}
        for slot in self._shared.slots():
            values, _ = _parts(slot)
            for place, sample in _named(slot):
                sums[sample] = sums.get(sample, 0.0) + values[place]
        return sums


def watch_pool(engine: Engine, metrics: Metrics, most: int) -> None:
    """Count the connections in use."""
    metrics.set(CONNECTIONS_MOST, most)
    event.listen(engine, "checkout", lambda *_: metrics.add(CONNECTIONS))
    event.listen(engine, "checkin", lambda *_: metrics.add(CONNECTIONS, amount=-1))


def _parts(slot: memoryview) -> tuple[memoryview[float], memoryview]:
    return slot[: _RECORDS * 8].cast("d"), slot[_RECORDS * 8 :]


def _named(slot: memoryview) -> Iterator[tuple[int, Sample]]:
    _, names = _parts(slot)
    for place in range(_RECORDS):
        name = bytes(names[place * _KEY_BYTES : (place + 1) * _KEY_BYTES]).rstrip(b"\0")
        if not name:
            return
        yield place, tuple(name.decode().split(_SEPARATOR))


def _lines(family: Family, sums: Mapping[Sample, float]) -> Iterator[str]:
    yield f"# HELP {family.name} {family.what}"
    yield f"# TYPE {family.name} {family.kind}"
    samples = sorted(sample[1:] for sample in sums if sample[0] == family.name)
    if family.kind == "histogram":
        for labels in dict.fromkeys(sample[:-2] if sample[-2] == _LE else sample[:-1] for sample in samples):
            yield from _histogram(family, labels, sums)
        return
    for labels in samples:
        yield f"{family.name}{_shown(family.labels, labels)} {sums[(family.name, *labels)]:.15g}"


def _histogram(family: Family, labels: Sample, sums: Mapping[Sample, float]) -> Iterator[str]:
    count = 0.0
    for bound in (*(f"{each:g}" for each in BOUNDS), "+Inf"):
        count += sums.get((family.name, *labels, _LE, bound), 0.0)
        yield f"{family.name}_bucket{_shown((*family.labels, _LE), (*labels, bound))} {count:.15g}"
    yield f"{family.name}_sum{_shown(family.labels, labels)} {sums.get((family.name, *labels, _SUM), 0.0):.15g}"
    yield f"{family.name}_count{_shown(family.labels, labels)} {count:.15g}"


def _shown(names: tuple[str, ...], values: Sample) -> str:
    if not names:
        return ""
    pairs = zip(names, values, strict=True)
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
