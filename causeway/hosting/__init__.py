"""Buckets: the storage and the transfer an owner has, counted to the byte."""
