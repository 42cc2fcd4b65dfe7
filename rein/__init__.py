"""Rein: hire and get hired for bitcoin."""

__version__ = "0.4.0.dev0"
