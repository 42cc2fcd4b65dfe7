"""What ratings say about somebody: the average, and the trust score of 2016.

Pure, and in whole numbers: scores are counted in tenths, halves rounded up. Only ratings of a job that ended, as the
chain has shown, may be handed in (`counted`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rein.protocol.documents import Rating
from rein.protocol.limits import MAX_RATING
from rein.protocol.orders import Order
from rein.protocol.signed import Signed


@dataclass(frozen=True)
class Score:
    """A mean of `count` ratings or links, in tenths; 0 if there is none."""

    tenths: int
    count: int

    def __str__(self) -> str:
        return f"{self.tenths // 10}.{self.tenths % 10}"


@dataclass(frozen=True)
class Link:
    """A way from one identity to another: `through` rated the other. Its strength is the smaller of what the source
    gave to `through` (`trusted`, the best rating where that is the source itself) and what the rating says.

    `trusted_by`: the source's rating of `through`; None where that is the source itself.
    """

    through: str
    trusted: int
    trusted_by: Signed[Rating] | None
    rating: Signed[Rating]

    @property
    def strength(self) -> int:
        return min(self.trusted, self.rating.document.rating)


@dataclass(frozen=True)
class Trust:
    """The trust score and what it is made of."""

    score: Score
    links: tuple[Link, ...]


def counted(orders: Iterable[Order]) -> tuple[Signed[Rating], ...]:
    """The ratings that count: in jobs that are over, by the chain's evidence."""
    return tuple(rating for order in orders if order.is_over for rating in order.ratings)


def not_counted(orders: Iterable[Order]) -> tuple[tuple[Signed[Rating], str], ...]:
    """The ratings that do not count, and why."""
    return tuple(
        (rating, why)
        for order in orders
        for rating, why in (
            *((each, "it contradicts another one by the same rater") for each in order.void_ratings),
            *((each, f"nothing proves that the job has ended: it is {order.state.value}") for each in order.ratings),
        )
        if not (order.is_over and rating in order.ratings)
    )


class Ratings:
    """Ratings that count, found by who gave and who got them."""

    def __init__(self, ratings: Iterable[Signed[Rating]]) -> None:
        self._by: dict[str, list[Signed[Rating]]] = defaultdict(list)
        self._of: dict[str, list[Signed[Rating]]] = defaultdict(list)
        unique = {signed.id: signed for signed in ratings}
        for signed in sorted(unique.values(), key=lambda each: (each.document.block_height, each.id)):
            self._by[signed.document.master_address].append(signed)
            self._of[signed.document.rated_master_address].append(signed)

    def of(self, master_address: str) -> tuple[Signed[Rating], ...]:
        """What somebody got, by height."""
        return tuple(self._of.get(master_address, ()))

    def average(self, master_address: str) -> Score:
        """The mean of all ratings of somebody."""
        return mean([each.document.rating for each in self.of(master_address)])

    def trust(self, source: str, destination: str) -> Trust:
        """How far one identity may trust another, over two steps at most ("gettrust" of bitcoin-otc, as rein 0.3 had
        it): the mean of the links. A source that rated somebody several times trusts by the first rating."""
        first: dict[str, Signed[Rating]] = {}
        for signed in self._by.get(source, ()):
            first.setdefault(signed.document.rated_master_address, signed)
        links = []
        for rating in self.of(destination):
            rater = rating.document.master_address
            if rater == source:
                links.append(Link(rater, MAX_RATING, None, rating))
            elif rater in first:
                links.append(Link(rater, first[rater].document.rating, first[rater], rating))
        return Trust(mean([link.strength for link in links]), tuple(links))


def mean(values: Sequence[int]) -> Score:
    """The mean of some numbers, in tenths, halves rounded up."""
    count = len(values)
    return Score((20 * sum(values) + count) // (2 * count) if count else 0, count)
