"""Commands: what is wrong with an installation."""
