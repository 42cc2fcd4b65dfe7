"""Copies of what other servers keep: pulled from the feeds of peers that the operator names, and served as our own."""
