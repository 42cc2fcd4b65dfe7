"""What people typed in 2016 either works or says what to type today; docs/from-2016.md is true about both."""

from __future__ import annotations

from pathlib import Path

import pytest

from rein.cli.words_of_2016 import COMMANDS as GONE
from rein.cli.words_of_2016 import OPTIONS, SETTINGS
from rein.settings import Flags, load_settings, read_config
from tests.cli.conftest import Rein


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
def test_a_setting_that_is_gone_says_what_took_its_place(rein: Rein, key: str, value: tuple[str, ...]) -> None:
    result = rein("config", key, *value, "--json")
    assert (result.code, result.data["error"]["hint"]) == (2, SETTINGS[key])


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
