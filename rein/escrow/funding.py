"""Whether the money is there: the outputs the chain shows, held against the terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rein.btc.amounts import Sat, format_btc
from rein.btc.networks import REGTEST, Network
from rein.chain.source import Output
from rein.escrow.contract import Purse
from rein.escrow.terms import PurseTerms, Terms

_ONE_CONFIRMATION_BELOW = Sat(1_000_000)
_THREE_CONFIRMATIONS_BELOW = Sat(100_000_000)


def confirmations_needed(amount: Sat, network: Network) -> int:
    """How deep an output must lie before work starts: 1 below 0.01 BTC and on regtest, 3 below 1 BTC, else 6."""
    if network is REGTEST or amount < _ONE_CONFIRMATION_BELOW:
        return 1
    return 3 if amount < _THREE_CONFIRMATIONS_BELOW else 6


@dataclass(frozen=True)
class PurseFunding:
    """What the chain shows at one escrow. `output` is the one that counts: the exact amount, the oldest of several."""

    terms: PurseTerms
    output: Output | None
    others: tuple[Output, ...]
    confirmations_needed: int

    @property
    def complete(self) -> bool:
        return self.output is not None and self.output.confirmations >= self.confirmations_needed

    def __str__(self) -> str:
        name = self.terms.escrow.purse.value
        if self.output is None:
            if not self.others:
                return f"{name} escrow: nothing has arrived yet"
            held = ", ".join(f"{format_btc(each.amount)} BTC" for each in self.others)
            return f"{name} escrow: holds {held}, but needs one output of exactly {format_btc(self.terms.amount)} BTC"
        depth = self.output.confirmations
        if not self.complete:
            return f"{name} escrow: arrived, {depth} of {self.confirmations_needed} confirmations"
        return f"{name} escrow: {format_btc(self.output.amount)} BTC, {depth} confirmations"


@dataclass(frozen=True)
class Funding:
    """Both escrows."""

    primary: PurseFunding
    mediator: PurseFunding

    @property
    def purses(self) -> tuple[PurseFunding, PurseFunding]:
        return (self.primary, self.mediator)

    @property
    def complete(self) -> bool:
        return all(purse.complete for purse in self.purses)

    def of(self, purse: Purse) -> PurseFunding:
        return self.primary if purse is Purse.PRIMARY else self.mediator


def match_funding(terms: Terms, outputs: Sequence[Output], network: Network) -> Funding:
    """Hold unspent outputs from the chain against the terms. Only the exact amount counts; dust sent by a stranger
    to an escrow address is listed and ignored."""
    return Funding(
        primary=_match(terms.primary, outputs, network),
        mediator=_match(terms.mediator, outputs, network),
    )


def _match(purse: PurseTerms, outputs: Sequence[Output], network: Network) -> PurseFunding:
    mine = [output for output in outputs if output.script == purse.escrow.script]
    exact = [output for output in mine if output.amount == purse.amount]
    chosen = min(exact, key=lambda each: (-each.confirmations, each.outpoint), default=None)
    others = tuple(output for output in mine if output is not chosen)
    return PurseFunding(purse, chosen, others, confirmations_needed(purse.amount, network))
