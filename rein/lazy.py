"""Modules that are loaded when something of them is first used: requests alone takes longer to load than most commands
take to run.

The names are given twice, to type checkers and import-linter as imports, and to Python as text; a test compares them:

    if TYPE_CHECKING:
        import requests
    else:
        requests = lazy("requests")

`importlib.util.LazyLoader` would do the same for everybody in the process, but lets two threads load a module at once
(before Python 3.11.5).
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


class _LazyModule(ModuleType):
    """Stands for a module. It stores nothing, so what is replaced in the module is replaced here as well."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


def lazy(name: str) -> Any:
    """What stands for the module of this full name; `import_module` sees to it that threads load it once."""
    return _LazyModule(name)
