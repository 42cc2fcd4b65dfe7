"""`rein`: the command tree. A command's module is imported only when the command is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from rein import __version__
from rein.cli.common import GLOBAL_OPTIONS, Cli
from rein.errors import ReinError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: dict[str, tuple[str, str]] = {
    "setup": ("rein.cli.identity.setup", "Create your identity."),
    "identities": ("rein.cli.identity.identities", "List the identities of this home."),
    "enroll": ("rein.cli.identity.enroll", "Change your contact, terms or delegate."),
    "unlock": ("rein.cli.identity.unlock", "Open your key file for a while."),
    "lock": ("rein.cli.identity.unlock", "Close it again."),
    "backup": ("rein.cli.identity.backup", "Write this home into one encrypted file."),
    "restore": ("rein.cli.identity.backup", "Make a home from such a file."),
    "request": ("rein.cli.hosting.request", "Ask a server for free microhosting."),
    "buy": ("rein.cli.hosting.buy", "Buy hosting at a server."),
    "servers": ("rein.cli.hosting.servers", "See your servers: price, space, expiry, speed."),
    "server": ("rein.cli.hosting.server", "Request or buy hosting, list your servers."),
    "sync": ("rein.cli.sync.sync", "Upload what you wrote, fetch what is new."),
    "jobs": ("rein.cli.market.jobs", "List the jobs you could bid on, and your own."),
    "mediators": ("rein.cli.market.mediators", "List who would mediate, and what is proved of their past."),
    "search": ("rein.cli.market.search", "Search jobs and people."),
    "hide": ("rein.cli.market.hide", "Hide a job, a bid or a person from your lists."),
    "unhide": ("rein.cli.market.hide", "Show it again."),
    "post": ("rein.cli.jobs.post", "Post a job."),
    "bid": ("rein.cli.jobs.bid", "Bid on a job."),
    "bids": ("rein.cli.jobs.bids", "List the bids on your jobs, and those you made."),
    "offer": ("rein.cli.jobs.offer", "Give your job to a bid."),
    "fund": ("rein.cli.money.fund", "See what to pay into escrow, and watch it arrive."),
    "deliver": ("rein.cli.jobs.deliver", "Deliver what was asked for."),
    "accept": ("rein.cli.money.accept", "Accept a delivery and sign both payments."),
    "collect": ("rein.cli.money.collect", "Collect your money."),
    "settle": ("rein.cli.money.settle", "Propose to the other how to end a job."),
    "refund": ("rein.cli.money.settle", "Give the money back to the job creator."),
    "agree": ("rein.cli.money.settle", "Agree to a settlement or a refund."),
    "creatordispute": ("rein.cli.money.dispute", "Call the mediator, as the job creator."),
    "workerdispute": ("rein.cli.money.dispute", "Call the mediator, as the worker."),
    "resolve": ("rein.cli.money.resolve", "Decide a dispute, as the mediator."),
    "acceptresolution": ("rein.cli.money.resolve", "Take the mediator's decision."),
    "bump": ("rein.cli.money.bump", "Hurry a payment that waits for a block."),
    "message": ("rein.cli.messages.message", "Write to another party of a job, sealed."),
    "messages": ("rein.cli.messages.message", "Read the messages of a job."),
    "disclose": ("rein.cli.messages.message", "Let the mediator read a conversation."),
    "rate": ("rein.cli.market.rate", "Rate somebody you had a job with."),
    "trust": ("rein.cli.market.trust", "See how somebody was rated, and by whom you trust."),
    "withdraw": ("rein.cli.jobs.withdraw", "Take back a document you have not published."),
    "keep": ("rein.cli.evidence.keep", "Keep signed documents that somebody handed you."),
    "explain": ("rein.cli.money.explain", "Explain a payment before anybody signs it."),
    "verify": ("rein.cli.evidence.verify", "Check one signed document: by whom, and might he?"),
    "status": ("rein.cli.status.status", "See your jobs, or the story of one."),
    "wallet": ("rein.cli.wallet.wallet", "See, spend and export what you were paid."),
    "watch": ("rein.cli.notify.watch", "Be told of what happens in the market and in your jobs."),
    "psbt": ("rein.cli.money.psbt", "Look at, combine, carry and take in PSBTs of any wallet."),
    "oldescrow": ("rein.cli.money.oldescrow", "Look at and spend the P2SH escrows of 2016."),
    "case": ("rein.cli.evidence.case", "Put a job into one file that proves itself, or check one."),
    "export": ("rein.cli.accounting.export", "Write your ledger, or the invoice or receipt of a job."),
    "config": ("rein.cli.config", "Show or change a setting."),
    "testnet": ("rein.cli.config", "Work on the test network: true or false."),
    "doctor": ("rein.cli.diagnostics.doctor", "Look your installation over."),
    "completion": ("rein.cli.completion", "Let your shell complete commands and options."),
    "demo": ("rein.cli.demo", "Watch a whole job on a private chain."),
    "devnet": ("rein.cli.devnet", "Run a private regtest chain."),
}
"""Name: module that holds the command under that name, and what it does."""

COMPLETION_VARIABLE = "_REIN_COMPLETE"
"""Set by the shell when it wants to know what may stand next (`rein completion`)."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it: 128 and the signal's number."""

USAGE = "usage"
"""The code, for programs, of a command line that is none."""

_LOOK = "Look where the output goes, and at the disk: rein doctor"

STOPPED = "stopped"
"""The code, for programs, after Ctrl-C."""


class Tree(click.Group):
    """The commands, imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(import_module(COMMANDS[cmd_name][0]), cmd_name.replace("-", "_"))
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not ctx.resilient_parsing:  # a shell that completes asks about it too
            import difflib  # it takes 10 ms to load

            from rein.cli.identity.legacy_names import COMMANDS as OF_2016

            if args[0] in OF_2016:
                ctx.fail(f"No such command {args[0]!r}. {OF_2016[args[0]]}")
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What may stand next; names without importing their modules."""
        from click.shell_completion import CompletionItem

        names = [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _tree(**options: Any) -> None:
    """Hire and get hired for bitcoin, with signed documents, multisig escrow and servers nobody has to trust.

    Nothing is uploaded except by `rein sync`. What a command does: rein help COMMAND

    Example: rein --home alice status
    """
    click.get_current_context().ensure_object(Cli).update(options)


for _option in reversed(GLOBAL_OPTIONS):
    _tree = _option(_tree)
tree = click.version_option(__version__, prog_name="rein")(
    click.command("rein", cls=Tree, context_settings={"help_option_names": ["-h", "--help"]})(_tree)
)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit code. Every error of ours is one sentence and a hint, never a traceback."""
    cli, code = Cli(), 1
    try:
        code = _run(cli, list(sys.argv[1:] if arguments is None else arguments))
    finally:
        cli.terminal.leave(failed=code != 0)
    return code


def _run(cli: Cli, words: list[str]) -> int:
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    try:
        with tree.make_context("rein", [*words], obj=cli) as context:
            tree.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        if "--json" not in words:
            error.show()
            return error.exit_code
        return _misused(cli, words, click.UsageError("no command was given", error.ctx))
    except click.ClickException as error:
        return _misused(cli, words, error)
    except (click.Abort, KeyboardInterrupt):
        cli.terminal.stopped(STOPPED)
        return INTERRUPTED
    except ReinError as error:
        cli.terminal.error(error)
        return error.exit_code
    except OSError as error:
        return _lost(cli, error)
    return 0


def _in_todays_words(error: click.ClickException) -> click.ClickException:
    """Where an option of 2016 was typed, add what to type today."""
    if isinstance(error, click.NoSuchOption):
        from rein.cli.identity.legacy_names import OPTIONS

        if error.option_name in OPTIONS:
            return click.UsageError(f"{error.message} {OPTIONS[error.option_name]}", error.ctx)
    return error


def _misused(cli: Cli, words: list[str], error: click.ClickException) -> int:
    """A command line that is none."""
    error = _in_todays_words(error)
    cli.update({"as_json": "--json" in words})
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "rein"
    cli.terminal.failure(USAGE, error.format_message(), f"The options and an example: {command} --help")
    return error.exit_code


def _lost(cli: Cli, error: OSError) -> int:
    """What was printed went nowhere: who read it has read enough, or the disk is full. Or the system says no to
    something that nobody foresaw."""
    if not isinstance(error, BrokenPipeError):
        with suppress(OSError):
            cli.terminal.failure(ReinError.code, f"the system did not let this finish: {error}", _LOOK)
    with suppress(OSError, ValueError):  # else Python tries once more at its end, and complains
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def main() -> None:
    """The console script."""
    _prepare_streams()
    if COMPLETION_VARIABLE in os.environ:
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(tree, {}, "rein", COMPLETION_VARIABLE, os.environ[COMPLETION_VARIABLE]))
    try:
        code = run()
    except KeyboardInterrupt:  # once more, while the first was answered
        code = INTERRUPTED
    sys.exit(code)


def _prepare_streams() -> None:
    """Have a stream where the shell closed it, and none that stumbles over a letter it cannot write."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.open(os.devnull, os.O_WRONLY), "w", closefd=False))  # noqa: SIM115 - to the end
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
