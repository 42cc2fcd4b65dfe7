"""Commands: what one's jobs come to, and what is next."""
