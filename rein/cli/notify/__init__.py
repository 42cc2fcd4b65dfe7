"""Commands: being told of what happens."""
