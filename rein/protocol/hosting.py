"""What a client signs about its hosting: that a balance may be spent or seen, and whom to write to.

The two texts of the README of 2016 are joined without anything between their parts. Neither can be taken for another
text that a server accepts: one ends with a nonce that the server made for this owner and begins with an address, the
other holds no nonce and ends with an address.
"""

from __future__ import annotations

from rein.btc import message
from rein.btc.keys import PrivateKey

_BUY_TITLE = "Causeway buy 1"


def buy_text(network: str, owner: str, price_sat: int, nonce: str) -> str:
    """The text that spends an owner's balance on one bucket, at this price and no other."""
    return "\n".join([_BUY_TITLE, f"network: {network}", f"owner: {owner}", f"price: {price_sat}", f"nonce: {nonce}"])


def sign_buy(private_key: PrivateKey, network: str, owner: str, price_sat: int, nonce: str) -> str:
    """The signature of a `/buy` from the balance, in base64."""
    return message.sign(private_key, buy_text(network, owner, price_sat, nonce))


def balance_text(owner: str, nonce: str) -> str:
    """The text a `/balance` signs."""
    return owner + nonce


def sign_balance(private_key: PrivateKey, owner: str, nonce: str) -> str:
    """The signature of a `/balance`, in base64."""
    return message.sign(private_key, balance_text(owner, nonce))


def address_texts(contact: str, owner: str, nonce: str = "") -> tuple[str, str]:
    """The texts an `/address` may sign: as the README of 2016 has it, and with the comma its server looked for. With
    a nonce behind them, which is what it takes to change a contact that was signed before."""
    return f"{contact}{owner}{nonce}", f"{contact},{owner}{nonce}"


def sign_address(private_key: PrivateKey, contact: str, owner: str, nonce: str = "") -> str:
    """The signature of an `/address`, in base64."""
    return message.sign(private_key, address_texts(contact, owner, nonce)[0])
