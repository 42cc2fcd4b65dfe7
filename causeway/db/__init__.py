"""The database: PostgreSQL and nothing else, the operator's own or one that the server starts itself."""
