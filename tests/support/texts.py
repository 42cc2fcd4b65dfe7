"""Texts for property tests: anything a document may hold, and what an attacker would write first."""

from __future__ import annotations

from hypothesis import strategies as st

from rein.protocol.armor import BEGIN, BEGIN_SIGNATURE, END

_TOKENS = (
    "-----",
    "------",
    "----",
    "- ----",
    BEGIN,
    BEGIN_SIGNATURE,
    END,
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    " ",
    "\\",
    "\\n",
    "\\s",
    "\\-",
    "\\u{a}",
    "\\u{",
    "}",
    ":",
    ": ",
    "Rein Job",
    "Rein Offer",
    "Title: ",
    "Job ID: ",
    "Format: 3",
    "Primary escrow address: bc1q",
    "\x1b[2J",
    "\x7f",
    "\x85",
    "\xa0",
    "\u200e",
    "\u202e",
    "\u2028",
    "\u2029",
    "\u3000",
    "\ufeff",
    "\U0001f4a3",
    "\u00e9",
    "e\u0301",
    "x",
)

plain_text = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
"""Any text that UTF-8 can carry, without NUL."""

nasty_text = st.lists(st.sampled_from(_TOKENS), max_size=12).map("".join)
"""Pieces of armor, labels, escapes, line breaks and invisible characters, in any order."""

any_text = plain_text | nasty_text

any_string = st.text() | nasty_text
"""Any Python string: lone surrogates and NUL too."""
