"""What was read, agreed or planned cannot be changed afterwards: what is shown is what is signed."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import is_dataclass

import pytest

import rein.escrow
import rein.protocol

MODULES = [
    name
    for package in (rein.escrow, rein.protocol)
    for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_no_record_can_be_changed(name: str) -> None:
    own = [each for _, each in inspect.getmembers(importlib.import_module(name), inspect.isclass)]
    open_ones = [each for each in own if is_dataclass(each) and not each.__dataclass_params__.frozen]
    assert open_ones == []
