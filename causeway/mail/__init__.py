"""Mail to owners."""
