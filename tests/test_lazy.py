"""Modules that are loaded when they are first used."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
import threading
import wave
from importlib.util import find_spec
from pathlib import Path

import pytest

import rein
from rein.lazy import lazy

ROOT = Path(rein.__file__).parent
MODULES = sorted(
    path for path in ROOT.rglob("*.py") if "lazy(" in path.read_text(encoding="utf-8") and path != ROOT / "lazy.py"
)


def imported(branch: list[ast.stmt]) -> dict[str, str]:
    """The names that import statements bind, and the modules these are."""
    names: dict[str, str] = {}
    for each in branch:
        if isinstance(each, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in each.names}
        elif isinstance(each, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{each.module}.{alias.name}" for alias in each.names}
    return names


def stood_for(branch: list[ast.stmt]) -> dict[str, str]:
    """The names that are assigned `lazy(...)`, and what they stand for."""
    names: dict[str, str] = {}
    for each in branch:
        match each:
            case ast.Assign([ast.Name(name)], ast.Call(ast.Name("lazy"), [ast.Constant(str(module))])):
                names[name] = module
            case _:
                pytest.fail(f"line {each.lineno} is not NAME = lazy(MODULE)")
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_type_checkers_see_the_modules_that_run(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    blocks = [
        each
        for each in tree.body
        if isinstance(each, ast.If) and isinstance(each.test, ast.Name) and each.test.id == "TYPE_CHECKING"
    ]
    lazies = {name: module for each in blocks for name, module in stood_for(each.orelse).items()}
    seen = {name: module for each in blocks for name, module in imported(each.body).items()}
    assert lazies
    assert {name: seen.get(name) for name in lazies} == lazies
    assert all(find_spec(module) for module in lazies.values())
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and ast.unparse(each.func) == "lazy"]
    assert len(calls) == len(lazies), "only in the branch that type checkers do not see"


def test_a_module_is_loaded_when_it_is_first_used() -> None:
    script = """
        import sys
        from rein.lazy import lazy
        wave = lazy("wave")
        assert "wave" not in sys.modules
        try:
            raise ValueError
        except ValueError:
            pass
        except wave.Error:
            raise AssertionError
        assert "wave" not in sys.modules
        assert wave.Error.__name__ == "Error"
        assert sys.modules["wave"].Error is wave.Error
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=60)


def test_threads_that_ask_at_once_get_one_module_and_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_to_load.py").write_text("import time\nfirst = object()\ntime.sleep(0.2)\nlast = first\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = lazy("slow_to_load")
    found: list[tuple[object, object]] = []
    threads = [threading.Thread(target=lambda: found.append((module.last, module.first))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 8
    assert {(last is first, id(first)) for last, first in found} == {(True, id(module.first))}


def test_what_is_replaced_in_a_module_is_replaced_in_what_stands_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wave, "Error", KeyError)
    assert lazy("wave").Error is KeyError


def test_a_module_that_is_not_there_is_missed_when_it_is_used() -> None:
    missing = lazy("rein.not_there")
    with pytest.raises(ModuleNotFoundError, match="not_there"):
        missing.anything  # noqa: B018 - the question is the test
    with pytest.raises(AttributeError, match="nothing_like_it"):
        lazy("wave").nothing_like_it  # noqa: B018 - as above
