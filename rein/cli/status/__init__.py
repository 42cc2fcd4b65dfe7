"""Commands: the state of one's jobs, and what is next."""
