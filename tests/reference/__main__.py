"""`python -m tests.reference`: write docs/cli.md and the man pages, and tell what docs/json.md lacks."""

from __future__ import annotations

import sys

from tests.reference import commands, man, schemas

commands.FILE.write_text(commands.reference(), encoding="utf-8")
missing = [name for name in commands.names() if name not in schemas.read_schemas()]
sys.stdout.write(f"{commands.FILE} is written.\n")
man.FOLDER.mkdir(exist_ok=True)
for page, text in man.pages().items():
    (man.FOLDER / page).write_text(text, encoding="utf-8")
for name in missing:
    sys.stdout.write(f"{schemas.FILE} has no section for `rein {name}`.\n")
