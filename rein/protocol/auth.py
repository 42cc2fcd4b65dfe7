"""What is signed to prove to a causeway server that a request is its own.

Today's client signs requests of the versioned API and nothing else: their text names the server, what is asked of it
and a nonce. What clients of 2016 sign is only read here.
"""

from __future__ import annotations

import re
from typing import Final

from rein.btc import message
from rein.btc.address import p2pkh_address
from rein.btc.keys import PrivateKey
from rein.btc.networks import Network
from rein.errors import InputError

NONCE_CHARACTERS = 32
"""A nonce is 32 lower-case hex digits, chosen by the server."""


def put_text(key: str, value: str, signature_address: str, nonce: str) -> str:
    """The text a `/put` of 2016 signs: the parts joined without anything between them, and none of them a server.

    It is ambiguous, so a server must not learn anything from it but that this key signed for this nonce: the key, the
    value and the right to write are checked on their own.
    """
    return key + value + signature_address + nonce


def verify_put(key: str, value: str, signature_address: str, nonce: str, signature: str) -> bool:
    """Whether `signature_address` signed this `/put`. False for anything malformed."""
    return message.verify(signature_address, put_text(key, value, signature_address, nonce), signature)


def delete_text(key: str, signature_address: str, nonce: str) -> str:
    """The text a `/delete` of 2016 signs. The put of an empty value would sign the same, so there is none."""
    return put_text(key, "", signature_address, nonce)


def verify_delete(key: str, signature_address: str, nonce: str, signature: str) -> bool:
    """Whether `signature_address` signed this `/delete`. False for anything malformed."""
    return message.verify(signature_address, delete_text(key, signature_address, nonce), signature)


# ----- the versioned API -------------------------------------------------------------------------------------------

OWNER_HEADER: Final = "Rein-Owner"
SIGNER_HEADER: Final = "Rein-Signer"
NONCE_HEADER: Final = "Rein-Nonce"
SIGNATURE_HEADER: Final = "Rein-Signature"
NEXT_NONCE_HEADER: Final = "Rein-Next-Nonce"
"""A fresh nonce for the same owner: in every answer to a request that names its owner in a header."""

_REQUEST_TITLE: Final = "Causeway request 1"
_ONE_LINE: Final = re.compile(r"[!-~]{1,70000}")


def request_text(
    method: str, server: str, path_and_query: str, body_sha256: str, nonce: str, owner: str, signer: str
) -> str:
    """The text that a request of the versioned API signs: a title and one labelled line for each thing it binds.

    `server` is the address the client wrote, as `rein.protocol.wire.server_name` spells it: a request signed for one
    server cannot be replayed at another. `body_sha256` is in hex, of the bytes of the body (of no bytes, where there
    is none). No part can hold a space or a line feed, so no two requests have the same text.

    :raises InputError: a part is empty or holds anything but visible ASCII characters.
    """
    parts = {
        "method": method,
        "server": server,
        "target": path_and_query,
        "body": body_sha256,
        "nonce": nonce,
        "owner": owner,
        "signer": signer,
    }
    for name, value in parts.items():
        if _ONE_LINE.fullmatch(value) is None:
            raise InputError(f"the {name} of a request cannot be signed: it is not visible ASCII characters alone")
    return "\n".join([_REQUEST_TITLE, *(f"{name}: {value}" for name, value in parts.items())])


def sign_request(
    private_key: PrivateKey,
    network: Network,
    *,
    method: str,
    server: str,
    path_and_query: str,
    body_sha256: str,
    nonce: str,
    owner: str,
) -> dict[str, str]:
    """The headers that prove a request to be `owner`'s, signed by the owner's key or its delegate's.

    :raises InputError: a part cannot be signed.
    """
    signer = p2pkh_address(private_key.public_key, network)
    text = request_text(method, server, path_and_query, body_sha256, nonce, owner, signer)
    return {
        OWNER_HEADER: owner,
        SIGNER_HEADER: signer,
        NONCE_HEADER: nonce,
        SIGNATURE_HEADER: message.sign(private_key, text),
    }


def verify_request(
    method: str,
    server: str,
    path_and_query: str,
    body_sha256: str,
    nonce: str,
    owner: str,
    signer: str,
    signature: str,
) -> bool:
    """Whether `signer` signed this request to this server. False for anything malformed."""
    try:
        text = request_text(method, server, path_and_query, body_sha256, nonce, owner, signer)
    except InputError:
        return False
    return message.verify(signer, text, signature)
