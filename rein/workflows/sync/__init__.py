"""What a person can do: exchanging documents with servers."""
