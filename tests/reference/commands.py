"""docs/cli.md, generated from the command tree."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click

from rein import errors
from rein.btc.amounts import COIN, DUST_LIMIT
from rein.cli.commands import ALIASES, COMMANDS, SECTIONS
from rein.cli.common import GLOBAL_OPTIONS
from rein.cli.main import INTERRUPTED, STOPPED
from rein.cli.toolkit.amounts import UNUSUAL
from rein.cli.toolkit.form import LABELS
from rein.cli.tree import tree
from rein.settings import CONFIG_KEYS

DOCS = Path(__file__).parents[2] / "docs"
FILE = DOCS / "cli.md"
COMMAND = "python -m tests.reference"

_HEAD = f"""# Commands

Generated from the program itself by `{COMMAND}`; a test compares. What `--json` prints is in [json.md](json.md).

`rein COMMAND --help` shows the same. Options may stand before or after the command's name. Where a command needs an
answer, it asks on a terminal; without one it ends with exit code 2 and names the option that was missing. Results go
to stdout, everything else to stderr; with `--json`, stdout holds one JSON object and nothing else, except that
`rein watch` writes one for each event.
"""
_QUESTIONS = f"""## Questions and amounts

At a terminal an answer is checked at once, and asked for again until it can be used; the passphrase of a file that
exists three times in all. A
list is picked from by the number, the name or its beginning; `q` quits. A paste is one answer: with all its lines where
a text is asked for; where one line is, a paste of several is refused as a whole. What was typed before a question is
shown does not answer it, and when a command has asked something, or fails, what was typed meanwhile is thrown away, so
that the shell runs nothing of it.

A long text (a description, deliverables, terms, a message ...) may be `@FILE`, or `-` for standard input; a text that
begins with `@` is written `\\@...`. At its prompt an empty answer opens `$VISUAL` or `$EDITOR`.

An amount is bitcoin: `0.015`; or it names its unit: `0.015 BTC`, `15 mBTC`, `1_500_000 sat`. Without a unit,
{UNUSUAL // COIN} BTC and more, and less than {DUST_LIMIT} sat, is repeated in both units and asked about. With `--yes`,
or with nobody at the terminal, it is an error: a script that means it names the unit.
"""
_EXAMPLE = re.compile(r"(?m)^\s*(?:.*\. )?Example: (.+)$")
_DRAWN = re.compile(r"^    [│├└─ ]*(\w+)\s{2,}(\w+)\s{2,}(\d)(?:\s{2,}(.+))?$")


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something: its words after `rein`, and itself, in the order of --help. One that has
    several names comes once, under the first."""
    context, seen = click.Context(tree), set[click.Command]()
    for name in COMMANDS:
        command = tree.get_command(context, name)  # type: ignore[attr-defined]  # it is a Tree
        if isinstance(command, click.Group):
            for below in command.commands.values():
                if below not in seen:
                    yield name if below.name == getattr(command, "alone", None) else f"{name} {below.name}", below
        else:
            seen.add(command)
            yield name, command


def names() -> list[str]:
    """What follows `rein`, for every command."""
    return [name for name, _ in leaves()]


def example_of(command: click.Command) -> str | None:
    """The command line after "Example:"."""
    found = _EXAMPLE.search(inspect.cleandoc(command.help or ""))
    return found[1] if found else None


def reference() -> str:
    """The whole page."""
    sections = [_HEAD, _QUESTIONS, _global_options(), _common_options(), _exit_codes(), _environment(), _forms()]
    sections += [_contents(), *(_section(name, command) for name, command in leaves())]
    return "\n".join(sections)


def _own_options(command: click.Command) -> list[click.Option]:
    return [each for each in command.params if isinstance(each, click.Option) and each.name not in _shared()]


@cache
def _common_rows() -> list[str]:
    """The rows of options that at least three commands have; of two about one option, the more frequent."""
    rows = Counter(_row(option) for _, command in leaves() for option in _own_options(command))
    by_option: dict[str, str] = {}
    for row, commands in rows.most_common():
        if commands >= 3:
            by_option.setdefault(row.split("`")[1], row)
    return list(by_option.values())


def _common_options() -> str:
    lines = ["## Options of several commands", "", "| Option | What it does |", "| --- | --- |", *_common_rows(), ""]
    return "\n".join(lines)


def _forms() -> str:
    lines = ["## Form files", ""]
    lines += ["What `--defaults FILE` (`-d`) reads: the title of the document that the command makes,"]
    lines += ["then `Label: value` lines, with `\\n` for a line break. What is not there is asked for.", ""]
    lines += ["| First line | Labels |", "| --- | --- |"]
    lines += [f"| `{title}` | {', '.join(f'`{each}`' for each in labels)} |" for title, labels in LABELS.items()]
    return "\n".join([*lines, ""])


def _contents() -> str:
    lines = ["## All commands", "", "By section, as in `rein --help`.", ""]
    for section, about in SECTIONS.items():
        found = [name for name, _ in leaves() if name.split()[0] in about.commands]
        linked = ", ".join(f"[`{name}`](#rein-{name.replace(' ', '-')})" for name in found)
        lines.append(f"- {section} ({about.title.lower()}): {linked}")
    also = ", ".join(f"`rein {words}` for `rein {target}`" for words, target in ALIASES.items())
    return "\n".join([*lines, "", f"Other names: {also}.", ""])


def _section(name: str, command: click.Command) -> str:
    usage = " ".join(command.collect_usage_pieces(click.Context(command)))
    lines = [f"## `rein {name}`", "", f"    rein {name} {usage}", "", *_prose(command), ""]
    rows = {_row(each): each for each in _own_options(command)}
    own = [row for row in rows if row not in _common_rows()]
    common = [f"`{each.opts[0]}`" for row, each in rows.items() if row in _common_rows()]
    if own:
        lines += ["| Option | What it does |", "| --- | --- |", *own, ""]
    if common:
        lines += [f"{'Also' if own else 'Takes'} {', '.join(common)}: see [above](#options-of-several-commands).", ""]
    example = example_of(command)
    if example:
        lines += ["Example:", "", f"    {example}", ""]
    if name == "doctor":
        lines += ["Exit code 1 if something fails.", ""]
    return "\n".join(lines)


def _prose(command: click.Command) -> list[str]:
    """The help without its example; what stands in columns there stays in columns."""
    lines = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(command.help or "")):
        if paragraph.startswith("\b\n"):
            lines += [*(f"    {line}" for line in paragraph.split("\n")[1:]), ""]
        else:
            text = _EXAMPLE.sub("", paragraph).strip() if paragraph.startswith("Example") else paragraph
            lines += [text.replace("\n", " "), ""] if text else []
    return lines[:-1]


def _shared() -> set[str]:
    def none() -> None: ...

    for option in GLOBAL_OPTIONS:
        option(none)
    return {str(each.name) for each in vars(none)["__click_params__"]}


def _global_options() -> str:
    def none() -> None: ...

    for option in reversed(GLOBAL_OPTIONS):
        option(none)
    rows = [_row(each) for each in reversed(vars(none)["__click_params__"])]
    return "\n".join(["## Options of every command", "", "| Option | What it does |", "| --- | --- |", *rows, ""])


def _row(option: click.Option) -> str:
    spelled = ", ".join(f"`{each}`" for each in [*option.opts, *option.secondary_opts])
    value = "" if option.is_flag else f" `{option.make_metavar(click.Context(tree))}`"
    repeated = " Repeatable." if option.multiple and "epeatable" not in (option.help or "") else ""
    needed = " Required." if option.required else ""
    return f"| {spelled}{value} | {(option.help or '').replace('|', chr(92) + '|')}{repeated}{needed} |"


def _exit_codes() -> str:
    """From the error tree, whose docstring a test holds to be true."""
    rows = [("0", "", "done")]
    rows += [("1", "`error`", "an unexpected error; or `rein doctor` found something that fails")]
    rows += [("2", "`usage`", "a usage error: no such command, option or value")]
    found = [_DRAWN.match(line) for line in (errors.__doc__ or "").splitlines()]
    drawn = {match[2]: (match[3], match[4]) for match in found if match}
    for each in _classes(errors.ReinError):
        exit_code, meaning = drawn[each.code]
        assert int(exit_code) == each.exit_code
        rows.append((exit_code, f"`{each.code}`", meaning or _MEANINGS.get(each.code, "")))
    rows.append((str(INTERRUPTED), f"`{STOPPED}`", "stopped by Ctrl-C"))
    head = ["## Exit codes", "", "The code in the middle is what `--json` gives as `error.code`.", ""]
    table = ["| Exit | Code | What it means |", "| --- | --- | --- |"]
    return "\n".join([*head, *table, *(f"| {number} | {code} | {text} |" for number, code, text in rows), ""])


_MEANINGS = {
    "passphrase": "a passphrase that is missing, too short or wrong",
    "too_large": "a text larger than a document may be",
    "bad_armor": "a text that is not in the armor of signed messages",
    "bad_field": "a field that is missing, repeated, unknown or malformed",
    "bad_signature": "a signature that does not belong to its text",
    "bad_psbt": "a PSBT that is malformed, or not the payment it should be",
}


def _classes(base: type[errors.ReinError]) -> Iterator[type[errors.ReinError]]:
    for each in base.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from _classes(each)


def _environment() -> str:
    from rein import settings

    variables = {
        settings.HOME_VARIABLE: "as `--home`",
        settings.NETWORK_VARIABLE: "as `--network`",
        settings.IDENTITY_VARIABLE: "as `--identity`",
        settings.CHAIN_VARIABLE: "as `--chain`",
        settings.COOKIE_VARIABLE: "as `--chain-cookie`",
        settings.PROXY_VARIABLE: "a SOCKS5 proxy for everything",
        settings.AUTOSYNC_VARIABLE: "on or off: fetch and publish without `rein sync`",
        settings.PASSPHRASE_VARIABLE: "the passphrase, for scripts; `--passphrase-fd` is the safer way",
        "NO_COLOR": "if set, no colours",
        "CLICOLOR_FORCE": "if set and not 0, colours even where the output is no terminal",
        "COLUMNS": "how wide tables may be",
    }
    rows = [f"| `{name}` | {meaning} |" for name, meaning in variables.items()]
    keys = [f"| `{name}` | {meaning} |" for name, meaning in CONFIG_KEYS.items()]
    return "\n".join(
        [
            "## Environment and settings",
            "",
            "A flag wins over the environment, and that over `config.toml` in the home (`rein config`).",
            "",
            "| Variable | What it does |",
            "| --- | --- |",
            *rows,
            "",
            "| Setting | What it is |",
            "| --- | --- |",
            *keys,
            "",
        ]
    )
