"""What clients of 2016 sign: no program of today does."""

from __future__ import annotations

from rein.btc import message
from rein.btc.keys import PrivateKey
from rein.protocol.auth import delete_text, put_text


def sign_put(private_key: PrivateKey, key: str, value: str, signature_address: str, nonce: str) -> str:
    """The signature of a `/put`, in base64."""
    return message.sign(private_key, put_text(key, value, signature_address, nonce))


def sign_delete(private_key: PrivateKey, key: str, signature_address: str, nonce: str) -> str:
    """The signature of a `/delete`, in base64."""
    return message.sign(private_key, delete_text(key, signature_address, nonce))
