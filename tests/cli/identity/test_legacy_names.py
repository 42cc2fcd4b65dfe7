"""What people typed in 2016 either works or says what to type today; docs/from-2016.md is true about both."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from rein.cli.commands import COMMANDS
from rein.cli.console.advice import with_options
from rein.cli.identity.legacy_names import COMMANDS as GONE
from rein.cli.identity.legacy_names import OPTIONS, SETTINGS
from rein.cli.tree import tree
from rein.settings import CONFIG_KEYS, Flags, load_settings, read_config
from tests.cli.conftest import Rein
from tests.reference.commands import DOCS


@pytest.mark.parametrize("words", [(name, "true") for name in GONE] + [("start", "-m", "--setup")])
def test_a_command_that_is_gone_says_what_took_its_place(rein: Rein, words: tuple[str, ...]) -> None:
    result = rein(*words, yes=False)
    assert result.code == 2
    assert GONE[words[0]] in " ".join(result.err.split())


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("place", [(), ("status",)], ids=["before", "after"])
def test_an_option_that_is_gone_says_what_took_its_place(rein: Rein, option: str, place: tuple[str, ...]) -> None:
    result = rein(*place, option, "--json")
    assert result.code == 2
    assert OPTIONS[option] in result.data["error"]["message"]


@pytest.mark.parametrize("key", SETTINGS)
@pytest.mark.parametrize("value", [(), ("true",), ("a", "b")], ids=["none", "one", "two"])
def test_a_setting_that_is_gone_says_what_took_its_place(
    rein: Rein, key: str, value: tuple[str, ...], tmp_path: Path
) -> None:
    result = rein("config", key, *value, "--json")
    hint = with_options(SETTINGS[key], f"--home {tmp_path / 'home'}")
    assert (result.code, result.data["error"]["hint"]) == (2, hint)


def test_tor_and_testnet_are_switched_with_the_words_of_2016(rein: Rein, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for on, off in (("on", "off"), ("true", "false"), ("enabled", "disabled")):
        assert rein("config", "tor", on).code == 0
        assert load_settings(Flags(home=home), {}).proxy == "socks5h://127.0.0.1:9050"
        assert rein("config", "tor", off).code == 0
        assert load_settings(Flags(home=home), {}).proxy is None
        for words in (("config", "testnet"), ("testnet",)):
            assert rein(*words, on).code == 0
            assert read_config(home)["network"] == "testnet4"
            assert rein(*words, off).code == 0
            assert read_config(home)["network"] == "mainnet"
    for words in (("config", "testnet"), ("config", "testnet", "maybe"), ("config", "tor", "off", "127.0.0.1:1")):
        assert rein(*words).code == 2


PAGE = (DOCS / "from-2016.md").read_text(encoding="utf-8")
OF_2016 = (
    *("setup", "post", "bid", "offer", "deliver", "accept", "creatordispute", "workerdispute", "resolve"),
    *("acceptresolution", "request", "buy", "sync", "rate", "status", "config", "testnet", "tor", "debug", "start"),
)
"""Every command of 0.1 to 0.3."""


def section(title: str) -> list[list[str]]:
    """The rows of the first table below a heading of the page, their cells."""
    below = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def commands_in(text: str) -> list[list[str]]:
    """The words behind `rein` wherever it stands in code."""
    return [shlex.split(found) for found in re.findall(r"`rein ([^`]+)`", text)]


def test_the_page_names_every_command_of_2016() -> None:
    then = {words[0] for row in section("Commands") for words in commands_in(row[0])}
    assert then == set(OF_2016)


def test_the_page_names_every_setting_of_2016() -> None:
    then = {name for row in section("Settings") for name in re.findall(r"`(\w+)`", row[0])}
    assert then == {*SETTINGS, "testnet", "tor"} - {"explorer"}


def test_what_the_page_says_to_type_can_be_typed() -> None:
    then = {"`rein tor true`", "`rein debug true`", "`rein start`"}
    today = PAGE
    for words in then:
        today = today.replace(words, "")
    typed = commands_in(today)
    assert len(typed) > 40
    for words in typed:
        name, *rest = words
        command = tree.get_command(click.Context(tree), name)  # type: ignore[attr-defined]  # it is a Tree
        assert command is not None, f"rein {name} is no command"
        if isinstance(command, click.Group):
            command = command.get_command(click.Context(command), rest.pop(0))
            assert command is not None, words
        if rest:
            command.make_context(
                name, ["1" if word == "PERCENT" else word for word in rest], parent=click.Context(tree)
            )


def test_options_and_settings_the_page_names_are_there() -> None:
    for option in set(re.findall(r"`(--[a-z]+)[ `]", PAGE)) - set(OPTIONS):
        assert f"`{option}`" in (DOCS / "cli.md").read_text(encoding="utf-8"), option
    for key in re.findall(r"`rein config (\w+)", PAGE):
        assert key in {*CONFIG_KEYS, "tor", "KEY"}, key


def test_a_command_of_2016_is_one_of_today_or_answers() -> None:
    assert set(OF_2016) <= {*COMMANDS, *GONE}
    assert not set(COMMANDS) & set(GONE)


def test_the_readme_leads_to_the_page() -> None:
    assert "docs/from-2016.md" in (DOCS.parent / "README.md").read_text(encoding="utf-8")
