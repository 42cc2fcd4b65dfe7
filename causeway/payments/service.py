"""Buying buckets, and an owner's account."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from causeway.accounts import service as accounts
from causeway.auth import service as auth
from causeway.auth.nonces import NonceMint
from causeway.auth.service import Proof
from causeway.db.engine import Database
from causeway.errors import (
    BadParameterError,
    BalanceTooLowError,
    NonceUsedError,
    NotDelegateError,
    NotForSaleError,
    PriceChangedError,
    RequestSignatureError,
    UnknownOwnerError,
)
from causeway.hosting import service as hosting
from causeway.payments import ledger
from causeway.payments.legacy_texts import address_texts, balance_text
from causeway.payments.purchases import Purchase, account_address, buy_from_balance, open_purchase
from rein.btc import message
from rein.btc.amounts import Sat
from rein.btc.hashes import sha256
from rein.btc.receiving import ReceivingKey


@dataclass(frozen=True)
class Claim:
    """What a request says of itself: that `signer`, the owner or its delegate, signed it. `nonce` is empty in the one
    request of 2016 that has none."""

    signer: str
    nonce: str
    signature: str


@dataclass(frozen=True)
class Purchased:
    """What came of `/buy`: an order to pay, and the buckets there are."""

    order: Purchase
    buckets: list[hosting.BucketState]


@dataclass(frozen=True)
class Bought:
    """What came of `/v1/buy`: the owner's buckets, and what is left of its balance."""

    price: Sat
    balance: int
    buckets: list[hosting.BucketState]


class Payments:
    """The operator's till. `price` is not 0, and paid to addresses of `key`."""

    def __init__(self, database: Database, mint: NonceMint, price: Sat, key: ReceivingKey) -> None:
        self._database = database
        self._mint = mint
        self._key = key
        self.price = price

    def order(self, owner: str, *, delegate: str | None, contact: str | None, subnet: str | None) -> Purchased:
        """A bucket to be paid for, for whoever asks: it costs nobody anything until it is paid.

        :raises RateLimitError: there have been too many such requests from that subnet.
        """

        def work(connection: Connection) -> Purchased:
            accounts.register(connection, owner, delegate=delegate, contact=contact)
            order = open_purchase(connection, owner, self._key, self.price, subnet)
            return Purchased(order, hosting.live_buckets(connection, owner))

        return self._database.write(work)

    def buy(self, proof: Proof, price: int) -> Bought:
        """A bucket paid from the owner's balance, at the price that the owner agreed to.

        :raises ApiError: PriceChangedError; BalanceTooLowError; or the request is not the owner's, or has been served
            already.
        """
        if price != self.price:
            raise PriceChangedError(f"the price is {self.price} sat, and not {price}", hint="GET /price says it.")

        def work(connection: Connection) -> tuple[bool, Bought]:
            _spend(connection, proof)
            is_paid = buy_from_balance(connection, proof.owner, self.price)
            balance = ledger.balance(connection, proof.owner)
            return is_paid, Bought(self.price, balance, hosting.live_buckets(connection, proof.owner))

        is_paid, bought = self._database.write(work)
        if not is_paid:
            # Only now, so that the nonce is spent: what was refused must not be bought later, with money yet to come.
            raise BalanceTooLowError(
                f"a bucket costs {self.price} sat; the balance is {bought.balance} sat",
                hint="GET /buy gives an address to pay a bucket at.",
            )
        return bought

    def address(self, owner: str, contact: str, claim: Claim, *, subnet: str | None) -> str:
        """An address that fills the owner's balance. The contact is the owner's own word, so it counts from now on;
        to change it once more takes a nonce.

        :raises ApiError: the request is not the owner's.
        """
        if not contact.isprintable():
            # Whatever else the owner has signed in many lines must not pass for a contact.
            raise BadParameterError("the contact is not one line of text")
        check_claim(self._mint, owner, claim, *address_texts(contact, owner, claim.nonce), may_lack_nonce=True)

        def work(connection: Connection) -> str:
            accounts.register(connection, owner, delegate=None, contact=contact)
            if claim.nonce:
                spend_claim(connection, owner, claim, "address")
            else:
                check_signer(connection, owner, claim.signer)
            accounts.sign_contact(connection, owner, contact, fresh=bool(claim.nonce))
            return account_address(connection, owner, self._key, subnet)

        return self._database.write(work)


def balance_of(database: Database, mint: NonceMint, owner: str, claim: Claim) -> int:
    """An owner's satoshis. Negative if a payment left the chain that was spent here already.

    :raises ApiError: the request is not the owner's, or has been served already.
    """
    check_claim(mint, owner, claim, balance_text(owner, claim.nonce))

    def work(connection: Connection) -> int:
        spend_claim(connection, owner, claim, "balance")
        return ledger.balance(connection, owner)

    return database.write(work)


def proved_balance(database: Database, proof: Proof) -> int:
    """As `balance_of`, for a signed request of the versioned API.

    :raises ApiError: the request is not the owner's, or has been served already.
    """

    def work(connection: Connection) -> int:
        _spend(connection, proof)
        return ledger.balance(connection, proof.owner)

    return database.write(work)


def check_claim(mint: NonceMint, owner: str, claim: Claim, *texts: str, may_lack_nonce: bool = False) -> None:
    """What can be checked of a claim without the database: its nonce, and that it signs one of the texts.

    :raises ApiError: NonceError or RequestSignatureError.
    """
    if claim.nonce or not may_lack_nonce:
        mint.check(claim.nonce, owner)
    if not any(message.verify(claim.signer, text, claim.signature) for text in texts):
        raise RequestSignatureError("Incorrect signature", hint="docs/hosting.md says what is signed, and by whom.")


def spend_claim(connection: Connection, owner: str, claim: Claim, what: str) -> None:
    """Use a checked claim, once: its nonce is spent for `what`. Locks the owner.

    :raises ApiError: UnknownOwnerError, NotDelegateError or NonceUsedError.
    """
    # No stored value has a key with a space in it, so what is spent here is no value's.
    digest = sha256(f"/{what} {owner} {claim.nonce}".encode())
    _spend(connection, Proof(owner, claim.signer, claim.nonce, f"/{what} ", digest))


def _spend(connection: Connection, proof: Proof) -> None:
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


def not_for_sale() -> NotForSaleError:
    """What a server without a price answers to whoever wants to pay."""
    return NotForSaleError("Hosting is free here.", hint="GET /request grants a bucket.")
