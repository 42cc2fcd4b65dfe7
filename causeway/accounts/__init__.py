"""Owners: the master addresses that hosting is kept for."""
