"""What a person can do: the state of one's jobs, and what is next."""
