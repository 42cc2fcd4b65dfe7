"""The options that many commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rein.cli.toolkit import values
from rein.lazy import lazy

if TYPE_CHECKING:
    import difflib
else:
    difflib = lazy("difflib")


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

request_option = click.option(
    "--request-id", metavar="KEY", help="Do it once: a retry with the same key answers with what was done."
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


NEAR: Final = 0.7
"""How alike a name must be to be suggested for one that was mistyped (difflib's ratio): `stauts` for `status`, and not
`--quiet` for `--text`."""


def near(typed: str, names: Iterable[str]) -> list[str]:
    """The names that may be meant, the nearest first. The dashes of options count for nothing."""
    known = {each.lstrip("-"): each for each in names}
    return [known[each] for each in difflib.get_close_matches(typed.lstrip("-"), known, 3, NEAR)]


class Forgiving(click.Command):
    """Its errors about the command line name the command, and suggest only what is near; the example of its help can be
    copied as it stands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            meant = near(error.option_name, error.possibilities or ())
            raise click.NoSuchOption(error.option_name, possibilities=meant, ctx=ctx) from error
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def get_short_help_str(self, limit: int = 0) -> str:
        """The first sentence, whole: a list wraps it."""
        return cleandoc(self.help or "").split("\n\n")[0].replace("\n", " ").split(". ")[0].split(": ")[0].rstrip(".")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        text, _, example = cleandoc(self.help or "").partition("\nExample: ")
        if text.strip():
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(text.rstrip())
        if example:
            formatter.write(f"\n  Example:\n    {example}\n")


class Command(Forgiving):
    """Its help shows its own options, and those of every command in one short block below."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        params = self.get_params(ctx)
        own = [each for each in params if isinstance(each, click.Option) and each.name not in GLOBAL_NAMES]
        with formatter.section("Options"):
            formatter.write_dl([record for each in own if (record := each.get_help_record(ctx))])
        with formatter.section("Global options (rein help options)"):
            formatter.write_text(
                " ".join("/".join(sorted(each.opts, key=len)) for each in params if each.name in GLOBAL_NAMES)
            )


def declared_globals() -> list[click.Option]:
    """The options behind `GLOBAL_OPTIONS`."""

    def nothing() -> None: ...

    for option in reversed(GLOBAL_OPTIONS):
        option(nothing)
    return list(reversed(vars(nothing)["__click_params__"]))


GLOBAL_NAMES: Final = tuple(str(each.name) for each in declared_globals())
"""The parameters behind `GLOBAL_OPTIONS`."""


def global_options_help(context: click.Context) -> str:
    """What the options of every command do."""
    formatter = context.make_formatter()
    with formatter.section("Global options, before or after a command's name"):
        formatter.write_dl([record for each in declared_globals() if (record := each.get_help_record(context))])
    return formatter.getvalue().rstrip("\n")
