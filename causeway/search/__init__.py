"""Finding documents: an index of typed columns, filled as documents arrive, and the queries on it."""
