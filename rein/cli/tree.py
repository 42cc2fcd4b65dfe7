"""The command tree: what may follow `rein`, and what `rein help` says of it."""

from __future__ import annotations

from importlib import import_module
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import click

from rein import __version__
from rein.cli.commands import ALIASES, COMMANDS, SECTIONS, names
from rein.cli.common import GLOBAL_OPTIONS, Cli
from rein.cli.toolkit.options import Forgiving, global_options_help, near
from rein.lazy import lazy

if TYPE_CHECKING:
    from click import shell_completion
    from click.shell_completion import CompletionItem

    from rein.cli.identity import legacy_names
else:
    shell_completion = lazy("click.shell_completion")
    legacy_names = lazy("rein.cli.identity.legacy_names")


class Tree(Forgiving, click.Group):
    """The commands, imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == help_command.name:
            return help_command
        if cmd_name in COMMANDS:
            return load(cmd_name)
        return alias(cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in (*names(), help_command.name) and not ctx.resilient_parsing:
            if args[0] in legacy_names.COMMANDS:
                ctx.fail(f"No such command {args[0]!r}. {legacy_names.COMMANDS[args[0]]}")
            meant = near(args[0], names())[:1]
            ctx.fail(f"No such command {args[0]!r}." + "".join(f" Did you mean {each!r}?" for each in meant))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[shell_completion.CompletionItem]:
        """What may stand next; names without importing their modules."""
        told = {name: text for name, (_, text) in COMMANDS.items()}
        found = [
            shell_completion.CompletionItem(name, help=told.get(name))
            for name in names()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Sections and their commands"):
            formatter.write_dl([(name, " ".join(each.commands)) for name, each in SECTIONS.items()])


def load(name: str) -> click.Command:
    """Import a command of the table."""
    found: click.Command = getattr(import_module(COMMANDS[name][0]), name.replace("-", "_"))
    return found


def alias(name: str) -> click.Command | None:
    """The command behind a plain name: a copy of it, with an argument where the alias has one."""
    found = next(((words.split(), target) for words, target in ALIASES.items() if words.split()[0] == name), None)
    if found is None:
        return None
    (_, *argument), target = found
    origin, *option = target.split()
    command = load(origin)
    params = [_as_argument(each, *argument) if set(option) & set(each.opts) else each for each in command.params]
    text = cleandoc(command.help or "").replace(f"rein {target}", f"rein {name}")
    return type(command)(name, params=params, callback=command.callback, help=text)


def _as_argument(option: click.Parameter, metavar: str) -> click.Argument:
    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return option.shell_complete(context, incomplete)

    return click.Argument([str(option.name)], required=False, metavar=f"[{metavar}]", shell_complete=complete)


@click.command("help", cls=Forgiving)
@click.argument("what", nargs=-1)
@click.pass_context
def help_command(context: click.Context, what: tuple[str, ...]) -> None:
    """Show a section, a command, or what there is.

    Example: rein help money
    """
    if len(what) == 1 and what[0] == "options":
        click.echo(global_options_help(context))
    elif len(what) == 1 and what[0] in SECTIONS:
        click.echo(_section_help(context, what[0]))
    else:
        with tree.make_context("rein", [*what, "--help"], obj=context.obj) as asked:
            tree.invoke(asked)


def _section_help(context: click.Context, name: str) -> str:
    """The commands of a section; of a command that has its name, the help comes first."""
    formatter, section = context.make_formatter(), SECTIONS[name]
    if name in section.commands and len(section.commands) == 1:
        return load(name).get_help(click.Context(load(name), info_name=f"rein {name}"))
    with formatter.section(section.title):
        formatter.write_dl([(each, text) for each, (_, text) in section.commands.items()])
    also = [
        f"rein {words} = rein {target}" for words, target in ALIASES.items() if target.split()[0] in section.commands
    ]
    formatter.write("".join(f"  {each}\n" for each in also))
    formatter.write_paragraph()
    formatter.write_text("What a command does: rein help COMMAND" + (f", or rein {name} -h" * (name in COMMANDS)))
    return formatter.getvalue().rstrip("\n")


def _tree(**options: Any) -> None:
    """Hire and get hired for bitcoin, with signed documents, multisig escrow and servers nobody has to trust. Nothing
    is uploaded except by `rein sync`.

    More: rein help SECTION|COMMAND|options. Example: rein --home alice status
    """
    click.get_current_context().ensure_object(Cli).update(options)


for _option in reversed(GLOBAL_OPTIONS):
    _tree = _option(_tree)
tree = click.version_option(__version__, prog_name="rein")(
    click.command("rein", cls=Tree, context_settings={"help_option_names": ["-h", "--help"]})(_tree)
)
