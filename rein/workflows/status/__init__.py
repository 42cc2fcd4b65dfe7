"""What a person can do: what one's jobs come to, and what is next."""
