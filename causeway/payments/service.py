"""Selling buckets, and the balance of an owner."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from causeway.accounts import service as accounts
from causeway.auth import service as auth
from causeway.auth.service import Proof
from causeway.db.engine import Database
from causeway.errors import (
    BalanceTooLowError,
    NonceUsedError,
    NotDelegateError,
    NotForSaleError,
    PriceChangedError,
    UnknownOwnerError,
)
from causeway.hosting import service as hosting
from causeway.payments import ledger
from causeway.payments.purchases import Purchase, account_address, buy_from_balance, open_purchase
from rein.btc.amounts import Sat
from rein.btc.receiving import ReceivingKey


@dataclass(frozen=True)
class OpenedPurchase:
    """A purchase that may be paid, and the buckets that the owner has."""

    purchase: Purchase
    buckets: list[hosting.BucketState]


@dataclass(frozen=True)
class CompletedPurchase:
    """What came of `/v1/buy`: the owner's buckets, and what is left of its balance."""

    price: Sat
    balance: int
    buckets: list[hosting.BucketState]


class Payments:
    """Selling buckets at a `price` that is not 0, paid to addresses of `key`."""

    def __init__(self, database: Database, price: Sat, key: ReceivingKey) -> None:
        self._database = database
        self._key = key
        self.price = price

    def open_purchase(
        self, owner: str, *, delegate: str | None, contact: str | None, subnet: str | None
    ) -> OpenedPurchase:
        """A bucket to be paid for. Anybody may ask: it costs nothing until it is paid.

        :raises RateLimitError: there have been too many such requests from that subnet.
        """

        def work(connection: Connection) -> OpenedPurchase:
            accounts.register(connection, owner, delegate=delegate, contact=contact)
            purchase = open_purchase(connection, owner, self._key, self.price, subnet)
            return OpenedPurchase(purchase, hosting.live_buckets(connection, owner))

        return self._database.write(work)

    def buy(self, proof: Proof, price: int) -> CompletedPurchase:
        """A bucket paid from the owner's balance, at the price that the owner agreed to.

        :raises ApiError: PriceChangedError; BalanceTooLowError; or the request is not the owner's, or has been served
            already.
        """
        if price != self.price:
            raise PriceChangedError(f"the price is {self.price} sat, and not {price}", hint="GET /price says it.")

        def work(connection: Connection) -> tuple[bool, CompletedPurchase]:
            spend(connection, proof)
            is_paid = buy_from_balance(connection, proof.owner, self.price)
            balance = ledger.balance(connection, proof.owner)
            return is_paid, CompletedPurchase(self.price, balance, hosting.live_buckets(connection, proof.owner))

        is_paid, bought = self._database.write(work)
        if not is_paid:
            # Only now, so that the nonce is spent: what was refused must not be bought later, with money yet to come.
            raise BalanceTooLowError(
                f"a bucket costs {self.price} sat; the balance is {bought.balance} sat",
                hint="GET /buy gives an address to pay a bucket at.",
            )
        return bought

    def deposit_address(self, connection: Connection, owner: str, subnet: str | None) -> str:
        """An address that fills the owner's balance.

        :raises RateLimitError: the subnet has had enough addresses today.
        """
        return account_address(connection, owner, self._key, subnet)


def proved_balance(database: Database, proof: Proof) -> int:
    """As `balance_of`, for a signed request of the versioned API.

    :raises ApiError: the request is not the owner's, or has been served already.
    """

    def work(connection: Connection) -> int:
        spend(connection, proof)
        return ledger.balance(connection, proof.owner)

    return database.write(work)


def spend(connection: Connection, proof: Proof) -> None:
    """Use a proof, once. Locks the owner.

    :raises ApiError: UnknownOwnerError, NotDelegateError or NonceUsedError.
    """
    if not accounts.is_registered(connection, proof.owner):
        raise UnknownOwnerError("User not found", hint="GET /request or GET /buy registers an owner.")
    accounts.lock(connection, proof.owner)
    check_signer(connection, proof.owner, proof.signer)
    if not auth.spend(connection, proof):
        raise NonceUsedError("This request has been served already; GET /nonce gives a fresh nonce.")


def check_signer(connection: Connection, owner: str, signer: str) -> None:
    """Whether the signer may speak for the owner.

    :raises NotDelegateError: it is neither the owner nor its enrolled delegate.
    """
    if signer != owner and not auth.is_delegate(connection, owner, signer):
        raise NotDelegateError(
            f"{signer} may not sign for {owner}",
            hint="Store the enrollment by which the owner names this delegate first, or sign as the owner.",
        )


def seller(payments: Payments | None) -> Payments:
    """The payments of a server that sells.

    :raises NotForSaleError: hosting is free.
    """
    if payments is None:
        raise NotForSaleError("Hosting is free here.", hint="GET /request grants a bucket.")
    return payments
