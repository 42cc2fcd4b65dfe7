"""The texts that a legacy client signs about its hosting: to see a balance, and to name a contact.

These texts name no server, so whoever sees one may hand it to another server that gave out the same nonce. They are
accepted from old clients for what they can do at most. Today's client signs requests of the versioned API only
(`rein.protocol.auth`), each good at one server, and so nothing of money is ever done by a text that is here.

The two texts of the README of 2016 are joined without anything between their parts. Neither can be taken for another
text that a server accepts: one ends with a nonce that the server made for this owner and begins with an address, the
other holds no nonce and ends with an address.
"""

from __future__ import annotations


def balance_text(owner: str, nonce: str) -> str:
    """The text a `/balance` signs."""
    return owner + nonce


def address_texts(contact: str, owner: str, nonce: str = "") -> tuple[str, str]:
    """The texts an `/address` may sign: as the README of 2016 has it, and with the comma its server looked for. With
    a nonce behind them, which is what it takes to change a contact that was signed before."""
    return f"{contact}{owner}{nonce}", f"{contact},{owner}{nonce}"
