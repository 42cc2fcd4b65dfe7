"""What a person can do: the orders of this home: loading, answering, storing, and whose keys they need."""
