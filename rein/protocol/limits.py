"""Every limit of the protocol, in one typed place."""

from __future__ import annotations

from typing import Final

MAX_DOCUMENT_BYTES: Final = 65_536
"""Bytes of UTF-8 of one armored document, armor included."""

MAX_NAME: Final = 100
"""Characters of a person's name or a job's name."""

MAX_CONTACT: Final = 200
"""Characters of a contact line."""

MAX_TEXT: Final = 40_000
"""Characters of a description or of deliverables."""

MAX_MESSAGE_BYTES: Final = 40_000
"""Bytes of UTF-8 of one message, or of a bid in armor, before it is sealed."""

MAX_SEALED: Final = 54_000
"""Characters of base64 of a sealed text."""
MAX_REMARK: Final = 1_000
"""Characters of the comment of a rating."""

MAX_RATING: Final = 5
"""The best rating; 0 is the worst, as in 2016."""

MAX_TAGS: Final = 16
MAX_TAG: Final = 32
"""Tags of a job, and characters of one tag."""

MAX_EXPIRATION_DAYS: Final = 3_650
MAX_HEIGHT: Final = 2**31 - 1
MAX_TIME: Final = 2**32 - 1
"""A block's time is an unsigned 32-bit number of seconds since 1970 (BIP113)."""

MAX_BLOCKS_BEFORE: Final = 144
"""Blocks by which a document may be older than the enrollment of the delegate that signed it: a day."""

MAX_BLOCKS_AHEAD: Final = 2_016
"""Blocks by which a document may be ahead of the chain's tip as last seen: the two weeks a home may have slept."""

MAX_REVOKED: Final = 100
"""Delegates that one enrollment revokes."""
