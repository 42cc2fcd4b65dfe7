"""`rein setup` at a real terminal: an answer that cannot be used costs no other one; nothing written down is void."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from rein.identity.keyfile import read_key_file
from tests.support.evil_server import evil_server
from tests.support.screen import ENTER, ended, rein_at_terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

PASSPHRASE = "correct horse battery"
NOWHERE = ("--network", "regtest", "--chain", "http://ann:x@127.0.0.1:9")
TREZOR = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def answer(child: pexpect.spawn[str], prompt: str, text: str) -> None:
    child.expect_exact(prompt)
    child.send(text + ENTER)


def shown_words(child: pexpect.spawn[str]) -> dict[int, str]:
    """The recovery phrase on the screen, by number."""
    child.expect(r"(?s)shown this once\.(.*?12 [a-z]+)")
    return {int(number): word for number, word in re.findall(r"(\d+) ([a-z]+)", child.match[1])}


def confirm(child: pexpect.spawn[str], words: dict[int, str], *wrong: str) -> None:
    for number in range(3):
        child.expect(r"Word (\d+): ")
        word = int(child.match[1])
        for each in wrong if number == 0 else ():
            child.send(each + ENTER)
            child.expect_exact(f"That is not word {word}.")
            child.expect_exact(f"Word {word}: ")
        child.send(words[word] + ENTER)


def test_each_answer_is_checked_and_asked_for_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with rein_at_terminal("--home", str(home), *NOWHERE, "setup") as child:
        answer(child, "Name or handle: ", "   ")
        child.expect_exact("--name: the text is empty.")
        answer(child, "Name or handle: ", "x" * 500)
        child.expect_exact("--name: the text has 500 characters")
        answer(child, "Name or handle: ", "Ann")
        answer(child, "e-mail): ", "ann@example.org")
        answer(child, "willing to mediate? [y/N]: ", "y")
        answer(child, "Your fee in percent [1.0]: ", "150")
        child.expect_exact("The mediator's fee")
        answer(child, "Your fee in percent [1.0]: ", "two")
        answer(child, "Your fee in percent [1.0]: ", "1.5")
        for _ in range(4):  # more than the tries of a passphrase that opens something
            answer(child, "A passphrase for your key file: ", "short")
            answer(child, "Repeat it: ", "short")
            child.expect_exact("5 characters; at least 8 are needed.")
            assert "recovery phrase" not in str(child.before), "nothing is written down before the passphrase will do"
        answer(child, "A passphrase for your key file: ", PASSPHRASE)
        answer(child, "Repeat it: ", PASSPHRASE)
        words = shown_words(child)
        confirm(child, words, "wrong", "wronger", "wrongest", "still wrong")
        code, told = ended(child)
    assert (code, "You are Ann." in told) == (0, True)
    (key_file,) = (home / "keys").iterdir()
    assert read_key_file(key_file, PASSPHRASE).split() == [words[number] for number in range(1, 13)]


def test_the_words_are_shown_again_to_who_wrote_one_wrongly(tmp_path: Path) -> None:
    setup = ("setup", "--name", "Ann", "--contact", "a", "--no-mediate")
    home = ("--home", str(tmp_path / "home"))
    with rein_at_terminal(*home, *NOWHERE, *setup, REIN_PASSPHRASE=PASSPHRASE) as child:
        words = shown_words(child)
        child.expect(r"Word (\d+): ")
        child.send("?" + ENTER)
        child.expect_exact(f"12 {words[12]}")
        confirm(child, words)
        assert ended(child)[0] == 0


@pytest.mark.parametrize("prompt", ["Name or handle: ", "A passphrase for your key file: ", "Word "])
def test_ctrl_c_leaves_all_as_it_was(tmp_path: Path, prompt: str) -> None:
    home = tmp_path / "home"
    with rein_at_terminal("--home", str(home), *NOWHERE, "setup") as child:
        for each, text in (
            ("Name or handle: ", "Ann"),
            ("e-mail): ", "a"),
            ("mediate? [y/N]: ", "n"),
            ("A passphrase for your key file: ", PASSPHRASE),
            ("Repeat it: ", PASSPHRASE),
            ("Word ", ""),
        ):
            if each == prompt:
                child.expect_exact(each)
                child.send("\x03")
                break
            answer(child, each, text)
        code, told = ended(child)
    assert (code, "Stopped; nothing more was done." in told) == (130, True)
    assert not home.exists()


def test_of_a_phrase_that_is_typed_only_the_mistyped_word_is_asked_for_again(tmp_path: Path) -> None:
    wrong = TREZOR.replace("sausage", "sossage")
    with evil_server() as evil:
        words = ("--home", str(tmp_path / "home"), *NOWHERE, "setup", "--restore", "--server", evil.url)
        with rein_at_terminal(*words, REIN_PASSPHRASE=PASSPHRASE) as child:
            answer(child, "its words: ", "too few words")
            child.expect_exact("words, not 3")
            answer(child, "its words: ", wrong)
            child.expect_exact("Word 6, 'sossage', is not in the list.")
            answer(child, "Word 6: ", "sausages")
            answer(child, "Word 6: ", "Sausage")
            code, told = ended(child)
    assert code == 2
    assert "no server that answered has an enrollment of this recovery phrase" in " ".join(told.split())


def test_a_home_that_cannot_be_written_is_told_before_the_words_are_shown(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    setup = ("setup", "--name", "Ann", "--contact", "a", "--no-mediate", "--network", "regtest")
    with rein_at_terminal("--home", str(tmp_path / "file" / "home"), *setup, REIN_PASSPHRASE=PASSPHRASE) as child:
        code, told = ended(child)
    assert code != 0
    assert "recovery phrase is your identity" not in told


def test_without_a_terminal_it_stays_an_error(tmp_path: Path) -> None:
    from tests.cli.conftest import Result, run_command

    def refused(*words: str) -> dict[str, Any]:
        done = Result(*run_command(["--home", str(tmp_path / "home"), *NOWHERE, "--json", "setup", *words]))
        assert done.code != 0
        error: dict[str, Any] = json.loads(done.out)["error"]
        return error

    assert refused("--name", " ", "--contact", "a", "--no-mediate")["message"] == "--name: the text is empty"
    fee = refused("--name", "Ann", "--contact", "a", "--mediate", "--fee", "150")
    assert fee["code"] == "input"
    assert "--contact" in refused("--name", "Ann")["hint"]
    assert not (tmp_path / "home").exists()
