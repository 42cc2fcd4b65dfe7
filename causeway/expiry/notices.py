"""The mails that owners get. All of the text is the server's own; nothing that a stranger wrote is in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta

from causeway.hosting.expiring import ExpiringBucket

MOST_LISTED = 50


def subject(days: int) -> str:
    """The subject of a warning so many days before the end; 0: at the end."""
    if days == 0:
        return "Your hosting has expired"
    return f"Your hosting expires in {days} days" if days > 1 else "Your hosting expires in a day"


def body(days: int, buckets: Sequence[ExpiringBucket], grace: timedelta, *, is_free: bool) -> str:
    """The text of a warning about these buckets."""
    listed = [
        f"    {each.owner}    {each.bytes_used:,} bytes    {each.expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        for each in buckets[:MOST_LISTED]
    ]
    if len(buckets) > MOST_LISTED:
        listed.append(f"    and {len(buckets) - MOST_LISTED:,} more")
    is_over = days == 0
    renew = (
        "GET /request grants a new bucket." if is_free else "GET /buy says what a new bucket costs, and where to pay."
    )
    return "\n".join(
        [
            "You gave this address as the contact for documents that a causeway server keeps for",
            "",
            *listed,
            "",
            f"Their hosting {'has ended' if is_over else 'ends then'}; your newer buckets lack the room for all of it.",
            f"They are kept and served for {grace.days} days after that, and then they are removed.",
            "",
            f"To keep them, get more room before: {renew}",
            "What fits moves there by itself.",
            "",
        ]
    )
