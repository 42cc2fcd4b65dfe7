"""The database: PostgreSQL, the operator's own or one that the server starts."""
