"""The index of documents: typed columns, filled as documents arrive, and the queries on it."""
