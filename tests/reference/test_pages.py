"""The pages for people: what they link to and the files they name are there, and README is short before "Read on"."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([\w-]+))?\)")
_FILE = re.compile(r"`((?:rein|causeway|tests|docs)/[\w/.]*)(?:::\w+)?`")


def anchors(page: Path) -> set[str]:
    """What a link into a page may name, as GitHub spells it."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=[str(each.relative_to(ROOT)) for each in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            path = page.parent / target if target else page
            assert path.exists(), target
            assert not anchor or anchor in anchors(path), f"{target}#{anchor}"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_the_files_that_are_named_exist(page: str) -> None:
    named = _FILE.findall((ROOT / page).read_text(encoding="utf-8"))
    assert page == "README.md" or len(named) > 20
    assert [each for each in named if not re.search("CAPABILITY|FEATURE", each) and not (ROOT / each).exists()] == []


def test_readme_begins_with_one_screen_and_names_every_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.partition("## Read on")[0].count("\n") <= 40
    linked = {target for target, _ in _LINK.findall(text)}
    assert {f"docs/{each.name}" for each in (ROOT / "docs").glob("*.md")} | {"CONTRIBUTING.md"} <= linked


def test_the_layers_on_the_page_are_those_of_the_contracts() -> None:
    page = " ".join((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split())
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layered = [each for each in contracts if each["type"] == "layers"]
    assert len(layered) == 3
    for contract in layered:
        [container] = contract.get("containers", ["rein"])
        assert f"{container}: {' -> '.join(each.replace('rein.', '') for each in contract['layers'])}" in page


def test_every_decision_is_listed_with_its_date_and_status() -> None:
    folder = ROOT / "docs" / "adr"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == [each.name for each in sorted(folder.glob("0*.md"))]
    for name in listed:
        assert re.search(
            r"(?m)^\d{4}-\d\d-\d\d\. (Accepted|Superseded by)", (folder / name).read_text(encoding="utf-8")
        )


def test_before_a_commit_the_same_ruff_runs_as_in_tox() -> None:
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    [ruff] = tox["testenv:lint"]["deps"].split()
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"additional_dependencies: \[(.+?)\]", hooks) == [ruff, ruff]
