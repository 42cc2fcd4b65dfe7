"""The kinds of values a document's fields hold, each with its one spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import NewType

from rein.btc.address import is_identity_address
from rein.btc.amounts import Sat, format_btc, parse_btc
from rein.btc.keys import parse_public_key
from rein.btc.networks import NETWORKS, Network
from rein.protocol import limits
from rein.protocol.fields import Codec

DocumentId = NewType("DocumentId", str)
"""64 lower-case hex digits: the SHA-256 of a document's signed text."""

BasisPoints = NewType("BasisPoints", int)
"""Hundredths of a percent, 1 to 10,000."""


@dataclass(frozen=True)
class Revocation:
    """A delegate that speaks for its identity no longer: in nothing that names the block at `height` or a later one."""

    address: str
    height: int


@dataclass(frozen=True)
class Budget:
    """What a creator would pay for a job, in satoshis: up to `highest`, or from `lowest` up to it."""

    lowest: Sat | None
    highest: Sat


_HEX64 = re.compile(r"[0-9a-f]{64}")
_JOB_ID = re.compile(r"[a-z0-9]{20}")
_TAG_MARKS = "+#"
_TAG_INNER = " .-" + _TAG_MARKS
_COMMAS = re.compile("[,\N{ARABIC COMMA}\N{IDEOGRAPHIC COMMA}\N{FULLWIDTH COMMA}]")
_JOINERS = re.compile("[\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}]")
_PERCENT = re.compile(r"([0-9]{1,3})\.([0-9]{1,2})%")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_REVOCATION = re.compile(r"([1-9A-HJ-NP-Za-km-z]+) from (0|[1-9][0-9]*)")
_BUDGET = re.compile(r"(?:up to|([0-9.]+) to) ([0-9.]+)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]+")
_BECH32 = re.compile(r"[a-z0-9]+")


def document_id(text: str) -> DocumentId:
    """Check that a text is a document id."""
    _match(_HEX64, text, "64 lower-case hex digits")
    return DocumentId(text)


def job_id(text: str) -> str:
    """Check that a text is a job id: 20 characters of a-z and 0-9, as in 2016."""
    return _match(_JOB_ID, text, "20 characters of a-z and 0-9")


def fee_percent(text: str) -> BasisPoints:
    """Read a fee such as `1.0%` or `0.75%`."""
    match = _PERCENT.fullmatch(text)
    if not match:
        raise ValueError(f"{shorten(text)!r} is not a percentage such as 1.0%")
    points = int(match[1]) * 100 + int(match[2].ljust(2, "0"))
    if not 1 <= points <= 10_000:
        raise ValueError("a fee is 0.01% to 100.0%")
    return BasisPoints(points)


def format_fee(points: BasisPoints) -> str:
    """Write a fee with one decimal, or two where needed."""
    whole, rest = divmod(points, 100)
    return f"{whole}.{rest // 10}%" if rest % 10 == 0 else f"{whole}.{rest:02d}%"


def job_tags(text: str) -> tuple[str, ...]:
    """Read a job's tags: in the spelling of `fold_tag`, separated by a comma and a blank."""
    tags = tuple(text.split(", "))
    if len(tags) > limits.MAX_TAGS:
        raise ValueError(f"{len(tags)} tags; at most {limits.MAX_TAGS}")
    for tag in tags:
        if not _is_tag(tag):
            what = f"up to {limits.MAX_TAG} letters and digits in lower case, blanks and + # . -"
            raise ValueError(f"{shorten(tag)!r} is not a tag: {what}")
    if len(set(tags)) < len(tags):
        raise ValueError("a tag is repeated")
    return tags


def typed_tags(text: str) -> tuple[str, ...]:
    """Tags as people type them: in any case and composition, with any blanks, repeated, separated by any comma.

    :raises ValueError: one cannot be a tag, or there are too many.
    """
    tags = dict.fromkeys(filter(None, (fold_tag(" ".join(part.split())) for part in _COMMAS.split(text))))
    return job_tags(", ".join(tags)) if tags else ()


def fold_tag(text: str) -> str:
    """The spelling in which tags compare: without case, composed (Unicode's NFC), without joiners."""
    composed = unicodedata.normalize("NFC", _JOINERS.sub("", text))
    return unicodedata.normalize("NFC", composed.casefold())


def _is_tag(tag: str) -> bool:
    if not 0 < len(tag) <= limits.MAX_TAG or tag != fold_tag(tag):
        return False
    inner = all(char in _TAG_INNER or _is_of_word(char) for char in tag)
    return inner and _begins_word(tag[0]) and (tag[-1] in _TAG_MARKS or _is_of_word(tag[-1]))


def _begins_word(char: str) -> bool:
    return unicodedata.category(char)[0] == "L" or unicodedata.category(char) == "Nd"


def _is_of_word(char: str) -> bool:
    """A letter, a digit, or a mark on one: many scripts write their vowels as marks."""
    return _begins_word(char) or unicodedata.category(char) in ("Mn", "Mc")


def budget(text: str) -> Budget:
    """Read a budget in bitcoin: `up to 0.5` or `0.1 to 0.5`, written with all eight decimals."""
    match = _BUDGET.fullmatch(text)
    if match is None:
        raise ValueError(f"{shorten(text)!r} is not a budget such as up to 0.5 or 0.1 to 0.5")
    found = Budget(parse_btc(match[1]) if match[1] else None, parse_btc(match[2]))
    if found.highest == 0 or found.lowest == 0:
        raise ValueError("a budget begins and ends above 0")
    if found.lowest is not None and found.lowest > found.highest:
        raise ValueError("the budget begins above its end")
    return found


def format_budget(value: Budget) -> str:
    """Write a budget as documents have it."""
    lowest = "up to" if value.lowest is None else f"{format_btc(value.lowest)} to"
    return f"{lowest} {format_btc(value.highest)}"


def day(text: str) -> str:
    """Check that a text is a day of the calendar, YYYY-MM-DD."""
    _match(_DAY, text, "a date such as 2026-12-24")
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is not a date of the calendar") from None
    return text


def revocations(text: str) -> tuple[Revocation, ...]:
    """Read delegates that were revoked: `ADDRESS from HEIGHT`, separated by a comma and a blank."""
    found = []
    for part in text.split(", "):
        match = _REVOCATION.fullmatch(part)
        if match is None:
            raise ValueError(f"{shorten(part)!r} is not ADDRESS from HEIGHT")
        found.append(Revocation(IDENTITY_ADDRESS.parse(match[1]), HEIGHT.parse(match[2])))
    if len(found) > limits.MAX_REVOKED:
        raise ValueError(f"{len(found)} delegates; at most {limits.MAX_REVOKED}")
    if len({each.address for each in found}) < len(found):
        raise ValueError("there is a duplicate delegate")
    return tuple(found)


def _match(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{shorten(text)!r} is not {what}")
    return text


def shorten(text: str, width: int = 40) -> str:
    """The beginning of a text, for error messages."""
    return text if len(text) <= width else text[: width - 1] + "…"


def _text(limit: int) -> Codec[str]:
    def parse(text: str) -> str:
        if len(text) > limit:
            raise ValueError(f"{len(text):,} characters; at most {limit:,}")
        return text

    return Codec(parse, str)


def _whole(lowest: int, highest: int) -> Codec[int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 20):
            raise ValueError(f"expected a whole number, got {shorten(text)!r}")
        value = int(text)
        if not lowest <= value <= highest:
            raise ValueError(f"{value} is not within {lowest} to {highest}")
        return value

    return Codec(parse, str)


def _matching(pattern: re.Pattern[str], longest: int, what: str) -> Codec[str]:
    def parse(text: str) -> str:
        if len(text) > longest:
            raise ValueError(f"more than {longest:,} characters")
        return _match(pattern, text, what)

    return Codec(parse, str)


def _identity_address(text: str) -> str:
    if not is_identity_address(text):
        raise ValueError(f"{shorten(text)!r} is not a P2PKH address")
    return text


def _bool(text: str) -> bool:
    if text not in ("True", "False"):
        raise ValueError("it is neither True nor False")
    return text == "True"


def _network(text: str) -> Network:
    if text not in NETWORKS:
        raise ValueError(f"{shorten(text)!r} is not one of {', '.join(NETWORKS)}")
    return NETWORKS[text]


def _format_tags(tags: tuple[str, ...]) -> str:
    return ", ".join(tags)


def _format_revocations(revoked: tuple[Revocation, ...]) -> str:
    return ", ".join(f"{each.address} from {each.height}" for each in revoked)


def _network_name(network: Network) -> str:
    return network.name


def _hex(data: bytes) -> str:
    return data.hex()


_id_parser: Callable[[str], DocumentId] = document_id

NAME = _text(limits.MAX_NAME)
CONTACT = _text(limits.MAX_CONTACT)
TEXT = _text(limits.MAX_TEXT)
REMARK = _text(limits.MAX_REMARK)
RATING = _whole(0, limits.MAX_RATING)
HEIGHT = _whole(0, limits.MAX_HEIGHT)
TIME = _whole(0, limits.MAX_TIME)
DAYS = _whole(1, limits.MAX_EXPIRATION_DAYS)
DOCUMENT_ID: Codec[DocumentId] = Codec(_id_parser, str)
BLOCK_HASH = _matching(_HEX64, 64, "a block hash")
JOB_ID: Codec[str] = Codec(job_id, str)
IDENTITY_ADDRESS: Codec[str] = Codec(_identity_address, str)
PAYMENT_ADDRESS = _matching(_BECH32, 90, "a bech32 address")
PUBLIC_KEY: Codec[bytes] = Codec(parse_public_key, _hex)
EXTENDED_KEY = _matching(_BASE58, 120, "an extended public key")
SIN = _matching(_BASE58, 40, "a Secure Identity Number")
SEALED = _matching(_BASE64, limits.MAX_SEALED, "a sealed text in base64")
SIGNATURE = _matching(_BASE64, 100, "a signature in base64")
PSBT = _matching(_BASE64, 20_000, "a PSBT in base64")
AMOUNT: Codec[Sat] = Codec(parse_btc, format_btc)
FEE: Codec[BasisPoints] = Codec(fee_percent, format_fee)
BOOLEAN: Codec[bool] = Codec(_bool, str)
NETWORK: Codec[Network] = Codec(_network, _network_name)
BUDGET: Codec[Budget] = Codec(budget, format_budget)
DATE: Codec[str] = Codec(day, str)
REVOCATIONS: Codec[tuple[Revocation, ...]] = Codec(revocations, _format_revocations)
TAGS: Codec[tuple[str, ...]] = Codec(job_tags, _format_tags)


def mediator_fee(amount: Sat, fee: BasisPoints) -> Sat:
    """What the mediator gets of a job at this price, in satoshis: the percentage, half a satoshi rounded up."""
    return Sat((amount * fee + 5_000) // 10_000)
