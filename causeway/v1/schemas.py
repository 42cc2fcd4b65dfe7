"""Requests and answers that several features share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from causeway.api.shapes import Address, Doc


@dataclass(frozen=True, kw_only=True)
class OwnerRequest:
    owner: Annotated[str, Address(), Doc("The owner's master address.")]


@dataclass(frozen=True, kw_only=True)
class NonceAnswer:
    nonce: str


@dataclass(frozen=True, kw_only=True)
class ErrorDetail:
    """Why one item of a request was refused."""

    code: str
    message: str
    hint: str | None = None
