"""Commands: exchanging documents with servers."""
