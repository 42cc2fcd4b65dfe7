"""Names of python-rein 0.1 to 0.3 that are no longer used, and what to type instead. docs/from-2016.md has all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

COMMANDS: Final[Mapping[str, str]] = {
    "tor": "It is `rein config tor on` (or off) now, with the proxy's address behind it if it is not 127.0.0.1:9050.",
    "debug": "It is the option --verbose of any command now.",
    "start": "There is no page in the browser yet: `rein status` shows what needs you, `rein --help` every command.",
}
OPTIONS: Final[Mapping[str, str]] = {
    "--multi": "Choose who acts: --identity NAME; `rein identities` lists them, `rein config identity NAME` remembers.",
    "--no-multi": "Choose who acts: --identity NAME; `rein identities` lists them.",
    "-m": "It was short for --multi: choose who acts with --identity NAME.",
    "-i": "It was short for --identity: write it out.",
    "--debug": "It is --verbose now.",
    "--no-debug": "It is what happens without --verbose now.",
}
SETTINGS: Final[Mapping[str, str]] = {
    "debug": "It is the option --verbose of any command now.",
    "fee": "What a miner gets is estimated for every payment now; say otherwise with --feerate.",
    "blockexplorer": "Add a chain source: rein config chain esplora URL",
    "explorer": "Add a chain source: rein config chain esplora URL",
    "api": "Add a chain source: rein config chain esplora URL",
    "trust_score": "The score is told whenever you ask for it: rein trust NAME --explain",
}
