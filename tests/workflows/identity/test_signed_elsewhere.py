"""An enrollment that was signed elsewhere, as files and mail hand it over."""

from __future__ import annotations

import pytest

from rein.btc import message
from rein.errors import BadSignatureError, InputError, ReinError
from rein.protocol.armor import read_armor
from rein.workflows.identity.setup_offline import signed_elsewhere
from tests.support.people import enroll, job, person

BOB = person("Bob")
ENROLLED = enroll(BOB)
TEXT = read_armor(ENROLLED.armored).text
SIGNATURE = message.sign(BOB.master, TEXT)


def quoted(text: str) -> str:
    return "".join(f"> {line}\n" for line in text.splitlines())


WAYS = {
    "as it is": str.encode,
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "blank lines around": lambda text: f"\n\n{text}\n\n\n".encode(),
    "mail quoting": lambda text: quoted(text).encode(),
}


@pytest.mark.parametrize("way", WAYS)
def test_armored_it_is_read_however_it_came(way: str) -> None:
    assert signed_elsewhere(WAYS[way](ENROLLED.armored), "FILE", None).id == ENROLLED.id


@pytest.mark.parametrize("way", WAYS)
def test_the_text_and_a_signature_are_read_however_they_came(way: str) -> None:
    spelled = f"  {SIGNATURE[:40]}\n{SIGNATURE[40:]}\n".replace("+", "-").replace("/", "_")
    for signature in (SIGNATURE, spelled):
        assert signed_elsewhere(WAYS[way](TEXT), "FILE", signature).id == ENROLLED.id


@pytest.mark.parametrize(
    ("content", "signature", "error", "said"),
    [
        (b"\xff\xfe\xff", None, InputError, "not text"),
        (TEXT.encode(), None, InputError, "holds the text alone"),
        (TEXT.encode(), "nonsense!", BadSignatureError, "not base64"),
        (TEXT.replace("Bob", "Rob").encode(), SIGNATURE, BadSignatureError, "signature"),
        (f"{ENROLLED.armored}\n{ENROLLED.armored}".encode(), None, InputError, "holds 2 signed documents"),
        (job(BOB, person("Alice")).armored.encode(), None, InputError, "no enrollment of today's format"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    content: bytes, signature: str | None, error: type[ReinError], said: str
) -> None:
    with pytest.raises(error, match=said):
        signed_elsewhere(content, "FILE", signature)
