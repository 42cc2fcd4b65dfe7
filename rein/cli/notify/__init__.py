"""Commands: notifications of what happens."""
