"""GET and POST /bitcoin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, TypeVar

from flask import Blueprint, Response, request

from causeway.api.operations import operation
from causeway.api.parameters import query_parameters
from causeway.api.responses import success
from causeway.api.shapes import About, Address, Also, Choice, Text, Whole, read
from causeway.bitcoin.service import MAX_TRANSACTION_BYTES, Node
from causeway.db.engine import Database
from causeway.errors import AccountRequiredError, MissingParameterError
from causeway.hosting import service as hosting
from rein.chain.source import BlockRef
from rein.protocol.limits import MAX_HEIGHT

T = TypeVar("T")

_HASH = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(rf"([0-9a-fA-F]{{2}}){{10,{MAX_TRANSACTION_BYTES}}}")


class Question(Enum):
    """What can be asked."""

    BY_DEPTH = "getbydepth"
    BY_HEIGHT = "getbyheight"
    BY_HASH = "getbyhash"
    SEND = "sendrawtransaction"


@dataclass(frozen=True, kw_only=True)
class BitcoinRequest:
    """The parameter of the query must be there, too."""

    owner: Annotated[str, Address(), Also(("address",))]
    query: Annotated[Question, Choice(Question)]
    depth: Annotated[int | None, Whole(0, MAX_HEIGHT)] = None
    height: Annotated[int | None, Whole(0, MAX_HEIGHT)] = None
    hash: Annotated[str | None, Text(64, 64, _HASH, "64 lower-case hex digits")] = None
    tx: Annotated[str | None, Text(2 * MAX_TRANSACTION_BYTES, 20, _HEX, "a transaction in hex"), About("In hex.")] = (
        None
    )


@dataclass(frozen=True, kw_only=True)
class BitcoinAnswer:
    """A block, or the id of the transaction that was sent."""

    status: str
    result: str
    height: int | None = None
    hash: str | None = None
    time: int | None = None
    txid: str | None = None


def blueprint(database: Database, node: Node) -> Blueprint:
    views = Blueprint("bitcoin", __name__)

    @views.route("/bitcoin", methods=["GET", "POST"])
    @operation(takes=BitcoinRequest, answers=BitcoinAnswer, in_query=True)
    def bitcoin() -> Response:
        """A block, or a transaction sent, by the server's node: owner, query, depth | height | hash | tx."""
        asked = read(BitcoinRequest, query_parameters(request))
        answers = {
            Question.BY_DEPTH: lambda: success(shown(node.by_depth(_needed("depth", asked.depth)))),
            Question.BY_HEIGHT: lambda: success(shown(node.by_height(_needed("height", asked.height)))),
            Question.BY_HASH: lambda: success(shown(node.by_hash(_needed("hash", asked.hash)))),
            Question.SEND: lambda: success({"txid": node.send(_needed("tx", asked.tx))}),
        }
        with database.reading() as connection:
            if not hosting.live_buckets(connection, asked.owner):
                raise AccountRequiredError("Account required to use Bitcoin Core", hint="GET /request gives one.")
        return answers[asked.query]()

    return views


def block_info(node: Node) -> dict[str, object] | None:
    """The last block, for answers that carry it."""
    tip = node.tip()
    return None if tip is None else shown(tip)


def shown(block: BlockRef) -> dict[str, object]:
    """A block as clients of 2016 know it."""
    return {"height": block.height, "hash": block.hash, "time": block.time}


def _needed(name: str, value: T | None) -> T:
    if value is None:
        raise MissingParameterError(f"the parameter {name!r} is missing")
    return value
