"""What to do next about an error that does not say it itself: by its class, the nearest ancestor that has a word."""

from __future__ import annotations

import re

from rein import errors
from rein.cli.commands import names
from rein.errors import ReinError

_ADVICE: dict[type[ReinError], str] = {
    ReinError: "Check your installation: rein doctor",
    errors.InputError: "The options and an example: rein COMMAND --help",
    errors.NotFoundError: "Fetch what is new with `rein sync`, then see what there is: rein status",
    errors.KeyMaterialError: "Compare it letter by letter with where you have it from.",
    errors.IdentityError: "Check your identities and their key files: rein doctor",
    errors.PassphraseError: "Try again, or restore the identity from its recovery phrase: rein setup --words-fd N",
    errors.DocumentError: "Ask whoever wrote it for the whole text, unchanged.",
    errors.CaseError: "Ask whoever made the case for it again; believe nothing in this one.",
    errors.AuthorityError: "Only the one it belongs to can do this. See who is who: rein status --jobid ID",
    errors.OrderError: "See where the job stands and what comes next: rein status --jobid ID",
    errors.EscrowError: "Sign nothing. See the whole story: rein status --jobid ID",
    errors.PsbtError: "Do not sign it. See what it does: rein psbt show FILE",
    errors.ChainError: "See which chain source fails: rein doctor",
    errors.RejectedError: "See whether it was sent already, or needs another fee rate: rein status --jobid ID",
    errors.RemoteError: "Try again later, or another server. See who answers: rein doctor",
    errors.RefusedError: "Do what it asks, or register another server: rein request URL",
    errors.ServerLiedError: "Do not rely on this server. Register another: rein request URL",
    errors.StoreError: "Check the database: rein doctor",
}

_OF_ALL_NETWORKS = ("config", "testnet")
_NETWORK = re.compile(r" ?--network \S+$")
"""It comes last (`Cli.repeated`)."""


def advice(error: ReinError, command: str = "rein") -> str:
    """One sentence.

    :param command: the one that ended so.
    """
    found = next(_ADVICE[each] for each in type(error).__mro__ if each in _ADVICE)
    job_id = getattr(error, "job_id", None)
    return found.replace("rein COMMAND", command).replace("--jobid ID", f"--jobid {job_id or 'ID'}")


def with_options(text: str, options: str) -> str:
    """A hint of ours whose commands are given the options that say where and as whom: else they act elsewhere.

    :param options: as a shell takes them; empty where none are needed.
    """
    if not options or "rein " not in text:
        return text
    known = "|".join((*names(), "COMMAND"))

    def rewritten(match: re.Match[str]) -> str:
        wanted = _NETWORK.sub("", options) if match[1] in _OF_ALL_NETWORKS else options
        return f"rein {wanted} {match[1]}" if wanted else match[0]

    return re.sub(rf"\brein ({known})\b", rewritten, text)
