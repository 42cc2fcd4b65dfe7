"""Copies of what other servers store: pulled from the feeds of the operator's peers, and served as our own."""
