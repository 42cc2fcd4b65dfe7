"""What a client signs to prove to a causeway server that a request is its own."""

from __future__ import annotations

from rein.btc import message
from rein.btc.keys import PrivateKey

NONCE_CHARACTERS = 32
"""A nonce is 32 lower-case hex digits, chosen by the server."""


def put_text(key: str, value: str, signature_address: str, nonce: str) -> str:
    """The text a `/put` of 2016 signs: the parts joined without anything between them.

    It is ambiguous, so a server must not learn anything from it but that this key signed for this nonce: the key, the
    value and the right to write are checked on their own.
    """
    return key + value + signature_address + nonce


def sign_put(private_key: PrivateKey, key: str, value: str, signature_address: str, nonce: str) -> str:
    """The signature of a `/put`, in base64."""
    return message.sign(private_key, put_text(key, value, signature_address, nonce))


def verify_put(key: str, value: str, signature_address: str, nonce: str, signature: str) -> bool:
    """Whether `signature_address` signed this `/put`. False for anything malformed."""
    return message.verify(signature_address, put_text(key, value, signature_address, nonce), signature)
