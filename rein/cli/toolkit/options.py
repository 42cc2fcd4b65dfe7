"""The options that many commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from rein.cli.toolkit import values


class FilePath(click.Path):
    """A path, in which `~` and `~name` stand for a home directory as in a shell: a shell itself expands them in
    `--out ~/x`, but not in `--out=~/x`, nor does a program that starts this one."""

    def __init__(self, *, dir_okay: bool = True, file_okay: bool = True) -> None:
        super().__init__(path_type=Path, dir_okay=dir_okay, file_okay=file_okay)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(os.path.expanduser(value), param, ctx)


GLOBAL_OPTIONS: tuple[Callable[..., Any], ...] = (
    click.option("--home", type=FilePath(file_okay=False), help="Where your data is. [~/.rein]"),
    click.option(
        "--identity", metavar="NAME", shell_complete=values.identities, help="Act as this identity of the home."
    ),
    click.option(
        "--network", metavar="NAME", shell_complete=values.networks, help="mainnet, testnet4, signet or regtest."
    ),
    click.option("--chain", metavar="URL", help="Bitcoin Core's RPC address."),
    click.option("--chain-cookie", type=FilePath(), help="Bitcoin Core's cookie file."),
    click.option("--passphrase-fd", type=int, metavar="N", help="Read the passphrase from this file descriptor."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
    click.option("--yes", "-y", "assume_yes", is_flag=True, help="Answer every confirmation with yes."),
    click.option("--verbose", "-v", is_flag=True, help="Show more: who is asked, and what lies behind an error."),
    click.option("--quiet", "-q", is_flag=True, help="Show results, questions and errors only."),
)

documents_option = click.option("--documents", is_flag=True, help="Show the signed documents and PSBTs in full.")
form_option = click.option("--defaults", "-d", "form_file", type=FilePath(), help="Read the answers from a form file.")
dry_run_option = click.option("--dry-run", "-n", is_flag=True, help="Build and show the document without storing it.")
job_option = click.option(
    "--jobid",
    "job",
    metavar="ID",
    shell_complete=values.jobs,
    help="Job ID, or the beginning of the job document's id.",
)
pay_to_option = click.option(
    "--pay-to",
    metavar="ADDRESS",
    help="Where you are paid: a bech32 address, or an extended key or descriptor for a fresh one. [your wallet]",
)
feerate_option = click.option("--feerate", metavar="SAT/VB", help="For the miner of each payment. [estimated]")
