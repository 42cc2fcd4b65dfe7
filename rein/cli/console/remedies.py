"""The commands for what workflows say is to be done: these name no commands, for a page will have none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REMEDIES: Final[Mapping[str, str]] = {
    "Add a chain source.": "rein config chain core URL",
    "Begin the enrollment again.": "rein enroll --offline FILE",
    "Connect directly, or start Tor.": "rein config tor off",
    "Create an identity.": "rein setup",
    "Create another recovery phrase.": "rein setup",
    "Enroll again with the same recovery phrase, or name other servers.": "rein setup --words-fd N",
    "Fetch what is new.": "rein sync",
    "Publish it.": "rein sync",
    "Register a second server.": "rein request URL",
    "Register a server.": "rein request URL",
    "Remove one of the two addresses.": "rein servers --forget URL",
    "See the chain sources.": "rein config chain list",
    "See what can be changed.": "rein enroll --help",
    "See your servers.": "rein servers",
    "See your balance there before you buy again.": "rein servers --balance",
    "Set up again with the same recovery phrase and passphrase, or move the file away.": "rein setup --words-fd N",
    "Sign where the master key is.": "rein enroll --offline FILE",
    "Agree with the other.": "rein settle, or rein refund",
    "Propose the refund again.": "rein refund",
    "Publish it first.": "rein sync",
    "See the job.": "rein status --jobid ID",
    "See what is in your wallet, and try again.": "rein wallet",
    "See what is in your wallet.": "rein wallet",
    "See what the escrows hold.": "rein fund",
    "See where your jobs stand.": "rein status",
    "See your coins.": "rein wallet",
    "Sign nothing. A worker who cannot take it opens a dispute.": "rein dispute",
    "The creator may have accepted. Fetch what is new first.": "rein sync",
    "Buy space, or register another server.": "rein buy URL, or rein request URL",
}
"""What is to be done, and the command that does it."""


MORE_HOSTING: Final = "More hosting: `rein request URL` where it is free, `rein buy URL` where it is sold."
"""After warnings of what runs out at a server."""


def with_command(hint: str) -> str:
    """A hint, with the command that does what it says where there is one."""
    command = REMEDIES.get(hint)
    return f"{hint.removesuffix('.')}: {command}" if command else hint
