"""docs/cli.md and docs/json.md: what they must say. `python -m tests.reference` writes what can be generated."""
